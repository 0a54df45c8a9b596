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
    return createLifeboat(area, ROOT, `${PREFIX}b`, "pk_1", async (body) => {
      batches.push(JSON.parse(body))
      const answer = answers.shift()
      return typeof answer === "function" ? answer() : answer
    })
  }
  const left_ = () => [...origin.data.keys()].filter((key) => key.startsWith(ROOT))
  return { origin, batches, lifeboat, left: left_ }
}

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
  const { batches, lifeboat, left } = await harbour(t, { "a:0": rows(1) }, [10 * MINUTE_MS, 0, undefined])
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
  answer()
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
  answer(0)
  await settle()
  const timers = t.mock.method(globalThis, "setTimeout")
  for (let minute = 1; minute < 5; minute++) {
    mock.timers.tick(MINUTE_MS)
    await settle()
  }
  assert.deepEqual([timers.mock.callCount(), batches.length], [4, 2])
})
