// What a page does to itself: wrong arguments, odd objects, patched natives. None of it may reach it as an error, or
// cost an exposure.

import assert from "node:assert/strict"
import { test } from "node:test"

import { createClient } from "pennon"
import { makeClient, network, settle } from "./lib/client.mjs"

test("a key that is none harms neither this client nor another", async () => {
  const net = network()
  const [one, other] = await Promise.all([makeClient({ net }), makeClient()])
  for (const key of [5, undefined, null, Symbol("key"), {}, () => 1]) {
    one.reportExposure(key, { value: "Hello" })
    one.override(key, "plain")
    one.override("greeting", key)
    assert.equal(one.getFlag(key, "fallback"), "fallback")
  }
  assert.equal(one.getFlag("greeting"), "Hello")
  other.identify("person-2")
  assert.equal(other.identity.distinctId, "person-2")
  assert.equal(one.problems().some(({ code }) => code === "ENGINE_FAILED"), false)
  assert.deepEqual(await one.flush(), { delivered: 1, pending: 0 })
  await Promise.all([one.close(), other.close()])
})

test("objects within themselves and shared ones are copied in bounded time", async () => {
  const client = await makeClient()
  const cyclic = { plan: "pro" }
  cyclic.self = cyclic
  cyclic.list = [cyclic, cyclic]
  let shared = { leaf: 1 }
  for (let depth = 0; depth < 30; depth++) shared = { left: shared, right: shared }
  const startMs = performance.now()
  client.identify("person-2", { plan: "pro", cyclic, shared })
  client.setAttributes({ again: shared })
  client.reportExposure("greeting", { value: shared })
  assert.ok(performance.now() - startMs < 5_000, "2 to the power of 30 copies would take hours")
  assert.equal(client.decide("checkout").ruleId, "pros")
  await client.close()
})

test("a clock that gives no time stops nothing", async (t) => {
  for (const time of [NaN, Infinity, -5, 1e300]) {
    const { mock } = t.mock.method(performance, "now", () => time)
    const net = network()
    const client = await makeClient({ net })
    assert.equal(client.getFlag("greeting"), "Hello")
    assert.equal((await client.flush()).delivered, 1, `${time}`)
    const [{ sent_mono_ms, exposures: [row] }] = net.batches
    assert.ok([sent_mono_ms, row.mono_ms].every((ms) => Number.isSafeInteger(ms) && ms > 0), `${time}`)
    await client.close()
    mock.restore()
  }
})

test("many calls add no more attributes than one may", async () => {
  const client = await makeClient()
  const some = (from) => Object.fromEntries(Array.from({ length: 8000 }, (_, at) => [`a${from + at}`, true]))
  const has = (name) => {
    const flag = { variants: { yes: true, no: false }, default: "no", rules: [{ when: { attribute: name, op: "eq", value: true }, serve: "yes" }] }
    client.setRuleset({ schema: 1, flags: { flag } })
    return client.getFlag("flag")
  }
  for (let from = 0; from < 80_000; from += 8000) client.setAttributes(some(from))
  assert.deepEqual([has("a0"), has("a9000"), has("a20000"), has("a79999")], [true, true, false, false])
  await client.close()
})

test("an action from within fetch is not overlooked by the read that caused it", async () => {
  const flags = Object.fromEntries(
    Array.from({ length: 200 }, (_, at) => [
      `f${at}`,
      {
        variants: { a: "A", b: "B" },
        default: "a",
        rules: [{ when: { attribute: "$distinctId", op: "eq", value: "u2" }, serve: "b" }],
      },
    ]),
  )
  let client
  let first = true
  const sent = []
  async function fetch(url, init) {
    sent.push(...JSON.parse(init.body).exposures)
    if (first) {
      first = false
      client.identify("u2")
    }
    return new Response(null, { status: 204 })
  }
  client = await createClient({
    ruleset: { schema: 1, flags },
    identity: { distinctId: "u1" },
    exposures: { endpoint: "http://collector.example/e", fetch },
  })
  let at = 0
  while (first && at < 200) client.getFlag(`f${at++}`)
  assert.ok(!first, "200 rows and no batch")
  const last = `f${at - 1}`
  await settle()
  assert.equal(client.getFlag(last), "B")
  while ((await client.flush()).pending > 0);
  assert.deepEqual(
    sent.filter((row) => row.flag_key === last).map((row) => [row.distinct_id, row.variant]),
    [["u1", "a"], ["u2", "b"]],
  )
  await client.close()
})

test("a clock that throws or tells no time costs no answer", async (t) => {
  const client = await makeClient()
  for (const now of [() => { throw new Error("patched") }, () => NaN, () => undefined]) {
    t.mock.method(Date, "now", now)
    await settle()
    assert.equal(client.getFlag("greeting"), "Hello")
    client.setAttributes({ any: 1 })
    assert.equal(client.getFlag("greeting"), "Hello")
    assert.equal(typeof client.session.id, "string")
    client.stats()
    t.mock.restoreAll()
  }
  await client.close()
})

test("what a listener's promise rejects with stays with it, whoever made the promise", async () => {
  const client = await makeClient()
  let rejected = false
  client.on("change", () => ({ then: (_, reject) => { rejected = true; reject?.(new Error("foreign")) } }))
  client.on("change", async () => { throw new Error("own") })
  client.setAttributes({ any: 1 })
  await settle()
  assert.ok(rejected)
  await client.close()
})

test("an id with half a character is somebody's id", async () => {
  const client = await makeClient({ identity: { distinctId: "u\ud83e" } })
  assert.equal(client.identity.distinctId, "u\ufffd")
  assert.deepEqual(client.problems().filter(({ code }) => code === "INVALID_ID"), [])
  client.identify("x".repeat(1 << 20))
  assert.equal(client.identity.distinctId, "u\ufffd")
  assert.equal(client.problems().filter(({ code }) => code === "INVALID_ID").length, 1)
  await client.close()
})

test("overrides are bounded, and the latest hold", async () => {
  const client = await makeClient()
  for (let at = 0; at < 3000; at++) client.override(`made-up-${at}`, "on")
  client.override("greeting", "warm")
  assert.equal(client.getFlag("greeting"), "Good to see you")
  await client.close()
})
