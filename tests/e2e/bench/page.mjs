// What is measured, in the page. Each measurement checks its own result.

import { createClient } from "pennon"

const READS = 1_000_000
const KEYS = 100

/** A ruleset of so many flags, each split in two. */
function rulesetOf(flags) {
  const serve = [{ variant: "off", weight: 1 }, { variant: "on", weight: 1 }]
  const flag = () => ({
    variants: { off: 1, on: 2 },
    default: "off",
    limitExposure: { percent: 90 },
    rules: [
      { id: "pros", when: { all: [{ attribute: "plan", op: "in", value: ["pro", "team"] }, { attribute: "country", op: "eq", value: "NO" }] }, serve: "on" },
      { id: "everyone", serve },
    ],
  })
  return { schema: 1, version: 1, flags: Object.fromEntries(keysOf(flags).map((key) => [key, flag()])) }
}

const keysOf = (flags) => Array.from({ length: flags }, (_, number) => `feature-${number}`)

const identity = { distinctId: "person-1", attributes: { plan: "free", country: "DE" } }
const exposures = { endpoint: "/api/switch/exposures", flushIntervalMs: 3_600_000 }

function check(holds, what) {
  if (!holds) throw new Error(`measured nothing: ${what}`)
}

/** Nanoseconds for each read in one task. The sum keeps the compiler from leaving the reads out. */
function timeReads(read, keys, expected) {
  let sum = 0
  let key = 0
  const beganMs = performance.now()
  for (let count = 0; count < READS; count++) {
    sum += read(keys[key])
    key = key === KEYS - 1 ? 0 : key + 1
  }
  const tookMs = performance.now() - beganMs
  check(sum === expected * (READS / KEYS), "the sum is another")
  return (tookMs * 1e6) / READS
}

/** Repeated reads of 100 flags, and of a Map with the same keys: so many rounds of each, in random order. */
globalThis.repeatedReads = async (rounds) => {
  const keys = keysOf(KEYS)
  const client = await createClient({ ruleset: rulesetOf(KEYS), identity, exposures })
  const map = new Map(keys.map((key) => [key, client.getFlag(key)]))
  const expected = keys.reduce((sum, key) => sum + map.get(key), 0)
  const cases = {
    "Map.get": (key) => map.get(key),
    getFlag: (key) => client.getFlag(key),
    "getFlag, with a fallback": (key) => client.getFlag(key, 0),
  }
  const found = Object.fromEntries(Object.keys(cases).map((name) => [name, []]))
  for (let round = -2; round < rounds; round++) {
    for (const name of Object.keys(cases).sort(() => Math.random() - 0.5)) {
      const ns = timeReads(cases[name], keys, expected)
      if (round >= 0) found[name].push(ns) // The first two rounds let the compiler settle.
      await new Promise((resolve) => setTimeout(resolve))
    }
  }
  check(client.stats().recorded === KEYS, `${client.stats().recorded} rows`)
  await client.close()
  return found
}

/** Microseconds for the first read of each of 100 flags, its exposure recorded. */
globalThis.firstReads = async (rounds) => {
  const keys = keysOf(KEYS)
  const text = JSON.stringify(rulesetOf(KEYS))
  const found = []
  for (let round = 0; round < rounds; round++) {
    const client = await createClient({ ruleset: text, identity, exposures: { ...exposures, dedup: "none" }, storage: false })
    const beganMs = performance.now()
    let sum = 0
    for (const key of keys) sum += client.getFlag(key)
    found.push(((performance.now() - beganMs) * 1000) / KEYS)
    check(sum >= KEYS && client.stats().recorded === KEYS, "not every read was recorded")
    await client.close()
  }
  return found
}

/** Milliseconds from a ruleset's text to the first decision. On a page's first client the module is loaded as well. */
globalThis.startUp = async (flags, rounds) => {
  const text = JSON.stringify(rulesetOf(flags))
  const key = `feature-${flags - 1}`
  const found = []
  for (let round = 0; round < rounds; round++) {
    const beganMs = performance.now()
    const client = await createClient({ ruleset: text, identity })
    const { reason } = client.decide(key)
    found.push(performance.now() - beganMs)
    check(reason === "SPLIT" || reason === "NOT_IN_EXPOSURE", reason)
    await client.close()
  }
  return { found, bytes: text.length }
}
