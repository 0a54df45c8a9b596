// Runs the fault rows, and prints how many each browser survived, and what failed.

import { parseArgs } from "node:util"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { runHeld } from "./lib/held.mjs"
import { OWN } from "./lib/parts.mjs"
import { EVERYWHERE, rows } from "./lib/registry.mjs"
import { runRows } from "./lib/lane.mjs"
import { assembleSite } from "./lib/site.mjs"

const BROWSERS = ["chromium", "firefox", "webkit"]

const { values: chosen } = parseArgs({
  options: {
    browser: { type: "string", multiple: true, default: BROWSERS },
    row: { type: "string", multiple: true },
    // All rows on Chromium, and on the others only those that are most likely to differ.
    ci: { type: "boolean", default: false },
    jobs: { type: "string" },
  },
})

// What was asked of a browser that was killed meanwhile is refused long after anybody waits for it.
process.on("unhandledRejection", (error) => process.env.PENNON_DEBUG && console.error("late:", error?.message))

for (const file of readdirSync(join(OWN, "rows")).sort()) await import(pathToFileURL(join(OWN, "rows", file)))

const unknown = (chosen.row ?? []).filter((id) => !rows.has(id))
if (unknown.length > 0) fail(`there is no row ${unknown.join(", ")}, expected ${[...rows.keys()].join(", ")}`)
const strangers = chosen.browser.filter((name) => !BROWSERS.includes(name))
if (strangers.length > 0) fail(`found browser ${strangers.join(", ")}, expected ${BROWSERS.join(", ")}`)

const wanted = [...rows.values()].filter(({ id }) => !chosen.row || chosen.row.includes(id))
const site = assembleSite()
const summary = []
const failures = []

const apart = chosen.browser.includes("chromium") ? wanted.filter(({ tests }) => tests) : []
if (apart.length > 0) tell("engine and Node", apart, await runHeld(apart))
for (const name of chosen.browser) {
  const own = wanted.filter(({ body, id, cannot, once }) => body && !cannot[name] && !(once && name !== "chromium") && (!chosen.ci || name === "chromium" || EVERYWHERE.includes(id)))
  if (own.length === 0) continue
  const driver = await import(`./lib/${name}.mjs`)
  tell(name, own, await runRows({ driver, rows: own, site, jobs: Number(chosen.jobs) || undefined }))
}

console.log(`\n${[...failures, ...summary].join("\n")}`)
console.log(`# pass ${summary.reduce((sum, { survived }) => sum + survived, 0)}\n# fail ${failures.length}`)
process.exit(failures.length === 0 ? 0 : 1)

/** `results`: row id → why it failed, `undefined` when it was survived. */
function tell(where, own, results) {
  const failed = own.filter(({ id }) => results.get(id) !== undefined)
  for (const { id, fault } of failed) failures.push(`${where} ${id} (${fault}): ${results.get(id)}`)
  const survived = own.length - failed.length
  summary.push({ survived, toString: () => `${where}: survived ${survived}/${own.length}${failed.length ? `, not ${failed.map(({ id }) => id).join(" ")}` : ""}` })
}

function fail(message) {
  console.error(`error: ${message}`)
  process.exit(2)
}
