// G13: how long a page that goes is held up by the handler of pagehide, with all that can wait waiting.

import { percentile } from "./lib/numbers.mjs"
import { isolatedOrigin, prepare } from "./lib/isolated.mjs"
import { withScene } from "./lib/one-scene.mjs"
import { table } from "./lib/table.mjs"

export const title = "What pagehide costs the page (G13)"
export const target = "p99 2 ms, 5 ms at most, with 1000 exposures pending; 10 ms at most with a processor four times as slow"
export const options = { rounds: { type: "string", default: "100" } }

export async function measure({ driver, site, chosen }) {
  const row = table("clients", "pending", "processor", "exits", "requests begun in it", "p50", "p99", "longest", "p50 without fetch and setItem", "p99 without")
  await withScene({ driver, site }, async (scene) => {
    const at = await isolatedOrigin(scene)
    const page = await scene.open("/elsewhere.html", { at })
    // A ring takes 247 KiB, some 430 of these rows, so that 1000 are those of several clients.
    const cases = [{ clients: 1, each: 400 }, { clients: 4, each: 250 }]
    for (const slowness of page.send ? [1, 4] : [1]) {
      for (const { clients, each } of cases) {
        const times = []
        const own = []
        const requests = new Set()
        for (let round = 0; round < Number(chosen.rounds); round++) {
          const { tookMs, hostMs, begun } = await exit({ scene, page, at, clients, each, slowness })
          times.push(tookMs)
          own.push(tookMs - hostMs)
          requests.add(begun)
        }
        const shown = [[times, 0.5], [times, 0.99], [times, 1], [own, 0.5], [own, 0.99]].map(([values, share]) => `${percentile(values, share).toFixed(2)} ms`)
        row(clients, clients * each, slowness === 1 ? "as it is" : `${slowness} times as slow`, times.length, [...requests].join(" or "), ...shown)
      }
    }
  })
  return []
}

async function exit({ scene, page, at, clients, each, slowness }) {
  const { chaos } = scene
  await chaos.up()
  await page.send?.("Emulation.setCPUThrottlingRate", { rate: 1 })
  await prepare(scene, page, at, () => {
    localStorage.clear()
    addEventListener("pagehide", () => {
      globalThis.begun = 0
      globalThis.hostMs = 0
      globalThis.beganMs = performance.now()
    }, { capture: true })
    // What the browser takes for its part.
    const timed = (call) => {
      const calledMs = performance.now()
      try {
        return call()
      } finally {
        globalThis.hostMs += performance.now() - calledMs
      }
    }
    const { fetch } = globalThis
    globalThis.fetch = (...request) => {
      globalThis.begun++
      return timed(() => fetch(...request))
    }
    const { setItem } = Storage.prototype
    Storage.prototype.setItem = function (...item) {
      timed(() => setItem.apply(this, item))
    }
  })
  await scene.begin(page, { scale: 1, exposures: { flushIntervalMs: 3_600_000 } })
  // The server is away, and the next attempt some seconds, so that at the exit nothing is under way.
  await chaos.down()
  const pending = await page.evaluate(async (options, clients, each) => {
    globalThis.clients = [client]
    while (globalThis.clients.length < clients) globalThis.clients.push(await pennon.createClient({ ...options, namespace: `other-${globalThis.clients.length}` }))
    for (const client of globalThis.clients) {
      client.getFlag("split0")
      for (let attempt = 0; attempt < 4; attempt++) await client.flush()
      for (let place = 1; place < each; place++) client.getFlag(`split${place}`)
    }
    addEventListener("pagehide", () => {
      const tookMs = performance.now() - beganMs
      sessionStorage.setItem("exit", JSON.stringify({ tookMs, hostMs, begun }))
    })
    return globalThis.clients.reduce((sum, client) => sum + client.stats().pending, 0)
  }, { ...scene.options({ exposures: { flushIntervalMs: 3_600_000 } }), scale: undefined }, clients, each)
  if (pending !== clients * each) throw new Error(`found ${pending} exposures pending, expected ${clients * each}`)
  await page.send?.("Emulation.setCPUThrottlingRate", { rate: slowness })
  await scene.goto(page, "/elsewhere.html", { at })
  return page.evaluate(() => JSON.parse(sessionStorage.getItem("exit")))
}
