// From a ruleset's text to the first decision, beside `JSON.parse` of the same text.

import { createClient } from "pennon"
import { check, identity, keysOf, pause, rulesetOf } from "./parts.mjs"

/** Milliseconds until a new client has decided a flag. On a page's first client the module is loaded as well. */
async function timeClient(text, key) {
  const beganMs = performance.now()
  const client = await createClient({ ruleset: text, identity })
  const { reason } = client.decide(key)
  const tookMs = performance.now() - beganMs
  check(reason === "SPLIT" || reason === "NOT_IN_EXPOSURE", reason)
  await client.close()
  return tookMs
}

/** Milliseconds until a running client has taken another ruleset, and decided a flag. One blocking call. */
function timeSwap(client, text, key) {
  const beganMs = performance.now()
  client.setRuleset(text)
  const { reason } = client.decide(key)
  const tookMs = performance.now() - beganMs
  check(reason === "SPLIT" || reason === "NOT_IN_EXPOSURE", reason)
  return tookMs
}

function timeParse(text, key) {
  const beganMs = performance.now()
  const ruleset = JSON.parse(text)
  const tookMs = performance.now() - beganMs
  check(ruleset.flags[key].default === "off", "another flag")
  return tookMs
}

/** Each round has a text of its own, with flags that no earlier one had, and takes it in both ways, in turn first. */
globalThis.startUps = async (flags, rounds) => {
  const found = { client: [], swap: [], parse: [] }
  const running = await createClient({ identity, storage: false })
  let bytes = 0
  for (let round = -1; round < rounds; round++) {
    const keys = keysOf(flags, round)
    const text = JSON.stringify(rulesetOf(keys))
    const key = keys[flags - 1]
    const cases = {
      client: () => timeClient(text, key),
      swap: () => timeSwap(running, text, key),
      parse: () => timeParse(text, key),
    }
    for (const name of Object.keys(cases).sort(() => Math.random() - 0.5)) {
      await pause()
      const tookMs = await cases[name]()
      if (round >= 0) found[name].push(tookMs) // The first round lets the compiler settle.
    }
    bytes = text.length
  }
  await running.close()
  return { found, bytes }
}

/** The first text on a new page, whose client has started without one; and how many tasks of over 50 ms that took. */
globalThis.firstText = async (flags, parseFirst) => {
  const keys = keysOf(flags)
  const key = keys[flags - 1]
  const text = JSON.stringify(rulesetOf(keys))
  const client = await createClient({ identity })
  const longTasks = []
  const observer = new PerformanceObserver((list) => longTasks.push(...list.getEntries()))
  let parseMs
  if (parseFirst) parseMs = timeParse(text, key)
  await settle()
  observer.observe({ type: "longtask" })
  await pause()
  const swapMs = timeSwap(client, text, key)
  await settle() // Long tasks are reported late.
  observer.disconnect()
  parseMs ??= timeParse(text, key)
  await client.close()
  return { swapMs, parseMs, longTasks: longTasks.length }
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 100))

/** Milliseconds to the first decision on a new page, the module included. */
globalThis.newPage = (flags) => {
  const keys = keysOf(flags)
  return timeClient(JSON.stringify(rulesetOf(keys)), keys[0])
}
