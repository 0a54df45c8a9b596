// Chromium through puppeteer-core: unlike Playwright it lets tabs be hidden, and pages come back from the back-forward
// cache, as they do for people.

import { writeFileSync } from "node:fs"
import { join } from "node:path"
import puppeteer from "puppeteer-core"
import { chromium } from "./parts.mjs"
import { isRunning, killProcess, temporaryFolder } from "./process.mjs"
import { eventually, within } from "./wait.mjs"

/**
 * Quiet and the same everywhere: no graphics card, no traffic of the browser's own, and no page of its own behind the address bar
 * of each window, which takes longer to begin than a row.
 */
const FLAGS = [
  "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
  "--disable-features=WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,WebUIOmniboxPopup",
]

export const name = "chromium"

/** `profile`: a folder that outlives the browser. `unwatched`: pages whose address has this in it are left alone. */
export async function launch({ profile = temporaryFolder(), acceptsAnyCertificate = false, unwatched } = {}) {
  // The sandbox refuses to start for root.
  const sandbox = process.getuid() === 0 ? ["--no-sandbox"] : []
  const certificates = acceptsAnyCertificate ? ["--ignore-certificate-errors"] : []
  const browser = await puppeteer.launch({
    executablePath: chromium(),
    ignoreDefaultArgs: true,
    args: [...FLAGS, ...sandbox, ...certificates, `--user-data-dir=${profile}`, "about:blank"],
    targetFilter: (target) => !unwatched || !target.url().includes(unwatched),
    handleSIGINT: false,
    handleSIGTERM: false,
  })
  const { pid } = browser.process()
  const devtools = await browser.target().createCDPSession()

  return {
    name,
    pid,
    /** Part of the browser whose pages share their storage with no other part. */
    async world({ isPersistent = false } = {}) {
      const context = isPersistent ? browser.defaultBrowserContext() : await browser.createBrowserContext()
      const pages = []
      return {
        /** A page in a window of its own, so that it is visible; or in a new tab, which hides what was in front. */
        async page({ inTab = false } = {}) {
          const page = inTab ? await context.newPage() : await openWindow(context)
          const driven = drive(page, context)
          pages.push(driven)
          return driven
        },
        async close() {
          if (!browser.connected) return
          if (!isPersistent) return within("closing a context", context.close(), 10_000).catch(() => {})
          await Promise.all(pages.map((page) => page.close().catch(() => {})))
        },
      }
    },
    /** Opens a tab that nobody watches. */
    openUnwatched: (url) => devtools.send("Target.createTarget", { url }),
    async showUnwatched(url) {
      const { targetInfos } = await devtools.send("Target.getTargets")
      const { targetId } = targetInfos.find((target) => target.url === url)
      await devtools.send("Target.activateTarget", { targetId })
    },
    isAlive: () => browser.connected,
    /** As an ill-timed power cut ends it. */
    async kill() {
      killProcess(pid)
      await eventually("the browser's end", () => !isRunning(pid))
      browser.disconnect().catch(() => {})
    },
    async close() {
      if (browser.connected) await within("closing Chromium", browser.close(), 10_000).catch(() => killProcess(pid))
    },
  }

  async function openWindow(context) {
    const { targetId } = await devtools.send("Target.createTarget", { url: "about:blank", newWindow: true, browserContextId: context.id })
    const target = await browser.waitForTarget((target) => target._targetId === targetId)
    return target.page()
  }

  function drive(page, context) {
    const heard = []
    let devtools
    const session = async () => (devtools ??= await page.createCDPSession())
    page.on("pageerror", (error) => heard.push(`error: ${error?.message ?? error}`))
    // What the browser logs by itself, such as a failed request, has no arguments.
    page.on("console", (message) => message.args().length > 0 && heard.push(`console.${message.type()}: ${message.text()}`))
    page.on("error", () => {}) // A crash, which only rows bring about.
    return {
      native: page,
      heard: async () => heard,
      goto: (url) => page.goto(url, { waitUntil: "load" }).then(() => {}),
      evaluate: (work, ...args) => page.evaluate(work, ...args),
      url: async () => page.url(),
      reload: () => page.reload({ waitUntil: "load" }).then(() => {}),
      back: () => page.evaluate(() => void setTimeout(() => history.back())),
      close: () => page.close(),
      send: async (method, params) => (await session()).send(method, params),
      /** Ends the process that renders the page. */
      async crash() {
        const crashed = new Promise((resolve) => page.once("error", resolve))
        void (await session()).send("Page.crash").catch(() => {})
        await within("the renderer's crash", crashed)
      },
      /** The page at this address that took the place of this one: it was prerendered, and puppeteer does not follow. */
      async successor(url) {
        const { href } = new URL(url)
        const target = await browser.waitForTarget((target) => target.url() === href && target.browserContext() === context)
        const devtools = await target.createCDPSession()
        return {
          async evaluate(work) {
            const { result } = await devtools.send("Runtime.evaluate", { expression: `(${work})()`, awaitPromise: true, returnByValue: true })
            return result.value
          },
        }
      },
      /** Takes the page's network away, as its own events tell. */
      offline: async (offline) =>
        (await session()).send("Network.emulateNetworkConditions", { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 }),
      /** Refuses requests to addresses with this path, as a content blocker does. Gives what ends it. */
      async block(path) {
        const devtools = await session()
        await devtools.send("Network.enable")
        await devtools.send("Network.setBlockedURLs", { urls: [`*${path}*`] })
        return () => devtools.send("Network.setBlockedURLs", { urls: [] })
      },
      async freeze() {
        await (await session()).send("Page.setWebLifecycleState", { state: "frozen" })
        return async () => (await session()).send("Page.setWebLifecycleState", { state: "active" })
      },
      /** Brings another tab of the same window to the front. */
      async hide() {
        const cover = await context.newPage()
        return { show: () => page.bringToFront(), uncover: () => cover.bringToFront(), close: () => cover.close() }
      },
      show: () => page.bringToFront(),
    }
  }
}

/** A hidden tab that runs by itself, in a browser of its own, and can be discarded. */
export async function openDiscardable(url) {
  const profile = temporaryFolder()
  // Lets chrome://discards in.
  writeFileSync(join(profile, "Local State"), JSON.stringify({ internal_only_uis_enabled: true }))
  const browser = await launch({ profile, unwatched: url })
  const page = await (await browser.world({ isPersistent: true })).page({ inTab: true })
  await page.goto("chrome://discards")
  await browser.openUnwatched(url)
  await page.show()

  /** The tab's line in the list; clicks what is called `click` in it. */
  const line = (click) => page.evaluate((url, click) => {
    const list = document.querySelector("discards-main")?.shadowRoot.querySelector("discards-tab")
    const line = [...(list?.shadowRoot.querySelectorAll("tbody tr") ?? [])].find(({ innerText }) => innerText.includes(url))
    if (click) [...line.querySelectorAll(".actions-cell div")].find(({ innerText }) => innerText.includes(click)).click()
    return line?.innerText ?? ""
  }, url, click)

  return {
    async discard() {
      await eventually("the tab in the list", line)
      await line("[Urgent Discard]")
      await eventually("the tab's end", line, (text) => /discarded/.test(text))
    },
    reopen: () => browser.showUnwatched(url),
    close: () => browser.close(),
  }
}
