// G14: what is lost when the whole browser is killed, by how long before that it was recorded.

import { startChaos } from "../lib/chaos.mjs"
import { temporaryFolder } from "../lib/process.mjs"
import { eventually, sleep } from "../lib/wait.mjs"
import { openAlone } from "../lib/webkit.mjs"
import { percent } from "./lib/numbers.mjs"
import { table } from "./lib/table.mjs"

export const title = "SIGKILL of the browser: loss by the age of the exposure (G14)"
export const target = "online: none that is older than 10 s; offline, Chromium: none that is older than 75 s"
export const options = {
  rounds: { type: "string", default: "4" },
  jobs: { type: "string", default: "4" },
  onlineSeconds: { type: "string", default: "40" },
  offlineSeconds: { type: "string", default: "120" },
}

/** The ends of the classes of age, in seconds. */
const AGES_S = [1, 2, 5, 10, 20, 30, 45, 60, 75, Infinity]
/** An exposure each, in milliseconds. */
const EVERY_MS = 500
/** Nothing more comes when nothing has come for so long. */
const QUIET_MS = 15_000

export async function measure({ driver, site, chosen }) {
  const missed = []
  const queue = [[true, chosen.onlineSeconds, 10], [false, chosen.offlineSeconds, driver.name === "chromium" ? 75 : Infinity]]
    .flatMap(([isOnline, seconds, safeS]) => Array.from({ length: Number(chosen.rounds) }, () => ({ isOnline, seconds: Number(seconds), safeS })))
  const found = []
  await Promise.all(Array.from({ length: Number(chosen.jobs) }, async () => {
    for (let round = queue.pop(); round; round = queue.pop()) found.push({ ...round, rows: await kill({ driver, site, ...round }) })
  }))
  const names = AGES_S.map((end, place) => (end === Infinity ? `older` : `${AGES_S[place - 1] ?? 0}-${end} s`))
  const row = table("", "kills", "exposures", "oldest lost", ...names)
  for (const isOnline of [true, false]) {
    const own = found.filter((round) => round.isOnline === isOnline)
    const rows = own.flatMap(({ rows }) => rows)
    const lost = rows.filter(({ isLost }) => isLost)
    const oldest = Math.max(0, ...lost.map(({ ageS }) => ageS))
    const classes = AGES_S.map((end, place) => rows.filter(({ ageS }) => ageS < end && ageS >= (AGES_S[place - 1] ?? 0)))
    row(isOnline ? "online" : "offline", own.length, rows.length, `${oldest.toFixed(1)} s`,
      ...classes.map((rows) => (rows.length === 0 ? "" : `${rows.filter(({ isLost }) => isLost).length}/${rows.length}`)))
    if (oldest > own[0].safeS) missed.push(`${isOnline ? "online" : "offline"}: lost one that was ${oldest.toFixed(1)} s old`)
    console.error(`${isOnline ? "online" : "offline"}: oldest lost of each kill ${own.map(({ rows }) => Math.max(0, ...rows.filter(({ isLost }) => isLost).map(({ ageS }) => ageS)).toFixed(1)).join(", ")} s; ${percent(lost.length / rows.length)} lost`)
  }
  return missed
}

/** Every exposure that a page told of before its browser was killed: `{ ageS, isLost }`. */
async function kill({ driver, site, isOnline, seconds }) {
  const chaos = await startChaos({ folders: [site] })
  // Told at once of each exposure: what the page knows goes with it.
  const witness = await startChaos()
  const profile = temporaryFolder()
  const options = (scale) => JSON.stringify({
    scale,
    ruleset: { url: "/ruleset.json", refreshMs: 0 },
    exposures: { endpoint: chaos.endpoint, key: "pk_test", targeted: false },
  })
  try {
    if (!isOnline) await chaos.down()
    const first = await open(driver, profile, `${chaos.shop}/open.html?run=${encodeURIComponent(`
      await begin(${options(1)})
      let place = 0
      setInterval(() => {
        const id = "split" + place
        if (client.getFlag(id) === undefined) return
        const row = { id, flag_key: id, variant: "", seq: ++place, instance_id: "witness" }
        fetch(${JSON.stringify(witness.endpoint)}, { method: "POST", body: JSON.stringify({ instance_id: "witness", ledger: {}, exposures: [row] }) })
      }, ${EVERY_MS})`)}`)
    await eventually("the first exposure", witness.totals, ({ ids }) => ids > 0, 60_000)
    await sleep(1000 * seconds)
    await first.kill()
    const killedMs = Date.now()
    await chaos.up()
    // At a small scale what the last page has left is taken over at once.
    const second = await open(driver, profile, `${chaos.shop}/open.html?run=${encodeURIComponent(`await begin(${options(1 / 60)})`)}`)
    let ids = 0
    for (let quietMs = 0; quietMs < QUIET_MS; quietMs += 500) {
      await sleep(500)
      const { ids: now } = await chaos.totals()
      if (now !== ids) quietMs = 0
      ids = now
    }
    await second.close()
    const arrived = new Set(Object.values((await chaos.ledger()).ids).map(({ flag_key }) => flag_key))
    const told = Object.entries((await witness.ledger()).ids)
    return told.map(([id, { first_ms }]) => ({ ageS: (killedMs - first_ms) / 1000, isLost: !arrived.has(id) }))
  } finally {
    await chaos.stop()
    await witness.stop()
  }
}

/** A browser with this profile and a page at the address, which runs by itself. */
async function open(driver, profile, url) {
  // WebKit keeps no profile while it is driven.
  if (driver.name === "webkit") return openAlone({ profile, urls: [url] })
  const browser = await driver.launch({ profile })
  const world = await browser.world({ isPersistent: true })
  const page = await world.page()
  await page.goto(url)
  return browser
}
