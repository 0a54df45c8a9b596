// G7: what a day without a server takes of an origin's storage, and whether the page's own code still finds room.

import { eventually, sleep } from "../lib/wait.mjs"
import { withScene } from "./lib/one-scene.mjs"
import { table } from "./lib/table.mjs"

export const title = "Storage taken by a long outage with 8 tabs (G7)"
export const target = "256 KiB of an origin at most; the page's own setItem finds the rest"
export const options = { tabs: { type: "string", default: "8" }, hours: { type: "string", default: "24" }, scale: { type: "string", default: "60" } }

const HOUR_MS = 3_600_000
const MOST_UNITS = 256 * 1024

export async function measure({ driver, site, chosen }) {
  const scale = 1 / Number(chosen.scale)
  return withScene({ driver, site }, async (scene) => {
    const row = table("after", "recorded", "pending", "outboxes", "all keys of the package", "writes refused")
    await scene.chaos.down()
    const tabs = []
    for (let tab = 0; tab < Number(chosen.tabs); tab++) {
      const page = await scene.open()
      await scene.begin(page, { scale, identity: { distinctId: `person-${tab}` } })
      tabs.push(page)
    }
    const [first] = tabs
    const most = { outboxes: 0, all: 0 }
    const look = async () => {
      const taken = await first.evaluate(() => {
        const taken = { outboxes: 0, all: 0 }
        for (const key of Object.keys(localStorage).filter((key) => key.startsWith("pennon1:"))) {
          const units = key.length + (localStorage.getItem(key)?.length ?? 0)
          taken.all += units
          if (/:q:/.test(key)) taken.outboxes += units
        }
        return taken
      })
      for (const name of ["outboxes", "all"]) most[name] = Math.max(most[name], taken[name])
      return taken
    }
    const beganMs = Date.now()
    const lastMs = Number(chosen.hours) * HOUR_MS * scale
    let reads = 0
    let nextTellMs = 0
    for (let passedMs = 0; passedMs <= lastMs; passedMs = Date.now() - beganMs) {
      const page = tabs[reads % tabs.length]
      const from = 10 * Math.floor(reads / tabs.length)
      reads++
      await page.evaluate((from) => read(from < 700 ? "split" : "plain", from % 700, (from % 700) + 10), from % 1400)
      const taken = await look()
      if (passedMs >= nextTellMs || passedMs + 500 > lastMs) {
        nextTellMs = passedMs + lastMs / 6
        const stats = await Promise.all(tabs.map(scene.stats))
        const total = (name) => stats.reduce((sum, stats) => sum + stats[name], 0)
        row(`${(passedMs / scale / HOUR_MS).toFixed(1)} h`, total("recorded"), total("pending"), taken.outboxes, taken.all, total("persistFailed"))
      }
      // When all have seen all there is they go on more slowly.
      await sleep(reads < 140 * tabs.length ? 20 : 500)
    }

    const empty = await scene.open("/elsewhere.html", { at: (await scene.server()).origin })
    const rooms = { beside: await first.evaluate(fill), alone: await empty.evaluate(fill) }
    const taken = rooms.alone - rooms.beside
    console.log(`\nmost at a time, in UTF-16 units: outboxes ${most.outboxes}, all keys of the package ${most.all}`)
    console.log(`room for the page's own: ${rooms.beside} of the ${rooms.alone} without the package, ${taken} less`)
    await first.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("host")).forEach((key) => localStorage.removeItem(key)))
    await scene.chaos.up()
    for (const page of tabs) await eventually("all delivered", () => scene.stats(page), ({ pending }) => pending === 0, 120_000)
    const stats = await Promise.all(tabs.map(scene.stats))
    const ledger = await scene.chaos.ledger()
    const wrong = Object.values(ledger.instances).filter(({ lost }) => lost !== 0)
    const dropped = stats.reduce((sum, { dropped }) => sum + Object.values(dropped).reduce((sum, count) => sum + count, 0), 0)
    const refused = stats.reduce((sum, stats) => sum + stats.refused, 0)
    console.log(`afterwards: ${Object.keys(ledger.ids).length} rows arrived, ${dropped} were dropped, ${refused} refused and read again or not, ${wrong.length} ledgers are wrong`)
    const missed = []
    if (most.outboxes > MOST_UNITS) missed.push(`outboxes: ${most.outboxes} units`)
    if (taken > MOST_UNITS) missed.push(`${taken} units less for the page`)
    if (wrong.length > 0) missed.push(`ledgers: ${JSON.stringify(wrong)}`)
    return missed
  })
}

/** Runs in the page: how many units fit into what is left of storage. */
function fill() {
  let room = 0
  let number = 0
  for (let length = 2 ** 20; length >= 2 ** 6; length /= 2) {
    for (;;) {
      const key = `host${number++}`
      try {
        localStorage.setItem(key, "x".repeat(length - key.length))
      } catch {
        break
      }
      room += length
    }
  }
  return room
}
