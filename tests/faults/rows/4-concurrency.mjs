// C: several things at once.

import assert from "node:assert/strict"
import { seeded } from "../figures/lib/numbers.mjs"
import { row } from "../lib/registry.mjs"

const KINDS = ["plain", "split"]

row("C1", "flush() ten times while one is in flight", async (scene) => {
  await scene.chaos.script({ delayMs: 60 })
  const page = await scene.visit({ scale: 1, exposures: { flushIntervalMs: 3_600_000 } })
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

row("C4", "8 tabs that record while some are killed at random", async (scene) => {
  const seed = Date.now() % 1_000_000
  const random = seeded(seed)
  await scene.chaos.script({ random: { p: 0.3, statuses: [500, 503] } })
  // Each has 160 flags of its own. Eight times ten thousand take a run of their own: the figure "tabs".
  const [tabCount, rounds, each] = [8, 8, 20]
  const tabs = []
  for (let number = 0; number < tabCount; number++) tabs.push({ number, page: await scene.visit() })
  for (let round = 0; round < rounds; round++) {
    for (const { number, page } of tabs) {
      // What all of them have waiting has to fit an origin's storage: what is in memory alone goes with its tab.
      await scene.statsOnce(page, "room", ({ pending }) => pending <= each)
      const from = rounds * each * number + each * round
      await page.evaluate((from, each, kinds) => {
        for (let place = from; place < from + each; place++) client.getFlag(kinds[place % 2] + (place >> 1))
      }, from, each, KINDS)
      for (let place = from; place < from + each; place++) scene.expect(KINDS[place % 2], place >> 1, (place >> 1) + 1)
    }
    // The last one stays, to tell the end.
    if (round % 2 === 1 && tabs.length > 1) {
      const [victim] = tabs.splice(random.between(0, tabs.length - 1), 1)
      await scene.end(victim.page)
    }
  }
  await scene.eventually(`the last row (seed ${seed})`, scene.chaos.totals, ({ ids }) => ids >= scene.expected.length, 90_000)
  await scene.check()
})

row("C5", "two tabs adopt the same orphan, with and without Web Locks", async (scene) => {
  for (const [round, hasLocks] of [true, false].entries()) {
    await scene.leaveBehind("plain", 30 * round, 30 * round + 30)
    const pages = []
    for (let tab = 0; tab < 2; tab++) {
      pages.push(await scene.prepared((hasLocks) => hasLocks || void Object.defineProperty(navigator, "locks", { value: undefined }), hasLocks))
    }
    await Promise.all(pages.map((page) => scene.begin(page)))
    await scene.arrived()
    for (const page of pages) await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
    const { ids, requests } = await scene.chaos.ledger()
    for (const [id, { flag_key, instance_id }] of Object.entries(ids)) {
      // What is sent again for want of an answer is no adoption.
      const firsts = requests.filter((request) => request.ids.includes(id) && request.attempt === 1 && request.instance_id !== instance_id)
      assert.ok(firsts.length <= 2, `${flag_key} was adopted ${firsts.length} times`)
    }
    for (const page of pages) await scene.goto(page, "/elsewhere.html")
  }
  await scene.check()
})

row("C6", "the ring is full during an outage", async (scene) => {
  await scene.chaos.script({ status: 503 })
  const page = await scene.visit()
  // What no experiment needs makes room, the oldest first; then what is new is refused, and not marked as seen.
  await page.evaluate(() => read("plain", 0, 700))
  const full = await scene.stats(page)
  assert.equal(full.recorded, 700)
  assert.equal(full.pending + full.dropped.ring_full, 700)
  await page.evaluate(() => read("split", 0, 650))
  const { pending, refused } = await scene.stats(page)
  assert.ok(refused > 0 && pending <= 600, JSON.stringify({ pending, refused }))
  await scene.chaos.script({})
  await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  await page.evaluate(() => read("split", 0, 650))
  await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  scene.expect("split", 0, 650)
  await scene.arrived()
  await page.evaluate(() => read("plain", 0, 700))
  await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  await page.evaluate(() => read("plain", 0, 700))
  scene.expect("plain", 0, 700)
  await scene.check()
})

row("C7", "consent is revoked while a request is in flight", async (scene) => {
  await scene.chaos.script({ delayMs: 60_000, commit: false })
  const page = await scene.prepared(() => {
    const { fetch } = globalThis
    globalThis.signals = []
    globalThis.fetch = (url, init) => {
      if (String(url).includes("/exposures")) signals.push(init.signal)
      return fetch(url, init)
    }
  })
  // At full scale, so that the request is not given up for its age.
  await scene.begin(page, { scale: 1 })
  await page.evaluate(() => read("plain", 0, 5))
  await scene.requestsOnce(1)
  assert.equal((await scene.requests())[0].outcome, "waiting")
  assert.deepEqual(await page.evaluate(() => {
    client.setConsent("denied")
    return [...ownKeys(), ...signals.map(({ aborted }) => aborted)]
  }), [true])
  assert.deepEqual((await scene.stats(page)).dropped, { consent: 5 })
  await scene.chaos.script({})
  await page.evaluate(() => client.flush())
  await scene.goto(page, "/elsewhere.html")
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), [], "keys that were written again")
  const { requests, ids } = await scene.chaos.ledger()
  assert.deepEqual([requests.length, Object.keys(ids).length], [1, 0])
  scene.allow({ lost: true }) // That they were dropped is told to nobody either.
  await scene.check()
})

row("C8", "close() while a request hangs, and during the wait for another attempt", async (scene) => {
  for (const [round, step] of [{ blackhole: true }, { status: 503 }].entries()) {
    await scene.chaos.script(step)
    const before = (await scene.requests()).length
    // At full scale, so that no attempt ends, or is made, within the patience.
    const page = await scene.visit({ scale: 1, exposures: { flushIntervalMs: 100 } })
    await scene.read(page, "plain", 5 * round, 5 * round + 5)
    await scene.requestsOnce(before + 1)
    if (step.status) await scene.statsOnce(page, "failures", ({ sending, pending, resent }) => sending === 0 && pending === 5 && resent >= 10)
    const left = await page.evaluate(async () => {
      await client.close()
      return Object.entries(localStorage).filter(([key]) => /:q:[^:]+:/.test(key)).flatMap(([, text]) => text.split("\n").filter(Boolean)).length
    })
    if (step.blackhole) assert.notEqual((await scene.requests())[before].outcome, "answered", "settled without an answer")
    assert.equal(left, 5, "rows in the outbox")
    await scene.goto(page, "/elsewhere.html")
    await scene.chaos.script({})
    const next = await scene.visit()
    await scene.arrived()
    await scene.goto(next, "/elsewhere.html")
  }
  await scene.check()
})
