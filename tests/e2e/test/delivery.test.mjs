// How rows leave the page: when, in which requests, and what it takes for one to count as delivered.

import assert from "node:assert/strict"
import { eventually, flush, promise, rowsOnce, start } from "../lib/scene.mjs"

const VISITS = 20

/** Everybody who visits, as `leave.html` names them. */
const people = Array.from({ length: VISITS }, (_, visit) => `visitor-${visit + 1}`)

async function everybodyArrives(collector) {
  const rows = await rowsOnce(collector, VISITS)
  assert.deepEqual(rows.map((row) => row.distinct_id).sort(), [...people].sort())
  assert.equal((await collector.counts()).rows_stored, VISITS)
}

for (const [how, where] of [["a link", "same"], ["a link", "other"], ["location.assign", "same"], ["location.assign", "other"]]) {
  promise(`a row recorded as ${how} leads to the ${where} origin arrives, ${VISITS} times of ${VISITS}`, async ({ open, gate, collector }) => {
    const to = `${where === "same" ? collector.origin : (await gate()).origin}/elsewhere.html`
    const page = await open("/elsewhere.html")
    for (const person of people) {
      await page.goto(`${collector.origin}/leave.html?${new URLSearchParams({ person, to })}`)
      await eventually(() => page.title(), (title) => title === "ready")
      if (how === "a link") await page.click("a")
      else await page.evaluate(() => void readAndLeave())
      await page.waitForURL(to)
    }
    await everybodyArrives(collector)
  })
}

promise(`a row recorded as its page leaves arrives at an endpoint on another origin, without a preflight, ${VISITS} times of ${VISITS}`, async ({ open, gate, collector }) => {
  const entry = await gate()
  const to = `${collector.origin}/elsewhere.html`
  const page = await open("/elsewhere.html")
  for (const person of people) {
    await page.goto(`${collector.origin}/leave.html?${new URLSearchParams({ person, to, endpoint: entry.endpoint })}`)
    await eventually(() => page.title(), (title) => title === "ready")
    await page.evaluate(() => void readAndLeave())
    await page.waitForURL(to)
  }
  await everybodyArrives(collector)
  assert.deepEqual([...new Set(entry.requests.map(({ method }) => method))], ["POST"])
})

promise("a row recorded right before its tab is closed arrives", async ({ open, collector }) => {
  const page = await open()
  await start(page, { exposures: { flushIntervalMs: 3_600_000 } })
  await page.evaluate(() => void client.getFlag("greeting"))
  await page.close()
  assert.deepEqual((await rowsOnce(collector, 1)).map((row) => row.flag_key), ["greeting"])
})

promise("what waits is sent when another tab comes to the front", async ({ hidePage, collector }) => {
  const page = await hidePage("/hide.html")
  await eventually(page.title, (title) => title === "waiting")
  assert.deepEqual(collector.rows(), [])
  await page.hide()
  assert.deepEqual((await rowsOnce(collector, 1)).map((row) => row.flag_key), ["greeting"])
  await eventually(page.title, (title) => title === "hidden, delivered")
})

promise("nothing is sent again after a page went and came back", async ({ open, gate, collector }) => {
  const entry = await gate()
  const page = await open()
  await start(page, { exposures: { endpoint: entry.endpoint, flushIntervalMs: 3_600_000 } })
  await page.evaluate(() => void client.getFlag("greeting"))
  await page.goto(`${collector.origin}/elsewhere.html`)
  await rowsOnce(collector, 1)
  await page.goBack()
  await start(page, { exposures: { endpoint: entry.endpoint } })
  await page.evaluate(() => void client.getFlag("price_cents"))
  await flush(page)
  // Whether the answer to the first request was still heard, and so the first row known as delivered, is the browser's affair.
  assert.deepEqual(collector.rows().map((row) => row.flag_key), ["greeting", "price_cents"])
})

promise("a flush that fails is tried again with the next tick, and delivers once", async ({ open, collector, expectLog }) => {
  expectLog(/console\.error: Failed to load resource: net::ERR_CONNECTION_REFUSED/)
  const page = await open()
  await start(page)
  await collector.stop()
  await page.evaluate(() => void client.getFlag("greeting"))
  await eventually(() => page.evaluate(() => client.stats()), ({ resent }) => resent >= 2)
  const down = await page.evaluate(() => client.stats())
  assert.deepEqual([down.pending, down.delivered], [1, 0])
  await collector.restart()
  const up = await eventually(() => page.evaluate(() => client.stats()), ({ pending }) => pending === 0)
  assert.equal(up.delivered, 1)
  assert.equal(collector.rows().length, 1)
  assert.equal((await collector.counts()).rows_stored, 1)
})

for (const [what, answer, log] of [
  ["a status 500", { status: 500, type: "application/json", body: "{}" }, /Failed to load resource: the server responded with a status of 500/],
  ["a page with status 200", { status: 200, type: "text/html", body: "<html>Sign in to the network</html>" }],
  ["a status 203", { status: 203, type: "application/json", body: "{}" }],
  ["a status 502", { status: 502, type: "application/json", body: "{}" }, /Failed to load resource: the server responded with a status of 502/],
  ["a connection that is cut", "cut", /Failed to load resource: net::ERR_CONNECTION_RESET/],
]) {
  promise(`${what} delivers nothing: the row stays, and is sent again as it was`, async ({ open, gate, collector, expectLog }) => {
    if (log) expectLog(log)
    const entry = await gate()
    entry.answers.push(answer, answer)
    const page = await open()
    await start(page, { exposures: { endpoint: entry.endpoint, flushIntervalMs: 3_600_000 } })
    await page.evaluate(() => void client.getFlag("greeting"))
    for (let attempt = 1; attempt <= 2; attempt++) {
      assert.deepEqual(await page.evaluate(() => client.flush()), { delivered: 0, pending: 1 })
      assert.deepEqual(collector.rows(), [])
    }
    assert.deepEqual(await page.evaluate(() => client.flush()), { delivered: 1, pending: 0 })
    const batches = entry.batches().filter(({ attempt }) => attempt)
    assert.deepEqual(batches.at(-1).exposures, batches[0].exposures, "the row is frozen")
    assert.equal(batches.at(-1).attempt, 3)
    assert.ok(batches.at(-1).sent_mono_ms > batches[0].sent_mono_ms, "the times of sending are not")
    assert.equal(batches.at(-1).ledger.resent, 2)
    assert.equal(collector.rows().length, 1)
  })
}

for (const answer of [
  { status: 200, type: "application/json", body: '{"status":1}' },
  { status: 202, type: "text/plain", body: "" },
]) {
  promise(`status ${answer.status} with ${answer.body || "no body"} as ${answer.type} delivers`, async ({ open, gate }) => {
    const entry = await gate()
    entry.answers.push(answer)
    const page = await open()
    await start(page, { exposures: { endpoint: entry.endpoint, flushIntervalMs: 3_600_000 } })
    await page.evaluate(() => void client.getFlag("greeting"))
    assert.deepEqual(await page.evaluate(() => client.flush()), { delivered: 1, pending: 0 })
  })
}

promise("an answer that is lost on its way back makes a second request and no second row", async ({ open, gate, collector, expectLog }) => {
  expectLog(/Failed to load resource: net::ERR_CONNECTION_RESET/)
  const entry = await gate()
  entry.answers.push("lose")
  const page = await open()
  await start(page, { exposures: { endpoint: entry.endpoint } })
  await page.evaluate(() => void client.getFlag("greeting"))
  await eventually(() => page.evaluate(() => client.stats()), ({ delivered }) => delivered === 1)
  assert.equal(collector.rows().length, 1)
  const { rows_duplicate } = await collector.counts()
  assert.ok(rows_duplicate >= 1, "the collector saw it twice")
})

promise("a request without an answer is given up after 10 s, and its rows are sent again", async ({ open, gate, collector, expectLog }) => {
  const entry = await gate()
  entry.answers.push("hang")
  const page = await open()
  await start(page, { exposures: { endpoint: entry.endpoint } })
  await page.evaluate(() => void client.getFlag("greeting"))
  await eventually(() => entry.requests.length, (count) => count === 1)
  assert.equal(await page.evaluate(() => client.stats().sending), 1)
  const stats = await eventually(() => page.evaluate(() => client.stats()), ({ delivered }) => delivered === 1)
  assert.equal(stats.resent, 1)
  assert.equal(collector.rows().length, 1)
})

promise("a full batch is sent at once, without waiting for the interval", async ({ open, gate, collector }) => {
  const entry = await gate()
  const page = await open()
  await start(page, { exposures: { endpoint: entry.endpoint, flushIntervalMs: 3_600_000, dedup: "none" } })
  const read = (times) =>
    page.evaluate((times) => {
      for (let time = 0; time < times; time++) client.getFlag("greeting")
    }, times)
  await read(80)
  assert.equal(await page.evaluate(() => client.stats().sending), 0)
  await read(40)
  const { delivered, pending } = await eventually(() => page.evaluate(() => client.stats()), ({ delivered }) => delivered > 0)
  assert.ok(delivered <= 100 && delivered + pending === 120)
  const [{ exposures }] = entry.batches()
  assert.equal(exposures.length, delivered)
  const bytes = exposures.reduce((sum, row) => sum + Buffer.byteLength(JSON.stringify(row)), 0)
  assert.ok(bytes <= 45 * 1024, `${bytes} bytes`)
  await flush(page)
  assert.equal(collector.rows().length, 120)
})

promise("one flush delivers a backlog of several batches, and sends nothing twice", async ({ open, collector }) => {
  const page = await open()
  await start(page, { exposures: { flushIntervalMs: 3_600_000, dedup: "none" } })
  for (let round = 1; round <= 3; round++) {
    const flushed = await page.evaluate(() => {
      for (let time = 0; time < 400; time++) client.getFlag("greeting")
      return client.flush()
    })
    assert.equal(flushed.pending, 0)
    const { delivered, resent } = await page.evaluate(() => client.stats())
    assert.deepEqual([delivered, resent], [round * 400, 0])
  }
  assert.equal(collector.rows().length, 1200)
})

promise("what a page leaves behind goes in small batches, and all of it arrives", async ({ open, gate, collector }) => {
  const entry = await gate()
  const page = await open()
  await start(page, { exposures: { endpoint: entry.endpoint, flushIntervalMs: 3_600_000, dedup: "none" } })
  await page.evaluate((to) => {
    for (let time = 0; time < 60; time++) client.getFlag("greeting")
    client.getFlag("new_checkout")
    location.assign(to)
  }, `${collector.origin}/elsewhere.html`)
  await page.waitForURL("**/elsewhere.html")
  assert.equal((await rowsOnce(collector, 61)).length, 61)
  const batches = entry.batches().map(({ exposures }) => exposures)
  assert.ok(batches.length >= 2)
  for (const rows of batches) assert.ok(rows.reduce((sum, row) => sum + JSON.stringify(row).length, 0) <= 15 * 1024, "15 KiB each")
  const [first] = entry.batches().filter(({ batch_id }) => batch_id.endsWith(".1"))
  assert.ok(first.exposures.some(({ flag_key }) => flag_key === "new_checkout"), "experiments first, though read last")
})

promise("close sends what waits", async ({ open, collector }) => {
  const page = await open()
  await start(page, { exposures: { flushIntervalMs: 3_600_000 } })
  const after = await page.evaluate(async () => {
    client.getFlag("greeting")
    await client.close()
    return client.getFlag("greeting", "closed")
  })
  assert.equal(after, "closed")
  assert.deepEqual(collector.rows().map((row) => row.flag_key), ["greeting"])
})

promise("a visit of many tasks sends no row twice and asks for no preflight", async ({ open, gate, collector }) => {
  const entry = await gate()
  const page = await open()
  await start(page, { exposures: { endpoint: entry.endpoint } })
  for (const key of ["new_checkout", "greeting", "limited", "price_cents", "retired", "banner"]) {
    await page.evaluate((key) => {
      client.getFlag(key)
      client.getVariant(key)
    }, key)
    await page.mouse.click(5, 5)
  }
  await flush(page)
  const { origin } = new URL(page.url())
  await page.goto("about:blank")
  const rows = entry.batches().flatMap(({ exposures }) => exposures)
  assert.equal(rows.length, 6)
  assert.equal(new Set(rows.map(({ id }) => id)).size, 6)
  assert.deepEqual(rows.map(({ seq }) => seq), [1, 2, 3, 4, 5, 6])
  assert.equal(collector.rows().length, 6)
  for (const { method, headers } of entry.requests) {
    assert.equal(method, "POST")
    assert.equal(headers["content-type"], "text/plain;charset=UTF-8")
    assert.equal(headers.origin, origin)
    assert.equal(headers.referer, `${origin}/`, "the origin, not the address of the page")
    assert.equal(headers.cookie, undefined)
  }
})

promise("without an endpoint nothing is sent or asked, and exposures are still told to listeners", async ({ open, collector, context }) => {
  const page = await open()
  const requests = []
  context.on("request", (request) => requests.push(request.method()))
  const told = await page.evaluate(async (ruleset) => {
    const client = await createClient({ ruleset, identity: { distinctId: "person-1" } })
    const told = []
    client.on("exposure", ({ flag_key }) => told.push(flag_key))
    for (let time = 0; time < 3; time++) client.getFlag("greeting")
    await client.flush()
    await client.close()
    return told
  }, collector.ruleset())
  assert.deepEqual(told, ["greeting"])
  assert.ok(!requests.includes("POST"))
  assert.deepEqual(collector.rows(), [])
})
