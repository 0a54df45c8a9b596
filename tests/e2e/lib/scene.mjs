// One test's world: a browser profile of its own, a collector of its own, and ears for whatever goes wrong on a page.

import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { chromium } from "playwright-core"
import { startCollector } from "./collector.mjs"
import { FLAGS } from "./flags.mjs"
import { openGate } from "./gate.mjs"
import { openPublisher } from "./publisher.mjs"
import { assembleSite, CHROMIUM } from "./parts.mjs"

/** How long something may take that is to come about. Only a test that fails waits so long. */
const PATIENCE_MS = 20_000

const site = assembleSite()
export const SDK = `pennon/${site.version}`

/** Names for this machine, so that a page can be on one of several hosts of a domain. */
const HOSTS = "--host-resolver-rules=MAP *.pennon.test 127.0.0.1"

let browser
before(async () => {
  // The sandbox refuses to start for root.
  const chromiumSandbox = process.getuid() !== 0
  browser = await chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, HOSTS], chromiumSandbox })
})
after(() => browser?.close())

/** A test that takes a scene. At its end no page may have thrown, rejected or logged anything that was not expected. */
export function promise(name, body) {
  test(name, { timeout: 120_000 }, async () => {
    const scene = await openScene()
    try {
      await body(scene)
      assert.deepEqual(scene.trouble(), [], "pages stay quiet")
    } finally {
      await scene.close()
    }
  })
}

async function openScene() {
  const context = await browser.newContext()
  const collector = await startCollector(site.folder)
  const gates = []
  const closing = []
  const heard = []
  const expected = []
  context.on("weberror", (error) => heard.push(`error: ${error.error()}`))
  context.on("console", (message) => heard.push(`console.${message.type()}: ${message.text()}`))
  await context.addInitScript(() => {
    addEventListener("unhandledrejection", ({ reason }) => console.error(`unhandled rejection: ${reason}`))
  })
  return {
    context,
    collector,
    /** A page of the site, loaded. `createClient` is a global of it. */
    async open(path = "/open.html", origin = collector.origin) {
      const page = await context.newPage()
      await page.goto(origin + path)
      return page
    },
    hidePage: (path, origin = collector.origin) => openHidable(origin + path, closing),
    /** Files that are served to the pages of this scene alone. */
    serve: (path, body) => context.route(`**${path}`, (route) => route.fulfill({ contentType: "text/plain", body })),
    async gate() {
      const gate = await openGate({ target: collector.endpoint, folder: site.folder })
      gates.push(gate)
      return gate
    },
    async publisher() {
      const publisher = await openPublisher(collector.origin)
      gates.push(publisher)
      return publisher
    },
    /** The browser itself logs failed requests and the like: what matches is no trouble, and has to occur. */
    expectLog: (pattern) => expected.push(pattern),
    trouble: () => [
      ...heard.filter((line) => !expected.some((pattern) => pattern.test(line))),
      ...expected.filter((pattern) => !heard.some((line) => pattern.test(line))).map((pattern) => `never heard ${pattern}`),
    ],
    async close() {
      await context.close()
      for (const close of closing) await close()
      await collector.stop()
      for (const gate of gates) await gate.close()
    },
  }
}

/**
 * A tab that can be hidden. The driver makes every tab of its own believe that it is in front; so this one is opened
 * past it, and runs by itself: only its title can be read.
 */
async function openHidable(url, closing) {
  const devtools = await browser.newBrowserCDPSession()
  const { browserContextId } = await devtools.send("Target.createBrowserContext")
  closing.push(() => devtools.send("Target.disposeBrowserContext", { browserContextId }))
  const { targetId } = await devtools.send("Target.createTarget", { url, browserContextId })
  return {
    async title() {
      const { targetInfos } = await devtools.send("Target.getTargets")
      return targetInfos.find((target) => target.targetId === targetId)?.title
    },
    /** Opens another tab, which comes to the front. */
    hide: () => devtools.send("Target.createTarget", { url: "about:blank", browserContextId }),
    show: () => devtools.send("Target.activateTarget", { targetId }),
  }
}

/** Creates `client`, a global of the page. By default it is anonymous, and what is read, and that alone, is sent soon. */
export async function start(page, options = {}) {
  const { exposures, identity, ...others } = options
  await page.evaluate(async (options) => void (globalThis.client = await createClient(options)), {
    ruleset: "/ruleset.json",
    identity,
    exposures: { endpoint: "/api/switch/exposures", flushIntervalMs: 100, targeted: false, ...exposures },
    ...others,
  })
}

/** Calls `flush` and checks that nothing is left. */
export async function flush(page) {
  const { pending } = await page.evaluate(() => client.flush())
  assert.equal(pending, 0, "rows that wait after a flush")
}

/** What `probe` gives, once `enough` is satisfied with it. */
export async function eventually(probe, enough) {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const found = await probe()
    if (enough(found)) return found
    if (Date.now() > deadline) assert.fail(`still ${JSON.stringify(found)} after ${PATIENCE_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** The stored rows, once there are that many. */
export function rowsOnce(collector, count) {
  return eventually(() => collector.rows(), (rows) => rows.length >= count)
}

/** These fields of each row. */
export function only(rows, ...names) {
  return rows.map((row) => Object.fromEntries(names.map((name) => [name, row[name]])))
}
