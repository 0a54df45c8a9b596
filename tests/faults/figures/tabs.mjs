// G17: tabs that record beside each other, some of which are killed.

import { percent } from "./lib/numbers.mjs"
import { mistakes, overSeeds, storm, together } from "./lib/storm.mjs"
import { table } from "./lib/table.mjs"

export const title = "2 to 8 tabs of one origin, killed at random (G17)"
export const target = "0 lost, 0 counted twice"
export const options = {
  seeds: { type: "string" },
  /** How many at a time; else 2 to 8, by the seed. */
  tabs: { type: "string" },
  /** Of each seed. */
  exposures: { type: "string", default: "10000" },
  /** The first one. */
  from: { type: "string", default: "1" },
  jobs: { type: "string" },
  /** No seed begins later. */
  minutes: { type: "string", default: "Infinity" },
}

const SEEDS = { chromium: 100, firefox: 3, webkit: 3 }
const JOBS = { chromium: 2, firefox: 1, webkit: 1 }
const ACTIONS = { read: 16, crash: 2, close: 1, reload: 1, pause: 3 }

export async function measure({ driver, site, chosen }) {
  const count = Number(chosen.seeds ?? SEEDS[driver.name])
  const first = Number(chosen.from)
  const { results, failures } = await overSeeds({
    driver,
    minutes: Number(chosen.minutes),
    jobs: Number(chosen.jobs ?? JOBS[driver.name]),
    seeds: Array.from({ length: count }, (_, place) => first + place),
    work: (browser, seed) =>
      storm({ driver, browser, site, seed, tabs: Number(chosen.tabs ?? 2 + (seed % 7)), exposures: Number(chosen.exposures), scale: 1 / 20, faultyShare: 0, actions: ACTIONS }),
  })
  const total = together(results)
  const row = table("seeds", "exposures", "lost", "counted twice", "on the wire twice", "requests", "instances", "wrong ledgers")
  row(results.length, total.recorded, total.lost, total.twice, `${total.duplicates} of ${total.rows}, ${percent(total.duplicates / total.rows)}`, total.requests,
    total.instances, total.wrongLedgers)
  return [...failures, ...mistakes(total)]
}
