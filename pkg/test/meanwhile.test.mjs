// What a page does in the midst of a call: from within what the client calls of it, or while the module is replaced.

import assert from "node:assert/strict"
import { test } from "node:test"
import { network, settle } from "./lib/client.mjs"
import { stopTime } from "./lib/clock.mjs"
import { browserWithStorage } from "./lib/storage.mjs"
import { window } from "./lib/window.mjs"

const flag = (variants, served) => ({ variants, default: served })
const rowsOf = (net) => net.batches.flatMap(({ exposures }) => exposures)

/** The entry for tests, with a module of its own, and a client of it that sends to `net` what is seen. */
async function testing(t) {
  const entry = await import(`../dist-testing/testing.js?${encodeURIComponent(t.name)}`)
  const net = network()
  const make = ({ exposures, ...options }) =>
    entry.createClient({ exposures: { endpoint: "http://collector.example/e", fetch: net.fetch, targeted: false, ...exposures }, ...options })
  return { ...entry, net, make }
}

const BEFORE = { schema: 1, version: 1, flags: { x: flag({ red: ["R"], blue: ["B"] }, "red"), y: flag({ a: ["Y"] }, "a") } }
const AFTER = { schema: 1, version: 2, flags: { y: flag({ a: ["Y"] }, "a"), x: flag({ blue: ["B"], red: ["R"] }, "blue") } }
/** How a page's own function comes to be called between a decision and its row. */
const HOOKS = {
  toJSON: (t, act) => {
    Array.prototype.toJSON = function () {
      act()
      return [...this]
    }
    t.after(() => delete Array.prototype.toJSON)
  },
  "Date.now": (t, act) => hookClock(t, Date, act),
  "performance.now": (t, act) => hookClock(t, performance, act),
}
/** Acts in the calls that the module makes. */
function hookClock(t, clock, act) {
  const now = clock.now.bind(clock)
  t.mock.method(clock, "now", () => {
    if (new Error().stack.includes("wasm")) act()
    return now()
  })
}

for (const [name, hook] of Object.entries(HOOKS)) {
  test(`a ruleset that comes from within ${name} while a read is recorded makes no row of another flag`, async (t) => {
    const { make, net } = await testing(t)
    const client = await make({ ruleset: BEFORE, identity: { distinctId: "p" } })
    const after = JSON.stringify(AFTER)
    client.peek("x")
    let acts = 0
    hook(t, () => {
      if (acts++ === 0) client.setRuleset(after)
    })
    const read = client.getFlag("x")
    delete Array.prototype.toJSON
    t.mock.restoreAll()
    assert.ok(acts > 0)
    await client.flush()
    const rows = rowsOf(net).map(({ flag_key, value, variant, ruleset_version }) => [flag_key, value, variant, ruleset_version])
    assert.deepEqual(rows, [["x", read, read[0] === "R" ? "red" : "blue", 2]])
    await client.close()
  })
}

test("a report made while the module is replaced names no variant that the next ruleset lacks or serves others", async (t) => {
  const { make, trap, net } = await testing(t)
  const ruleset = (version, variants, served) => ({ schema: 1, version, flags: { x: flag(variants, served), y: flag({ a: 1 }, "a") } })
  for (const next of [ruleset(2, { one: 1, two: 2 }, "two"), ruleset(2, { blue: "B", red: "R" }, "red")]) {
    const client = await make({ ruleset: ruleset(1, { red: "R", blue: "B" }, "blue"), exposures: { mode: "manual" }, namespace: next.flags.x.default })
    assert.equal(client.peek("x"), "B")
    trap("unreachable")
    client.peek("y")
    client.setRuleset(next)
    client.reportExposure("x")
    await settle()
    await client.flush()
    const wrong = rowsOf(net).filter(({ variant, ruleset_version }) => ruleset_version === 2 && variant !== next.flags.x.default)
    assert.deepEqual(wrong, [])
    await client.close()
  }
})

test("a walk over the flags is nobody's activity", async (t) => {
  const clock = stopTime(t)
  const { make } = await testing(t)
  const client = await make({ exposures: { targeted: undefined } })
  async function pass(ms) {
    clock.pass(ms)
    await settle()
  }
  for (let timer = 0; timer < 3; timer++) await pass(10)
  await pass(25 * 60_000)
  client.setRuleset({ schema: 1, flags: { g: flag({ a: 1, b: 2 }, "a") } })
  for (let timer = 0; timer < 5; timer++) await pass(10)
  await pass(20 * 60_000)
  assert.equal(client.session.startedAtMs, Date.now(), "45 minutes in which nobody was there")
  await client.close()
})

test("what is denied from within fetch stops the batches that were to follow", async (t) => {
  browserWithStorage(t)
  const { tell } = window(t)
  const { createClient } = await testing(t)
  const flags = Object.fromEntries(Array.from({ length: 80 }, (_, at) => [`f${at}`, flag({ a: `A${at}` }, "a")]))
  let requests = 0
  async function fetch() {
    if (requests++ === 0) client.setConsent("denied")
    return new Response(null, { status: 204 })
  }
  const client = await createClient({
    ruleset: { schema: 1, flags },
    exposures: { endpoint: "http://collector.example/e", fetch, targeted: false, flushIntervalMs: 3_600_000 },
  })
  for (const key of Object.keys(flags)) client.getFlag(key)
  await settle()
  tell("pagehide")
  await settle()
  assert.equal(requests, 1)
  await client.close()
})
