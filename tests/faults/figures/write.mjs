// G12: when an exposure is in storage, and what putting it there costs.

import { percentile } from "./lib/numbers.mjs"
import { isolatedOrigin, prepare } from "./lib/isolated.mjs"
import { withScene } from "./lib/one-scene.mjs"
import { table } from "./lib/table.mjs"

export const title = "What one write of the outbox costs (G12)"
export const target = "in storage when the microtasks of the task have run; p50 of a write 50 µs"
export const options = { writes: { type: "string", default: "2000" } }

export async function measure({ driver, site, chosen }) {
  const writes = Number(chosen.writes)
  const { times, lengths, late, bare } = await withScene({ driver, site }, async (scene) => {
    const at = await isolatedOrigin(scene)
    const page = await scene.open("/elsewhere.html", { at })
    await prepare(scene, page, at, () => {
      const { setItem } = Storage.prototype
      globalThis.written = []
      Storage.prototype.setItem = function (key, text) {
        const beganMs = performance.now()
        setItem.call(this, key, text)
        written.push({ key, text, tookMs: performance.now() - beganMs })
      }
    })
    await scene.begin(page, { exposures: { flushIntervalMs: 1000 } })
    const measured = { times: [], lengths: [], late: 0, bare: [] }
    for (let round = 0; measured.times.length < writes; round++) {
      const part = await page.evaluate(async () => {
        const part = { times: [], lengths: [], late: 0, bare: [] }
        const task = (work) => new Promise((resolve) => {
          const { port1, port2 } = new MessageChannel()
          port1.onmessage = () => resolve(work())
          port2.postMessage(0)
        })
        client.session.renew()
        for (let place = 0; place < 400; place++) {
          const key = `split${place}`
          await task(() => {
            written.length = 0
            client.getFlag(key)
            // The client's own microtask comes before this one.
            queueMicrotask(() => {
              const write = written.find(({ key: at, text }) => /:q:[^:]+:\d+$/.test(at) && text.includes(`"${key}"`))
              if (!write || localStorage.getItem(write.key) !== write.text) return void part.late++
              part.times.push(write.tookMs)
              part.lengths.push(write.text.length)
            })
          })
          // What the browser takes for as much text, without the package.
          await task(() => {
            written.length = 0
            localStorage.setItem("bare", "x".repeat(400) + place)
            part.bare.push(written[0].tookMs)
          })
        }
        while (client.stats().pending > 0) await client.flush()
        return part
      })
      measured.late += part.late
      for (const name of ["times", "lengths", "bare"]) measured[name].push(...part[name])
    }
    return measured
  })
  const micros = (values, share) => `${(1000 * percentile(values, share)).toFixed(0)} µs`
  const row = table("", "writes", "UTF-16 units, median", "p50", "p99", "longest", "not in storage after the task's microtasks")
  row("outbox", times.length, percentile(lengths, 0.5), micros(times, 0.5), micros(times, 0.99), micros(times, 1), late)
  row("setItem of 400 units", bare.length, 400, micros(bare, 0.5), micros(bare, 0.99), micros(bare, 1), "")
  return late > 0 ? [`${late} exposures were not in storage when the microtasks of their task had run`] : []
}
