// pennon beside other flag SDKs: builds, checks and measures each, and writes RESULTS.md. `--only a,b` and `--rounds n` try
// things out: then nothing is written.

import { writeFileSync } from "node:fs"
import { loadavg } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { bundle, PENNON } from "./lib/build.mjs"
import { launch } from "./lib/chromium.mjs"
import { check, memory, sizeOf, time, visit } from "./lib/measure.mjs"
import { median, shuffled } from "./lib/numbers.mjs"
import { resultsOf } from "./lib/results.mjs"
import { NAMES, OWN, versionsOf } from "./lib/sdks.mjs"
import { startServer } from "./lib/server.mjs"

const ROUNDS = 5
const { values: chosen } = parseArgs({ options: { only: { type: "string" }, rounds: { type: "string" } } })
const names = chosen.only ? chosen.only.split(",") : NAMES
const rounds = Number(chosen.rounds ?? ROUNDS)
for (const name of names) if (!NAMES.includes(name)) throw new Error(`found SDK ${name}, expected some of ${NAMES.join()}`)
if (!(rounds >= 1)) throw new Error(`found ${chosen.rounds} rounds, expected 1 or more`)

const startedMs = Date.now()
/** What else ran on this machine at the start: programs that wanted a processor, of the last minute. */
const [load] = loadavg()
const say = (text) => console.log(`${String(Math.round((Date.now() - startedMs) / 1000)).padStart(4)} s  ${text}`)

const server = await startServer()
const browser = await launch()
try {
  const all = new Map()
  for (const name of names) {
    for (const page of ["app", "measure"]) server.serve(`/${page}/${name}/`, await bundle(page, name, `/${page}/${name}/`))
    all.set(name, { name, timed: [], memories: [], visits: [] })
  }
  say(`bundled ${names.length} SDKs`)

  for (const name of names) {
    const found = await check({ browser, server, name })
    Object.assign(all.get(name), found, { versions: versionsOf(found.about.packages, PENNON) })
    server.put(`/flags/${name}`, await textOf(name))
    say(`${found.about.name}: ${found.halves ? `split 1000 people ${found.halves.join(" : ")}` : "served its values"}`)
  }

  for (let round = 1; round <= rounds; round++) {
    for (const name of shuffled(names)) all.get(name).timed.push(await time({ browser, server, name }))
    say(`timed, round ${round} of ${rounds}`)
    for (const name of shuffled(names)) all.get(name).visits.push(await visit({ browser, server, name }))
    for (const name of shuffled(names)) all.get(name).memories.push(await memory({ browser, server, name }))
    say(`visited and weighed, round ${round} of ${rounds}`)
  }

  const figures = [...all.values()].map(({ timed, memories, visits, ...rest }) => ({
    ...rest,
    ...medians(timed),
    ...medians(memories),
    visitMs: median(visits.map(({ atMs }) => atMs)),
    size: sizeOf(visits[0].files),
  }))
  const text = resultsOf({ figures, rounds, load, chromium: browser.version(), seconds: Math.round((Date.now() - startedMs) / 1000) })
  console.log(text)
  if (chosen.only || chosen.rounds) say("nothing written: this was no whole run")
  else writeFileSync(join(OWN, "RESULTS.md"), text)
} finally {
  await browser.close()
  server.close()
}

/** The text of 100 flags, in that SDK's format, as its module writes it in a page. */
async function textOf(name) {
  const page = await browser.newPage()
  await page.goto(`${server.origin}/measure/${name}/`)
  await page.waitForFunction("globalThis.measure")
  const text = await page.evaluate(() => measure.write(100))
  await page.close()
  return text
}

/** For each figure its median; `undefined` where an SDK has none. */
function medians(rows) {
  return Object.fromEntries(Object.keys(rows[0]).map((key) => [key, rows[0][key] === undefined ? undefined : median(rows.map((row) => row[key]))]))
}
