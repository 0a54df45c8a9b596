// Chromium, and pages in it that hear of every fault and reach nothing but this machine.

import { chromium } from "playwright-core"

/** Quiet, and no name but this machine's is found. */
const FLAGS = [
  "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

export const launch = () => chromium.launch({
  executablePath: process.env.PENNON_CHROMIUM || "/usr/bin/chromium", args: FLAGS, chromiumSandbox: process.getuid() !== 0,
})

/**
 * Runs `visit(page, cdp)` with a new page in a context of its own. Fails when the page threw, logged an error, or asked for
 * anything that is not on this machine's server.
 */
export async function withPage(browser, origin, visit) {
  const context = await browser.newContext()
  const faults = []
  try {
    const page = await context.newPage()
    page.on("pageerror", (error) => faults.push(`threw ${error.stack ?? error}`))
    page.on("console", (message) => message.type() === "error" && faults.push(`logged ${message.text()}`))
    page.on("response", (response) => response.status() >= 400 && faults.push(`was answered ${response.status()} for ${response.url()}`))
    page.on("request", (request) => {
      const url = request.url()
      if (!url.startsWith(`${origin}/`) && !/^(data|blob):/.test(url)) faults.push(`asked for ${url}`)
    })
    // So that the page under test is not the first of its process.
    await page.goto(`${origin}/empty.html`)
    const found = await visit(page, await context.newCDPSession(page))
    if (faults.length > 0) throw new Error(faults.join("\n"))
    return found
  } finally {
    await context.close()
  }
}
