// The measurements of one SDK, each in pages that are new.

import { brotliCompressSync, constants, gunzipSync, gzipSync } from "node:zlib"
import { median } from "./numbers.mjs"
import { withPage } from "./chromium.mjs"

/** How many flags at a start; and how many clients are started in one page. */
const STARTS = [[100, 7], [1000, 5], [10_000, 3]]
const MEMORY_FLAGS = 1000
const THROTTLE = 4
const PATIENCE_MS = 60_000
/** An SDK that sends does so within this time, or when its page goes. */
const SENDING_MS = 12_000

async function open(page, origin, name) {
  await page.goto(`${origin}/measure/${name}/`)
  await page.waitForFunction("globalThis.measure", undefined, { timeout: PATIENCE_MS })
}

/** What it says of itself, how it split the people, and whether the sink was told which flags were read. */
export async function check({ browser, server, name }) {
  return withPage(browser, server.origin, async (page) => {
    await open(page, server.origin, name)
    const about = await page.evaluate(() => measure.about)
    const halves = await page.evaluate(() => measure.checkDecisions())
    const isTold = () => (server.received.get(name) ?? []).some((body) => isAbout(body, "feature-0-0"))
    if (about.exposures !== "none") {
      await page.evaluate(() => measure.stay(1))
      for (let waitedMs = 0; waitedMs < SENDING_MS && !isTold(); waitedMs += 100) await page.waitForTimeout(100)
      await page.goto(`${server.origin}/empty.html`)
      for (let waitedMs = 0; waitedMs < SENDING_MS && !isTold(); waitedMs += 100) await page.waitForTimeout(100)
      if (!isTold()) throw new Error(`${about.name}: the sink was told of no exposure`)
    }
    return { about, halves }
  })
}

/** Whether a body names that flag: as text, or packed in one of the ways of the SDKs. */
function isAbout(body, key) {
  const text = body.toString("latin1")
  return [text, ...unpacked(body, text)].some((text) => text.includes(key))
}

/** Some send gzip, some base64, some that reversed. What is neither is passed over. */
function unpacked(body, text) {
  const found = []
  if (body[0] === 0x1f && body[1] === 0x8b) found.push(gunzipSync(body).toString("latin1"))
  const reversed = [...text].reverse().join("")
  for (const base64 of [text, reversed, new URLSearchParams(text).get("data") ?? ""]) {
    if (/^[\w+/=-]+$/.test(base64)) found.push(Buffer.from(base64, "base64").toString("latin1"))
  }
  return found
}

/** One round of everything that is timed. */
export async function time({ browser, server, name }) {
  return withPage(browser, server.origin, async (page) => {
    await open(page, server.origin, name)
    const { newNs, warm } = await page.evaluate(() => measure.firstReads())
    const identity = await page.evaluate(() => measure.identities())
    const reads = await page.evaluate(() => measure.reads())
    const found = { firstNewNs: newNs, firstNs: median(warm), identityUs: identity && median(identity) }
    for (const [loop, { sdk, map }] of Object.entries(reads)) {
      found[`${loop}Ns`] = median(sdk)
      found[`${loop}MapNs`] = median(map)
      found[`${loop}Times`] = median(sdk.map((ns, sample) => ns / map[sample]))
    }
    for (const [flags, clients] of STARTS) {
      found[`start${flags}Ms`] = median(await page.evaluate(([flags, clients]) => measure.startUps(flags, clients), [flags, clients]))
    }
    return found
  })
}

/** KiB that a client of 1 000 flags keeps: JavaScript's heap, array buffers, and the memory of a WebAssembly module. */
export async function memory({ browser, server, name }) {
  return withPage(browser, server.origin, async (page, cdp) => {
    await page.addInitScript(() => {
      globalThis.wasmMemories = new Set()
      const watch = (instance) => {
        for (const found of Object.values(instance.exports)) if (found instanceof WebAssembly.Memory) wasmMemories.add(found)
        return instance
      }
      const { instantiate, instantiateStreaming, Instance } = WebAssembly
      WebAssembly.instantiate = async (...given) => {
        const found = await instantiate(...given)
        watch(found.instance ?? found)
        return found
      }
      WebAssembly.instantiateStreaming = async (...given) => {
        const found = await instantiateStreaming(...given)
        watch(found.instance)
        return found
      }
      WebAssembly.Instance = new Proxy(Instance, { construct: (target, given) => watch(new target(...given)) })
    })
    await open(page, server.origin, name)
    await page.evaluate(() => measure.prepare())
    const before = await held(page, cdp)
    await page.evaluate((flags) => measure.stay(flags), MEMORY_FLAGS)
    await page.waitForTimeout(300)
    const after = await held(page, cdp)
    return { heapKib: (after.heap - before.heap) / 1024, wasmKib: (after.wasm - before.wasm) / 1024 }
  })
}

async function held(page, cdp) {
  for (let turn = 0; turn < 3; turn++) await cdp.send("HeapProfiler.collectGarbage")
  // A module's memory is in neither.
  const { usedSize, backingStorageSize } = await cdp.send("Runtime.getHeapUsage")
  const wasm = await page.evaluate(() => [...wasmMemories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0))
  return { heap: usedSize + backingStorageSize, wasm }
}

/** Milliseconds from navigation to the first decision of the smallest app, on a processor that is slowed down; and its files. */
export async function visit({ browser, server, name }) {
  return withPage(browser, server.origin, async (page, cdp) => {
    await cdp.send("Network.enable")
    await cdp.send("Network.setCacheDisabled", { cacheDisabled: true })
    await cdp.send("Emulation.setCPUThrottlingRate", { rate: THROTTLE })
    const responses = []
    page.on("response", (response) => {
      if (new URL(response.url()).pathname.startsWith(`/app/${name}/`)) responses.push(response)
    })
    // Nothing is asked of the page before it is done: to be driven takes it 50 ms of its own, so slowed down.
    const isDone = page.waitForEvent("console", { predicate: (message) => message.text() === "done", timeout: PATIENCE_MS })
    await page.goto(`${server.origin}/app/${name}/`, { waitUntil: "commit" })
    await isDone
    const { value, atMs } = await page.evaluate(() => first)
    if (value !== "one" && value !== "two") throw new Error(`${name}: the smallest app read ${value}`)
    return { atMs, files: await Promise.all(responses.map(async (response) => [response.url(), await response.body()])) }
  })
}

/** Bytes of an app's files that are no HTML, each compressed by itself. */
export function sizeOf(files) {
  const found = { raw: 0, gzip: 0, brotli: 0, wasmBrotli: 0 }
  for (const [url, body] of files) {
    if (url.endsWith("/")) continue
    const brotli = brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length
    found.raw += body.length
    found.gzip += gzipSync(body, { level: 9 }).length
    found.brotli += brotli
    if (url.endsWith(".wasm")) found.wasmBrotli += brotli
  }
  return found
}
