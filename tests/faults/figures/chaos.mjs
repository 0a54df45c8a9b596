// G2, G4, G5, G20: exposures over a server and tabs to which a seed does whatever can be done, when somebody comes back in the end.

import { CAUSES } from "./lib/duplicates.mjs"
import { percent } from "./lib/numbers.mjs"
import { mistakes, overSeeds, storm, together } from "./lib/storm.mjs"
import { table } from "./lib/table.mjs"

export const title = "Random faults: what is lost, sent twice and miscounted (G2, G4, G5, G20)"
export const target =
  "0 lost; on the wire twice: 20 % in chaos, 0.1 % without faults; counted twice: 0; wrong ledgers: 0; loss of the variants 0.1 points apart at most"
export const options = {
  seeds: { type: "string" },
  /** Of each seed. */
  exposures: { type: "string", default: "1000" },
  /** The first one. */
  from: { type: "string", default: "1" },
  jobs: { type: "string" },
  /** No seed begins later. */
  minutes: { type: "string", default: "Infinity" },
}

const SEEDS = { chromium: 100, firefox: 10, webkit: 10 }
const JOBS = { chromium: 3, firefox: 2, webkit: 1 }
const CHAOS = { read: 12, reread: 2, reload: 3, return: 2, close: 1, crash: 1, hide: 1, outage: 1, script: 4, pause: 4 }
/** One tab, a server that works, and pages that come and go once all is acknowledged. */
const CALM = { read: 8, reread: 4, pause: 8, hide: 1, reload: 1, return: 1 }

export async function measure({ driver, site, chosen }) {
  const count = Number(chosen.seeds ?? SEEDS[driver.name])
  const exposures = Number(chosen.exposures)
  const jobs = Number(chosen.jobs ?? JOBS[driver.name])
  const first = Number(chosen.from)
  const row = table("", "seeds", "exposures", "lost", "dropped", "counted twice", "on the wire twice", ...CAUSES, "requests", "instances", "wrong ledgers", "loss apart")
  const missed = []
  const parts = [
    { name: "chaos", seeds: count, scale: 1 / 20, faultyShare: 0.3, actions: CHAOS, mostTwice: 0.2 },
    { name: "no faults, one tab", seeds: Math.max(1, Math.round(count / 20)), scale: 1, faultyShare: 0, isPatient: true, actions: CALM, mostTwice: 0.001 },
  ]
  for (const { name, seeds, mostTwice, ...others } of parts) {
    const { results, failures } = await overSeeds({
      driver,
      jobs,
      minutes: Number(chosen.minutes),
      seeds: Array.from({ length: seeds }, (_, place) => first + place),
      work: (browser, seed) => storm({ driver, browser, site, seed, exposures, tabs: others.faultyShare > 0 ? 1 + (seed % 3) : 1, ...others }),
    })
    const total = together(results)
    const twice = total.duplicates / total.rows
    row(name, results.length, total.recorded, total.lost, total.dropped, total.twice, `${total.duplicates} of ${total.rows}, ${percent(twice)}`, ...CAUSES.map((cause) => total.causes[cause]), total.requests,
      total.instances, total.wrongLedgers, `${total.apartPoints.toFixed(2)} pp of ${total.shown.join(" and ")}`)
    missed.push(...failures, ...mistakes(total).map((what) => `${name}: ${what}`))
    if (total.causes.otherwise > 0) missed.push(`${name}: ${total.causes.otherwise} rows sent again after an acknowledgement`)
    if (twice > mostTwice) missed.push(`${name}: ${percent(twice)} on the wire twice`)
    if (total.apartPoints > 0.1) missed.push(`${name}: losses of the variants ${total.apartPoints.toFixed(2)} pp apart`)
  }
  return missed
}
