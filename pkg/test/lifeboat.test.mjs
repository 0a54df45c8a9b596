// What earlier pages have left is delivered also where the module never starts.

import assert from "node:assert/strict"
import { mock, test } from "node:test"
import { source } from "./lib/source.mjs"
import { browserWithStorage } from "./lib/storage.mjs"

const PREFIX = "pennon1:app:"
const ROOT = `${PREFIX}q:`
const NOW_MS = Date.UTC(2026, 9, 1)
const MINUTE_MS = 60_000
const settle = () => new Promise((resolve) => setImmediate(resolve))

/** An origin with outboxes of closed tabs (`left`: rows by segment), and a lifeboat whose batches end as `answers` say. */
async function harbour(t, left, answers = []) {
  const origin = browserWithStorage(t)
  mock.timers.reset()
  mock.timers.enable({ apis: ["Date", "setTimeout"], now: NOW_MS })
  t.after(() => mock.timers.reset())
  const { createArea, createLifeboat, hashOf } = await source("area", "lifeboat", "hash")
  for (const [segment, lines] of Object.entries(left)) {
    const id = segment.split(":")[0]
    origin.data.set(ROOT + id, `1|${NOW_MS}|closed|[{"instance_id":"${id}"}]`)
    origin.data.set(ROOT + segment, lines.map((line) => `${hashOf(line)}|${line}`).join("\n"))
  }
  const batches = []
  function lifeboat() {
    const area = createArea(PREFIX, true, true)
    return createLifeboat(area, PREFIX, "pk_1", async (body) => {
      const batch = JSON.parse(body)
      batches.push(batch)
      const answer = answers.shift() ?? 204
      return typeof answer === "function" ? answer(batch) : typeof answer === "number" ? ended(answer) : answer
    })
  }
  const left_ = () => [...origin.data.keys()].filter((key) => key.startsWith(ROOT))
  return { origin, batches, lifeboat, left: left_ }
}

/** How a request ended. 0: no server answered. */
const ended = (status, retryAfterMs = NaN) => ({ status, isAcknowledged: status === 204, retryAfterMs, serverMs: NaN })

const rows = (count, length = 10) => Array.from({ length: count }, (_, at) => `e{"id":"${at}","pad":"${"é".repeat(length)}"}`)

test("exposures and links are sent with the ledgers of who recorded them, and removed when they are acknowledged", async (t) => {
  const { batches, lifeboat, left } = await harbour(t, { "a:0": ['e{"id":"1"}', 'l{"id":"2"}'], "b:3": ['e{"id":"3"}'] })
  lifeboat().begin()
  await settle()
  assert.deepEqual(batches, [{
    v: 1, key: "pk_1", sent_at_ms: NOW_MS, ledgers: [{ instance_id: "a" }, { instance_id: "b" }],
    exposures: [{ id: "1" }, { id: "3" }], links: [{ id: "2" }],
  }])
  assert.deepEqual(left(), [])
})

test("a batch has at most 100 rows and 45 KiB; one is sent each minute, whatever the number of tabs", async (t) => {
  const { batches, lifeboat, left } = await harbour(t, { "a:0": rows(150), "b:0": rows(60, 1000) })
  const tabs = [lifeboat(), lifeboat()]
  for (const tab of tabs) tab.begin()
  for (let minute = 0; minute < 8; minute++) {
    await settle()
    assert.ok(batches.length <= minute + 1, `${batches.length} batches in minute ${minute}`)
    mock.timers.tick(MINUTE_MS)
  }
  await settle()
  assert.deepEqual(left(), [])
  const sent = batches.flatMap(({ exposures }) => exposures.map(({ id, pad }) => `${id}/${pad.length}`))
  assert.equal(new Set(sent).size, 210)
  assert.equal(sent.length, 210, "each once")
  for (const { exposures } of batches) {
    assert.ok(exposures.length <= 100 && JSON.stringify(exposures).length < 46 * 1024, `${exposures.length}`)
  }
})

test("what is not acknowledged stays, and a server that asks for time gets it, also from later pages", async (t) => {
  const { batches, lifeboat, left } = await harbour(t, { "a:0": rows(1) }, [ended(503, 10 * MINUTE_MS), 0, 204])
  lifeboat().begin()
  await settle()
  assert.equal(left().length, 2)
  const late = lifeboat()
  late.begin()
  for (let minute = 1; minute < 10; minute++) {
    mock.timers.tick(MINUTE_MS)
    await settle()
    assert.equal(batches.length, 1, `minute ${minute}`)
  }
  for (let minute = 10; minute < 14; minute++) {
    mock.timers.tick(MINUTE_MS)
    await settle()
  }
  assert.deepEqual([batches.length, left()], [3, []])
})

test("a row that is no row, or no JSON, keeps none of the others back", async (t) => {
  const { batches, lifeboat, left, origin } = await harbour(t, { "a:0": ['e{"id":"1"}', "e{", 'e{"id":"3"}'] })
  origin.data.set(`${ROOT}a:1`, "nonsense\n5|e{}")
  lifeboat().begin()
  await settle()
  assert.deepEqual(batches[0].exposures, [{ id: "1" }, { id: "3" }])
  assert.deepEqual(left(), [`${ROOT}a`, `${ROOT}a:1`])
})

test("rows that came meanwhile stay, and a lifeboat that was stopped removes nothing", async (t) => {
  let answer
  const { lifeboat, left, origin } = await harbour(t, { "a:0": rows(1) }, [() => new Promise((resolve) => (answer = resolve))])
  const boat = lifeboat()
  boat.begin()
  boat.stop()
  answer(ended(204))
  await settle()
  mock.timers.tick(10 * MINUTE_MS)
  assert.deepEqual(left(), [`${ROOT}a`, `${ROOT}a:0`])
  assert.equal(origin.data.has(`${PREFIX}b`), true)
})

test("lists to which a page has given a toJSON are sent as they are", async (t) => {
  const { batches, lifeboat } = await harbour(t, { "a:0": ['e{"id":"1"}', 'e{"id":"2"}', 'l{"id":"3"}'] })
  Array.prototype.toJSON = () => "the page's"
  t.after(() => delete Array.prototype.toJSON)
  const boat = lifeboat()
  boat.begin()
  await settle()
  boat.stop()
  const [{ ledgers, exposures, links }] = batches
  assert.equal([...ledgers, ...exposures, ...links].map(({ id, instance_id }) => id ?? instance_id).join(), "a,1,2,3")
})

test("huge ledgers and a huge line stop nothing", async (t) => {
  const { batches, lifeboat, left, origin } = await harbour(t, { "a:0": rows(1), "b:0": [`e"${"x".repeat(60_000)}"`], "c:0": rows(1) })
  origin.data.set(`${ROOT}a`, `1|${NOW_MS}|closed|[${"0,".repeat(300_000)}0]`)
  const boat = lifeboat()
  boat.begin()
  await settle()
  assert.equal(batches[0].exposures.length, 2)
  assert.deepEqual(left(), [`${ROOT}b`, `${ROOT}b:0`])
  boat.stop()
})

test("stopped and begun again while it waits for an answer it is still one", async (t) => {
  let answer
  const { batches, lifeboat } = await harbour(t, { "a:0": rows(1) }, [() => new Promise((resolve) => (answer = resolve))])
  const boat = lifeboat()
  boat.begin()
  boat.stop()
  boat.begin()
  answer(ended(0))
  await settle()
  const timers = t.mock.method(globalThis, "setTimeout")
  for (let minute = 1; minute < 5; minute++) {
    mock.timers.tick(MINUTE_MS)
    await settle()
  }
  assert.deepEqual([timers.mock.callCount(), batches.length], [4, 2])
})

for (const [kind, isHeeded] of [["a", true], ["s", true], ["b", false]]) {
  test(`what an engine has been told of the server (${kind}) holds ${isHeeded ? "here too" : "for engines alone"}`, async (t) => {
    const { batches, lifeboat, left, origin } = await harbour(t, { "a:0": rows(1) })
    origin.data.set(`${PREFIX}r`, `1|${kind}|3|${NOW_MS + 5 * MINUTE_MS}|${NOW_MS}|${NOW_MS}`)
    lifeboat().begin()
    for (let minute = 0; minute < 5; minute++) {
      await settle()
      assert.equal(batches.length, isHeeded ? 0 : 1, `minute ${minute}`)
      mock.timers.tick(MINUTE_MS)
    }
    await settle()
    assert.deepEqual([batches.length, left()], [1, []])
  })
}

test("nonsense about how long to wait holds up nothing", async (t) => {
  for (const text of ["", "null", "1|a", "1|a|1|é|0|0", "2|a|1|9|0|0", `1|a|1|${NOW_MS * 10}|0|0`]) {
    const { batches, lifeboat, origin } = await harbour(t, { "a:0": rows(1) })
    origin.data.set(`${PREFIX}r`, text)
    const boat = lifeboat()
    boat.begin()
    await settle()
    assert.equal(batches.length, 1, text)
    boat.stop()
  }
})

test("what a server asks for is told to engines, in their words", async (t) => {
  const { lifeboat, origin } = await harbour(t, { "a:0": rows(1) }, [ended(429, 90_000.5)])
  lifeboat().begin()
  await settle()
  assert.equal(origin.data.get(`${PREFIX}r`), `1|a|1|${NOW_MS + 90_001}|${NOW_MS}|${NOW_MS}`)
})

test("rows older than seven days are not sent, and keep no others back", async (t) => {
  const weekMs = 7 * 24 * 60 * MINUTE_MS
  const aged = (id, ms) => `e{"id":"${id}","ts_ms":${NOW_MS - ms}}`
  const { batches, lifeboat } = await harbour(t, { "a:0": [aged("old", weekMs + 1), aged("young", weekMs), aged("ahead", -weekMs), 'l{"id":"timeless"}'] })
  lifeboat().begin()
  await settle()
  assert.deepEqual([batches[0].exposures.map(({ id }) => id), batches[0].links.length], [["young", "ahead"], 1])
})

for (const status of [400, 413, 422]) {
  test(`a row that the server refuses with ${status} is found and given up; all others are delivered`, async (t) => {
    const refuses = ({ exposures }) => ended(exposures.some(({ id }) => id === "73") ? status : 204)
    const { batches, lifeboat, left } = await harbour(t, { "a:0": rows(60), "b:0": rows(100).slice(60) }, Array(40).fill(refuses))
    lifeboat().begin()
    for (let minute = 0; minute < 20; minute++) {
      await settle()
      mock.timers.tick(MINUTE_MS)
    }
    const delivered = batches.filter((batch) => refuses(batch).isAcknowledged).flatMap(({ exposures }) => exposures.map(({ id }) => id))
    assert.deepEqual(delivered.sort(), rows(100).map((_, at) => `${at}`).filter((id) => id !== "73").sort())
    assert.deepEqual([left(), batches.some(({ exposures }) => exposures.length === 1 && exposures[0].id === "73")], [[], true])
  })
}
