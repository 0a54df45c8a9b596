// What a flag answers, and when it is decided anew.

import assert from "node:assert/strict"
import { test } from "node:test"
import { makeClient, RULESET, settle } from "./lib/client.mjs"
import { stopTime } from "./lib/clock.mjs"

/** The ruleset with this in one flag's place. */
const withFlag = (key, flag) => ({ ...RULESET, flags: { ...RULESET.flags, [key]: { ...RULESET.flags[key], ...flag } } })

test("a flag answers its variant's value, and the decision says why", async () => {
  const client = await makeClient({ identity: { attributes: { plan: "pro" } } })
  assert.deepEqual(client.getFlag("checkout"), { layout: "one-page", steps: [1, 2, { last: true }] })
  assert.equal(client.getVariant("checkout"), "treatment")
  assert.deepEqual({ ...client.decide("checkout") }, {
    key: "checkout", value: client.peek("checkout"), variant: "treatment", reason: "TARGETING_MATCH", ruleId: "pros",
    bucket: undefined, flagVersion: 2,
  })
  assert.deepEqual(client.allFlags().map(({ key, reason, errorCode }) => [key, reason, errorCode]), [
    ["checkout", "TARGETING_MATCH", undefined], ["greeting", "DEFAULT", undefined], ["price", "DEFAULT", undefined],
    ["broken", "ERROR", "PARSE_ERROR"],
  ])
  await client.close()
})

test("a repeated read gives the same object, deep-frozen", async () => {
  const client = await makeClient({ identity: { attributes: { plan: "pro" } } })
  const value = client.getFlag("checkout")
  assert.equal(client.getFlag("checkout"), value)
  assert.equal(client.decide("checkout"), client.decide("checkout"))
  for (const part of [value, value.steps, value.steps[2], client.decide("checkout")]) assert.ok(Object.isFrozen(part))
  assert.throws(() => value.steps.push(3), TypeError)
  await client.close()
})

test("identify, attributes, overrides and a new ruleset decide anew, in the same task", async () => {
  const client = await makeClient({ identity: { attributes: { plan: "free" } } })
  const split = client.getVariant("checkout")
  const seen = []
  const see = () => seen.push(client.getVariant("checkout"))
  client.setAttributes({ plan: "pro" }), see()
  client.setAttributes({ plan: undefined }), see()
  client.identify("person-1", { plan: "pro" }), see()
  client.override("checkout", "control"), see()
  client.clearOverrides(), see()
  client.setRuleset(withFlag("checkout", { enabled: false, off: "control" })), see()
  client.setRuleset(JSON.stringify(RULESET)), see()
  client.reset(), see()
  assert.deepEqual(seen.slice(0, 7), ["treatment", split, "treatment", "control", "treatment", "control", "treatment"])
  assert.equal(client.decide("checkout").reason, "SPLIT", "reset leaves no attributes")
  await client.close()
})

test("values that are false, 0, empty or null are answers, not missing ones", async () => {
  const client = await makeClient()
  for (const [variant, value] of [["zero", 0], ["none", null], ["no", false], ["empty", ""]]) {
    client.override("price", variant)
    assert.equal(client.getFlag("price", "fallback"), value)
    assert.equal(client.peek("price"), value)
  }
  await client.close()
})

test("a flag that cannot be decided answers the fallback as it was given", async () => {
  const client = await makeClient()
  const fallback = { mine: [1] }
  for (const key of ["unknown", "broken", "", "x".repeat(1000)]) {
    assert.equal(client.getFlag(key, fallback), fallback)
    assert.equal(client.getFlag(key), undefined)
    assert.equal(client.peek(key), undefined)
    assert.equal(client.getVariant(key), undefined)
    assert.equal(client.decide(key).reason, "ERROR")
  }
  assert.ok(!Object.isFrozen(fallback))
  assert.deepEqual(["unknown", "broken"].map((key) => client.decide(key).errorCode), ["FLAG_NOT_FOUND", "PARSE_ERROR"])
  await client.close()
})

test("an override of a variant that does not exist changes nothing", async () => {
  const client = await makeClient()
  client.override("greeting", "cold")
  assert.deepEqual([client.getFlag("greeting"), client.decide("greeting").reason], ["Hello", "DEFAULT"])
  client.override("greeting", "warm")
  assert.deepEqual([client.getFlag("greeting"), client.decide("greeting").reason], ["Good to see you", "OVERRIDE"])
  await client.close()
})

test("before there is a ruleset, and after close, every flag answers its fallback", async () => {
  const client = await makeClient({ ruleset: undefined })
  assert.equal(client.getFlag("greeting", "early"), "early")
  assert.equal(client.decide("greeting").errorCode, "PROVIDER_NOT_READY")
  client.setRuleset(RULESET)
  assert.equal(client.getFlag("greeting", "early"), "Hello")
  await client.close()
  assert.equal(client.getFlag("greeting", "late"), "late")
  assert.equal(client.decide("greeting").errorCode, "PROVIDER_NOT_READY")
  assert.deepEqual(client.allFlags(), [])
  client.identify("person-2")
  client.setRuleset(RULESET)
  client.session.renew()
  assert.equal(client.getFlag("greeting", "late"), "late")
})

test("a flag starts and ends while it is being read", async (t) => {
  const time = stopTime(t)
  const client = await makeClient({
    ruleset: withFlag("greeting", { start: "2026-10-01T00:10:00Z", end: "2026-10-01T00:20:00Z", default: "warm", off: "plain" }),
  })
  const read = async () => {
    await settle()
    return [client.getFlag("greeting"), client.decide("greeting").reason]
  }
  assert.deepEqual(await read(), ["Hello", "DISABLED"])
  time.pass(10 * 60_000 - 1)
  assert.deepEqual(await read(), ["Hello", "DISABLED"])
  time.pass(1)
  assert.deepEqual(await read(), ["Good to see you", "DEFAULT"])
  time.pass(10 * 60_000 - 1)
  assert.deepEqual(await read(), ["Good to see you", "DEFAULT"])
  time.pass(1)
  assert.deepEqual(await read(), ["Hello", "DISABLED"])
  await client.close()
})

test("without a page any read keeps the session alive, and 30 minutes without one end it", async (t) => {
  const time = stopTime(t)
  const client = await makeClient()
  const read = async () => {
    await settle()
    client.getFlag("greeting")
    return client.session.id
  }
  const first = await read()
  for (let minute = 0; minute < 60; minute += 20) {
    time.pass(20 * 60_000)
    assert.equal(await read(), first)
  }
  time.pass(30 * 60_000)
  assert.notEqual(await read(), first)
  await client.close()
})

test("a page that makes up keys fills no memory and breaks nothing", async () => {
  const client = await makeClient()
  for (let key = 0; key < 25_000; key++) client.getFlag(`made-up-${key}`)
  assert.equal(client.getFlag("greeting"), "Hello")
  assert.equal(client.stats().recorded, 1)
  await client.close()
})

test("attributes are taken as they are when given", async () => {
  const attributes = { plan: "pro", nested: { deep: [1] } }
  const client = await makeClient({ identity: { attributes } })
  attributes.plan = "free"
  client.setAttributes({ unrelated: 1 })
  assert.equal(client.decide("checkout").ruleId, "pros")
  const later = { plan: "pro" }
  client.identify("person-2", later)
  later.plan = "free"
  client.setAttributes({})
  assert.equal(client.decide("checkout").ruleId, "pros")
  await client.close()
})

test("rules may ask for the app's version, whatever becomes of the person", async () => {
  const when = { attribute: "app.version", op: "eq", value: "2.4.1" }
  const flag = { variants: { old: 1, new: 2 }, default: "old", rules: [{ when, serve: "new" }] }
  const client = await makeClient({ app: { version: "2.4.1" }, ruleset: { schema: 1, flags: { flag } } })
  const answers = () => client.getFlag("flag")
  assert.equal(answers(), 2)
  client.identify("person-2", { plan: "pro" })
  assert.equal(answers(), 2)
  client.reset()
  assert.equal(answers(), 2)
  client.setAttributes({ "app.version": "1.0.0" })
  assert.equal(answers(), 1, "the person's own attribute of that name comes first")
  await client.close()
})

test("exposureProperties names the flags that were split, and only those", async () => {
  const client = await makeClient()
  const { variant } = client.decide("checkout")
  assert.deepEqual(client.exposureProperties(), { "$feature/checkout": variant })
  client.setAttributes({ plan: "pro" })
  assert.deepEqual(client.exposureProperties(), {})
  await client.close()
})

test("two clients decide for two people", async () => {
  const [one, other] = await Promise.all([
    makeClient({ identity: { attributes: { plan: "pro" } } }),
    makeClient({ identity: { distinctId: "person-2", attributes: {} } }),
  ])
  assert.equal(one.decide("checkout").reason, "TARGETING_MATCH")
  assert.equal(other.decide("checkout").reason, "SPLIT")
  await one.close()
  assert.equal(other.getFlag("greeting"), "Hello", "closing one leaves the other")
  await other.close()
})
