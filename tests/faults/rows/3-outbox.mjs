// S: what becomes of what is kept in storage.

import assert from "node:assert/strict"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { writeFile } from "node:fs/promises"
import { leases, leaveUnsent, linesOf, ours, put, segments, tamper } from "../lib/outbox.mjs"
import { row } from "../lib/registry.mjs"

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** Notes the body of every request of the page. */
function noteBodies() {
  globalThis.bodies = []
  const { fetch } = globalThis
  globalThis.fetch = (url, init) => {
    if (init?.body) bodies.push(String(init.body))
    return fetch(url, init)
  }
}

row("S6", "rows in storage were tampered with: more fields, __proto__, huge texts, a wrong id", async (scene) => {
  const page = await leaveUnsent(scene, "plain", 0, 7)
  const changes = {
    plain0: (row) => row.replace("{", '{"__proto__":{"polluted":1},"extra":"x","constructor":{"prototype":{"polluted":1}},'),
    plain1: (row) => row.replace('"variant":"on"', '"variant":"off"'),
    plain2: (row) => row.replace(/"id":"[^"]+"/, '"id":"AAAAAAAAAAAAAAAAAAAAAA"'),
    plain3: (row) => row.replace('"plain3"', `"${"x".repeat(1_000_000)}"`),
    plain4: () => "[]",
    plain5: (row) => row.replace('"variant":"on"', '"variant":7'),
  }
  await tamper(page, (row, key) => changes[key]?.(row) ?? row)
  scene.expectNot("plain1", "plain2", "plain3", "plain4", "plain5")
  const next = await scene.prepared(noteBodies)
  await scene.begin(next)
  await scene.arrived()
  await scene.statsOnce(next, "all delivered", ({ pending }) => pending === 0)
  assert.deepEqual((await scene.stats(next)).dropped, { wal_corrupt: 5 })
  const sent = (await next.evaluate(() => bodies)).join("\n")
  for (const text of ["polluted", '"extra"', "xxxx"]) assert.ok(!sent.includes(text), `${text} was sent`)
  assert.deepEqual(await next.evaluate(() => [({}).polluted ?? "clean", {}.constructor === Object]), ["clean", true])
  await scene.read(next, "plain", 7, 8) // with it goes the ledger
  await scene.check()
})

row("S7", "storage is cleared while the page is open", async (scene) => {
  await scene.chaos.script({ status: 503 })
  const page = await scene.visit()
  await scene.read(page, "plain", 0, 5)
  await scene.requestsOnce(1)
  const before = await page.evaluate(() => ({ ...client.identity, session: client.session.id }))
  const sibling = await scene.open("/elsewhere.html")
  for (const [round, cleaner] of [page, sibling].entries()) {
    await cleaner.evaluate(() => localStorage.clear())
    const count = 6 + round
    await scene.read(page, "plain", count - 1, count)
    await scene.eventually("all rows in storage again", () => linesOf(page), ({ length }) => length === count)
    assert.deepEqual(await page.evaluate(() => ({ ...client.identity, session: client.session.id })), before, "memory counts")
  }
  await page.evaluate(() => client.session.renew())
  assert.ok(Object.keys(await ours(page)).some((key) => key.endsWith(":s")), "the session is stored again")
  await scene.goto(page, "/elsewhere.html")
  await scene.chaos.script({})
  await scene.visit()
  await scene.check()
})

row("S8", "an outbox of an older and of a newer version", async (scene) => {
  const page = await leaveUnsent(scene, "plain", 0, 5)
  const [[leaseKey, lease]] = Object.entries(await leases(page))
  const [, space] = leaseKey.split(":")
  const newer = (id, endedMs) => ({
    [`pennon1:${space}:q:${id}`]: `2|${Date.now() - endedMs}|open|what is new`,
    [`pennon1:${space}:q:${id}:0`]: "a segment as nobody writes it yet\nof two lines",
  })
  const recent = newer("aaaaaaaa-recent", 6.9 * DAY_MS)
  await put(page, { [leaseKey]: lease.replace("1|", "0|"), ...recent, ...newer("bbbbbbbb-ancient", 7.1 * DAY_MS) })
  const next = await scene.visit()
  await scene.arrived()
  const stored = () => ours(next)
  await scene.eventually("what is older than 7 days, gone", stored, (stored) => !Object.keys(stored).some((key) => key.includes("ancient")))
  // Three times as long as it takes to look for orphans.
  await scene.sleep(3000)
  const left = Object.entries(await stored()).filter(([key]) => key in recent)
  assert.deepEqual(Object.fromEntries(left), recent, "what is newer and younger than 7 days")
  scene.allow({ lost: true }) // What is in a segment that nobody can read, nobody knows.
  await scene.check()
})

/** The package's files as the next major version would be: it keeps what it keeps under another name. */
function nextMajor(site) {
  for (const folder of ["pennon", "testing"]) {
    for (const name of readdirSync(join(site, folder)).filter((name) => /\.(js|wasm)$/.test(name))) {
      const file = join(site, folder, name)
      const text = readFileSync(file, "latin1")
      assert.ok(/inline|node/.test(name) || text.includes("pennon1:"), `${name} names no version`)
      writeFileSync(file, text.replaceAll("pennon1:", "pennon2:"), "latin1")
    }
  }
}

row("S9", "the package is replaced by its next major version, by this one again, and by that", async (scene) => {
  const { chaos, site } = scene
  const files = ["pennon", "testing"].flatMap((folder) => readdirSync(join(site, folder)).map((name) => join(site, folder, name)))
  const original = new Map(files.map((file) => [file, readFileSync(file)]))
  const downgrade = () => Promise.all([...original].map(([file, bytes]) => writeFile(file, bytes)))
  const page = await leaveUnsent(scene, "plain", 0, 5)
  // A minor one may say more in its ledgers.
  const more = Object.entries(await leases(page)).map(([key, text]) => [key, text.replaceAll('{"instance_id"', '{"later":{"a":[1]},"instance_id"')])
  await put(page, Object.fromEntries(more))
  nextMajor(site)
  await leaveUnsent(scene, "plain", 5, 10)
  const newer = await segments(page)
  assert.deepEqual([...new Set(Object.keys(newer).map((key) => key.slice(0, 8)))].sort(), ["pennon1:", "pennon2:"])
  await downgrade()
  const old = await scene.visit()
  await scene.ledgerOnce("what this version left", ({ ids }) => Object.keys(ids).length >= 5)
  await scene.statsOnce(old, "all delivered", ({ pending }) => pending === 0)
  const kept = scene.keptKeys(await chaos.ledger())
  assert.deepEqual(kept.sort(), [0, 1, 2, 3, 4].map((place) => `plain${place}`))
  const untouched = Object.entries(newer).filter(([key]) => key.startsWith("pennon2:"))
  const after = await segments(old)
  assert.deepEqual(untouched.map(([key]) => [key, after[key]]), untouched)
  nextMajor(site)
  await scene.visit()
  await scene.check()
}, { ownSite: true })

row("S10", "two clients on a page, of the same and of another environment", async (scene) => {
  const other = await scene.server()
  // Rows that one has left are none of the other's business.
  await leaveUnsent(scene, "plain", 0, 5)
  const page = await scene.visit({ exposures: { endpoint: other.endpoint, key: "pk_other" } })
  assert.equal(await page.evaluate(() => read("plain", 5, 8)), 3)
  await scene.eventually("the other's rows", async () => scene.keptKeys(await other.ledger()).sort().join(), (keys) => keys === "plain5,plain6,plain7")
  await scene.sleep(1500) // longer than it takes to look for orphans
  assert.deepEqual([scene.keptKeys(await other.ledger()).length, (await scene.requests()).length], [3, 0])
  // A client of the first environment, and one more like it.
  const twins = scene.options()
  await page.evaluate(async (options) => {
    const { scale, ...own } = options
    globalThis.twins = [await pennon.createClient(own), await pennon.createClient(own)]
  }, twins)
  const answers = await page.evaluate(() => [0, 1, 2, 3].flatMap((at) => twins.map((client) => client.getFlag(`split${at}`, "fallback"))))
  assert.ok(answers.every((answer, at) => answer !== "fallback" && answer === answers[at - (at % 2)]), JSON.stringify(answers))
  scene.expect("split", 0, 4)
  const { ids } = await scene.arrived()
  await page.evaluate(() => Promise.all(twins.map((client) => client.flush())))
  // What one has delivered the other knows, once it is stored.
  await scene.eventually("nothing waiting", () => page.evaluate(() => twins.reduce((sum, client) => sum + client.stats().pending, 0)), (sum) => sum === 0)
  assert.equal(Object.keys(ids).length, 9)
  assert.equal(scene.keptKeys(await other.ledger()).length, 3, "nothing of one environment goes to the other's server")
  await scene.check()
})

/** Runs in a frame: begins, reads, and tells the page around it. */
const frameScript = (options) => `
  await begin(${JSON.stringify(options)})
  const answered = read("split", 0, 5)
  const { pending } = await client.flush()
  parent.postMessage({ answered, pending, device: client.identity.deviceId, heard: ear.noted }, "*")`

row("S11", "a frame of another site, whose storage is partitioned", async (scene) => {
  // To a page on 127.0.0.1 it is another site.
  const elsewhere = scene.chaos.shop.replace("127.0.0.1", "localhost")
  const options = scene.options({ identity: { distinctId: "p" }, exposures: { dedup: "identity" } })
  const page = await scene.open()
  const frame = `${elsewhere}/open.html?run=${encodeURIComponent(frameScript(options))}`
  const inFrame = () => page.evaluate((src) => new Promise((resolve) => {
    addEventListener("message", ({ data }) => data?.device && resolve(data), { once: true })
    const frame = document.createElement("iframe")
    frame.src = src
    document.body.append(frame)
  }), frame)
  const found = await inFrame()
  assert.deepEqual([found.answered, found.pending, found.heard], [5, 0, []])
  // The same person on that site itself.
  const own = await scene.visit(options, { at: elsewhere })
  await scene.read(own, "split", 0, 5)
  await scene.flush(own)
  const { ids } = await scene.arrived()
  assert.equal(Object.values(ids).filter(({ is_link }) => !is_link).length, 5, "the server holds each once")
  await scene.check()
})

row("S12", "private mode, in which storage ends with the window", async (scene) => {
  const devices = []
  for (let visit = 0; visit < 2; visit++) {
    // Chromium's contexts are private, and so is WebKit while it is driven.
    const browser = scene.name === "chromium" ? scene.browser : await scene.launch({ isPrivate: true })
    const world = await scene.worldOf(browser)
    const page = await scene.open("/open.html", { from: world })
    assert.deepEqual(await ours(page), {}, "what the last window left")
    await scene.begin(page)
    await scene.read(page, "plain", 5 * visit, 5 * visit + 5)
    await scene.arrived()
    devices.push(await page.evaluate(() => client.identity.deviceId))
    await scene.checkPages()
    await (scene.name === "chromium" ? world : browser).close()
  }
  assert.notEqual(devices[0], devices[1])
  await scene.check()
})

row("S13", "a write to storage takes 200 ms", async (scene) => {
  const page = await scene.prepared(() => {
    globalThis.writes = []
    const { setItem } = Storage.prototype
    Storage.prototype.setItem = function (key, text) {
      if (/^pennon/.test(key)) {
        writes.push(key)
        for (const until = performance.now() + 200; performance.now() < until; );
      }
      setItem.call(this, key, text)
    }
  })
  await scene.begin(page, { exposures: { flushIntervalMs: HOUR_MS } })
  // Fewer than a batch, which would be sent, and stored before that.
  for (let round = 0; round < 4; round++) {
    // One task: what it records is stored at its end, before anything else is done.
    const written = await page.evaluate((from) => new Promise((resolve) => {
      setTimeout(() => {
        writes.length = 0
        const answered = read("plain", from, from + 20)
        const during = writes.length
        queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => resolve({ answered, during, after: [...writes] }))))
      })
    }), 20 * round)
    assert.deepEqual([written.answered, written.during], [20, 0])
    const toSegments = written.after.filter((key) => /:q:[^:]+:/.test(key))
    assert.equal(toSegments.length, 1, `writes of one task: ${written.after.join(" ")}`)
    scene.expect("plain", 20 * round, 20 * round + 20)
    assert.equal((await linesOf(page)).length, 20 * round + 20)
  }
  await scene.flush(page)
  await scene.check()
})

row("S14", "rows that are older than 7 days", async (scene) => {
  const eightDaysAgo = () => {
    const { now } = Date
    Date.now = () => now() - 8 * 86_400_000
  }
  await leaveUnsent(scene, "plain", 0, 5, { prepare: eightDaysAgo })
  scene.expectNot("plain0", "plain1", "plain2", "plain3", "plain4")
  const page = await scene.visit()
  await scene.read(page, "plain", 5, 7)
  await scene.arrived()
  await scene.statsOnce(page, "the old rows' end", ({ pending, dropped }) => pending === 0 && dropped.expired === 5)
  await scene.read(page, "plain", 7, 8) // with it goes the ledger
  await scene.arrived()
  const ledger = await scene.ledgerOnce("the old rows' ledger", ({ instances }) => Object.values(instances).some(({ ledger }) => ledger.dropped.expired === 5))
  assert.equal(Object.keys(ledger.ids).length, 3)
  await scene.check()
})

row("S15", "consent is denied while rows wait", async (scene) => {
  await scene.chaos.script({ status: 503 })
  const [page, sibling] = [await scene.visit(), await scene.visit()]
  for (const [at, one] of [page, sibling].entries()) await one.evaluate((from) => read("plain", from, from + 20), 20 * at)
  await scene.eventually("rows in storage", () => linesOf(page), ({ length }) => length === 40)
  await page.evaluate(() => localStorage.setItem("host", "keeps this"))
  const left = await page.evaluate(() => {
    client.setConsent("denied")
    return Object.keys(localStorage)
  })
  assert.deepEqual(left, ["host"], "purged in the same task")
  for (const one of [page, sibling]) {
    await scene.statsOnce(one, "nothing waiting", ({ pending }) => pending === 0)
    assert.deepEqual((await scene.stats(one)).dropped, { consent: 20 })
    assert.equal(await one.evaluate(() => client.getFlag("plain50", "fallback")), 50, "flags answer all the same")
  }
  await scene.chaos.script({})
  const before = (await scene.requests()).length
  await scene.sleep(2500) // more than the longest wait of a retry, and than it takes to look for orphans
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")))
  await scene.goto(sibling, "/elsewhere.html")
  assert.deepEqual(Object.keys(await ours(page)), [], "nothing is stored again")
  const after = await scene.chaos.ledger()
  assert.deepEqual([Object.keys(after.ids).length, after.requests.length - before], [0, 0])
  scene.allow({ lost: true }) // That they were dropped is told to nobody either.
  await scene.check()
})
