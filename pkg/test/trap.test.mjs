// The shipped module traps, for real, in the middle of what it does. Each test has its own copy of the package.

import assert from "node:assert/strict"
import { test } from "node:test"

import { network, RULESET, settle } from "./lib/client.mjs"
import { watch } from "./lib/unhandled.mjs"

const KINDS = ["unreachable", "stack", "oom", "throw"]

async function testing(t) {
  const entry = await import(`../dist-testing/testing.js?${encodeURIComponent(t.name)}`)
  /** A client for somebody with the usual ruleset. */
  const make = ({ net, exposures, ...options } = {}) => entry.createClient({
    ruleset: RULESET,
    ...(net && { exposures: { endpoint: "http://collector.example/e", fetch: net.fetch, targeted: false, ...exposures } }),
    ...options,
  })
  return { ...entry, make }
}

const rowsOf = (net) => net.batches.flatMap(({ exposures = [], links = [] }) => [...exposures, ...links])

for (const kind of KINDS) {
  test(`after a trap (${kind}) the client goes on where it was, and every row is delivered`, async (t) => {
    const unhandled = watch(t)
    const { make, trap } = await testing(t)
    const net = network()
    const client = await make({ net, identity: { attributes: { plan: "pro" } } })
    client.identify("person-1", { plan: "pro" })
    client.override("price", "zero")
    assert.deepEqual(client.getFlag("checkout").layout, "one-page")
    const [before, session] = [client.identity, client.session.id]
    client.decide("price")
    trap(kind)
    assert.ok(["fallback", "Hello"].includes(client.getFlag("greeting", "fallback")), "it may be decided, and trap as it is recorded")
    assert.equal(client.decide("price").reason, "OVERRIDE")
    assert.equal(client.decide("broken").errorCode, "GENERAL", "until the task has run to its end")
    assert.deepEqual(client.getFlag("checkout").layout, "one-page", "what is known stays known")
    client.setAttributes({ plan: "free" })
    await Promise.resolve()

    assert.equal(client.getFlag("greeting", "fallback"), "Hello")
    assert.deepEqual({ ...client.identity }, { ...before })
    assert.equal(client.session.id, session)
    assert.equal(client.getFlag("price"), 0, "the override")
    assert.notEqual(client.decide("checkout").ruleId, "pros", "what was done meanwhile is done")
    assert.equal(client.stats().traps, 1)
    const { pending } = await client.flush()
    assert.equal(pending, 0)
    const rows = [...new Map(rowsOf(net).map((row) => [row.id, row])).values()]
    const expected = [["checkout", "person-1"], ["greeting", "person-1"], [undefined, "person-1"]]
    assert.deepEqual(rows.map(({ flag_key, distinct_id }) => [flag_key, distinct_id]).sort(), expected.sort())
    assert.deepEqual(client.problems().map(({ code }) => code), ["ENGINE_FAILED", "FLAG_INVALID"], "and the broken flag")
    assert.deepEqual(unhandled, [])
    await client.close()
  })
}

test("1000 traps of four kinds: all are recovered from, no exposure is lost, nothing is thrown", async (t) => {
  const unhandled = watch(t)
  const { make, trap, setMaxTraps } = await testing(t)
  setMaxTraps(Infinity)
  const net = network()
  const client = await make({ net, exposures: { dedup: "none", flushIntervalMs: 3_600_000 } })
  const told = []
  client.on("exposure", ({ id }) => told.push(id))
  const keys = ["greeting", "price", "checkout"]
  const recoveries = []
  for (let number = 0; number < 1000; number++) {
    client.getFlag(keys[number % 3])
    trap(KINDS[number % 4], number % 5)
    let startMs = 0
    for (let call = 0; client.stats().traps <= number; call++) {
      assert.ok(call < 100, `${KINDS[number % 4]} after ${number % 5} calls: no trap`)
      if (call % 3 === 0) client.identify(`person-${number % 7}`)
      client.getFlag(keys[call % 3])
      client.getFlag(`none-${call}`)
      startMs = performance.now()
      await Promise.resolve()
    }
    assert.equal(client.decide("greeting").value, "Hello", `${number}`)
    recoveries.push(performance.now() - startMs)
    if (number % 10 === 9) await client.flush()
  }
  recoveries.sort((one, other) => one - other)
  t.diagnostic(`recovery, in ms: median ${recoveries[500].toFixed(1)}, p99 ${recoveries[990].toFixed(1)}, most ${recoveries[999].toFixed(1)}`)
  assert.ok(told.length > 1000, `${told.length} exposures`)
  // What many engines have left is taken over as there is room for it.
  const lost = () => {
    const delivered = new Set(rowsOf(net).map(({ id }) => id))
    return told.filter((id) => !delivered.has(id))
  }
  for (let turn = 0; turn < 1000 && lost().length > 0; turn++) {
    await client.flush()
    await settle()
  }
  assert.deepEqual(lost(), [])
  const ledgers = new Map()
  for (const { ledger, ledgers: others = [], instance_id } of net.batches) {
    for (const each of [{ instance_id, ...ledger }, ...others]) {
      const known = ledgers.get(each.instance_id) ?? 0
      ledgers.set(each.instance_id, Math.max(known, each.seq_max))
    }
  }
  const received = new Map()
  for (const { instance_id, seq } of rowsOf(net)) received.set(instance_id, (received.get(instance_id) ?? new Set()).add(seq))
  for (const [id, seqs] of received) assert.equal(ledgers.get(id), Math.max(...seqs), "each ledger came")
  assert.deepEqual(unhandled, [])
  await client.close()
})

test("memory that cannot grow any further is a trap like any other", async (t) => {
  const memories = []
  const Memory = WebAssembly.Instance
  t.mock.method(WebAssembly, "Instance", function (module, imports) {
    const instance = new Memory(module, imports)
    memories.push(Object.values(instance.exports).find((found) => found instanceof WebAssembly.Memory))
    return instance
  })
  const { make } = await testing(t)
  const client = await make()
  t.mock.restoreAll()
  const memory = memories.filter(Boolean).at(-1)
  // All that the host gives.
  for (let pages = 65536 - memory.buffer.byteLength / 65536; pages >= 1;) {
    try {
      memory.grow(pages)
      pages = 65536 - memory.buffer.byteLength / 65536
    } catch {
      pages = Math.floor(pages / 2)
    }
  }
  const flags = Object.fromEntries(Array.from({ length: 40_000 }, (_, at) => [`flag-${at}`, RULESET.flags.greeting]))
  for (let round = 0; client.stats().traps === 0; round++) {
    assert.ok(round < 2000, "memory was never needed")
    client.setRuleset({ schema: 1, version: round, flags })
    for (let at = 0; at < 40_000; at++) client.decide(`flag-${at}`)
    await Promise.resolve()
  }
  assert.equal(client.getFlag("flag-1", "fallback"), "Hello")
  await client.close()
})

test("after three traps in ten minutes there are fallbacks, and what is pending is delivered all the same", async (t) => {
  const unhandled = watch(t)
  const { make, trap, createClient } = await testing(t)
  let isDown = true
  const net = network()
  const answer = () => new Response(null, { status: isDown ? 503 : 204 })
  const fetch = async (...request) => {
    await net.fetch(...request)
    return answer()
  }
  const client = await make({ net: { fetch }, exposures: { flushIntervalMs: 3_600_000 } })
  client.getFlag("price")
  for (let number = 1; number <= 3; number++) {
    trap("unreachable")
    client.identify(`person-${number}`)
    await settle()
    assert.deepEqual([client.getFlag("greeting", "fallback"), client.stats().traps], ["Hello", number])
  }
  isDown = false
  trap("unreachable")
  client.identify("person-4")
  await settle()
  assert.deepEqual([client.getFlag("greeting", "fallback"), client.decide("greeting").errorCode], ["fallback", "GENERAL"])
  assert.deepEqual(await client.flush(), { delivered: 0, pending: 0 })
  await settle()
  const flags = net.batches.at(-1).exposures.map(({ flag_key, distinct_id }) => `${flag_key} ${distinct_id}`)
  assert.ok(flags.includes("greeting person-3") && flags.some((flag) => flag.startsWith("price ")), `${flags}`)
  const late = await createClient({ ruleset: RULESET })
  assert.equal(late.decide("greeting").errorCode, "PROVIDER_FATAL")
  await Promise.all([client.close(), late.close()])
  assert.deepEqual(unhandled, [])
})

test("what an engine has begun that is gone reports to nobody, and its rows are sent by the next", async (t) => {
  const { make, trap } = await testing(t)
  let answer
  const net = network(() => new Promise((resolve) => (answer = resolve)))
  const client = await make({ net })
  const events = []
  client.on("delivery", ({ status }) => events.push(status))
  client.getFlag("greeting")
  const flushing = client.flush()
  trap("unreachable")
  client.peek("price")
  await settle()
  answer(new Response(null, { status: 204 }))
  assert.deepEqual(await flushing, { delivered: 1, pending: 0 }, "the flush goes on with the next engine")
  const [[first], [second]] = net.batches.map(({ exposures }) => exposures)
  assert.deepEqual(second, first, "the row is frozen")
  assert.deepEqual(events, ["sending", "sending", "acknowledged"])
  await client.close()
})

test("a trap in one client's call is every client's, and all of them go on", async (t) => {
  const { make, trap } = await testing(t)
  const nets = [network(), network()]
  const [one, other] = await Promise.all(nets.map((net, at) => make({ net, namespace: `app-${at}` })))
  other.getFlag("price")
  trap("stack")
  one.peek("greeting")
  assert.equal(other.getFlag("greeting", "fallback"), "fallback")
  assert.equal(other.decide("greeting").errorCode, "GENERAL")
  await Promise.resolve()
  for (const client of [one, other]) assert.equal(client.getFlag("greeting"), "Hello")
  await Promise.all([one.flush(), other.flush()])
  assert.deepEqual(nets.map((net) => rowsOf(net).map(({ flag_key }) => flag_key).sort()), [["greeting"], ["greeting", "price"]])
  await Promise.all([one.close(), other.close()])
})

test("a page's own function that calls back while the engine decides is no trap, or one that is recovered from", async (t) => {
  const { make } = await testing(t)
  const when = { attribute: "name", op: "eq", value: "ada", ignoreCase: true }
  const flag = { variants: { no: false, yes: true }, default: "no", rules: [{ when, serve: "yes" }] }
  const client = await make({ ruleset: { schema: 1, flags: { folded: flag, other: flag } }, identity: { attributes: { name: "Ada" } } })
  const { toLowerCase } = String.prototype
  let inner
  t.mock.method(String.prototype, "toLowerCase", function () {
    if (String(this) === "Ada") inner ??= client.getFlag("other", "fallback")
    return toLowerCase.call(this)
  })
  assert.equal(client.getFlag("folded", "fallback"), true, "what was decided around it is right all the same")
  t.mock.restoreAll()
  assert.ok([true, "fallback"].includes(inner), `${inner}`)
  await Promise.resolve()
  assert.deepEqual([client.getFlag("other"), client.getFlag("folded")], [true, true])
  await client.close()
})

test("timers that throw cost neither the module nor a row", async (t) => {
  const { make } = await testing(t)
  const net = network()
  const client = await make({ net })
  t.mock.method(globalThis, "setTimeout", () => { throw new Error("replaced") })
  for (const key of ["greeting", "price", "checkout"]) assert.notEqual(client.getFlag(key, "fallback"), "fallback")
  client.identify("person-1")
  assert.deepEqual([client.stats().traps, client.problems().filter(({ code }) => code === "ENGINE_FAILED")], [0, []])
  assert.equal((await client.flush()).pending, 0)
  assert.deepEqual(new Set(rowsOf(net).map(({ flag_key }) => flag_key ?? "the link")), new Set(["greeting", "price", "checkout", "the link"]))
  await client.close()
})

test("nothing enters an instance that is dead: neither an old handle nor the garbage collector", async () => {
  const { bind } = await import("../src/wasm/pennon.js")
  const { readFile } = await import("node:fs/promises")
  const module = await WebAssembly.compile(await readFile(new URL("../dist/pennon.wasm", import.meta.url)))
  const calls = []
  const { Engine, start, drop } = bind()
  const host = new Proxy({}, {
    get: (_, name) => {
      if (name === "area") return { isShared: false, getItem: () => null, setItem: () => undefined, removeItem: () => undefined }
      return (...given) => {
        calls.push(name)
        return true
      }
    },
  })
  start(module)
  const options = {
    endpoint: "http://collector.example/e", key: "", dedup: "session", flushIntervalMs: 1, attributeNames: [], appVersion: "",
    namespace: "n", attributes: {}, identified: "person", timeScale: 1, consent: true, traps: 0,
  }
  const engine = new Engine(JSON.stringify(options), host)
  engine.setConsent(2)
  assert.ok(calls.includes("wakeIn"), "a link waits to be sent")
  assert.ok(engine.sessionId().length > 10)
  drop()
  const before = calls.length
  engine.tick()
  engine.flush()
  engine.activity()
  assert.throws(() => engine.sessionId(), TypeError, "there is nothing to read")
  engine.free()
  assert.equal(calls.length, before)
})
