// One row's world: a chaos server with an origin of its own, pages on it, and the checks that every row ends with.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { startChaos } from "./chaos.mjs"
import { eventually, sleep } from "./wait.mjs"

/** All constants of time of a client are this much shorter than in life, unless a row says otherwise. */
export const SCALE = 1 / 60

/**
 * `driver`: the module that launches the browser; `browser`: one that is running, shared with other rows. `site`: the
 * folder of pages.
 */
export async function openScene({ driver, browser, site }) {
  const chaos = await startChaos({ folders: [site] })
  const closing = []
  const pages = []
  const expected = []
  const allowed = { heard: [], repeatedKeys: false, lost: false, preflights: false }
  let world

  const scene = {
    name: driver.name,
    chaos,
    site,
    browser,
    sleep,
    eventually,
    /** Something to be closed when the row is over. */
    use(thing, close = (thing) => thing.close()) {
      closing.push(() => close(thing))
      return thing
    },
    /** A browser of the row's own. */
    launch: async (options) => scene.use(await driver.launch(options)),
    /** What a page is opened in, in a browser of the row's own. */
    worldOf: async (browser, options) => scene.use(await browser.world(options)),
    /** Another server with the same pages. */
    server: async (options) => scene.use(await startChaos({ folders: [site], ...options }), ({ stop }) => stop()),

    /** A visible page of the shop, whose endpoint is on another origin. `at`: the origin to open it on. */
    async open(path = "/open.html", { at = chaos.shop, inTab, from } = {}) {
      // Pages that are opened beside each other share it too.
      world ??= browser.world().then((world) => scene.use(world))
      const page = await (from ?? (await world)).page({ inTab })
      pages.push(page)
      await scene.goto(page, path, { at })
      return page
    },
    async goto(page, path = "/open.html", { at = chaos.shop } = {}) {
      await page.goto(at + path)
      await scene.ready(page)
    },
    /** Waits until the page's module has run; a page that has none is ready when it has loaded. */
    ready: (page) => eventually("the page", () => page.evaluate(() =>
      globalThis.pageIsReady === true ||
      (document.readyState === "complete" && location.protocol !== "about:" && !document.querySelector("script[type=module]")),
    )),

    /** Creates `client`, a global of the page. By default it is anonymous, and sends what is read, and that alone, soon. */
    async begin(page, options = {}) {
      await page.evaluate((options) => begin(options), scene.options(options))
    },
    options: ({ exposures, scale = SCALE, ...others } = {}) => ({
      scale,
      // A busy machine may take long over it.
      ruleset: { url: "/ruleset.json", refreshMs: 0, readyTimeoutMs: 30_000 },
      exposures: { endpoint: chaos.endpoint, key: "pk_test", flushIntervalMs: 100, targeted: false, ...exposures },
      ...others,
    }),
    /** Opens a page, runs `prepare` on it, and only then imports the package. */
    async prepared(prepare, ...args) {
      const page = await scene.open("/bare.html")
      await page.evaluate(prepare, ...args)
      await page.evaluate(() => import("/page.js").then(() => true))
      return page
    },
    /** Opens a page and creates its client. */
    async visit(options, where) {
      const page = await scene.open("/open.html", where)
      await scene.begin(page, options)
      return page
    },
    /**
     * Runs `work` in the page once the driver has its answer: with a page that goes on to another one, the answer would go too.
     */
    async afterwards(page, work, ...args) {
      const name = `told-${randomUUID()}.txt`
      const file = scene.use(join(site, name), async (file) => rmSync(file, { force: true }))
      writeFileSync(file, "")
      await page.evaluate((name, work, args) => {
        const told = async () => (await (await fetch(`/${name}`, { cache: "no-store" })).text()) !== ""
        const wait = async () => {
          while (!(await told())) await new Promise((resolve) => setTimeout(resolve, 50))
          ;(0, eval)(`(${work})`)(...args)
        }
        void wait()
      }, name, `${work}`, args)
      writeFileSync(file, "now")
    },
    /** Reads flags `from` to before `to` of a kind, each of which answers. */
    async read(page, kind, from, to) {
      assert.equal(await page.evaluate((...what) => read(...what), kind, from, to), to - from, "flags that answer")
      scene.expect(kind, from, to)
    },
    /** These flags are to arrive, each as one row. */
    expect(kind, from, to) {
      for (let place = from; place < to; place++) expected.push(kind + place)
    },
    /** These never will. */
    expectNot: (...keys) => keys.forEach((key) => expected.splice(expected.indexOf(key), 1)),
    expected,

    /**
     * Leaves `to - from` exposures in the storage of the shop's origin, as a visit does whose server is broken, and gives
     * the page, which has gone on to one without a client. With the status 403 it sends nothing when it leaves, which might
     * come once the server works.
     */
    async leaveBehind(kind, from, to, { status = 503, ...options } = {}) {
      await chaos.script({ status })
      const page = await scene.visit(options)
      await scene.read(page, kind, from, to)
      await eventually("a refusal", () => scene.failures(page), (failures) => failures > 0)
      await scene.goto(page, "/elsewhere.html")
      await chaos.script({})
      return page
    },

    /** Ends a page as roughly as the driver can without losing the browser. */
    async end(page) {
      pages.splice(pages.indexOf(page), 1)
      await (driver.name === "webkit" ? page.close() : page.crash())
    },

    stats: (page) => page.evaluate(() => client.stats()),
    deliveries: (page) => page.evaluate(() => deliveries),
    /** How many requests a page's client has begun; `from` and `to`: between these times of its clock. */
    sendings: async (page, from = 0, to = Infinity) => (await scene.deliveries(page)).filter(({ status, at }) => status === "sending" && at >= from && at < to).length,
    /** How many of them had no acknowledgement, such as those that a slow machine was given up on. */
    failures: async (page) => (await scene.deliveries(page)).filter(({ status }) => status === "failed").length,
    flush: (page) => page.evaluate(() => client.flush()),
    statsOnce: (page, what, enough) => eventually(what, () => scene.stats(page), enough),

    keptKeys: (ledger) => Object.values(ledger.ids).filter(({ is_link }) => !is_link).map(({ flag_key }) => flag_key),
    /** The ledger, once everything that is expected has arrived. */
    async arrived() {
      let ledger
      await eventually("flags that have not arrived", async () => {
        ledger = await chaos.ledger()
        const kept = new Set(scene.keptKeys(ledger))
        return expected.filter((key) => !kept.has(key))
      }, (missing) => missing.length === 0)
      return ledger
    },
    /** The ledger, once it satisfies. */
    ledgerOnce: (what, enough) => eventually(what, chaos.ledger, enough),
    /** The requests so far. */
    requests: async () => (await chaos.ledger()).requests,
    requestsOnce: (count) => eventually(`${count} requests`, scene.requests, (requests) => requests.length >= count),

    /** What this row may do that no other may: `repeatedKeys`, `lost`, `preflights`; `heard`: patterns of what pages say. */
    allow: ({ heard = [], ...others }) => {
      allowed.heard.push(...heard)
      Object.assign(allowed, others)
    },

    /** What every row ends with: all is there, once, unchanged and without a preflight, and pages were quiet. */
    async check() {
      const ledger = await scene.arrived()
      const kept = scene.keptKeys(ledger)
      assert.deepEqual(ledger.changed_rows, [], "rows that were sent again and not as they were")
      assert.equal(ledger.rows_without_id, 0)
      if (!allowed.preflights) assert.equal(ledger.options, 0, "preflights")
      if (!allowed.repeatedKeys) {
        const repeated = kept.filter((key, place) => kept.indexOf(key) !== place)
        assert.deepEqual(repeated, [], "flags with more than one row")
        assert.deepEqual(kept.filter((key) => !expected.includes(key)), [], "flags that nobody read")
      }
      if (!allowed.lost) {
        const wrong = Object.entries(ledger.instances).filter(([, { lost }]) => lost !== 0)
        assert.deepEqual(wrong, [], "instances whose ledger does not add up")
      }
      await scene.checkPages()
    },
    async checkPages() {
      const heard = (await Promise.all(pages.map((page) => page.heard().catch(() => [])))).flat()
      assert.deepEqual(heard.filter((line) => !allowed.heard.some((pattern) => pattern.test(line))), [], "what pages threw or logged")
    },
    async close() {
      for (const close of closing.reverse()) await close().catch(() => {})
      await chaos.stop()
    },
  }
  return scene
}
