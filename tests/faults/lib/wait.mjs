// Waiting for something to come about. Only what fails waits long.

import assert from "node:assert/strict"

export const PATIENCE_MS = 60_000

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** What `probe` gives, once `enough` is satisfied with it. `what` names it in the failure. */
export async function eventually(what, probe, enough = Boolean, patienceMs = PATIENCE_MS) {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const found = await probe()
    if (enough(found)) return found
    if (Date.now() > deadline) assert.fail(`${what}: still ${JSON.stringify(found)?.slice(0, 600)} after ${patienceMs} ms`)
    await sleep(25)
  }
}

/** The result of `promise`, or a failure that names `what` when it takes longer. */
export async function within(what, promise, ms = PATIENCE_MS) {
  let timer
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`${what}: nothing after ${ms} ms`)), ms)))
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
