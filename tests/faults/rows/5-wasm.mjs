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
