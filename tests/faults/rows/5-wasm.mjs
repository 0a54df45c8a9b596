// W: what can become of the module.

import assert from "node:assert/strict"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { row } from "../lib/registry.mjs"

/** A visit without a module: fallbacks, and what an earlier visit left is sent all the same. */
async function withoutModule(scene, page) {
  await scene.begin(page)
  assert.equal(await page.evaluate(() => client.getFlag("plain0", "fallback")), "fallback")
  assert.equal(await page.evaluate(() => client.decide("plain0").errorCode), "PROVIDER_FATAL")
  await scene.arrived()
  assert.equal((await page.evaluate(() => client.problems())).length, 1, "problems")
  await scene.check()
}

row("W1", "the module is not there", async (scene) => {
  await scene.leaveBehind("plain", 0, 30)
  for (const folder of ["pennon", "testing"]) rmSync(join(scene.site, folder, "pennon.wasm"))
  await withoutModule(scene, await scene.open())
}, { ownSite: true })

row("W2", "a CSP without wasm-unsafe-eval", async (scene) => {
  await scene.leaveBehind("plain", 0, 30)
  await withoutModule(scene, await scene.open("/no-wasm.html"))
})

row("W4", "there is no WebAssembly", async (scene) => {
  await scene.leaveBehind("plain", 0, 30)
  await withoutModule(scene, await scene.prepared(() => void delete globalThis.WebAssembly))
})

row("W9", "a page that is isolated (COOP and COEP)", async (scene) => {
  const isolated = await scene.server({ headers: ["Cross-Origin-Opener-Policy: same-origin", "Cross-Origin-Embedder-Policy: require-corp"] })
  const page = await scene.visit({}, { at: isolated.origin })
  assert.equal(await page.evaluate(() => globalThis.crossOriginIsolated), true)
  await scene.read(page, "split", 0, 5)
  await scene.check()
})

row("W10", "a CSP whose connect-src blocks the endpoint", async (scene) => {
  const page = await scene.open("/no-connect.html")
  await scene.begin(page)
  await scene.read(page, "plain", 0, 10)
  await scene.statsOnce(page, "blocked requests", ({ unreachable }) => unreachable >= 1)
  assert.equal((await scene.requests()).length, 0)
  await scene.goto(page, "/elsewhere.html")
  await scene.visit()
  await scene.check()
})
