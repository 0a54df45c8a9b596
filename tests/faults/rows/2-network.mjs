// N: what a network and a server can do.

import assert from "node:assert/strict"
import { row } from "../lib/registry.mjs"
import { SCALE } from "../lib/scene.mjs"

const JSON_TYPE = { "content-type": "application/json" }
const HTML = { status: 200, headers: { "content-type": "text/html" }, body: "<html>Sign in to the network</html>" }

row("N1", "the server is down for 10 minutes", async (scene) => {
  const { chaos } = scene
  const page = await scene.visit()
  await chaos.down()
  await scene.read(page, "plain", 0, 10)
  await scene.statsOnce(page, "a failure", ({ resent }) => resent >= 1)
  await scene.sleep(600_000 * SCALE)
  const requests = await scene.sendings(page)
  assert.ok(requests <= 25, `${requests} requests in 10 minutes, expected at most 25`)
  const { nextFlushAtMs, pending } = await scene.stats(page)
  assert.equal(pending, 10)
  const waitMs = nextFlushAtMs - (await page.evaluate(() => Date.now()))
  assert.ok(waitMs <= 65_000 * SCALE, `the next attempt is ${waitMs} ms away, expected at most 65 s of the scale`)
  await chaos.up()
  await scene.check()
})

/** Each row comes twice and is kept once. */
async function comesTwice(scene, step) {
  await scene.chaos.script(step, {})
  const page = await scene.visit()
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
  const scale = 1 / 600
  await Promise.all([401, 403, 404, 410].map(async (status, place) => {
    const server = await scene.server()
    const requests = async () => (await server.ledger()).requests.length
    await server.script({ status })
    const options = { scale, exposures: { endpoint: server.endpoint, key: `pk_${status}` } }
    const page = await scene.visit(options)
    await page.evaluate((from) => read("plain", from, from + 5), 5 * place)
    await scene.eventually(`a request answered with ${status}`, requests)
    await scene.sleep(0.7 * 30 * 60_000 * scale)
    assert.equal(await requests(), 1, `requests after ${status}, before the 30 minutes are over`)
    await page.reload()
    await scene.ready(page)
    await scene.begin(page, options)
    await scene.eventually("the next load's request", requests, (count) => count >= 2)
    await server.script({})
    await scene.eventually("all kept", async () => Object.keys((await server.ledger()).ids).length, (count) => count === 5)
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

row("N14", "429 with Retry-After: no request of any tab, also after a reload", async (scene) => {
  const afterS = 6
  await scene.chaos.script({ status: 429, retryAfter: String(afterS) }, {})
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
  await scene.arrived()
  const [refused, next] = await scene.requests()
  const waitedMs = next.at_ms - refused.answered_ms
  assert.ok(waitedMs >= afterS * 1000, `the next request after ${waitedMs} ms`)
  await scene.check()
})

row("N18", "301, 302, 307 to another origin", async (scene) => {
  const elsewhere = await scene.server()
  await scene.chaos.script(...[301, 302, 307].map((redirect) => ({ redirect, to: `${elsewhere.shop}/elsewhere` })), {})
  const page = await scene.visit()
  await scene.read(page, "split", 0, 5)
  await scene.arrived()
  assert.equal((await elsewhere.ledger()).elsewhere, 0, "requests that followed the redirect")
  assert.equal((await scene.requests()).length, 4)
  await scene.check()
})

row("N22", "the answer is shorter than its Content-Length", async (scene) => {
  const page = await scene.visit()
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
  const page = await scene.visit()
  await scene.read(page, "split", 0, 5)
  await scene.check()
  assert.equal((await scene.requests()).length, 4)
})

row("N5", "headers come and the body never ends", async (scene) => {
  await scene.chaos.script({ status: 200, headers: JSON_TYPE, neverEnd: true })
  const page = await scene.visit()
  // Together far more than the 64 KiB that a browser lets keepalive requests have in flight, until their bodies have come
  // or are given up.
  for (let round = 0; round < 8; round++) {
    await scene.read(page, "plain", 60 * round, 60 * round + 60)
    await scene.statsOnce(page, "delivered by the status", ({ pending }) => pending === 0)
  }
  assert.equal((await scene.stats(page)).resent, 0, "rows that were sent again")
  await scene.check()
})

row("N9", "204 with a stray body; 200 with HTML; 200 with JSON that is broken", async (scene) => {
  const page = await scene.visit()
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
