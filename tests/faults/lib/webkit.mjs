// WebKitGTK's MiniBrowser through WebKitWebDriver, on a display of its own. The driver has no BiDi: what pages log and
// throw is heard by the pages' own first script.

import { join } from "node:path"
import { Builder, Capabilities } from "selenium-webdriver"
import { miniBrowser, webkitDriver } from "./parts.mjs"
import { commandLine, descendants, isRunning, killProcess, startProgram } from "./process.mjs"
import { eventually, within } from "./wait.mjs"
import { createQueue, openWorld } from "./webdriver.mjs"

export const name = "webkit"

/** Its sandbox refuses to start for root. */
const WITHOUT_SANDBOX = process.getuid() === 0 ? { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" } : {}

export async function launch({ acceptsAnyCertificate = false } = {}) {
  const port = await freePort()
  const display = await startProgram("xvfb-run", ["-a", "-s", "-screen 0 1280x800x24", webkitDriver(), `--port=${port}`], {
    env: WITHOUT_SANDBOX,
  })
  const server = `http://127.0.0.1:${port}`
  await eventually("WebKitWebDriver", () => fetch(`${server}/status`).then(({ ok }) => ok, () => false))
  const driver = await new Builder()
    .usingServer(server)
    .withCapabilities(new Capabilities({
      browserName: "MiniBrowser",
      acceptInsecureCerts: acceptsAnyCertificate,
      "webkitgtk:browserOptions": { binary: miniBrowser(), args: ["--automation"] },
    }))
    .build()
  const turn = createQueue()
  let isAlive = true
  // Stays as it is: commands that open windows are given here, whatever became of the others.
  const base = await driver.getWindowHandle()
  const renderers = () => descendants(display.pid).filter((process) => /WebKitWebProcess/.test(commandLine(process)))
  const [baseRenderer] = renderers()
  const browserPid = () => descendants(display.pid).find((process) => /MiniBrowser/.test(commandLine(process).split(" ")[0]))

  return {
    name,
    pid: browserPid(),
    world: async () => openWorld({ driver, turn, base, heardBy: () => [], crash }),
    isAlive: () => isAlive && browserPid() !== undefined,
    async kill() {
      isAlive = false
      await display.kill()
    },
    async close() {
      if (!isAlive) return
      isAlive = false
      await within("closing WebKit", driver.quit(), 10_000).catch(() => {})
      await display.kill()
    },
  }

  /** Ends all the processes that render pages: which of them a window has, the driver does not tell. */
  async function crash() {
    await turn(() => driver.switchTo().window(base))
    const others = renderers().filter((process) => process !== baseRenderer)
    others.forEach(killProcess)
    await eventually("the renderers' end", () => !others.some(isRunning))
  }
}

/**
 * A browser that nobody drives, with a profile that outlives it: while it is driven it keeps none, and its session ends
 * with a page's process. Its pages run by themselves. `urls`: one tab
 * each, of which the first is visible.
 */
export async function openAlone({ profile, urls }) {
  const folders = ["XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"].map((name) => [name, join(profile, name)])
  const display = await startProgram("xvfb-run", ["-a", "-s", "-screen 0 1280x800x24", miniBrowser(), ...urls], {
    env: { ...WITHOUT_SANDBOX, ...Object.fromEntries(folders) },
  })
  const renderers = () => descendants(display.pid).filter((process) => /WebKitWebProcess/.test(commandLine(process)))
  return {
    /** Ends the process of the last tab, which was started last. */
    async crashLast() {
      const last = renderers().at(-1)
      killProcess(last)
      await eventually("the renderer's end", () => !isRunning(last))
    },
    kill: () => display.kill(),
    close: () => display.kill(),
  }
}

async function freePort() {
  const { createServer } = await import("node:net")
  const server = createServer()
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}
