// What is kept and sent of whom, by what the person has agreed to; and of a page that nobody has seen yet.

import assert from "node:assert/strict"
import { test } from "node:test"

import { network, RULESET, settle } from "./lib/client.mjs"
import { browserWithStorage, replace } from "./lib/storage.mjs"

/** A page with storage. Each has its own copy of the package; `event` is what the browser would tell it. */
async function page(t, { net = network(), ...options } = {}) {
  const { createClient } = await import(`../dist-testing/testing.js?${pages++}`)
  const client = await createClient({
    ruleset: RULESET, namespace: "app",
    exposures: { endpoint: "http://collector.example/e", fetch: net.fetch, targeted: false, flushIntervalMs: 3_600_000 },
    ...options,
  })
  return { client, net }
}
let pages = 0
const rows = (net) => net.batches.flatMap(({ exposures }) => exposures.map(({ flag_key }) => flag_key))

test("granted, which is the default: what is not delivered is in storage", async (t) => {
  const { data } = browserWithStorage(t)
  const { client } = await page(t)
  client.getFlag("greeting")
  await settle()
  const segments = [...data].filter(([key]) => /^pennon1:app:q:[^:]+:\d+$/.test(key))
  assert.equal(segments.length, 1)
  assert.match(segments[0][1], /"flag_key":"greeting"/)
  assert.ok(data.has("pennon1:app:d") && data.has("pennon1:app:s"))
  await client.flush()
  assert.deepEqual([...data.keys()].filter((key) => /:q:[^:]+:/.test(key)), [])
  await client.close()
})

test("pending: nothing is stored or sent, flags are decided; what was recorded goes out when it is granted", async (t) => {
  const origin = browserWithStorage(t)
  const { client, net } = await page(t, { consent: "pending" })
  assert.equal(client.getFlag("greeting"), "Hello")
  for (let at = 0; at < 300; at++) client.reportExposure("price", { value: [9.9, 0][at % 2] })
  client.identify("person-1")
  assert.equal((await client.flush()).delivered, 0)
  await settle()
  assert.deepEqual([origin.writes, origin.data.size, net.batches.length], [0, 0, 0])
  assert.ok(client.stats().pending >= 3 && client.stats().pending <= 200, `${client.stats().pending}`)
  const { anonymousId } = client.identity
  client.setConsent("granted")
  assert.ok(origin.data.get("pennon1:app:d").includes(anonymousId))
  assert.equal((await client.flush()).pending, 0)
  assert.deepEqual(new Set(rows(net)), new Set(["greeting", "price"]))
  await client.close()
})

test("denied: all that is stored and pending is gone in the same task, a request under way is aborted, nothing is recorded", async (t) => {
  const origin = browserWithStorage(t)
  const signals = []
  const net = network((init) => new Promise((_, reject) => {
    signals.push(init.signal)
    init.signal.addEventListener("abort", () => reject(init.signal.reason))
  }))
  origin.data.set("own", "the page's")
  const { client } = await page(t, { net })
  client.getFlag("greeting")
  const flushing = client.flush()
  await settle()
  client.getFlag("price")
  client.setConsent("denied")
  assert.deepEqual([...origin.data.keys()], ["own"])
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true])
  assert.equal((await flushing).delivered, 0)
  assert.equal(client.getFlag("checkout", "fallback") === "fallback", false, "flags go on")
  await settle()
  assert.deepEqual([[...origin.data.keys()], client.stats().pending, client.stats().dropped.consent], [["own"], 0, 2])
  client.setConsent("granted")
  client.reportExposure("price")
  assert.equal((await client.flush()).delivered, 1)
  assert.deepEqual(rows(net).slice(-1), ["price"])
  await client.close()
})

test("denied from the start removes what earlier pages have stored", async (t) => {
  const origin = browserWithStorage(t)
  for (const key of ["pennon1:app:d", "pennon1:app:q:x:0", "pennon1:other:d"]) origin.data.set(key, "x")
  const { client, net } = await page(t, { consent: "denied" })
  client.getFlag("greeting")
  await client.flush()
  await client.close()
  assert.deepEqual([[...origin.data.keys()], net.batches.length], [["pennon1:other:d"], 0])
})

test("the clients of a page follow, and what is no consent is a problem", async (t) => {
  browserWithStorage(t)
  const { createClient } = await import("../dist-testing/testing.js?followers")
  const net = network()
  const exposures = { endpoint: "http://collector.example/e", fetch: net.fetch, targeted: false }
  const make = (namespace) => createClient({ ruleset: RULESET, namespace, exposures })
  const [one, two, other] = await Promise.all([make("app"), make("app"), make("else")])
  for (const client of [one, two, other]) client.getFlag("greeting")
  one.setConsent("denied")
  one.setConsent("maybe")
  assert.deepEqual([one, two, other].map((client) => client.stats().pending), [0, 0, 1])
  assert.deepEqual(one.problems().map(({ code }) => code), ["INVALID_CONSENT", "FLAG_INVALID"], "and the broken flag")
  await Promise.all([one, two, other].map((client) => client.close()))
})

test("what an earlier page has left is delivered by the next one, once", async (t) => {
  const { data } = browserWithStorage(t)
  const first = await page(t, { net: network(503, 503, 503) })
  first.client.getFlag("greeting")
  first.client.getFlag("price")
  await first.client.close()
  assert.ok([...data.keys()].some((key) => /:q:[^:]+:/.test(key)))
  const { client, net } = await page(t)
  for (let turn = 0; client.stats().adopted < 2; turn++) {
    assert.ok(turn < 1000, "nothing was adopted")
    await settle()
  }
  assert.deepEqual(await client.flush(), { delivered: 2, pending: 0 })
  assert.deepEqual(rows(net).sort(), ["greeting", "price"])
  assert.deepEqual([...data.keys()].filter((key) => /:q:[^:]+:/.test(key)), [])
  assert.ok(Array.isArray(net.batches[0].ledgers) && net.batches[0].ledgers.length === 1, "with the other's ledger")
  await client.close()
})

test("where the module cannot start, what earlier pages have left is delivered all the same", async (t) => {
  browserWithStorage(t)
  const first = await page(t, { net: network(503, 503) })
  first.client.getFlag("greeting")
  await first.client.close()
  t.mock.method(WebAssembly, "compile", async () => { throw new WebAssembly.CompileError("blocked") })
  const { client, net } = await page(t)
  for (let turn = 0; net.batches.length === 0; turn++) {
    assert.ok(turn < 1000, "nothing was sent")
    await settle()
  }
  assert.deepEqual([rows(net), client.getFlag("greeting", "fallback")], [["greeting"], "fallback"])
  await client.close()
})

test("a page that is prerendered has seen nothing; when it is activated what it read is recorded, with that time", async (t) => {
  browserWithStorage(t)
  replace(t, "document", { value: Object.assign(new EventTarget(), { hidden: true, prerendering: true }) })
  // What the module takes for a window.
  replace(t, "Window", { value: class { static [Symbol.hasInstance](object) { return object === globalThis } } })
  replace(t, "addEventListener", { value: () => undefined })
  const { client, net } = await page(t, { identity: { distinctId: "person-1" } })
  for (let read = 0; read < 3; read++) assert.equal(client.getFlag("greeting"), "Hello")
  client.reportExposure("price", { value: 0 })
  await client.flush()
  assert.deepEqual([net.batches.length, client.stats().recorded <= 1], [0, true])
  const startMs = Date.now()
  document.prerendering = false
  document.hidden = false
  document.dispatchEvent(new Event("prerenderingchange"))
  client.getFlag("greeting")
  await client.flush()
  assert.deepEqual(rows(net).sort(), ["greeting", "price"])
  for (const { ts_ms } of net.batches.flatMap(({ exposures }) => exposures)) assert.ok(ts_ms >= startMs)
  await client.close()
})

test("denied again, then granted: other tabs are not told of what is over", async (t) => {
  const origin = browserWithStorage(t)
  const { client } = await page(t, { consent: "denied" })
  const told = []
  origin.told = ({ key, newValue }) => key === "pennon1:app:c" && told.push(newValue)
  client.setConsent("denied")
  client.setConsent("granted")
  assert.deepEqual([told, origin.data.has("pennon1:app:c")], [[], false])
  client.setConsent("denied")
  assert.deepEqual(told, ["denied", null])
  await client.close()
})

test("overrides are kept for the tab as long as the person agrees", async (t) => {
  browserWithStorage(t)
  const kept = new Map([["pennon1:app:o", '[["price","zero",false]]']])
  replace(t, "sessionStorage", { value: {
    getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text), removeItem: (key) => kept.delete(key),
  } })
  replace(t, "location", { value: new URL("http://app.example/?pennon.greeting=warm") })
  const { client } = await page(t, { consent: "pending", overrides: { fromUrl: true } })
  assert.deepEqual([client.getFlag("greeting"), client.getFlag("price")], ["Good to see you", 0])
  assert.deepEqual([...kept.values()], ['[["price","zero",false]]'], "from before")
  client.setConsent("denied")
  client.override("greeting", "warm")
  assert.equal(kept.size, 0)
  client.setConsent("granted")
  assert.deepEqual([...kept.values()].map((text) => JSON.parse(text).map(([key]) => key)), [["price", "greeting"]])
  client.clearOverrides()
  assert.equal(kept.size, 0)
  await client.close()
})

test("locks that a page has broken cost no engine", async (t) => {
  const origin = browserWithStorage(t)
  origin.data.set("pennon1:app:q:gone:0", "nonsense")
  replace(t, "navigator", { value: { get locks() { throw new Error("no locks") } } })
  const { client } = await page(t)
  assert.equal(client.getFlag("greeting"), "Hello")
  assert.deepEqual([client.stats().traps, client.problems().map(({ code }) => code)], [0, ["FLAG_INVALID"]])
  await client.close()
})

test("denied elsewhere while the page was in the back/forward cache: what it holds does not come back", async (t) => {
  const { data } = browserWithStorage(t)
  const heard = new Map()
  replace(t, "document", { value: Object.assign(new EventTarget(), { hidden: false }) })
  replace(t, "Window", { value: class { static [Symbol.hasInstance](object) { return object === globalThis } } })
  replace(t, "addEventListener", { value: (type, listener) => heard.set(type, listener) })
  const { client, net } = await page(t, { net: network(() => Promise.reject(new TypeError("offline"))) })
  client.getFlag("greeting")
  await settle()
  const tell = (type) => heard.get(type)(Object.assign(new Event(type), { persisted: true }))
  tell("pagehide")
  tell("pageshow")
  assert.notEqual(client.stats().pending, 0, "nobody has denied yet")
  tell("pagehide")
  await settle()
  const requests = net.batches.length
  data.clear()
  tell("pageshow")
  await settle()
  assert.deepEqual([data.size, client.stats().pending, net.batches.length], [0, 0, requests])
  await client.close()
})
