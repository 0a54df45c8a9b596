// A trap of the module. It spends the instance for every client of this process, so this file has one test.

import assert from "node:assert/strict"
import { test } from "node:test"

import { createClient } from "pennon"
import { makeClient, network } from "./lib/client.mjs"

test("after a trap no client enters the module again, and all of them go on with fallbacks", async (t) => {
  const when = { attribute: "name", op: "eq", value: "ada", ignoreCase: true }
  const flag = { variants: { no: false, yes: true }, default: "no", rules: [{ when, serve: "yes" }] }
  const ruleset = { schema: 1, flags: { folded: flag, other: flag } }
  const net = network(() => new Promise(() => undefined))
  const identity = { attributes: { name: "Ada" } }
  const [one, other] = await Promise.all([makeClient({ ruleset, identity, net }), makeClient({ net })])
  assert.equal(other.getFlag("greeting"), "Hello")
  const flushing = other.flush()

  // A page that puts its own function in the place of the host's, and reads a flag in it: while the engine decides.
  const toLowerCase = String.prototype.toLowerCase
  let inner
  t.mock.method(String.prototype, "toLowerCase", function () {
    if (String(this) === "Ada") inner ??= one.getFlag("other", "fallback")
    return toLowerCase.call(this)
  })
  assert.equal(one.getFlag("folded", "fallback"), true, "what was decided around it is right all the same")
  t.mock.restoreAll()
  assert.equal(inner, "fallback")

  for (const client of [one, other]) {
    for (const key of ["other", "greeting"]) {
      assert.equal(client.getFlag(key, "fallback"), "fallback")
      assert.equal(client.decide(key).errorCode, "GENERAL")
    }
    client.identify("person-2")
    client.reset()
    client.override("greeting", "warm")
    client.session.renew()
    client.reportExposure("greeting")
    assert.deepEqual(client.allFlags(), [])
    assert.equal(client.stats().pending, 0)
    assert.deepEqual(await client.flush(), { delivered: 0, pending: 0 })
  }
  assert.deepEqual(await flushing, { delivered: 0, pending: 0 }, "a flush under way ends")
  assert.deepEqual(one.problems().map(({ code }) => code), ["ENGINE_FAILED"])

  const late = await createClient({ ruleset })
  assert.deepEqual([late.decide("folded").value, late.problems()], [false, []], "another instance")
  await Promise.all([one.close(), other.close(), late.close()])
})
