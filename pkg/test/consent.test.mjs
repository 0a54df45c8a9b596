// What is kept and sent of whom, by what the person has agreed to; and of a page that nobody has seen yet.

import assert from "node:assert/strict"
import { test } from "node:test"

import { network, RULESET, settle } from "./lib/client.mjs"
import { browserWithStorage, replace } from "./lib/storage.mjs"
import { window } from "./lib/window.mjs"

/** A page with storage. Each has its own copy of the package. */
async function page(t, { net = network(), ...options } = {}) {
  const { createClient, setMaxTraps, trap } = await import(`../dist-testing/testing.js?${pages++}`)
  const client = await createClient({
    ruleset: RULESET, namespace: "app",
    exposures: { endpoint: "http://collector.example/e", fetch: net.fetch, targeted: false, flushIntervalMs: 3_600_000 },
    ...options,
  })
  return { client, net, setMaxTraps, trap }
}
let pages = 0

/** A request under way, which ends when it is aborted: `signals` are those of all. */
function endless() {
  const signals = []
  const net = network(...Array(9).fill((init) => new Promise((_, reject) => {
    signals.push(init.signal)
    init.signal.addEventListener("abort", () => reject(init.signal.reason))
  })))
  return { net, signals }
}
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
  replace(t, "document", { value: { hidden: true, prerendering: true } })
  const { tell } = window(t)
  const { client, net } = await page(t, { identity: { distinctId: "person-1" } })
  for (let read = 0; read < 3; read++) assert.equal(client.getFlag("greeting"), "Hello")
  client.reportExposure("price", { value: 0 })
  await client.flush()
  assert.deepEqual([net.batches.length, client.stats().recorded <= 1], [0, true])
  const startMs = Date.now()
  document.prerendering = false
  document.hidden = false
  tell("prerenderingchange")
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

const PERSISTED = { persisted: true }
for (const [how, comeBack] of Object.entries({
  "pageshow alone": (tell) => tell("pageshow", PERSISTED),
  "resume first": (tell) => (tell("resume"), tell("pageshow", PERSISTED)),
  "visibilitychange first": (tell) => (tell("visibilitychange"), tell("pageshow", PERSISTED)),
})) {
  for (const goesOn of [false, true]) {
    const which = goesOn ? "a page that only went on with a session" : "the first page"
    test(`denied elsewhere while ${which} was in the back/forward cache: what it holds does not come back (${how})`, async (t) => {
      const { data } = browserWithStorage(t)
      const { tell } = window(t)
      if (goesOn) await (await page(t)).client.close()
      // With a request that has no answer yet, a page that goes on stores rows, and nothing else that is new.
      const { client, net } = await page(t, { net: goesOn ? endless().net : network(() => Promise.reject(new TypeError("offline"))) })
      client.getFlag("greeting")
      await settle()
      tell("pagehide", PERSISTED)
      comeBack(tell)
      assert.notEqual(client.stats().pending, 0, "nobody has denied yet")
      tell("pagehide", PERSISTED)
      await settle()
      const requests = net.batches.length
      data.clear()
      comeBack(tell)
      await settle()
      client.getFlag("price")
      await client.flush()
      assert.deepEqual([data.size, client.stats().pending, net.batches.length], [0, 0, requests])
      await client.close()
    })
  }
}

test("another program clears storage, and the module traps: the same person and session, and no row is lost", async (t) => {
  const { data } = browserWithStorage(t)
  await (await page(t)).client.close()
  const { client, net, trap } = await page(t)
  const [person, session] = [client.identity, client.session.id]
  client.getFlag("greeting")
  await settle()
  data.clear()
  trap("unreachable")
  client.identify("person-1")
  await settle()
  assert.equal(client.stats().traps, 1)
  assert.deepEqual([client.identity.deviceId, client.identity.anonymousId, client.session.id], [person.deviceId, person.anonymousId, session])
  await client.flush()
  assert.deepEqual(rows(net), ["greeting"])
  await client.close()
})

test("who asks for the consent anew finds another page's person, not the one of before", async (t) => {
  const { data } = browserWithStorage(t)
  await (await page(t)).client.close()
  const { client } = await page(t)
  client.setConsent("pending")
  const other = await page(t)
  other.client.reset({ device: true })
  const { deviceId } = other.client.identity
  client.setConsent("granted")
  await settle()
  assert.equal(client.identity.deviceId, deviceId)
  assert.ok(data.get("pennon1:app:d").includes(deviceId))
  await Promise.all([client.close(), other.client.close()])
})

test("denied with cookies for a domain: nothing of the session stays in storage either", async (t) => {
  const { data } = browserWithStorage(t)
  replace(t, "location", { value: new URL("https://www.shop.example/") })
  const { client } = await page(t, { storage: { cookieDomain: "shop.example" } })
  await settle()
  assert.ok([...data.keys()].some((key) => /^pennon1_.*_s$/.test(key)), "the session tells this host's tabs")
  client.setConsent("denied")
  assert.deepEqual([...data.keys()], [])
  await client.close()
})

test("a page that is being prerendered takes nothing over; when it is activated it does, before it records", async (t) => {
  const { data } = browserWithStorage(t)
  const { tell } = window(t)
  const offline = () => network(() => Promise.reject(new TypeError("offline")))
  const first = await page(t, { net: offline() })
  replace(t, "document", { value: { hidden: true, prerendering: true } })
  const { client, net } = await page(t)
  client.getFlag("greeting")
  await settle()
  assert.equal(client.stats().adopted, 0)
  first.client.getFlag("greeting")
  await settle()
  await first.client.close()
  data.delete("pennon1:app:r")
  Object.assign(document, { hidden: false, prerendering: false })
  tell("prerenderingchange")
  await client.flush()
  const { adopted, recorded } = client.stats()
  assert.deepEqual([adopted, recorded, rows(net)], [1, 0, ["greeting"]])
  await client.close()
})

/** Each brings a page into a state in which no engine is there to hear or to tell anything. */
const STATES = {
  "whose module is still loading": async (t, options) => {
    t.mock.method(WebAssembly, "compile", () => new Promise(() => undefined))
    return page(t, { ruleset: { url: "http://publisher.example/r", readyTimeoutMs: 0 }, ...options })
  },
  "whose module has failed": async (t, options) => {
    t.mock.method(WebAssembly, "compile", async () => { throw new WebAssembly.CompileError("blocked") })
    return page(t, options)
  },
  "whose module was given up": async (t, options) => {
    const it = await page(t, options)
    it.client.getFlag("greeting")
    await settle()
    it.setMaxTraps(0)
    it.trap("unreachable")
    it.client.identify("person-1")
    await settle()
    assert.equal(it.client.decide("price").errorCode, "GENERAL")
    return it
  },
  "that is not granted yet": (t, options) => page(t, { ...options, consent: "pending" }),
  "that is granted": (t, options) => page(t, options),
}

for (const [state, open] of Object.entries(STATES)) {
  test(`a page ${state} hears that another tab denies: what it holds and sends is gone, and nothing is stored again`, async (t) => {
    const { data } = browserWithStorage(t)
    const { tell, heard } = window(t)
    for (const [key, text] of [["pennon1:app:q:x:0", "1|e"], ["pennon1:app:q:x", "1|0|closed|"], ["pennon1:app:d", "1|a|b"]]) data.set(key, text)
    const left = await page(t, { net: network(503, 503, 503) })
    left.client.getFlag("price")
    await left.client.close()
    const { net, signals } = endless()
    const { client } = await open(t, { net })
    client.getFlag("greeting")
    void client.flush()
    const isSending = state !== "that is not granted yet" && state !== "whose module is still loading"
    for (let turn = 0; isSending ? signals.length === 0 : turn < 10; turn++) {
      assert.ok(turn < 1000, "nothing was sent")
      await settle()
    }
    tell("storage", { key: "pennon1:app:c", oldValue: null, newValue: "denied" })
    assert.deepEqual([[...data.keys()], signals.every(({ aborted }) => aborted)], [[], true])
    client.getFlag("greeting")
    client.reportExposure("price")
    client.identify("somebody")
    tell("pagehide")
    tell("pageshow", { persisted: true })
    await settle()
    assert.deepEqual([[...data.keys()], net.batches.length], [[], signals.length])
    const closed = client.close()
    await settle()
    assert.deepEqual([...heard.values()].flat(), [], "a closed client listens no more")
    if (state !== "whose module is still loading") await closed
  })

  test(`a page ${state} tells other tabs and the page's other clients that it denies`, async (t) => {
    const origin = browserWithStorage(t)
    const { client, net } = await open(t, {})
    await settle()
    const told = []
    origin.told = ({ key, newValue }) => key === "pennon1:app:c" && told.push(newValue)
    client.setConsent("denied")
    assert.deepEqual([told, [...origin.data.keys()]], [["denied", null], []])
    const { length } = net.batches
    await settle()
    assert.deepEqual([origin.data.size, net.batches.length], [0, length])
    void client.close()
  })
}

test("storage that is full keeps no denial from other tabs", async (t) => {
  const origin = browserWithStorage(t)
  const { client } = await page(t)
  origin.quota = [...origin.data].reduce((sum, [key, text]) => sum + key.length + text.length, 0)
  const told = []
  origin.told = ({ key, newValue }) => key === "pennon1:app:c" && told.push(newValue)
  client.setConsent("denied")
  assert.deepEqual(told, ["denied", null])
  await client.close()
})

test("the clients of a page are told also while the module is loading", async (t) => {
  const { data } = browserWithStorage(t)
  t.mock.method(WebAssembly, "compile", () => new Promise(() => undefined))
  const { createClient } = await import("../dist-testing/testing.js?loading")
  const make = () => createClient({ ruleset: { url: "http://publisher.example/r", readyTimeoutMs: 0 }, namespace: "app", exposures: { endpoint: "http://collector.example/e" } })
  const [one, other] = await Promise.all([make(), make()])
  one.setConsent("denied")
  data.set("pennon1:app:d", "put there to be seen")
  other.setConsent("denied")
  assert.equal(data.size, 1, "the other one had denied already")
  for (const client of [one, other]) void client.close()
})

test("a page that comes back and has never stored anything has not been denied", async (t) => {
  const origin = browserWithStorage(t, { quota: 0 })
  const { tell } = window(t)
  const { client } = await page(t)
  client.getFlag("greeting")
  await settle()
  tell("pagehide", { persisted: true })
  origin.quota = 10_000
  tell("pageshow", { persisted: true })
  assert.deepEqual([client.stats().dropped, client.stats().pending], [{}, 1])
  await client.close()
})
