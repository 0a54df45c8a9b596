// G3: visitors of a redirect experiment, who never come back. Its form is that of growthbook#6386: of three arms the first stays on
// the page, the others are sent to another one.

import { sleep } from "../lib/wait.mjs"
import { startChaos } from "../lib/chaos.mjs"
import { CAUSES, causesOfDuplicates } from "./lib/duplicates.mjs"
import { counts, percent, sampleRatioP, sum } from "./lib/numbers.mjs"
import { table } from "./lib/table.mjs"

export const title = "Redirect experiment: how many exposures arrive when visitors never return (G3)"
export const target = "received in each run: 99 % (Chromium, Firefox), 97 % (WebKit); counted twice: 0; loss between arms: 0.5 points apart at most"
export const options = {
  visitors: { type: "string" },
  delays: { type: "string", default: "0,100,250" },
  /** Whether the page that visitors are sent to shows the experiment, too. */
  exposing: { type: "string", default: "no,yes" },
  jobs: { type: "string" },
}

const VISITORS = { chromium: 2000, firefox: 600, webkit: 300 }
const JOBS = { chromium: 4, firefox: 3, webkit: 2 }
const ENOUGH = { chromium: 0.99, firefox: 0.99, webkit: 0.97 }
const WEIGHTS = [10, 45, 45]
const VARIANTS = ["control", "one", "two"]
/** Visitors do not share a computer: those that come beside each other are on different origins. */
const HOSTS = ["127.0.0.1", "localhost", "a.localhost", "b.localhost"]
/** How long a visitor stays on a page that redirects nobody, in milliseconds. */
const STAY_MS = 400
/** Nothing more is on its way when nothing has come for so long. */
const QUIET_MS = 3000

const FLAG = {
  variants: { control: 0, one: 1, two: 2 },
  default: "control",
  experiment: "landing",
  rules: [{ id: "all", serve: VARIANTS.map((variant, place) => ({ variant, weight: WEIGHTS[place] })) }],
}

export async function measure({ driver, site, chosen }) {
  const visitors = Number(chosen.visitors ?? VISITORS[driver.name])
  const jobs = Number(chosen.jobs ?? JOBS[driver.name])
  console.log(`${visitors} visitors a run, ${jobs} at a time, in the ratio ${WEIGHTS.join("/")}\n`)
  const row = table("redirect after", "destination exposes", "received", "by arm", "counted twice", "loss apart", "on the wire twice", ...CAUSES, "sample ratio p", "took")
  const missed = []
  for (const exposes of chosen.exposing.split(",").map((word) => word === "yes")) {
    for (const delayMs of chosen.delays.split(",").map(Number)) {
      const name = `${delayMs} ms, ${exposes ? "exposing" : "not exposing"}`
      const startedMs = Date.now()
      const { answers, arrived, ledger } = await run({ driver, site, visitors, jobs, delayMs, exposes })
      const there = counts(answers)
      if (sum(VARIANTS.map((_, arm) => there.get(String(arm)) ?? 0)) !== visitors) missed.push(`${name}: a visitor got no answer: ${JSON.stringify([...there])}`)
      const truth = VARIANTS.map((_, arm) => there.get(String(arm)) ?? 0)
      const units = VARIANTS.map((variant) => new Set(arrived.filter((row) => row.variant === variant).map((row) => row.distinct_id)).size)
      const losses = units.map((count, arm) => 1 - count / truth[arm])
      const share = sum(units) / visitors
      const twice = arrived.length - sum(units)
      const causes = causesOfDuplicates(ledger.requests)
      const apart = 100 * (Math.max(...losses) - Math.min(...losses))
      row(
        `${delayMs} ms`, exposes ? "yes" : "no", `${sum(units)} of ${visitors}, ${percent(share)}`, units.map((count, arm) => `${count}/${truth[arm]}`).join(", "),
        twice, `${apart.toFixed(2)} pp`, ledger.duplicates, ...CAUSES.map((cause) => causes[cause]), sampleRatioP(units, WEIGHTS).toFixed(3), `${Math.round((Date.now() - startedMs) / 1000)} s`,
      )
      if (share < ENOUGH[driver.name]) missed.push(`${name}: received ${percent(share)}`)
      if (twice !== 0) missed.push(`${name}: ${twice} counted twice`)
      if (apart > 0.5) missed.push(`${name}: losses of the arms ${apart.toFixed(2)} pp apart`)
      if (ledger.options !== 0) missed.push(`${name}: ${ledger.options} preflights`)
    }
  }
  return missed
}

/** What each visitor was given, the rows that came, and the server's ledger. */
async function run({ driver, site, visitors, jobs, delayMs, exposes }) {
  const chaos = await startChaos({ folders: [site] })
  const browser = await driver.launch()
  try {
    const world = await browser.world()
    const answers = await Promise.all(Array.from({ length: jobs }, async (_, job) => {
      const [from, until] = [job, job + 1].map((part) => Math.floor((visitors * part) / jobs))
      const shop = chaos.shop.replace("127.0.0.1", HOSTS[job])
      const page = await world.page()
      await page.goto(`${shop}/done.html`)
      const trip = { next: from, until, delayMs, exposes, stayMs: STAY_MS, endpoint: chaos.endpoint, flag: FLAG, answers: "" }
      await page.evaluate((trip) => {
        sessionStorage.setItem("trip", JSON.stringify(trip))
        setTimeout(() => location.replace("/landing.html"))
      }, trip)
      const known = () => page.evaluate(() => location.pathname === "/done.html" && JSON.parse(sessionStorage.getItem("trip"))).catch(() => undefined)
      // A tab that makes no way for that long makes none any more.
      const done = await polled(known, ({ next, until }) => next === until, 1000 + 20_000 * (until - from))
      return done.answers
    }))
    let ledger = await chaos.ledger()
    for (let quietMs = 0; quietMs < QUIET_MS; quietMs += 500) {
      await sleep(500)
      const next = await chaos.ledger()
      if (next.requests.length !== ledger.requests.length) quietMs = 0
      ledger = next
    }
    const arrived = Object.values(ledger.ids).filter(({ flag_key }) => flag_key === "landing")
    return { answers: answers.join(""), arrived, ledger }
  } finally {
    await browser.close()
    await chaos.stop()
  }
}

/** As `eventually`, but seldom: each look takes a little of the browser's time. */
async function polled(probe, enough, patienceMs) {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const found = await probe()
    if (found && enough(found)) return found
    if (Date.now() > deadline) throw new Error(`a tab came no further than ${JSON.stringify(found)}`)
    await sleep(500)
  }
}
