// Runs rows in one browser, some beside each other. A browser that died is replaced for the rows that follow.

import { cpSync } from "node:fs"
import { temporaryFolder } from "./process.mjs"
import { openScene } from "./scene.mjs"
import { within } from "./wait.mjs"

/** How many rows run beside each other. WebDriver's one current window makes more pointless in WebKit. */
const JOBS = { chromium: 3, firefox: 2, webkit: 1 }

/** Gives row id → why it failed, or `undefined`. */
export async function runRows({ driver, rows, site, jobs = JOBS[driver.name] }) {
  const results = new Map()
  let running
  const browser = async () => {
    const current = await running?.catch(() => undefined)
    if (!current?.isAlive()) running = driver.launch()
    return running
  }
  let launching = Promise.resolve()
  /** One at a time, or two rows would each replace a dead browser. */
  const nextBrowser = () => (launching = launching.catch(() => {}).then(browser))

  async function run(row) {
    const startedMs = Date.now()
    let problem
    try {
      const folder = row.ownSite ? copyOf(site) : site
      const scene = await openScene({ driver, browser: await nextBrowser(), site: folder })
      try {
        await within(`row ${row.id}`, row.body(scene), row.limitMs)
      } finally {
        await within("the end of a scene", scene.close(), 20_000).catch(() => {})
      }
    } catch (error) {
      problem = `${error?.message ?? error}`.trim() || "an error without a message"
      if (process.env.PENNON_DEBUG) console.error(error)
    }
    results.set(row.id, problem)
    const took = `${((Date.now() - startedMs) / 1000).toFixed(1)} s`
    console.log(`${driver.name} ${row.id} ${problem === undefined ? "survived" : `failed: ${problem.split("\n", 1)[0]}`} (${took})`)
  }

  const queue = rows.filter(({ alone }) => !alone)
  await Promise.all(Array.from({ length: jobs }, async () => {
    for (let row = queue.shift(); row; row = queue.shift()) await run(row)
  }))
  for (const row of rows.filter(({ alone }) => alone)) await run(row)
  await (await running?.catch(() => undefined))?.close()
  return results
}

function copyOf(site) {
  const folder = temporaryFolder()
  cpSync(site, folder, { recursive: true })
  return folder
}
