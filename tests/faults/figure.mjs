// Measures one figure of docs/delivery.md in one browser, and prints it beside its target.

import { cpSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { OWN } from "./lib/parts.mjs"
import { assembleSite } from "./lib/site.mjs"

const FIGURES = ["redirect", "chaos", "tabs", "exit", "write", "memory", "storage", "kill", "traps", "outage"]
const BROWSERS = ["chromium", "firefox", "webkit"]

const chosen = { figure: { type: "string" }, browser: { type: "string", default: "chromium" } }
const { values: { figure: name, browser: browserName } } = parseArgs({ options: chosen, strict: false })
if (!FIGURES.includes(name)) fail(`found figure ${name}, expected ${FIGURES.join(", ")}`)
if (!BROWSERS.includes(browserName)) fail(`found browser ${browserName}, expected ${BROWSERS.join(", ")}`)

// What was asked of a browser that was killed meanwhile is refused long after anybody waits for it.
process.on("unhandledRejection", (error) => process.env.PENNON_DEBUG && console.error("late:", error?.message))

const figure = await import(`./figures/${name}.mjs`)
const { values } = parseArgs({ options: { ...chosen, ...figure.options } })
const site = assembleSite()
cpSync(join(OWN, "figures/pages"), site, { recursive: true })
const driver = await import(`./lib/${browserName}.mjs`)

console.log(`# ${figure.title}\n`)
const startedMs = Date.now()
const missed = await figure.measure({ driver, site, chosen: values })
console.log(`\n${new Date().toISOString().slice(0, 10)}, ${await versionOf(driver)}, ${Math.round((Date.now() - startedMs) / 1000)} s`)
console.log(`target: ${figure.target}`)
for (const what of missed) console.log(`missed: ${what}`)
console.log(`# pass ${missed.length === 0 ? 1 : 0}\n# fail ${missed.length === 0 ? 0 : 1}`)
process.exit(missed.length === 0 ? 0 : 1)

async function versionOf(driver) {
  const browser = await driver.launch()
  const page = await (await browser.world()).page()
  const agent = await page.evaluate(() => navigator.userAgent)
  await browser.close()
  return [/Chrome\/\d+/, /Firefox\/\d+/, /AppleWebKit\/\S+/].map((product) => product.exec(agent)?.[0]).find(Boolean) ?? agent
}

function fail(message) {
  console.error(`error: ${message}`)
  process.exit(2)
}
