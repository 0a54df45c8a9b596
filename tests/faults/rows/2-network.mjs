// N: what a network and a server can do.

import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { row } from "../lib/registry.mjs"
import { deafen } from "../lib/deaf.mjs"
import { temporaryFolder } from "../lib/process.mjs"
import { SCALE } from "../lib/scene.mjs"

/** A busy machine's requests are not given up meanwhile: for rows that count them. */
const CALM = { scale: 1 }

const JSON_TYPE = { "content-type": "application/json" }
const HTML = { status: 200, headers: { "content-type": "text/html" }, body: "<html>Sign in to the network</html>" }

row("N1", "the server is down for 10 minutes", async (scene) => {
  const { chaos } = scene
  const page = await scene.visit()
  await chaos.down()
  await scene.read(page, "plain", 0, 10)
  await scene.statsOnce(page, "a failure", ({ resent }) => resent >= 1)
  const [{ at: startedMs }] = await scene.deliveries(page)
  await scene.sleep(600_000 * SCALE)
  const requests = await scene.sendings(page, startedMs, startedMs + 600_000 * SCALE)
  assert.ok(requests <= 25, `${requests} requests in 10 minutes, expected at most 25`)
  const { nextFlushAtMs, pending } = await scene.statsOnce(page, "a plan", ({ nextFlushAtMs }) => nextFlushAtMs !== undefined && nextFlushAtMs !== null)
  assert.equal(pending, 10)
  const waitMs = nextFlushAtMs - (await page.evaluate(() => Date.now()))
  assert.ok(waitMs <= 65_000 * SCALE, `the next attempt is ${waitMs} ms away, expected at most 65 s of the scale`)
  await chaos.up()
  await scene.check()
})

/** Each row comes twice and is kept once. */
async function comesTwice(scene, step) {
  await scene.chaos.script(step, {})
  const page = await scene.visit(CALM)
  await scene.read(page, "split", 0, 10)
  await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  const { ids, requests } = await scene.chaos.ledger()
  assert.deepEqual(Object.values(ids).map(({ count }) => count), Array(10).fill(2))
  assert.deepEqual(requests[1].ids, requests[0].ids)
  await scene.check()
}

row("N7", "204 after commit, connection cut before the acknowledgement", (scene) => comesTwice(scene, { commitThenCut: true }))

row("N8", "500 after commit", (scene) => comesTwice(scene, { status: 500, commit: true }))

row("N10", "400 or 422 for one poison row in 50", async (scene) => {
  const page = await scene.visit()
  for (const [round, rejectStatus] of [400, 422].entries()) {
    const poison = `plain${50 * round + 13}`
    await scene.chaos.script({ rejectIf: poison, rejectStatus })
    await scene.read(page, "plain", 50 * round, 50 * round + 50)
    scene.expectNot(poison)
    await scene.statsOnce(page, "an end", ({ pending }) => pending === 0)
    const { dropped } = await scene.stats(page)
    assert.deepEqual(dropped, { rejected: round + 1 })
  }
  await scene.read(page, "plain", 100, 101) // with it goes the ledger
  await scene.check()
})

row("N11", "401, 403, 404, 410", async (scene) => {
  const halfHourMs = 30 * 60_000 * SCALE
  await Promise.all([401, 403, 404, 410].map(async (status, place) => {
    const server = await scene.server()
    await server.script({ status })
    const options = { exposures: { endpoint: server.endpoint, key: `pk_${status}` } }
    const page = await scene.visit(options)
    await page.evaluate((from) => read("plain", from, from + 5), 5 * place)
    // The first answer that is heard suspends; one that comes too late on a busy machine is a request that was given up.
    const suspended = () => page.evaluate((leastMs) => deliveries.some(({ waitMs }) => waitMs > leastMs), 0.8 * halfHourMs)
    await scene.eventually(`suspended by ${status}`, suspended)
    const before = await scene.sendings(page)
    await page.evaluate(() => read("split", 0, 3))
    await scene.sleep(0.7 * halfHourMs)
    assert.equal(await scene.sendings(page), before, `requests after ${status}, before the 30 minutes are over`)
    const { length } = (await server.ledger()).requests
    await page.reload()
    await scene.ready(page)
    await scene.begin(page, options)
    await scene.eventually("the next load's request", async () => (await server.ledger()).requests.length, (count) => count > length)
    await server.script({})
    await page.reload()
    await scene.ready(page)
    await scene.begin(page, options)
    await scene.eventually("all kept", async () => Object.keys((await server.ledger()).ids).length, (count) => count === 8)
  }))
  await scene.checkPages()
})

row("N13", "413", async (scene) => {
  const page = await scene.visit()
  await scene.chaos.script({ maxRows: 3 })
  await scene.read(page, "plain", 0, 20)
  await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  await scene.chaos.script({ maxRows: 0 })
  await page.evaluate(() => read("plain", 20, 22))
  await scene.statsOnce(page, "an end", ({ pending }) => pending === 0)
  const { dropped, delivered } = await scene.stats(page)
  assert.deepEqual([dropped, delivered], [{ too_large: 2 }, 20])
  await scene.chaos.script({})
  await scene.read(page, "plain", 22, 23)
  await scene.check()
})

row("N14", "429 with Retry-After 30: no request of any tab, also after a reload", async (scene) => {
  const afterMs = 30_000
  await scene.chaos.script({ status: 429, retryAfter: String(afterMs / 1000) }, {})
  const options = { scale: 1 }
  const page = await scene.visit(options)
  await scene.read(page, "plain", 0, 3)
  await scene.ledgerOnce("the refusal", ({ requests }) => requests[0]?.status === 429)
  await scene.statsOnce(page, "the refusal", ({ sending }) => sending === 0)
  const other = await scene.visit(options)
  await scene.read(other, "plain", 3, 6)
  await scene.read(page, "plain", 6, 8)
  await page.reload()
  await scene.ready(page)
  await scene.begin(page, options)
  await scene.read(page, "plain", 8, 10)
  // Whoever asks for it, and what goes at an exit.
  await other.evaluate(() => client.flush())
  const left = await scene.visit(options)
  await scene.read(left, "plain", 10, 12)
  await scene.goto(left, "/elsewhere.html")
  const [refused, next] = await scene.eventually("the next request", scene.requests, ({ length }) => length >= 2, 4 * afterMs)
  const waitedMs = next.at_ms - refused.answered_ms
  assert.ok(waitedMs >= afterMs, `the next request after ${waitedMs} ms`)
  // A new page takes over at once what another has left.
  await scene.visit(options)
  await scene.check()
})

row("N18", "301, 302, 307 to another origin", async (scene) => {
  const elsewhere = await scene.server()
  await scene.chaos.script(...[301, 302, 307].map((redirect) => ({ redirect, to: `${elsewhere.shop}/elsewhere` })), {})
  const page = await scene.visit(CALM)
  await scene.read(page, "split", 0, 5)
  await scene.arrived()
  assert.equal((await elsewhere.ledger()).elsewhere, 0, "requests that followed the redirect")
  assert.equal((await scene.requests()).length, 4)
  await scene.check()
})

row("N22", "the answer is shorter than its Content-Length", async (scene) => {
  const page = await scene.visit(CALM)
  await scene.chaos.script({ status: 200, headers: JSON_TYPE, truncate: true })
  await scene.read(page, "plain", 0, 5)
  await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  assert.equal((await scene.requests()).length, 1, "the status has said it")
  await scene.chaos.script({ status: 500, truncate: true }, {})
  await scene.read(page, "plain", 5, 10)
  await scene.check()
  assert.equal((await scene.requests()).length, 3)
})

row("N24", "captive portal: 200 with a page", async (scene) => {
  await scene.chaos.script({ ...HTML, commit: false, repeat: 3 }, {})
  const page = await scene.visit(CALM)
  await scene.read(page, "split", 0, 5)
  await scene.check()
  assert.equal((await scene.requests()).length, 4)
})

row("N5", "headers come and the body never ends", async (scene) => {
  await scene.chaos.script({ status: 200, headers: JSON_TYPE, neverEnd: true })
  const page = await scene.visit({ scale: 1 })
  // Together far more than the 64 KiB that a browser lets keepalive requests have in flight, until their bodies have come
  // or are given up.
  for (let round = 0; round < 8; round++) {
    await scene.read(page, "plain", 60 * round, 60 * round + 60)
    await scene.statsOnce(page, "delivered by the status", ({ pending }) => pending === 0)
  }
  // Chromium gives the quota back with the body, Firefox when the request is aborted, five seconds later, WebKit never. A batch
  // that finds none left goes again, without keepalive.
  const { resent } = await scene.stats(page)
  assert.ok(resent <= (scene.name === "chromium" ? 0 : 480), `${resent} rows were sent again`)
  if (scene.name === "firefox") {
    await scene.sleep(6000)
    await scene.read(page, "plain", 480, 540)
    await scene.statsOnce(page, "delivered by the status", ({ pending }) => pending === 0)
    assert.equal((await scene.stats(page)).resent, resent, "rows sent again when the quota is there")
  }
  await scene.check()
})

row("N9", "204 with a stray body; 200 with HTML; 200 with JSON that is broken", async (scene) => {
  const page = await scene.visit(CALM)
  let before = 0
  for (const [round, { step, requests }] of [
    { step: { status: 204, body: "stray" }, requests: 1 },
    { step: { ...HTML, commit: false }, requests: 2 },
    { step: { status: 200, headers: JSON_TYPE, body: '{"accepted":' }, requests: 1 },
  ].entries()) {
    await scene.chaos.script(step, {})
    await scene.read(page, "plain", 5 * round, 5 * round + 5)
    await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
    const { length } = await scene.requests()
    assert.equal(length - before, requests, JSON.stringify(step))
    before = length
  }
  await scene.check()
})

row("N2", "the endpoint's name does not exist", async (scene) => {
  // The outbox is found by the namespace, whatever the endpoint.
  const page = await scene.visit({ namespace: "names", exposures: { endpoint: "http://pennon.invalid/exposures" } })
  await scene.read(page, "plain", 0, 10)
  const { pending } = await scene.statsOnce(page, "a failure", ({ unreachable }) => unreachable >= 1)
  assert.equal(pending, 10)
  await scene.goto(page, "/elsewhere.html")
  await scene.visit({ namespace: "names" })
  await scene.check()
})

row("N3", "offline and online 20 times", async (scene) => {
  const page = await scene.visit({ scale: 1 / 600, exposures: { flushIntervalMs: 3_600_000 } })
  for (let round = 0; round < 20; round++) {
    await page.offline(true)
    await scene.eventually("offline", () => page.evaluate(() => navigator.onLine), (onLine) => !onLine)
    await scene.read(page, "plain", 2 * round, 2 * round + 2)
    await page.offline(false)
    await scene.arrived()
    await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  }
  const { requests, max_concurrent } = await scene.chaos.ledger()
  // A slow machine's requests are given up, and made again.
  const failures = await scene.failures(page)
  assert.equal(requests.length - failures, 20, "flushes")
  assert.ok(max_concurrent <= 1 + failures, `${max_concurrent} requests at once`)
  await scene.check()
}, { cannot: { webkit: "The driver cannot take the network away." }, alone: true })

row("N4", "packets vanish: SYN at first, then all that follows", async (scene) => {
  const { chaos } = scene
  const page = await scene.visit({ scale: 1 })
  await chaos.down()
  const hear = scene.use(await deafen(new URL(chaos.origin).port), (hear) => hear())
  await scene.read(page, "plain", 0, 10)
  /** That the request which had so many before it was given up, and when. */
  const lasted = async (before) => {
    const told = await scene.eventually(`request ${before} given up`, () => scene.deliveries(page), (told) => told.length >= 2 * before + 2, 60_000)
    const [sending, failed] = told.slice(2 * before)
    assert.deepEqual([sending.status, failed.status], ["sending", "failed"])
    // By the client's clock: a busy server notices several at once.
    const waitedMs = failed.at - sending.at
    assert.ok(waitedMs >= 9900, `given up after ${waitedMs} ms, expected 10 s`)
  }
  await lasted(0)
  const { pending, unreachable } = await scene.stats(page)
  assert.deepEqual([pending, unreachable, await page.evaluate(() => navigator.onLine)], [10, 1, true])
  // Connections are taken again, and nothing comes of them.
  await hear()
  await chaos.script({ blackhole: true })
  await chaos.up()
  // Those that began before found, on a busy machine, nobody there at all.
  await lasted(await scene.sendings(page))
  await chaos.script({})
  await scene.check()
})

row("N6", "an upload of one byte a second", async (scene) => {
  await scene.chaos.script({ drip: 1, repeat: 3 }, {})
  const page = await scene.visit()
  await scene.read(page, "plain", 0, 60)
  await scene.arrived()
  // The server, which reads so slowly, does not notice when it is given up: the client says what it had in flight.
  const [first, second, ...rest] = (await scene.deliveries(page)).map(({ status }) => status)
  assert.deepEqual([first, second, ...rest.slice(0, 4)], Array(3).fill(["sending", "failed"]).flat())
  await scene.check()
})

row("N12", "408, 425", async (scene) => {
  await scene.chaos.script({ status: 408 }, { status: 425 }, {})
  const page = await scene.visit(CALM)
  await scene.read(page, "plain", 0, 10)
  await scene.check()
  assert.deepEqual((await scene.requests()).slice(0, 2).map(({ status }) => status), [408, 425])
})

/** The bounds of a wait that a server asks for, and the wait where it does not say: at 1/60 of their times. */
const [LEAST_MS, LONGEST_MS, DEFAULT_MS] = [1000, 3_600_000, 60_000].map((ms) => ms * SCALE)

/** Which wait, in milliseconds, each `Retry-After` leads to: at least and, before jitter of a tenth, at most. A date has whole seconds. */
const RETRY_AFTER = [
  { step: { retryAfterDateS: 20 }, least: 19_000, most: 20_000 },
  { step: { retryAfterDateS: 7200 }, least: LONGEST_MS, most: LONGEST_MS },
  { step: { retryAfterDateS: -60 }, least: LEAST_MS, most: LEAST_MS },
  { step: { retryAfter: "12" }, least: 12_000, most: 12_000 },
  { step: { retryAfter: "0" }, least: LEAST_MS, most: LEAST_MS },
  { step: { retryAfter: "-5" }, least: DEFAULT_MS, most: DEFAULT_MS },
  { step: { retryAfter: "abc" }, least: DEFAULT_MS, most: DEFAULT_MS },
  { step: { retryAfter: "1000000000000" }, least: LONGEST_MS, most: LONGEST_MS },
  { step: {}, least: DEFAULT_MS, most: DEFAULT_MS },
]

/** A page whose client has just heard a 429 with that step, its server, and what it told of it. */
async function refusedWith(scene, step, place) {
  for (let attempt = 0; attempt < 5; attempt++) {
    const server = await scene.server()
    await server.script({ status: 429, ...step }, {})
    const page = await scene.visit({ exposures: { endpoint: server.endpoint, key: `pk_${place}_${attempt}` } })
    await page.evaluate(() => read("plain", 0, 5))
    const failed = await scene.eventually("the refusal", () => page.evaluate(() => deliveries.find(({ status }) => status === "failed")))
    if ((await scene.stats(page)).unreachable === 0) return { server, page, failed }
    // A slow machine has given the request up before the answer came, which shows nothing.
    await scene.goto(page, "/elsewhere.html")
  }
  return assert.fail(`${JSON.stringify(step)}: every request was given up`)
}

/** A 429 each. The client plans no other wait than that, and waits for so long. */
async function waitsAfter429(scene, cases) {
  await Promise.all(cases.map(async ({ step, least, most }, place) => {
    const what = JSON.stringify(step)
    const { server, page, failed } = await refusedWith(scene, step, place)
    assert.ok(failed.waitMs <= 1.1 * most + 5, `${what}: plans to wait ${failed.waitMs} ms, expected at most ${1.1 * most}`)
    const [refused, next] = await scene.eventually(`${what}: the next request`, async () => (await server.ledger()).requests, ({ length }) => length >= 2, 2 * LONGEST_MS)
    const waitedMs = next.at_ms - refused.answered_ms
    assert.ok(waitedMs >= least, `${what}: waited ${waitedMs} ms, expected at least ${least}`)
    await scene.statsOnce(page, `${what}: all delivered`, ({ pending }) => pending === 0)
  }))
  await scene.checkPages()
}

row("N15", "429 with a date, a negative number, a word, a huge number, nothing", (scene) => waitsAfter429(scene, RETRY_AFTER))

row("N16", "Retry-After that CORS does not let the page read", (scene) =>
  waitsAfter429(scene, [{ retryAfter: "20" }, { retryAfterDateS: 20 }, { retryAfter: "0" }].map((step) => ({ step: { ...step, exposeHeaders: false }, least: DEFAULT_MS, most: DEFAULT_MS }))))

row("N17", "500, 502, 503 and 504 at random, in 30 %", async (scene) => {
  await scene.chaos.script({ random: { p: 0.3, statuses: [500, 502, 503, 504] } })
  const page = await scene.visit()
  for (let round = 0; round < 30; round++) {
    await scene.read(page, "plain", 10 * round, 10 * round + 10)
    await scene.sleep(30)
  }
  const { requests } = await scene.arrived()
  assert.ok(requests.some(({ status }) => status >= 500), "none of the answers was an error, so that nothing is shown")
  await scene.check()
})

row("N19", "CORS denied, and the server has the rows", async (scene) => {
  const scale = 1 / 600
  await scene.chaos.script({ cors: false })
  const page = await scene.visit({ scale })
  await scene.read(page, "plain", 0, 10)
  const failed = async () => (await scene.deliveries(page)).filter(({ status }) => status === "failed")
  await scene.eventually("20 minutes of failures", failed, (list) => list.at(-1)?.at - list[0]?.at > 20 * 60_000 * scale)
  const list = await failed()
  const waits = (from, to) => list.filter(({ at }) => at - list[0].at >= from * scale && at - list[0].at < to * scale).map(({ waitMs }) => waitMs / scale)
  assert.ok(Math.max(...waits(0, 14 * 60_000)) <= 61_000, `waits of the first minutes: ${waits(0, 14 * 60_000)}`)
  const late = waits(16 * 60_000, Infinity)
  assert.ok(Math.max(...late) > 61_000 && Math.max(...late) <= 301_000, `waits after 15 minutes: ${late}`)
  await scene.chaos.script({})
  await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  await scene.check()
})

row("N20", "a content blocker that stays", async (scene) => {
  const scale = 1 / 600
  const page = await scene.visit({ scale, exposures: { flushIntervalMs: 100 } })
  const unblock = await page.block("/exposures")
  await scene.read(page, "plain", 0, 100)
  await scene.statsOnce(page, "a failure", ({ resent }) => resent >= 1)
  const [{ at: startedMs }] = await scene.deliveries(page)
  await scene.sleep(75 * 60_000 * scale)
  const requests = await scene.sendings(page, startedMs + 15 * 60_000 * scale, startedMs + 75 * 60_000 * scale)
  assert.ok(requests <= 20, `${requests} requests in the hour after 15 minutes, expected at most 20`)
  const bytes = await page.evaluate(() => Object.entries(localStorage).filter(([key]) => /:q:/.test(key)).reduce((sum, [key, text]) => sum + key.length + text.length, 0))
  assert.ok(bytes > 0 && bytes <= 65_536, `the outbox has ${bytes} bytes`)
  await unblock()
  await scene.check()
}, { cannot: { webkit: "The driver cannot refuse requests." } })

row("N21", "RST during the upload; TLS that fails; HTTP/2 that goes away", async (scene) => {
  await scene.chaos.script({ reset: "upload" }, { reset: "before" }, {})
  const page = await scene.visit()
  await scene.read(page, "plain", 0, 60)
  await scene.arrived()
  // A server that speaks no TLS.
  const plain = await scene.visit({ namespace: "plain", exposures: { endpoint: scene.chaos.endpoint.replace("http:", "https:") } })
  await scene.read(plain, "split", 0, 10)
  await scene.statsOnce(plain, "a failure", ({ resent, unreachable }) => resent >= 1 || unreachable >= 1)
  await scene.goto(plain, "/elsewhere.html")
  await scene.visit({ namespace: "plain" })
  await scene.check()
  // One that speaks HTTP/2, and goes away. (Chromium sends a request again by itself after a GOAWAY.)
  const server = await scene.server({ tls: true })
  await server.script({ goaway: true, repeat: 3 }, {})
  const world = await scene.worldOf(await scene.launch({ acceptsAnyCertificate: true }))
  const secure = await scene.visit({ exposures: { endpoint: `${server.secure}/exposures` } }, { from: world })
  await secure.evaluate(() => read("plain", 100, 110))
  await scene.statsOnce(secure, "all delivered", ({ pending }) => pending === 0)
  assert.equal(scene.keptKeys(await server.ledger()).length, 10)
  assert.ok((await scene.stats(secure)).resent >= 1, "sent again by the client")
  await scene.checkPages()
})

row("N23", "the host page has 60 KiB of keepalive requests in flight", async (scene) => {
  const hole = await scene.server()
  await hole.script({ blackhole: true })
  const page = await scene.visit()
  await page.evaluate((url) => {
    fetch(url, { method: "POST", keepalive: true, mode: "no-cors", body: "x".repeat(60 * 1024) }).catch(() => {})
  }, hole.endpoint)
  await scene.eventually("the host's request", async () => (await hole.ledger()).requests.length)
  await scene.read(page, "plain", 0, 30)
  await scene.arrived()
  await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  // At the exit there is no room either: what cannot go then stays for the next visit.
  const to = `${scene.chaos.shop}/elsewhere.html`
  await page.evaluate((to) => void setTimeout(() => {
    read("split", 0, 30)
    location.assign(to)
  }, 200), to)
  scene.expect("split", 0, 30)
  await scene.eventually("the next page", page.url, (url) => url === to)
  await scene.visit()
  await scene.check()
})

row("N25", "an endpoint that is none; mixed content; a file: page", async (scene) => {
  const { shop } = scene.chaos
  const page = await scene.open()
  const codes = await page.evaluate(async ({ scale, ...options }) => {
    const codes = []
    for (const endpoint of ["ftp://127.0.0.1/exposures", "http://", "data:,x", "", 7]) {
      await pennon.createClient({ ...options, exposures: { ...options.exposures, endpoint } }).then(() => codes.push("none"), ({ code }) => codes.push(code))
    }
    return codes
  }, scene.options())
  assert.deepEqual(codes, Array(5).fill("INVALID_URL"))

  /** Flags are answered, nothing is sent, and one problem says so. */
  async function sendsNothing(page, endpoint) {
    await scene.begin(page, { ruleset: { schema: 1, flags: { plain0: { variants: { on: 0 }, default: "on" } } }, exposures: { endpoint } })
    assert.equal(await page.evaluate(() => client.getFlag("plain0", "fallback")), 0)
    await scene.flush(page)
    const problems = await page.evaluate(() => client.problems())
    assert.equal(problems.length, 1, JSON.stringify(problems))
  }
  const file = join(temporaryFolder(), "page.html")
  writeFileSync(file, `<!doctype html><link rel="icon" href="data:,"><script src="${shop}/ear.js"></script>
    <script type="importmap">{ "imports": { "pennon": "${shop}/testing/testing.js" } }</script>
    <script type="module" src="${shop}/page.js"></script>`)
  const local = await scene.open("", { at: pathToFileURL(file).href })
  await sendsNothing(local, "/exposures")

  const { secure } = await scene.server({ tls: true })
  const world = await scene.worldOf(await scene.launch({ acceptsAnyCertificate: true }))
  const mixed = await scene.open("/open.html", { at: secure, from: world })
  await sendsNothing(mixed, "http://shop.example/exposures")
  await scene.checkPages()
})
