// L: what becomes of pages.

import assert from "node:assert/strict"
import { row } from "../lib/registry.mjs"
import { SCALE } from "../lib/scene.mjs"

const HOUR_MS = 3_600_000
/** Nothing is sent but when the page goes, or is asked to. */
const AT_EXIT = { exposures: { flushIntervalMs: HOUR_MS } }

row("L1", "reload during a flush", async (scene) => {
  const page = await scene.visit()
  for (let round = 0; round < 4; round++) {
    const { length } = await scene.requests()
    await scene.chaos.script({ delayMs: [0, 20, 80, 200][round] }, {})
    await scene.read(page, "plain", 10 * round, 10 * round + 10)
    await scene.requestsOnce(length + 1)
    await page.reload()
    await scene.ready(page)
    await scene.begin(page)
  }
  await scene.check()
})

row("L2", "location.replace in the task of the exposure", async (scene) => {
  const page = await scene.open()
  for (let visit = 0; visit < 6; visit++) {
    if (visit > 0) await scene.goto(page)
    await scene.begin(page, AT_EXIT)
    const to = `${[scene.chaos.shop, scene.chaos.origin][visit % 2]}/elsewhere.html`
    await page.evaluate((key, to) => {
      setTimeout(() => {
        client.getFlag(key)
        location.replace(to)
      })
    }, `split${visit}`, to)
    scene.expect("split", visit, visit + 1)
    await scene.eventually("the next page", page.url, (url) => url === to)
    // Before the next visit, which would send what this one left.
    await scene.arrived()
  }
  await scene.check()
})

row("L3", "tab closed at once after the exposure", async (scene) => {
  const first = await scene.visit(AT_EXIT)
  await scene.read(first, "plain", 0, 3)
  await first.close()
  const second = await scene.visit(AT_EXIT)
  await scene.chaos.down()
  await scene.read(second, "plain", 3, 6)
  await second.close()
  await scene.chaos.up()
  await scene.visit()
  await scene.check()
})

row("L4", "a link to another origin is clicked with 600 exposures pending", async (scene) => {
  const { chaos } = scene
  // The first request hangs, so that all the others wait. At full scale, so that it is not given up meanwhile.
  await chaos.script({ blackhole: true }, {})
  const options = { scale: 1, identity: { distinctId: "p" }, exposures: { flushIntervalMs: HOUR_MS } }
  const page = await scene.visit(options)
  await scene.read(page, "plain", 0, 580)
  await scene.requestsOnce(1)
  await scene.read(page, "split", 0, 20)
  assert.equal((await scene.stats(page)).pending, 600)
  const to = `${chaos.origin}/elsewhere.html`
  await page.evaluate((to) => {
    const link = document.querySelector("a")
    link.href = to
    setTimeout(() => link.click())
  }, to)
  await scene.eventually("the next page", page.url, (url) => url === to)
  await scene.requestsOnce(2)
  const [, ...atExit] = await scene.requests()
  assert.ok(atExit.length <= 3, `${atExit.length} requests at the exit`)
  for (const { body_bytes } of atExit) assert.ok(body_bytes <= 16 * 1024, `a body of ${body_bytes} bytes, expected 15 KiB of rows`)
  const kept = (await scene.ledgerOnce("the first of the exit", ({ ids }) => atExit[0].ids.every((id) => ids[id]))).ids
  assert.deepEqual(atExit[0].ids.slice(0, 20).map((id) => kept[id].flag_key.replace(/\d+/, "")), Array(20).fill("split"), "experiments first")
  await scene.goto(page)
  await scene.begin(page, options)
  await scene.check()
})

row("L5", "the renderer crashes right after getFlag", async (scene) => {
  await scene.chaos.script({ status: 503 })
  const page = await scene.visit()
  await scene.read(page, "split", 0, 5)
  await page.crash()
  await scene.chaos.script({})
  await scene.visit()
  await scene.check()
})

row("L7", "stored in the back-forward cache and restored, twice", async (scene) => {
  // Pages of the control port forbid it.
  const at = scene.chaos.origin
  const page = await scene.visit(AT_EXIT, { at })
  await page.evaluate(() => (globalThis.mark = "kept"))
  for (let round = 0; round < 2; round++) {
    await scene.read(page, "plain", 4 * round, 4 * round + 2)
    await page.goto(`${at}/elsewhere.html`)
    await scene.arrived()
    await page.back()
    await scene.eventually("the page, back", () => page.evaluate(() => globalThis.mark).catch(() => undefined), (mark) => mark === "kept")
    // Read before: known. Then new ones, which a timer sends.
    assert.equal(await page.evaluate(() => read("plain", 0, 2)), 2)
    await scene.read(page, "plain", 4 * round + 2, 4 * round + 4)
    assert.equal((await scene.flush(page)).pending, 0)
  }
  const ledger = await scene.arrived()
  assert.equal(ledger.duplicates, 0, "rows that were sent twice")
  await scene.check()
})
