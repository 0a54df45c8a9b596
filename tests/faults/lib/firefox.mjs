// Firefox through geckodriver and WebDriver BiDi.

import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Builder } from "selenium-webdriver"
import { Options, ServiceBuilder } from "selenium-webdriver/firefox.js"
import { firefox, geckodriver } from "./parts.mjs"
import { descendants, isRunning, killProcess, temporaryFolder } from "./process.mjs"
import { eventually, within } from "./wait.mjs"
import { createQueue } from "./webdriver.mjs"

export const name = "firefox"

/** A program that starts Firefox so that a page's crash does not end it. geckodriver asks for the opposite. */
function forgivingFirefox() {
  const file = join(temporaryFolder(), "firefox")
  writeFileSync(file, `#!/bin/sh\nunset MOZ_CRASHREPORTER_SHUTDOWN\nexec '${firefox()}' "$@"\n`, { mode: 0o755 })
  return file
}

/** `profile`: a folder that outlives the browser. `isPrivate`: it keeps nothing, whatever the folder. */
export async function launch({ profile = temporaryFolder(), isPrivate = false, acceptsAnyCertificate = false } = {}) {
  const options = new Options().setBinary(forgivingFirefox()).addArguments("-headless", "-profile", profile)
  options.set("webSocketUrl", true).setPreference("browser.privatebrowsing.autostart", isPrivate)
  // A process for each page: all the pages here are of one site.
  options.setPreference("dom.ipc.processCount.webIsolated", 100)
  options.setAcceptInsecureCerts(acceptsAnyCertificate)
  const service = new ServiceBuilder(geckodriver()).addArguments("--allow-system-access")
  const driver = await new Builder().forBrowser("firefox").setFirefoxOptions(options).setFirefoxService(service).build()
  const capabilities = await driver.getCapabilities()
  const pid = capabilities.get("moz:processID")
  const turn = createQueue()
  const heard = new Map()
  const bidi = await driver.getBidi()
  await listen()
  let isAlive = true

  /** Hears what is thrown and logged in every window. */
  async function listen() {
    await bidi.subscribe("log.entryAdded")
    bidi.socket.on("message", (message) => {
      const { method, params } = JSON.parse(message.toString())
      if (method === "network.beforeRequestSent" && params.isBlocked) {
        ask("network.failRequest", { request: params.request.request }).catch(() => {})
      }
      if (method !== "log.entryAdded") return
      const { type, level, text, source } = params
      // Others are the browser's own, such as a failed request.
      if (type !== "console" && !(type === "javascript" && level === "error" && !text.startsWith("Cross-Origin Request Blocked"))) return
      const window = source?.context
      heard.set(window, [...(heard.get(window) ?? []), `${type === "console" ? `console.${params.method}` : "error"}: ${text}`])
    })
  }

  async function ask(method, params) {
    const { result, error, message } = await bidi.send({ method, params })
    if (error) throw new Error(`${method}: ${error}: ${message}`)
    return result
  }

  /** Runs in the browser's own process. */
  const inBrowser = (script, ...args) => turn(async () => {
    await driver.setContext("chrome")
    try {
      return await driver.executeScript(script, ...args)
    } finally {
      await driver.setContext("content")
    }
  })

  return {
    name,
    pid,
    /** Storage is kept apart by each row's own origin. */
    async world() {
      const pages = []
      return {
        async page({ inTab = false } = {}) {
          const page = drive((await ask("browsingContext.create", { type: inTab ? "tab" : "window" })).context)
          pages.push(page)
          return page
        },
        close: () => Promise.all(pages.map((page) => page.close().catch(() => {}))),
      }
    },
    inBrowser,
    isAlive: () => isAlive && isRunning(pid),
    async kill() {
      isAlive = false
      for (const process of [pid, ...descendants(pid)]) killProcess(process)
      await eventually("the browser's end", () => !isRunning(pid))
      await within("geckodriver's end", driver.quit(), 5000).catch(() => {})
    },
    async close() {
      if (!isAlive) return
      isAlive = false
      await within("closing Firefox", driver.quit(), 20_000).catch(() => killProcess(pid))
    },
  }

  function drive(context) {
    const activate = (context) => ask("browsingContext.activate", { context })
    return {
      context,
      heard: async () => heard.get(context) ?? [],
      goto: (url) => ask("browsingContext.navigate", { context, url, wait: "complete" }),
      async evaluate(work, ...args) {
        const called = await ask("script.callFunction", {
          // A string comes through as it is; whatever else would be described piece by piece.
          functionDeclaration: `async (args) => JSON.stringify((await (${work})(...JSON.parse(args))) ?? null)`,
          arguments: [{ type: "string", value: JSON.stringify(args) }],
          awaitPromise: true,
          target: { context },
        })
        if (called.type === "exception") throw new Error(called.exceptionDetails.text)
        return JSON.parse(called.result.value)
      },
      url: async () => (await ask("browsingContext.getTree", { root: context })).contexts[0].url,
      reload: () => ask("browsingContext.reload", { context, wait: "complete" }),
      back: () => ask("browsingContext.traverseHistory", { context, delta: -1 }),
      close: () => ask("browsingContext.close", { context }),
      crash: () => crash(context),
      /** Takes the browser's network away, but for this machine, as the page's own events tell. */
      offline: (offline) => inBrowser("Services.io.offline = arguments[0]", offline),
      /** Refuses requests to addresses with this path, as a content blocker does. Gives what ends it. */
      async block(path) {
        // Of each request, which takes the browser a while: only where it is needed.
        await bidi.subscribe("network.beforeRequestSent")
        const { intercept } = await ask("network.addIntercept", {
          phases: ["beforeRequestSent"],
          contexts: [context],
          urlPatterns: [{ type: "pattern", pathname: path }],
        })
        return () => ask("network.removeIntercept", { intercept })
      },
      /** Brings another tab of the same window to the front. */
      async hide() {
        const cover = (await ask("browsingContext.create", { type: "tab", referenceContext: context })).context
        await activate(cover)
        return { show: () => activate(context), uncover: () => activate(cover), close: () => ask("browsingContext.close", { context: cover }) }
      },
      show: () => activate(context),
    }
  }

  /** Ends the process that renders the page. */
  async function crash(context) {
    const renderer = await inBrowser((context) => {
      const { NavigableManager } = ChromeUtils.importESModule("chrome://remote/content/shared/NavigableManager.sys.mjs")
      return NavigableManager.getBrowsingContextById(context).currentWindowGlobal.osPid
    }, context)
    killProcess(renderer)
    await eventually("the renderer's end", () => !isRunning(renderer))
  }
}

/** A hidden tab that runs by itself, in a browser of its own, and can be discarded. */
export async function openDiscardable(url) {
  const browser = await launch()
  const inTab = (script) => browser.inBrowser(`
    const { gBrowser } = Services.wm.getMostRecentWindow("navigator:browser")
    const tab = gBrowser.tabs.at(-1)
    ${script}`, url)
  await inTab("gBrowser.addTab(arguments[0], { triggeringPrincipal: Services.scriptSecurityManager.getSystemPrincipal() })")
  return {
    async discard() {
      await inTab("return gBrowser.prepareDiscardBrowser(tab)")
      await inTab("gBrowser.discardBrowser(tab, true)")
      await eventually("the tab's end", () => inTab("return tab.hasAttribute('pending')"))
    },
    reopen: () => inTab("gBrowser.selectedTab = tab"),
    close: () => browser.close(),
  }
}
