// Chromium, and ears for whatever goes wrong on a page.

import { chromium } from "playwright-core"
import { CHROMIUM } from "./app.mjs"

const FLAGS = [
  "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
]

/** Opens a page; gives what it wrote into `body[data-answer]`, as JSON, and whatever it threw or logged as an error. */
export async function visit(url) {
  // The sandbox refuses to start for root.
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, chromiumSandbox: process.getuid() !== 0 })
  try {
    const page = await browser.newPage()
    const trouble = []
    page.on("pageerror", (error) => trouble.push(String(error)))
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) trouble.push(message.text())
    })
    await page.goto(url)
    const answer = await page.locator("body[data-answer]").getAttribute("data-answer")
    return { answer: JSON.parse(answer), trouble }
  } finally {
    await browser.close()
  }
}
