// Measures in Chromium and prints a table. The figures are reported, never judged; only results are checked.

import { cpSync } from "node:fs"
import { cpus } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { chromium } from "playwright-core"
import { startCollector } from "../lib/collector.mjs"
import { assembleSite, CHROMIUM } from "../lib/parts.mjs"
import { FLAGS } from "../lib/flags.mjs"

const ROUNDS = 21

const site = assembleSite()
cpSync(fileURLToPath(new URL(".", import.meta.url)), join(site.folder, "bench"), { recursive: true })
const collector = await startCollector(site.folder)
const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, chromiumSandbox: process.getuid() !== 0 })
try {
  const page = await fresh()
  const reads = await page.evaluate((rounds) => repeatedReads(rounds), ROUNDS)
  console.log(`Chromium ${browser.version()}, ${cpus()[0].model}, medians of ${ROUNDS} rounds (fastest to slowest)\n`)
  const base = median(reads["Map.get"])
  for (const [name, ns] of Object.entries(reads)) {
    line(`${name}, repeated`, ns, "ns", name === "Map.get" ? "" : `${(median(ns) / base).toFixed(2)} times Map.get`)
  }
  line("first read of a flag, with its exposure", await page.evaluate((rounds) => firstReads(rounds), ROUNDS), "µs", "mean of 100 flags")
  for (const flags of [100, 1000]) {
    const { found, bytes } = await page.evaluate(([flags, rounds]) => startUp(flags, rounds), [flags, ROUNDS])
    line(`text of ${flags} flags to first decision`, found, "ms", `${Math.round(bytes / 1024)} KiB of JSON`)
  }
  const first = []
  for (let visit = 0; visit < ROUNDS; visit++) {
    const page = await fresh()
    const { found } = await page.evaluate(() => startUp(100, 1))
    first.push(...found)
    await page.close()
  }
  line("the same for 100 flags on a new page", first, "ms", "the module is loaded and compiled too")
} finally {
  await browser.close()
  await collector.stop()
}

async function fresh() {
  const page = await browser.newPage()
  await page.goto(`${collector.origin}/bench/page.html`)
  return page
}

function line(name, figures, unit, note) {
  const [low, high] = [Math.min(...figures), Math.max(...figures)]
  const range = `${low.toFixed(2)} to ${high.toFixed(2)}`
  console.log(`${name.padEnd(42)} ${median(figures).toFixed(2).padStart(8)} ${unit}  ${range.padEnd(18)} ${note}`.trimEnd())
}

function median(figures) {
  const sorted = [...figures].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)]
}
