// Rows T7 and T8 of the table of faults: what a page's clock can say. The others are in tests/engine/time.rs.

import assert from "node:assert/strict"
import { test } from "node:test"

import { makeClient, network, settle } from "./lib/client.mjs"
import { stopTime } from "./lib/clock.mjs"

const flag = { variants: { off: 0, on: 1 }, default: "on", off: "off" }

test("T7 neither another timezone nor the change to summer time moves a decision, a session or a time", async (t) => {
  const { TZ } = process.env
  t.after(() => (TZ === undefined ? delete process.env.TZ : (process.env.TZ = TZ)))
  const in1h = (hours) => new Date(Date.now() + hours * 3_600_000).toISOString()
  const flags = { past: { ...flag, end: in1h(-0.5) }, now: { ...flag, start: in1h(-0.5), end: in1h(0.5) }, future: { ...flag, start: in1h(0.5) } }
  const net = network()
  const client = await makeClient({ net, ruleset: { schema: 1, flags }, exposures: { dedup: "none" } })
  t.after(() => client.close())
  const { id } = client.session
  const before = Date.now()
  const places = ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata", "Europe/Berlin", "Australia/Lord_Howe"]
  const offsets = new Set()
  for (const place of places) {
    process.env.TZ = place
    offsets.add(new Date().getTimezoneOffset())
    client.setAttributes({ place })
    assert.deepEqual(["past", "now", "future"].map((key) => client.getFlag(key)), [0, 1, 0], place)
    assert.equal(client.session.id, id, place)
  }
  assert.equal(offsets.size, places.length, "the timezone of the process was another one each time")
  await client.flush()
  const times = net.batches.flatMap(({ exposures }) => exposures.map(({ ts_ms }) => ts_ms))
  assert.equal(times.length, 3 * places.length)
  for (const ms of times) assert.ok(ms >= before && ms <= Date.now(), `${ms}`)
})

const CLOCKS = {
  "gives NaN": () => NaN,
  "gives a text": () => "soon",
  "gives Infinity": () => Infinity,
  "gives nothing": () => undefined,
  "throws": () => {
    throw new Error("no clock")
  },
}

for (const [what, patched] of Object.entries(CLOCKS)) {
  for (const when of ["before", "after"]) {
    test(`T8 a Date.now that ${what} from ${when} the client's begin costs neither a flag nor an exposure`, async (t) => {
      const trueMs = Date.now()
      const spoil = () => t.mock.method(Date, "now", patched)
      if (when === "before") spoil()
      const net = network()
      const client = await makeClient({ net })
      t.after(() => client.close())
      if (when === "after") spoil()
      assert.equal(client.getFlag("greeting"), "Hello")
      assert.equal(client.getFlag("price"), 9.9)
      await settle()
      assert.equal(client.getFlag("price"), 9.9, "in the next task, which looks at the clock again")
      assert.deepEqual(await client.flush(), { delivered: 2, pending: 0 })
      t.mock.restoreAll()
      const [{ exposures, sent_at_ms }] = net.batches
      for (const ms of [sent_at_ms, ...exposures.map(({ ts_ms }) => ts_ms)]) {
        assert.ok(Number.isSafeInteger(ms), `${ms}`)
        if (what !== "gives Infinity") assert.ok(Math.abs(ms - trueMs) < 600_000, `${ms}, at ${trueMs}: by the monotonic clock`)
      }
      assert.deepEqual(client.problems().filter(({ where }) => !where.startsWith("flags.")), [])
    })
  }
}

test("T8 a Date.now of fake timers, which stands still or jumps, costs neither a flag nor an exposure", async (t) => {
  // A server tells what time it is.
  const told = () => new Response(null, { status: 204, headers: { date: new Date(performance.timeOrigin + performance.now()).toUTCString() } })
  const net = network(told, told, told)
  const client = await makeClient({ net, exposures: { dedup: "none" } })
  t.after(() => client.close())
  const at = [1e12, 1e12, 0, 4e12, -1e12, 1e12, 8.7e15]
  for (const ms of at) {
    t.mock.method(Date, "now", () => ms)
    assert.equal(client.getFlag("greeting"), "Hello", `${ms}`)
    await settle()
  }
  const result = await client.flush()
  t.mock.restoreAll()
  assert.deepEqual(result, { delivered: at.length, pending: 0 })
  assert.deepEqual(client.problems().filter(({ where }) => !where.startsWith("flags.")), [])
})

test("a timer for a wait that is no whole number of milliseconds is set once, and not again and again because it came too early", async (t) => {
  const time = stopTime(t)
  // Browsers take whole milliseconds, and cut off the rest.
  let armed = 0
  const { setTimeout: arm } = globalThis
  t.mock.method(globalThis, "setTimeout", (task, delayMs, ...others) => (++armed > 1000 ? undefined : arm(task, Math.trunc(delayMs), ...others)))
  const net = network(503, 503, 503, 503, 503)
  const client = await makeClient({ net })
  client.getFlag("greeting")
  for (let step = 0; net.batches.length < 6; step++) {
    assert.ok(step < 60_000 && armed < 100, `${net.batches.length} attempts with ${armed} timers`)
    time.pass(1)
    await settle()
  }
  assert.equal(client.stats().pending, 0)
  await client.close()
})
