// G15: traps of the module, how soon it answers again, and what they cost.

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { PACKAGE, TESTING } from "../lib/parts.mjs"
import { eventually } from "../lib/wait.mjs"
import { counts, percentile } from "./lib/numbers.mjs"
import { withScene } from "./lib/one-scene.mjs"
import { table } from "./lib/table.mjs"

export const title = "Forced traps of the module (G15)"
export const target = "all recover within 20 ms, 0 exposures lost, 0 throws to the page"
export const options = { traps: { type: "string", default: "1000" } }

const KINDS = ["unreachable", "stack", "oom", "throw"]
/** How many traps between two looks at the page. */
const EACH = 20

export async function measure({ driver, site, chosen }) {
  const module = (folder) => readFileSync(join(folder, "pennon.wasm"))
  if (!module(PACKAGE).equals(module(TESTING))) throw new Error("the module under test is not the one that is shipped")
  const count = Number(chosen.traps)
  return withScene({ driver, site }, async (scene) => {
    const page = await scene.open()
    await page.evaluate(() => pennon.setMaxTraps(Infinity))
    await scene.begin(page, { identity: { distinctId: "person-0" } })
    const traps = []
    const seen = []
    let thrown = 0
    for (let round = 0; traps.length < count; round++) {
      const part = await page.evaluate(trapOften, { kinds: KINDS, count: Math.min(EACH, count - traps.length), round })
      traps.push(...part.traps)
      seen.push(...part.seen)
      thrown += part.thrown
      if (part.isOver) break
    }
    await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
    const expected = new Set(seen)
    const rowsOf = async () => Object.values((await scene.chaos.ledger()).ids).filter(({ is_link }) => !is_link).map(({ distinct_id, flag_key }) => `${distinct_id} ${flag_key}`)
    let lost
    await eventually("all exposures", async () => {
      const there = new Set(await rowsOf())
      lost = [...expected].filter((name) => !there.has(name))
      return lost.length === 0
    }).catch(() => {})
    const rows = await rowsOf()
    const ledger = await scene.chaos.ledger()
    const wrong = Object.values(ledger.instances).filter(({ lost }) => lost !== 0).length
    const quiet = await scene.checkPages().then(() => true, (error) => {
      console.error(error.message)
      return false
    })
    const row = table("kind", "traps", "answers again", "p50", "p99", "longest")
    for (const kind of KINDS) {
      const own = traps.filter((trap) => trap.kind === kind)
      const times = own.filter(({ recovered }) => recovered).map(({ tookMs }) => tookMs)
      row(kind, own.length, times.length, ...[0.5, 0.99, 1].map((share) => `${percentile(times, share).toFixed(1)} ms`))
    }
    const twice = rows.length - counts(rows).size
    console.log(`\n${expected.size} exposures, ${lost.length} lost, ${twice} counted twice, ${thrown} throws, ${wrong} wrong ledgers of ${Object.keys(ledger.instances).length}, ` +
      `${ledger.duplicates} of ${ledger.rows} rows on the wire twice`)
    const missed = []
    const recovered = traps.filter(({ recovered }) => recovered).length
    if (recovered !== count) missed.push(`${recovered} of ${count} recovered`)
    for (const [found, words] of [[lost.length, "exposures lost"], [twice, "counted twice"], [thrown, "throws to the page"], [wrong, "wrong ledgers"]]) {
      if (found > 0) missed.push(`${found} ${words}`)
    }
    if (lost.length > 0) console.error(`lost: ${lost.slice(0, 10).join(", ")}`)
    if (!quiet) missed.push("the page threw or logged")
    return missed
  })
}

/** Runs in the page: so many traps, at calls of reads that follow. What the page was given counts as seen. */
async function trapOften({ kinds, count, round }) {
  const result = { traps: [], seen: [], thrown: 0, isOver: false }
  const guarded = (call) => {
    try {
      return call()
    } catch {
      result.thrown++
    }
  }
  // Each time another flag: what was asked for before is answered without the module.
  let asked = 0
  const lives = () => guarded(() => client.peek(`plain${asked++ % 700}`)) !== undefined
  const person = `person-${round + 1}`
  guarded(() => client.identify(person))
  let place = 0
  const see = () => {
    const key = `split${place}`
    if (guarded(() => client.getFlag(key, "fallback")) === "fallback") return
    result.seen.push(`${person} ${key}`)
    place++
  }
  while (result.traps.length < count) {
    // Deliveries go on meanwhile.
    await new Promise((resolve) => setTimeout(resolve))
    while (client.stats().pending > 300) await new Promise((resolve) => setTimeout(resolve, 20))
    const number = result.traps.length
    const kind = kinds[(number + round) % kinds.length]
    pennon.trap(kind, (7 * number + round) % 12)
    let beganMs = performance.now()
    for (let read = 0; read < 20 && lives(); read++) {
      beganMs = performance.now()
      see()
    }
    if (lives()) continue // It trapped apart from a read, and is there again.
    let turns = 0
    while (!lives() && turns++ < 1000) await (turns < 50 ? null : new Promise((resolve) => setTimeout(resolve)))
    const recovered = lives()
    result.traps.push({ kind, recovered, tookMs: performance.now() - beganMs })
    if (!recovered) {
      result.isOver = true
      break
    }
  }
  // The one that the last trap has kept from the page.
  see()
  return result
}
