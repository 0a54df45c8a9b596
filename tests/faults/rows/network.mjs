// N: what a network and a server can do.

import assert from "node:assert/strict"
import { row } from "../lib/registry.mjs"
import { SCALE } from "../lib/scene.mjs"

const minutes = (count) => count * 60_000 * SCALE

row("N1", "the server is down for 10 minutes", async (scene) => {
  const { chaos } = scene
  const page = await scene.visit()
  await chaos.down()
  await scene.read(page, "plain", 0, 10)
  await scene.statsOnce(page, "a failure", ({ resent }) => resent >= 1)
  await scene.sleep(minutes(10))
  assert.ok((await scene.sendings(page)) <= 25, `${await scene.sendings(page)} requests in 10 minutes`)
  const { nextFlushAtMs, pending } = await scene.stats(page)
  assert.equal(pending, 10)
  const waitMs = nextFlushAtMs - (await page.evaluate(() => Date.now()))
  assert.ok(waitMs <= 65_000 * SCALE, `the next attempt is ${waitMs} ms away`)
  await chaos.up()
  await scene.check()
})
