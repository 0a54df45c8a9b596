// Measures in Chromium and prints a table. The figures are reported, never judged; only results are checked.

import { cpSync } from "node:fs"
import { cpus } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { chromium } from "playwright-core"
import { watchMemories } from "../../faults/lib/memories.mjs"
import { startCollector } from "../lib/collector.mjs"
import { assembleSite, CHROMIUM } from "../lib/parts.mjs"
import { FLAGS } from "../lib/flags.mjs"

const ROUNDS = 21
const READS = 1_000_000
const WARM_READS = 100_000
const START_SIZES = [100, 1000, 10_000]

const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" }

const site = assembleSite()
cpSync(fileURLToPath(new URL(".", import.meta.url)), join(site.folder, "bench"), { recursive: true })
const collector = await startCollector(site.folder)
const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, chromiumSandbox: process.getuid() !== 0 })
try {
  console.log(`Chromium ${browser.version()}, ${cpus()[0].model}, medians of ${ROUNDS} rounds (fastest to slowest)`)

  heading("Reads")
  const page = await fresh()
  const reads = await page.evaluate((rounds) => repeatedReads(rounds), ROUNDS)
  const base = median(reads["Map.get"])
  for (const [name, ns] of Object.entries(reads)) {
    line(`${name}, repeated`, ns, "ns", name === "Map.get" ? "" : `${(median(ns) / base).toFixed(2)} times Map.get`)
  }
  for (const [name, ns] of Object.entries(await page.evaluate((rounds) => firstReads(rounds), ROUNDS))) {
    line(`first read, ${name}`, ns, "ns", "two conditions and a split")
  }

  const recording = await page.evaluate((rounds) => recording(rounds), ROUNDS)
  heading("Recording; the outbox is written once for all rows of a task")
  for (const [name, us] of Object.entries(recording)) line(name, us, "µs", name.startsWith("row") ? "of 80 in one task" : "of 80 rows, one block")

  await memoryOfReads()

  heading("From a ruleset's text to the first decision; each round a text of its own")
  for (const flags of START_SIZES) {
    const { found, bytes } = await page.evaluate(([flags, rounds]) => startUps(flags, rounds), [flags, ROUNDS])
    line(`JSON.parse, ${flags} flags`, found.parse, "ms", `${Math.round(bytes / 1024)} KiB`)
    line(`createClient, ${flags} flags`, found.client, "ms", times(found.client, found.parse))
    line(`setRuleset, ${flags} flags`, found.swap, "ms", times(found.swap, found.parse))
  }
  await page.close()

  heading("The first text of a new page, where nothing has run before")
  for (const flags of START_SIZES) {
    const found = { swap: [], parse: [] }
    let longTasks = 0
    for (let visit = 0; visit < ROUNDS; visit++) {
      const page = await fresh()
      const parseFirst = visit % 2 === 0
      const visited = await page.evaluate(([flags, parseFirst]) => firstText(flags, parseFirst), [flags, parseFirst])
      found.swap.push(visited.swapMs)
      found.parse.push(visited.parseMs)
      longTasks += visited.longTasks
      await page.close()
    }
    line(`JSON.parse, ${flags} flags`, found.parse, "ms")
    const note = `${times(found.swap, found.parse)}; ${longTasks} tasks of over 50 ms`
    line(`setRuleset, ${flags} flags`, found.swap, "ms", note)
  }
  const first = []
  for (let visit = 0; visit < ROUNDS; visit++) {
    const page = await fresh()
    first.push(await page.evaluate(() => newPage(100)))
    await page.close()
  }
  line("createClient, 100 flags, with the module", first, "ms", "it is loaded and compiled too")
} finally {
  await browser.close()
  await collector.stop()
}

/** What is held after a million reads, beside what was held when the page had read as often as makes no difference. */
async function memoryOfReads() {
  heading(`Memory after ${READS} reads of 100 flags`)
  const page = await fresh(watchMemories)
  const cdp = await page.context().newCDPSession(page)
  const held = async () => {
    await cdp.send("HeapProfiler.collectGarbage")
    const { usedSize } = await cdp.send("Runtime.getHeapUsage")
    const wasm = await page.evaluate(() => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0))
    return `${(usedSize / 1024).toFixed(0).padStart(8)} KiB of heap, ${wasm / 1024} KiB of the module's memory`
  }
  for (const reads of [WARM_READS, READS]) {
    await page.evaluate((reads) => readOften(reads), reads)
    console.log(`${`after ${reads} ${reads === READS ? "more" : ""}`.padEnd(42)} ${await held()}`)
  }
  await page.close()
}

/** A new page, cross-origin isolated: then its clock ticks every 5 µs rather than 100. */
async function fresh(...scripts) {
  const page = await browser.newPage()
  await page.route("**/bench/page.html", async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, headers: { ...response.headers(), ...ISOLATED } })
  })
  for (const script of scripts) await page.addInitScript(script)
  await page.goto(`${collector.origin}/bench/page.html`)
  return page
}

function heading(text) {
  console.log(`\n${text}`)
}

function line(name, figures, unit, note = "") {
  const [low, high] = [Math.min(...figures), Math.max(...figures)]
  const range = `${low.toFixed(2)} to ${high.toFixed(2)}`
  console.log(`${name.padEnd(42)} ${median(figures).toFixed(2).padStart(8)} ${unit}  ${range.padEnd(18)} ${note}`.trimEnd())
}

/** The median of the ratios round by round: what slowed the machine down in a round slowed both. */
function times(figures, others) {
  return `${median(figures.map((figure, round) => figure / others[round])).toFixed(2)} times JSON.parse`
}

function median(figures) {
  const sorted = [...figures].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)]
}
