// An untouched Vite template: what `npm create vite` makes, and nothing but an import added.

import assert from "node:assert/strict"
import { appendFileSync, cpSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { before, test } from "node:test"
import { fileURLToPath } from "node:url"
import { installApp, succeed } from "../lib/app.mjs"
import { visit } from "../lib/browser.mjs"
import { runVite } from "../lib/servers.mjs"

const ANSWER = { greeting: "Hello", checkout: true, problems: [] }

/** The template with these versions of what it names. */
async function makeApp(...versions) {
  const folder = await installApp("node_modules/create-vite/template-vanilla-ts", ...versions)
  cpSync(fileURLToPath(new URL("../apps/vite-flags/flags.ts", import.meta.url)), join(folder, "src/flags.ts"))
  appendFileSync(join(folder, "src/main.ts"), 'import "./flags.ts"\n')
  return folder
}

let folder
before(async () => {
  folder = await makeApp()
})

test("its dev server serves a page that decides", async (t) => {
  const { answer, trouble } = await visit(await runVite(t, folder))
  assert.deepEqual(answer, ANSWER)
  assert.deepEqual(trouble, [])
})

test("its build checks types, emits the module as a file, and the built page decides", async (t) => {
  await succeed(folder, "npm", "run", "build")
  const assets = readdirSync(join(folder, "dist/assets"))
  assert.equal(assets.filter((name) => name.endsWith(".wasm")).length, 1, assets.join())
  const { answer, trouble } = await visit(await runVite(t, folder, "preview"))
  assert.deepEqual(answer, ANSWER)
  assert.deepEqual(trouble, [])
})

test("the dev server of Vite 7, which moves JavaScript away from its module, serves a page that decides", async (t) => {
  const { answer, trouble } = await visit(await runVite(t, await makeApp("vite@7")))
  assert.deepEqual(answer, ANSWER)
  assert.deepEqual(trouble, [])
})
