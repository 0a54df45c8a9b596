// What recording costs: rows, their copies in storage, a batch; and whether reads leave anything behind.

import { createClient } from "pennon"
import { check, exposures, identity, keysOf, pause, rulesetOf } from "./parts.mjs"

/** A task that records more than this may fill a batch, which is then sent at once. */
const ROWS = 80
/** What a task leaves to microtasks is done in far fewer turns. */
const TURNS = 20

const storedRows = () => Object.values({ ...localStorage }).reduce((sum, text) => sum + text.split('"flag_key":').length - 1, 0)

/**
 * Microseconds for each of 80 rows that one task records, of flags that were decided before; the same when storage has them;
 * and for the batch made of them all, one block.
 */
globalThis.recording = async (rounds) => {
  const found = { row: [], "row, until storage has it": [], batch: [], "batch, less the browser's fetch": [] }
  let fetchMs = 0
  const timedFetch = (...given) => {
    const beganMs = performance.now()
    const answer = fetch(...given)
    fetchMs = performance.now() - beganMs
    return answer
  }
  for (let round = -5; round < rounds; round++) {
    const keys = keysOf(ROWS, 1000 + round) // No other measurement has recorded these in this session.
    const client = await createClient({ ruleset: rulesetOf(keys), identity, exposures: { ...exposures, fetch: timedFetch } })
    for (const key of keys) client.peek(key)
    await pause()
    check(storedRows() <= 1, `${storedRows()} rows are stored before any is recorded`) // The link.

    const beganMs = performance.now()
    for (const key of keys) client.getFlag(key)
    const recordedMs = performance.now() - beganMs
    for (let turn = 0; turn < TURNS; turn++) await undefined
    const storedMs = performance.now() - beganMs
    const { pending } = client.stats()
    check(pending >= ROWS && storedRows() >= ROWS, `${pending} rows wait, ${storedRows()} are stored`)
    await pause()

    const blockBeganMs = performance.now()
    const flushed = client.flush()
    const blockMs = performance.now() - blockBeganMs
    const { delivered } = await flushed
    check(delivered >= ROWS, `${delivered} rows delivered`)
    await client.close()
    if (round < 0) continue // The first let the compiler settle.
    found.row.push((recordedMs * 1000) / ROWS)
    found["row, until storage has it"].push((storedMs * 1000) / ROWS)
    found.batch.push(blockMs * 1000)
    found["batch, less the browser's fetch"].push((blockMs - fetchMs) * 1000)
  }
  return found
}

/** Reads each of 100 flags so often that there are this many reads in all; the client stays. */
let reader
globalThis.readOften = async (reads) => {
  const keys = keysOf(100)
  reader ??= await createClient({ ruleset: rulesetOf(keys), identity, exposures })
  let sum = 0
  for (let count = 0; count < reads; count++) sum += reader.getFlag(keys[count % 100])
  check(sum >= reads && sum <= 2 * reads, `a sum of ${sum}`)
}
