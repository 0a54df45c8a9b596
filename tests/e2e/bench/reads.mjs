// Reads of flags: repeated ones, and the first.

import { createClient } from "pennon"
import { check, exposures, identity, keysOf, pause, rulesetOf } from "./parts.mjs"

const READS = 1_000_000
const KEYS = 100
/** Enough for a clock that ticks every 0.1 ms. */
const FIRST_KEYS = 1000
/** Fewer than fill a batch, which would be sent in the midst of them. */
const RECORDED_KEYS = 80
/** Times that the decisions of one client become stale. */
const EPOCHS = 5

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
  const client = await createClient({ ruleset: rulesetOf(keys), identity, exposures })
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
      await pause()
    }
  }
  check(client.stats().recorded >= KEYS, `${client.stats().recorded} rows`)
  await client.close()
  return found
}

/** Nanoseconds for one read of each flag, in one task. */
function timeFirst(read, keys) {
  let sum = 0
  const beganMs = performance.now()
  for (const key of keys) sum += read(key)
  const tookMs = performance.now() - beganMs
  check(sum >= keys.length && sum <= 2 * keys.length, `a sum of ${sum}`)
  return (tookMs * 1e6) / keys.length
}

/**
 * The first read of each flag of a ruleset: with its compilation; compiled, after another person made every decision stale;
 * and with its exposure, which is recorded every time.
 */
globalThis.firstReads = async (rounds) => {
  const found = { compiled: [], "with its compilation": [], "compiled, with its exposure": [] }
  for (let round = -2; round < rounds; round++) {
    const keys = keysOf(FIRST_KEYS, round)
    const ruleset = JSON.stringify(rulesetOf(keys))
    const client = await createClient({ ruleset, identity, storage: false })
    await pause()
    const withCompilation = timeFirst((key) => client.peek(key), keys)
    let compiled = 0
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      client.identify(`person-${epoch + 2}`, identity.attributes)
      compiled += timeFirst((key) => client.peek(key), keys) / EPOCHS
    }
    await client.close()

    const recording = await createClient({ ruleset, identity, exposures: { ...exposures, dedup: "none" }, storage: false })
    const few = keys.slice(0, RECORDED_KEYS)
    for (const key of few) recording.peek(key)
    recording.setAttributes({ epoch: -1 })
    await pause()
    const withExposure = timeFirst((key) => recording.getFlag(key), few)
    check(recording.stats().recorded >= RECORDED_KEYS, `${recording.stats().recorded} rows`)
    await recording.close()

    if (round < 0) continue // As above.
    found["with its compilation"].push(withCompilation)
    found.compiled.push(compiled)
    found["compiled, with its exposure"].push(withExposure)
  }
  return found
}
