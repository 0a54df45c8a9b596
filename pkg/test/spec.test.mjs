// The vectors of the specification (tests/spec), answered by the built package in Node.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"

import { createClient } from "pennon"

const read = (name) => JSON.parse(readFileSync(new URL(`../../tests/spec/${name}.json`, import.meta.url), "utf8"))

const DECISIONS = [
  "evaluation", "operators", "versions", "patterns", "dates", "segments", "flow", "overrides", "sticky", "text",
]
/** The most differences that are shown. */
const MAX_SHOWN = 5

/** The time, and what is drawn for the next ids. */
let nowMs = 0
let draws = []
Date.now = () => nowMs
crypto.getRandomValues = (bytes) => {
  const [, ...drawn] = draws.shift() ?? []
  for (const at of bytes.keys()) bytes[at] = drawn[at] ?? 0
  return bytes
}

/** Time and random bytes of a UUIDv7: [Unix milliseconds, ten bytes]. */
function partsOf(uuid) {
  const hex = uuid.replaceAll("-", "")
  return [parseInt(hex.slice(0, 12), 16), ...hex.slice(12).match(/../g).map((byte) => parseInt(byte, 16))]
}

/** A text, or {repeat, times}, or a list of such parts. */
function textOf(text) {
  if (Array.isArray(text)) return text.map(textOf).join("")
  return typeof text === "string" ? text : textOf(text.repeat).repeat(text.times)
}

/** A client without storage makes its ids of the time and random bytes: these make the ids of the vectors. */
async function clientWith({ deviceId, anonymousId }, options) {
  const [instance, device, anonymous] = [[], partsOf(deviceId), partsOf(anonymousId)]
  assert.equal(device[0], anonymous[0])
  nowMs = device[0]
  draws = [instance, device, anonymous]
  const client = await createClient(options)
  assert.deepEqual([client.identity.deviceId, client.identity.anonymousId], [deviceId, anonymousId])
  return client
}

/** What the steps of a vector give the client, and its last decision. */
async function play(head, vector) {
  const steps = [...(vector.before ?? []).map((step) => ({ ...withoutRuleset(vector, step), overrides: {}, ...step })), vector]
  const [first] = steps
  const ruleset = rulesetOf(head, first)
  // Other texts are URLs to `createClient`.
  const isGivenAtStart = /^\s*[{[]/.test(ruleset)
  const client = await clientWith(head, {
    ...(isGivenAtStart && { ruleset }),
    identity: { ...(first.distinctId !== null && { distinctId: first.distinctId }), attributes: first.attributes },
  })
  if (!isGivenAtStart) client.setRuleset(ruleset)
  let known = first.attributes ?? {}
  for (const step of steps) {
    await null // The client looks at the clock once in a task.
    nowMs = step.nowMs ?? head.nowMs
    const { attributes = {}, distinctId } = step
    if (step !== first) {
      client.setRuleset(rulesetOf(head, step))
      // Before a login attributes are merged, not replaced.
      if (distinctId !== null) client.identify(distinctId, attributes)
      else client.setAttributes({ ...Object.fromEntries(Object.keys(known).map((name) => [name, undefined])), ...attributes })
    }
    known = attributes
    client.clearOverrides()
    for (const [key, variant] of Object.entries(step.overrides ?? {})) client.override(key, variant)
    for (const key of [step.flag].flat()) client.decide(key)
  }
  assert.equal(client.identity.distinctId, vector.distinctId ?? head.anonymousId)
  const decision = client.decide(vector.flag)
  const problems = vector.expect.problem !== undefined || vector.expect.refused ? client.problems() : []
  await client.close()
  return { decision, problems }
}

function withoutRuleset({ ruleset, rulesetText, overrides, before, ...vector }, step) {
  return "ruleset" in step || "rulesetText" in step ? vector : { ruleset, rulesetText, ...vector }
}

function rulesetOf(head, { ruleset, rulesetText }) {
  if (rulesetText !== undefined) return textOf(rulesetText)
  return JSON.stringify(typeof ruleset === "string" ? head.rulesets[ruleset] : ruleset)
}

/** What is wrong with what a vector was answered; undefined where it is as expected. */
async function difference(head, vector) {
  const { refused, problem, ...expected } = vector.expect
  // Longer keys stay outside of the module.
  if (vector.flag.length > 256) Object.assign(expected, { errorCode: "FLAG_NOT_FOUND" })
  try {
    const { decision, problems } = await play(head, vector)
    const { key, ...found } = decision
    assert.deepEqual(Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)), expected)
    if (refused) assert.ok(problems.some(({ code }) => code === "RULESET_INVALID"), "no ruleset was refused")
    if (problem !== undefined) {
      const places = problems.map(({ where }) => where.replace(/^(setR|r)uleset: /, ""))
      const isThere = (place) => !problem || (place.startsWith(problem) && ["", ".", "["].includes(place.charAt(problem.length)))
      assert.ok(places.some(isThere), `found problems at ${JSON.stringify(places)}, expected one at ${problem}`)
    }
  } catch (error) {
    return `${vector.name}: ${error.message}`
  }
}

for (const name of DECISIONS) {
  test(`the package answers each vector of ${name}.json`, async () => {
    const { vectors, ...head } = read(name)
    const different = []
    for (const vector of vectors) different.push(await difference(head, vector))
    const shown = different.filter((one) => one !== undefined)
    assert.ok(vectors.length > 50)
    assert.equal(shown.length, 0, `${shown.length} differ\n${shown.slice(0, MAX_SHOWN).join("\n\n")}`)
  })
}

test("the package puts each unit of bucketing.json into its bucket", async () => {
  const { vectors } = read("bucketing")
  const flags = { f: { variants: { v: 1 }, default: "v", by: "unit", rules: [{ serve: [{ variant: "v", weight: 1 }] }] } }
  for (const { salt, unitId, bucket } of vectors) {
    const ruleset = { flags: { f: { ...flags.f, salt: textOf(salt) } } }
    const client = await createClient({ ruleset, identity: { distinctId: "u1", attributes: { unit: textOf(unitId) } } })
    assert.equal(client.decide("f").bucket, bucket, `salt ${JSON.stringify(salt)}, unit id ${JSON.stringify(unitId)}`)
    await client.close()
  }
  assert.ok(vectors.length > 200)
})
