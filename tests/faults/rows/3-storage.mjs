// S: what a browser's storage can do.

import assert from "node:assert/strict"
import { row } from "../lib/registry.mjs"

row("S1", "QuotaExceededError on write", async (scene) => {
  const page = await scene.prepared(() => {
    for (let length = 1 << 22; length >= 1; length >>= 1) {
      for (let place = 0; ; place++) {
        try {
          localStorage.setItem(`host-${length}-${place}`, "x".repeat(length))
        } catch {
          break
        }
      }
    }
    globalThis.hostKeys = () => Object.keys(localStorage).filter((key) => key.startsWith("host-")).map((key) => [key, localStorage[key].length])
    globalThis.before = JSON.stringify(hostKeys())
  })
  await scene.chaos.script({ status: 503 }, {})
  await scene.begin(page)
  await scene.read(page, "plain", 0, 10)
  await scene.arrived()
  const { persistFailed } = await scene.stats(page)
  assert.ok(persistFailed >= 1, `persistFailed is ${persistFailed}`)
  assert.ok(await page.evaluate(() => before === JSON.stringify(hostKeys())), "the host's keys")
  await scene.check()
})

row("S2", "SecurityError on the getter", async (scene) => {
  const page = await scene.prepared(() => {
    globalThis.asked = 0
    Object.defineProperty(globalThis, "localStorage", {
      get() {
        asked++
        throw new DOMException("denied", "SecurityError")
      },
    })
  })
  await scene.begin(page)
  const atStart = await page.evaluate(() => asked)
  await scene.read(page, "plain", 0, 10)
  await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  assert.equal(await page.evaluate(() => asked), atStart, "how often the getter was asked")
  await scene.check()
})

row("S3", "localStorage is null, is overridden by the page, is a Proxy", async (scene) => {
  for (const [round, kind] of ["null", "an object", "a Proxy"].entries()) {
    const page = await scene.prepared((kind) => {
      const found = {
        "null": () => null,
        "an object": () => ({ getItem: 1, length: "many" }),
        "a Proxy": () => new Proxy({}, { get: () => () => ({}), set: () => false }),
      }[kind]()
      Object.defineProperty(globalThis, "localStorage", { value: found })
    }, kind)
    await scene.begin(page)
    await scene.read(page, "plain", 3 * round, 3 * round + 3)
    await scene.statsOnce(page, `all delivered with ${kind}`, ({ pending }) => pending === 0)
  }
  await scene.check()
})

/** What an outbox's keys are called on this page, with what they hold. */
const outbox = (page) => page.evaluate(() => Object.entries(localStorage).filter(([key]) => /^pennon1:[^:]+:q:[^:]+:/.test(key)))
const put = (page, entries) => page.evaluate((entries) => entries.forEach(([key, text]) => localStorage.setItem(key, text)), entries)

row("S4", "the outbox holds nothing, null, {}, half a record, binary, 5 MB", async (scene) => {
  const page = await scene.leaveBehind("plain", 0, 20, { status: 403 })
  const [[key, text]] = await outbox(page)
  const [, space] = key.split(":")
  const lines = text.split("\n")
  const half = lines.slice(0, 2).join("\n").slice(0, -40)
  const bad = ["", "null", "{}", half, String.fromCharCode(...Array.from({ length: 300 }, (_, code) => code * 211 % 65536)), "5".repeat(2_500_000)]
  await put(page, bad.map((text, place) => [`pennon1:${space}:q:dead${place}:1`, text]))
  const next = await scene.visit()
  await scene.arrived()
  await scene.eventually("the bad ones gone", async () => (await outbox(next)).filter(([key]) => key.includes(":dead")), (left) => left.length === 0)
  const corrupt = (await scene.stats(next)).dropped.wal_corrupt
  assert.ok(corrupt >= 1, `wal_corrupt is ${corrupt}`)
  scene.allow({ lost: true }) // What was in a record that cannot be read, nobody knows.
  await scene.check()
})

row("S5", "one bad record among 100", async (scene) => {
  const page = await scene.leaveBehind("plain", 0, 100, { status: 403 })
  const changed = await page.evaluate(() => {
    for (const key of Object.keys(localStorage).filter((key) => /^pennon1:[^:]+:q:[^:]+:/.test(key))) {
      const lines = localStorage[key].split("\n")
      const place = lines.findIndex((line) => line.includes('"plain50"'))
      if (place < 0) continue
      lines[place] = lines[place].replace('"plain50"', '"plain51"')
      localStorage[key] = lines.join("\n")
      return 1
    }
    return 0
  })
  assert.equal(changed, 1)
  scene.expectNot("plain50")
  const next = await scene.visit()
  await scene.arrived()
  await scene.statsOnce(next, "all delivered", ({ pending }) => pending === 0)
  const { dropped } = await scene.stats(next)
  assert.deepEqual(dropped, { wal_corrupt: 1 })
  scene.allow({ lost: true })
  await scene.check()
})
