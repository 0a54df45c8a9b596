// W: what can become of the module.

import assert from "node:assert/strict"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import { extname, join } from "node:path"
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
  scene.allow({ heard: [/Content-Security-Policy: The page/] }) // Firefox's own report.
  await scene.leaveBehind("plain", 0, 30)
  await withoutModule(scene, await scene.open("/no-wasm.html"))
})

row("W4", "there is no WebAssembly", async (scene) => {
  await scene.leaveBehind("plain", 0, 30)
  // As shipped: the testing entry itself is made of WebAssembly.
  const page = await scene.open("/shipped.html")
  await page.evaluate(() => void delete globalThis.WebAssembly)
  await page.evaluate(() => import("/page.js").then(() => true))
  await withoutModule(scene, page)
})

row("W9", "a page that is isolated (COOP and COEP)", async (scene) => {
  const isolated = await scene.server({ headers: ["Cross-Origin-Opener-Policy: same-origin", "Cross-Origin-Embedder-Policy: require-corp"] })
  const elsewhere = await scene.server({ headers: ["Cross-Origin-Resource-Policy: cross-origin", "Access-Control-Allow-Origin: *"] })
  const page = await scene.visit({}, { at: isolated.origin })
  assert.equal(await page.evaluate(() => globalThis.crossOriginIsolated), true)
  await scene.read(page, "split", 0, 5)
  await scene.arrived()
  // The package from another origin, as from a CDN.
  const answer = await page.evaluate(async (url, { scale, ...options }) => {
    const { createClient } = await import(url)
    globalThis.client = watch(await createClient(options))
    return client.getFlag("plain7")
  }, `${elsewhere.shop}/pennon/index.js`, scene.options())
  assert.equal(answer, 7)
  scene.expect("plain", 7, 8)
  await scene.check()
})

row("W10", "a CSP whose connect-src blocks the endpoint", async (scene) => {
  scene.allow({ heard: [/Content-Security-Policy: The page/] }) // Firefox's own report.
  const page = await scene.open("/no-connect.html")
  await scene.begin(page)
  await scene.read(page, "plain", 0, 10)
  await scene.statsOnce(page, "blocked requests", ({ unreachable }) => unreachable >= 1)
  assert.equal((await scene.requests()).length, 0)
  scene.allow({ heard: [/Content-Security-Policy/] }) // Firefox says so itself.
  await scene.goto(page, "/elsewhere.html")
  await scene.visit()
  await scene.check()
})

row("W3", "the module is cut, has a flipped bit, is a page, has a wrong type", async (scene) => {
  const files = ["pennon", "testing"].map((folder) => join(scene.site, folder, "pennon.wasm"))
  const good = readFileSync(files[1])
  const flipped = Buffer.from(good)
  flipped[good.length >> 1] ^= 0x10
  const page = await scene.open("/elsewhere.html")
  for (const [what, bytes] of Object.entries({ cut: good.subarray(0, good.length / 2), flipped, page: Buffer.from("<!doctype html>") })) {
    for (const file of files) writeFileSync(file, bytes)
    await scene.goto(page)
    await scene.begin(page, { namespace: what })
    const { value, errorCode } = await page.evaluate(() => ({ ...client.decide("plain1"), value: client.getFlag("plain1", "fallback") }))
    // A flipped bit may still make a module that works, or traps when it is used.
    if (what !== "flipped") assert.deepEqual([value, errorCode], ["fallback", "PROVIDER_FATAL"], what)
  }
  // The right bytes under another type are compiled all the same.
  for (const file of files) writeFileSync(file, good)
  const typed = createServer(async ({ url }, response) => {
    const path = new URL(url, "http://server.invalid").pathname
    const type = { ".html": "text/html", ".js": "text/javascript", ".json": "application/json" }[extname(path)] ?? "text/plain"
    const content = await readFile(join(scene.site, path)).catch(() => "")
    response.writeHead(200, { "content-type": type }).end(content)
  })
  await new Promise((resolve) => typed.listen(0, "127.0.0.1", resolve))
  scene.use(typed, (server) => server.close())
  const other = await scene.visit({}, { at: `http://127.0.0.1:${typed.address().port}` })
  await scene.read(other, "split", 0, 3)
  scene.allow({ repeatedKeys: true, lost: true })
  await scene.check()
}, { ownSite: true, once: true })

row("W11", "glue and module of different versions", async (scene) => {
  // A cache has kept the module of another version. All that is wrong with it is what it says of itself, at its end.
  for (const folder of ["pennon", "testing"]) {
    const path = join(scene.site, folder, "pennon.wasm")
    const module = readFileSync(path)
    module[module.length - 1] ^= 1
    writeFileSync(path, module)
  }
  const page = await scene.open()
  await scene.begin(page)
  assert.deepEqual(await page.evaluate(() => [client.getFlag("plain0", "fallback"), client.decide("plain0").errorCode]), ["fallback", "PROVIDER_FATAL"])
  assert.equal((await page.evaluate(() => client.problems())).length, 1)
  await scene.check()
}, { ownSite: true, once: true })
