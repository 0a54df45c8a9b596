// N1, N11, N20 and L9 with their real times: what the rows do at 1/60 of them.

import { eventually, sleep } from "../lib/wait.mjs"
import { withScene } from "./lib/one-scene.mjs"
import { table } from "./lib/table.mjs"

export const title = "Long faults in real time (N1, N11, N20, L9)"
export const target =
  "N1: 25 requests in 10 minutes at most, the first again 65 s after the server's return; N11: one request per 30 minutes; N20: 20 requests in any hour " +
  "after 15 minutes, 64 KiB of outbox; L9: one request after an hour; all rows arrive once, pages are quiet"
export const options = {
  /** N1, N11, N20 or L9; may be given several times. All of them run beside each other. */
  case: { type: "string", multiple: true },
  /** 60: at 1/60 of the times, to try it. */
  faster: { type: "string", default: "1" },
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** Nothing is sent but when the page goes, or is asked to. */
const AT_EXIT = { flushIntervalMs: HOUR_MS }

export async function measure({ driver, site, chosen }) {
  const scale = 1 / Number(chosen.faster)
  const names = (chosen.case ?? Object.keys(CASES)).filter((name) => {
    const reason = CASES[name] ? CASES[name].cannot?.[driver.name] : `expected ${Object.keys(CASES).join(", ")}`
    if (reason) console.log(`${name}: ${reason}`)
    return !reason
  })
  const row = table("case", "lasted", "measured")
  const missed = []
  await Promise.all(names.map(async (name) => {
    const startedMs = Date.now()
    const found = await withScene({ driver, site }, (scene) => CASES[name].run(scene, scale)).catch((error) => ({ says: "did not end", missed: [error?.message ?? `${error}`] }))
    row(name, `${((Date.now() - startedMs) / MINUTE_MS).toFixed(1)} min`, found.says)
    missed.push(...found.missed.map((what) => `${name}: ${what}`))
  }))
  return missed
}

/** A check that is made without ending the case. */
const unless = (isGood, what) => (isGood ? [] : [what])

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`

/** Waits, and reads a flag of a page every so many minutes of the scale: `from` and those that follow. Gives how many were read. */
async function readMeanwhile(page, scale, { minutes, from, every = 1 }) {
  const endsMs = Date.now() + minutes * MINUTE_MS * scale
  let read = 0
  for (;;) {
    const leftMs = endsMs - Date.now()
    if (leftMs <= 0) return read
    await sleep(Math.min(leftMs, every * MINUTE_MS * scale))
    if (Date.now() < endsMs) read += await page.evaluate((place) => globalThis.read("plain", place, place + 1), from + read)
  }
}

/** All rows that were read have come, each once, and nothing was heard of the pages. As a list of what is wrong. */
async function problemsOf(scene) {
  return scene.check().then(() => [], (error) => [error.message])
}

const CASES = {
  N1: {
    async run(scene, scale) {
      const { chaos } = scene
      const page = await scene.visit({ scale })
      await chaos.down()
      await scene.read(page, "plain", 0, 10)
      await scene.statsOnce(page, "a failure", ({ resent }) => resent >= 1)
      const read = await readMeanwhile(page, scale, { minutes: 10, from: 10 })
      scene.expect("plain", 10, 10 + read)
      const requests = await scene.sendings(page)
      const { pending } = await scene.stats(page)
      const upMs = Date.now()
      await chaos.up()
      const [first] = await eventually("the first request after the outage", scene.requests, ({ length }) => length > 0, 2 * MINUTE_MS)
      const drainMs = first.at_ms - upMs
      const missed = [
        ...unless(requests <= 25, `${requests} requests`),
        ...unless(drainMs <= 65_000 * scale, `the first request ${seconds(drainMs)} after the outage`),
        ...unless(pending === 10 + read, `${pending} rows were kept of ${10 + read}`),
        ...(await problemsOf(scene)),
      ]
      return { says: `${requests} requests in 10 minutes; the first again ${seconds(drainMs)} after the server's return; ${pending} rows kept and delivered`, missed }
    },
  },

  N11: {
    async run(scene, scale) {
      const says = []
      const missed = []
      await Promise.all([401, 403, 404, 410].map(async (status) => {
        const server = await scene.server()
        await server.script({ status })
        const options = { scale, exposures: { endpoint: server.endpoint, key: `pk_${status}` } }
        const requests = async () => (await server.ledger()).requests
        const [page, sibling] = [await scene.visit(options), await scene.visit(options)]
        await page.evaluate(() => read("plain", 0, 5))
        await eventually(`the first ${status}`, requests, ({ length }) => length > 0)
        // More is recorded meanwhile, in both tabs; all of it together fits an origin's storage.
        const lasting = { minutes: 62, every: 3 }
        const [read, readBeside] = await Promise.all([readMeanwhile(page, scale, { ...lasting, from: 10 }), readMeanwhile(sibling, scale, { ...lasting, from: 100 })])
        const times = (await requests()).map(({ at_ms }) => at_ms)
        const gaps = times.slice(1).map((ms, place) => ms - times[place])
        await page.reload()
        await scene.ready(page)
        await scene.begin(page, options)
        await eventually("the next load's request", requests, ({ length }) => length > times.length)
        await server.script({})
        for (const one of [page, sibling]) {
          await one.reload()
          await scene.ready(one)
          await scene.begin(one, options)
        }
        const expected = 5 + read + readBeside
        const kept = await eventually("all rows", server.totals, ({ ids }) => ids === expected).then(() => expected, async () => (await server.totals()).ids)
        says.push(`${status}: ${times.length - 1} probes in 62 minutes, after ${gaps.map((ms) => `${(ms / MINUTE_MS / scale).toFixed(2)} min`).join(" and ")}, then one with the next load; ${kept} of ${expected} rows kept and delivered`)
        missed.push(
          ...unless(gaps.length === 2 && gaps.every((ms) => ms >= 30 * MINUTE_MS * scale), `${status}: requests ${gaps.map(seconds).join(", ")} apart`),
          ...unless(kept === expected, `${status}: ${kept} of ${expected} rows`),
        )
      }))
      missed.push(...(await scene.checkPages().then(() => [], (error) => [error.message])))
      return { says: says.join("; "), missed }
    },
  },

  N20: {
    cannot: { webkit: "the driver cannot refuse requests" },
    async run(scene, scale) {
      // What is read again in another session would be recorded again.
      const page = await scene.visit({ scale, exposures: { dedup: "identity" } })
      const unblock = await page.block("/exposures")
      const startedMs = Date.now()
      await scene.read(page, "plain", 0, 100)
      await scene.statsOnce(page, "a failure", ({ resent }) => resent >= 1)
      await readMeanwhile(page, scale, { minutes: 80, from: 0 }) // They are known.
      const times = (await scene.deliveries(page)).filter(({ status }) => status === "sending").map(({ at }) => (at - startedMs) / scale / MINUTE_MS)
      // In every hour that begins after 15 minutes: with a request, or it could begin later.
      const late = times.filter((minute) => minute > 15)
      const most = Math.max(...late.map((begin) => late.filter((minute) => minute >= begin && minute < begin + 60).length))
      const units = await page.evaluate(() => Object.entries(localStorage).filter(([key]) => /:q:/.test(key)).reduce((sum, [key, text]) => sum + key.length + text.length, 0))
      const reached = (await scene.requests()).length
      await unblock()
      await eventually("all rows", () => scene.stats(page), ({ pending }) => pending === 0, 6 * MINUTE_MS)
      const missed = [
        ...unless(late.length > 0 && most <= 20, `${most} requests in an hour after 15 minutes`),
        ...unless(units > 0 && units <= 65_536, `the outbox has ${units} UTF-16 units`),
        ...unless(reached === 0, `${reached} requests reached the server, so that nothing is shown`),
        ...(await problemsOf(scene)),
      ]
      return { says: `${times.length - late.length} requests in the first 15 minutes, then ${most} in an hour; 100 rows in ${units} UTF-16 units, delivered once it was over`, missed }
    },
  },

  L9: {
    cannot: { firefox: "Firefox freezes no pages", webkit: "WebKit freezes no pages that a driver could ask it to" },
    async run(scene, scale) {
      const page = await scene.prepared(() => {
        const now = Date.now.bind(Date)
        globalThis.laterMs = 0
        Date.now = () => now() + laterMs
      })
      // What goes with the freeze is refused: so something is left to be sent afterwards.
      await scene.chaos.script({ status: 503 }, {})
      await scene.begin(page, { scale, exposures: AT_EXIT })
      await scene.read(page, "plain", 0, 5)
      const before = await page.evaluate(() => client.session.id)
      const resume = await page.freeze()
      await scene.requestsOnce(1)
      await sleep(HOUR_MS * scale)
      const frozen = (await scene.requests()).length
      const resumedMs = Date.now()
      // A session does not end sooner where times are scaled.
      await page.evaluate((ms) => (laterMs = ms), HOUR_MS * (1 - scale))
      await resume()
      const next = (await scene.requestsOnce(2))[1]
      await scene.statsOnce(page, "all delivered", ({ pending, sending }) => pending === 0 && sending === 0)
      const after = (await scene.requests()).length - frozen
      await scene.read(page, "plain", 5, 8)
      const session = await page.evaluate(() => client.session.id)
      await scene.flush(page)
      const missed = [
        ...unless(frozen === 1, `${frozen} requests until the resumption`),
        ...unless(after === 1 && next.ids.length >= 5, `${after} requests afterwards, the first with ${next.ids.length} rows`),
        ...unless(session !== before, "the same session"),
        ...(await problemsOf(scene)),
      ]
      return { says: `one request with the freeze, which was refused, none in the hour, one ${seconds(next.at_ms - resumedMs)} after the resumption; then another session`, missed }
    },
  },
}
