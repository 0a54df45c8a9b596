// C: several things at once.

import assert from "node:assert/strict"
import { row } from "../lib/registry.mjs"

row("C1", "flush() ten times while one is in flight", async (scene) => {
  await scene.chaos.script({ delayMs: 60 })
  const page = await scene.visit({ exposures: { flushIntervalMs: 3_600_000 } })
  await scene.read(page, "plain", 0, 5)
  const results = await page.evaluate(() => {
    const flushes = Array.from({ length: 10 }, () => client.flush())
    return Promise.all(flushes)
  })
  assert.deepEqual(results, Array(10).fill({ delivered: 5, pending: 0 }))
  assert.equal((await scene.requests()).length, 1)
  await scene.check()
})

row("C2", "identify while a request is in flight", async (scene) => {
  await scene.chaos.script({ delayMs: 60 })
  const page = await scene.visit({ identity: { distinctId: "ann" } })
  await scene.read(page, "plain", 0, 5)
  await scene.requestsOnce(1)
  assert.equal(await page.evaluate(() => {
    client.identify("ben")
    return read("plain", 0, 5)
  }), 5)
  scene.allow({ repeatedKeys: true })
  const { ids } = await scene.ledgerOnce("both persons' rows", ({ ids }) => Object.values(ids).filter(({ is_link }) => !is_link).length >= 10)
  const people = Object.values(ids).filter(({ is_link }) => !is_link).map(({ distinct_id, flag_key }) => `${distinct_id} ${flag_key}`)
  assert.deepEqual(people.sort(), ["ann", "ben"].flatMap((person) => [0, 1, 2, 3, 4].map((place) => `${person} plain${place}`)))
  await scene.check()
})

row("C4", "8 tabs that record while some are killed", async (scene) => {
  await scene.chaos.script({ random: { p: 0.3, statuses: [500, 503] } })
  const tabs = []
  for (let tab = 0; tab < 8; tab++) tabs.push(await scene.visit())
  const dead = new Set()
  for (let round = 0; round < 8; round++) {
    for (const [tab, page] of tabs.entries()) {
      if (!dead.has(tab)) await scene.read(page, "plain", 80 * tab + 10 * round, 80 * tab + 10 * round + 10)
    }
    const victim = [undefined, 5, undefined, 2, 7, undefined, 0, undefined][round]
    if (victim !== undefined) {
      dead.add(victim)
      await scene.end(tabs[victim])
    }
  }
  await scene.check()
}, { limitMs: 180_000 })
