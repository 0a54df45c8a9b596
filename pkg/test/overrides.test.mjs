// Overrides: what they serve, what is said of those that name nothing, and how they are read from a URL.

import assert from "node:assert/strict"
import { test } from "node:test"
import { makeClient, network, RULESET, settle } from "./lib/client.mjs"

const unknown = (client) =>
  client.problems().filter(({ code }) => code === "UNKNOWN_VARIANT").map(({ where, message }) => [where, message])

/** Gives this process what a tab has: an address and a storage. Takes both away after the test. */
function openTab(t, search, kept = {}) {
  const stored = new Map(Object.entries(kept))
  const tab = {
    location: { search, hostname: "", href: `http://page.example/${search}` },
    sessionStorage: {
      getItem: (name) => stored.get(name) ?? null,
      setItem: (name, text) => void stored.set(name, text),
      removeItem: (name) => void stored.delete(name),
    },
  }
  const before = Object.keys(tab).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)])
  for (const [name, value] of Object.entries(tab)) Object.defineProperty(globalThis, name, { value, configurable: true })
  t.after(() => {
    for (const [name, own] of before) own ? Object.defineProperty(globalThis, name, own) : delete globalThis[name]
  })
  return stored
}

test("an override is served until it is taken back, and each change is told", async () => {
  const client = await makeClient()
  const causes = []
  client.on("change", ({ cause }) => causes.push(cause))
  client.override("greeting", "warm")
  assert.deepEqual([client.peek("greeting"), client.decide("greeting").reason], ["Good to see you", "OVERRIDE"])
  client.override("greeting", "plain")
  assert.deepEqual([client.peek("greeting"), client.decide("greeting").reason], ["Hello", "OVERRIDE"])
  client.clearOverrides()
  assert.equal(client.decide("greeting").reason, "DEFAULT")
  await settle()
  assert.deepEqual(causes, ["override", "override", "override"])
  await client.close()
})

test("an override that names nothing is passed over, and listed once the ruleset is known", async () => {
  const client = await makeClient({ ruleset: undefined })
  const variants = [["greeting", "cold"], ["greetings", "warm"], ["broken", "on"], ["__proto__", "constructor"], ["price", "low"]]
  for (const [key, variant] of variants) client.override(key, variant)
  assert.deepEqual(unknown(client), [], "nothing is known yet")
  client.setRuleset(RULESET)
  const nothing = "expected a flag that is there and works"
  const expected = [
    ['override("greeting")', 'found "cold", expected plain, warm'],
    ['override("greetings")', `found "warm", ${nothing}`],
    ['override("broken")', `found "on", ${nothing}`],
    ['override("__proto__")', `found "constructor", ${nothing}`],
  ]
  assert.deepEqual(unknown(client), expected)
  client.setRuleset(RULESET)
  client.override("greeting", "cold")
  assert.deepEqual(unknown(client), expected, "once")
  assert.equal(client.decide("greeting").reason, "DEFAULT")
  assert.equal(client.decide("price").reason, "OVERRIDE")
  await client.close()
})

test("what can be no key is refused, whatever the options are", async () => {
  const client = await makeClient()
  const hostile = { get exposures() { throw new Error("spoilt") } }
  for (const [key, variant] of [[5, "warm"], ["greeting", undefined], ["x".repeat(257), "warm"], [Symbol("s"), {}]]) {
    client.override(key, variant, hostile)
  }
  client.override("greeting", "warm", hostile)
  client.override("price", "zero", null)
  assert.deepEqual([client.peek("greeting"), client.peek("price")], ["Good to see you", 0])
  assert.deepEqual([...new Set(client.problems().map(({ code }) => code))].sort(), ["FLAG_INVALID", "INVALID_KEY"])
  await client.close()
})

test("a read of an overridden flag is no exposure", async () => {
  const net = network()
  const client = await makeClient({ net })
  client.override("greeting", "warm")
  client.getFlag("greeting")
  client.reportExposure("greeting")
  assert.deepEqual(await client.flush(), { delivered: 0, pending: 0 })
  client.clearOverrides()
  client.getFlag("greeting")
  await client.flush()
  assert.deepEqual(net.batches.flatMap(({ exposures }) => exposures.map(({ variant, reason }) => [variant, reason])), [["plain", "DEFAULT"]])
  await client.close()
})

test("an override that asks for exposures is recorded, marked by its reason", async () => {
  const net = network()
  const client = await makeClient({ net })
  client.override("greeting", "warm", { exposures: true })
  for (let read = 0; read < 3; read++) client.getFlag("greeting")
  await client.flush()
  client.override("greeting", "warm", { exposures: false })
  client.getFlag("greeting")
  client.override("price", "zero", { exposures: "yes" })
  client.getFlag("price")
  await client.flush()
  const rows = net.batches.flatMap(({ exposures }) => exposures)
  assert.deepEqual(rows.map((row) => [row.flag_key, row.variant, row.reason]), [["greeting", "warm", "OVERRIDE"]])
  await client.close()
})

test("what depends on overrides is recorded where all of those ask for it, and others are as before", async () => {
  const needs = (...keys) => ({
    variants: { off: false, on: true },
    default: "on",
    off: "off",
    requires: keys.map((flag) => ({ flag, variants: ["on"] })),
  })
  const plain = { variants: { off: false, on: true }, default: "off" }
  const flags = { one: plain, two: plain, first: needs("one"), both: needs("one", "two"), condition: {
    ...plain, rules: [{ id: "r", when: { flag: "two", variants: ["on"] }, serve: "on" }],
  } }
  const net = network()
  const client = await makeClient({ net, ruleset: { schema: 1, flags } })
  client.override("one", "on", { exposures: true })
  client.override("two", "on")
  const decided = Object.keys(flags).map((key) => [key, client.getFlag(key), client.decide(key).reason])
  assert.deepEqual(decided, Object.keys(flags).map((key) => [key, true, "OVERRIDE"]))
  await client.flush()
  const sent = () => net.batches.flatMap(({ exposures }) => exposures.map((row) => [row.flag_key, row.reason]))
  assert.deepEqual(sent(), [["one", "OVERRIDE"], ["first", "OVERRIDE"]])
  client.override("two", "on", { exposures: true })
  for (const key of Object.keys(flags)) client.getFlag(key)
  await client.flush()
  assert.deepEqual(sent().slice(2), [["two", "OVERRIDE"], ["both", "OVERRIDE"], ["condition", "OVERRIDE"]])
  client.clearOverrides()
  for (const key of Object.keys(flags)) client.getFlag(key)
  await client.flush()
  assert.deepEqual(sent().slice(5).map(([, reason]) => reason), ["DEFAULT", "DEFAULT", "PREREQUISITE_FAILED", "PREREQUISITE_FAILED", "DEFAULT"])
  await client.close()
})

test("names and variants of a URL are decoded as forms are", async (t) => {
  openTab(t, "?pennon.gr%C3%BC%C3%9Fe+%26+%3D=w%61rm&pennon.a.b=on&Pennon.price=zero&pennon=x&price=zero")
  const flag = { variants: { off: false, on: true, warm: "warm" }, default: "off" }
  const ruleset = { schema: 1, flags: { "grüße & =": flag, "a.b": flag, price: flag } }
  const client = await makeClient({ ruleset, overrides: { fromUrl: true } })
  assert.deepEqual(["grüße & =", "a.b", "price"].map((key) => client.peek(key)), ["warm", true, false])
  assert.deepEqual(unknown(client), [])
  await client.close()
})

test("the URL counts before what the tab has kept, and its last word before its first", async (t) => {
  const kept = JSON.stringify([["greeting", "warm", true], ["price", "zero", false], ["checkout", "treatment", 1]])
  const stored = openTab(t, "?pennon.greeting=warm&pennon.price=low&pennon.price=no&pennon.checkout=", { "pennon1:test:o": kept })
  const client = await makeClient({ namespace: "test", overrides: { fromUrl: true } })
  assert.deepEqual([client.peek("greeting"), client.peek("price")], ["Good to see you", false])
  assert.equal(client.decide("checkout").reason, "SPLIT")
  const list = () => JSON.parse(stored.get("pennon1:test:o") ?? "[]")
  assert.deepEqual(list(), [["greeting", "warm", false], ["price", "no", false]], "a URL asks for no exposures")
  client.override("price", "none", { exposures: true })
  assert.deepEqual(list(), [["greeting", "warm", false], ["price", "none", true]])
  client.reset()
  assert.equal(stored.size, 0)
  assert.equal(client.decide("price").reason, "DEFAULT")
  await client.close()
})

test("a tab whose URL may not override keeps none and reads none", async (t) => {
  const kept = { "pennon1:test:o": '[["greeting","warm",false]]' }
  for (const overrides of [undefined, {}, { fromUrl: false }]) {
    const stored = openTab(t, "?pennon.greeting=warm", kept)
    const client = await makeClient({ namespace: "test", overrides })
    assert.equal(client.peek("greeting"), "Hello")
    client.override("price", "zero")
    client.clearOverrides()
    client.reset()
    assert.deepEqual(Object.fromEntries(stored), kept)
    await client.close()
  }
})

test("the oldest of more than 1000 overrides is forgotten", async () => {
  const client = await makeClient()
  client.override("greeting", "warm")
  for (let place = 0; place < 999; place++) client.override(`flag${place}`, "on")
  assert.equal(client.decide("greeting").reason, "OVERRIDE")
  client.override("flag999", "on")
  assert.equal(client.decide("greeting").reason, "DEFAULT")
  await client.close()
})
