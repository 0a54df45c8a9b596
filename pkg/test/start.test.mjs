// A module that takes its time, or never comes. Each test has its own copy of the package, whose module has not started.

import assert from "node:assert/strict"
import { test } from "node:test"

import { network, RULESET, settle } from "./lib/client.mjs"
import { browserWithStorage } from "./lib/storage.mjs"

/** The package, loaded anew; its module is compiled when `may` resolves. */
async function packageWhoseModuleWaits(t, may) {
  const compile = WebAssembly.compile
  t.mock.method(WebAssembly, "compile", (bytes) => may.then(() => compile(bytes)))
  return import(`${import.meta.resolve("pennon")}?${encodeURIComponent(t.name)}`)
}

const exposures = (net) => ({ endpoint: "http://collector.example/e", fetch: net.fetch })

test("what is done before the module has started is done when it has, in order", async (t) => {
  let start
  const { createClient } = await packageWhoseModuleWaits(t, new Promise((resolve) => (start = resolve)))
  const net = network()
  const ruleset = { url: "http://127.0.0.1:1/never.json", readyTimeoutMs: 1 }
  const client = await createClient({ ruleset, exposures: exposures(net) })
  assert.equal(client.getFlag("price", "fallback"), "fallback")
  assert.equal(client.decide("price").errorCode, "PROVIDER_NOT_READY")
  client.identify("bob")
  client.identify("alice", { plan: "pro" })
  client.setAttributes({ seats: 3 })
  client.setRuleset(RULESET)
  client.override("price", "zero")
  const overridden = new Promise((resolve) => client.on("change", ({ cause }) => cause === "override" && resolve()))
  start()
  await overridden
  assert.equal(client.identity.distinctId, "alice")
  assert.equal(client.decide("checkout").ruleId, "pros")
  assert.equal(client.getFlag("price"), 0)
  client.getFlag("checkout")
  await client.flush()
  assert.deepEqual(net.batches.flatMap(({ exposures }) => exposures.map((row) => row.distinct_id)), ["alice"])
  await client.close()
})

test("a client settles in its time also when the module never comes", async (t) => {
  const { createClient } = await packageWhoseModuleWaits(t, new Promise(() => undefined))
  const keepAlive = setInterval(() => undefined, 1000)
  t.mock.timers.enable({ apis: ["setTimeout"] })
  const settling = createClient({ ruleset: RULESET })
  t.mock.timers.tick(3000)
  const client = await settling
  clearInterval(keepAlive)
  assert.equal(client.getFlag("greeting", "fallback"), "fallback")
  const [problem, ...others] = client.problems()
  assert.deepEqual(others, [])
  assert.deepEqual({ ...problem }, {
    code: "WASM_UNAVAILABLE",
    where: "wasm",
    message: "found no module after 3000 ms, expected one",
  })
  await client.close()
})

test("a module of another version is not started", async (t) => {
  const compile = WebAssembly.compile
  t.mock.method(WebAssembly, "compile", (bytes) => {
    // What it says of itself is its last section.
    const other = new Uint8Array(bytes)
    other[other.length - 1] ^= 1
    return compile(other)
  })
  const { createClient } = await import(`${import.meta.resolve("pennon")}?${encodeURIComponent(t.name)}`)
  const client = await createClient({ ruleset: RULESET })
  assert.equal(client.decide("price").errorCode, "PROVIDER_FATAL")
  assert.deepEqual(client.problems().map(({ code }) => code), ["WASM_UNAVAILABLE"])
  assert.match(client.problems()[0].message, /a module of another version/)
  await client.close()
})

test("a client that was closed before its module failed sends nothing", async (t) => {
  const { data } = browserWithStorage(t)
  const { createClient } = await import("../dist-testing/testing.js?closed-early")
  const options = (net) => ({
    namespace: "app", exposures: { endpoint: "http://collector.example/e", fetch: net.fetch, targeted: false, flushIntervalMs: 3_600_000 },
  })
  const earlier = await createClient({ ruleset: RULESET, ...options(network(() => Promise.reject(new TypeError("offline")))) })
  earlier.getFlag("greeting")
  await earlier.close()
  assert.ok([...data.keys()].some((key) => /:q:[^:]+:0$/.test(key)), "rows wait")
  data.delete("pennon1:app:r")
  let fail
  t.mock.method(WebAssembly, "compile", () => new Promise((_, reject) => (fail = reject)))
  const net = network()
  const { createClient: create } = await import("../dist-testing/testing.js?closed-early-2")
  const client = await create({ ...options(net), ruleset: { url: "http://publisher.example/r", readyTimeoutMs: 0 } })
  for (let turn = 0; !fail; turn++) {
    assert.ok(turn < 1000, "the module was asked for")
    await settle()
  }
  await client.close()
  fail(new Error("found nothing"))
  for (let turn = 0; turn < 20; turn++) await settle()
  assert.equal(net.batches.length, 0)
})
