// T: what clocks can do. No browser differs here: these rows run once.

import assert from "node:assert/strict"
import { startCollector } from "../lib/collector.mjs"
import { cargo, node, row } from "../lib/registry.mjs"
import { SCALE } from "../lib/scene.mjs"

/** One engine is enough, and tests of ours hold what no page shows: the engine on clocks of its own, the package in Node. */
const once = (...tests) => ({ once: true, tests })
const engine = (id) => cargo("--test engine", new RegExp(`^time::${id}_`))
const inNode = (id) => node("pkg/test/time.test.mjs", new RegExp(`^${id} `))
const DAY_MS = 86_400_000

/** A page whose wall clock is `laterMs` ahead, and can be set. */
const clocked = (scene, laterMs = 0) => scene.prepared((laterMs) => {
  const now = Date.now.bind(Date)
  globalThis.laterMs = laterMs
  Date.now = () => now() + globalThis.laterMs
}, laterMs)

row("T1", "the wall clock is set back a day while a retry waits", async (scene) => {
  await scene.chaos.script({ status: 503 })
  const page = await clocked(scene)
  await scene.begin(page)
  await scene.read(page, "plain", 0, 5)
  await scene.statsOnce(page, "two failures", ({ resent }) => resent >= 2)
  await page.evaluate((dayMs) => (laterMs = -dayMs), DAY_MS)
  const { length } = await scene.requests()
  await scene.requestsOnce(length + 2)
  await scene.chaos.script({})
  await scene.check()
}, once(engine("t1")))

row("T2", "the wall clock is set a year ahead", async (scene) => {
  await scene.chaos.script({ status: 503 })
  const page = await clocked(scene)
  await scene.begin(page)
  await scene.read(page, "plain", 0, 5)
  await scene.statsOnce(page, "a failure", ({ resent }) => resent >= 1)
  await page.evaluate((dayMs) => (laterMs = 365 * dayMs), DAY_MS)
  const { length } = await scene.requests()
  await scene.requestsOnce(length + 2)
  await scene.chaos.script({})
  await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  assert.deepEqual((await scene.stats(page)).dropped, {})
  await scene.check()
}, once(engine("t2"), cargo("--test engine", "delivery::rows_older_than_seven_days_are_dropped_and_only_when_the_server_agrees_on_the_time")))

row("T3", "the device's clock is wrong by 3 years", async (scene) => {
  const collector = scene.use(await startCollector(), ({ stop }) => stop())
  const truth = new Map()
  for (const [round, years] of [3, -3].entries()) {
    const options = { scale: 1, namespace: `years${years}`, exposures: { endpoint: collector.endpoint, flushIntervalMs: 3000 } }
    const page = await clocked(scene, years * 365 * DAY_MS)
    await scene.begin(page, options)
    const read = async (from, to) => {
      for (let place = from; place < to; place++) {
        const earliestMs = Date.now()
        await page.evaluate((key) => client.getFlag(key), `plain${place}`)
        truth.set(`plain${place}`, { earliestMs, latestMs: Date.now(), years })
      }
    }
    // Sent by the page itself, some seconds after they were recorded; and then, when the collector is there again, by the next page.
    await read(10 * round, 10 * round + 3)
    await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
    await collector.stop()
    await read(10 * round + 3, 10 * round + 6)
    await scene.statsOnce(page, "a failure", ({ unreachable }) => unreachable >= 1)
    await scene.goto(page, "/elsewhere.html")
    await collector.restart()
    const next = await clocked(scene, years * 365 * DAY_MS)
    await scene.begin(next, options)
    await scene.statsOnce(next, "all adopted", ({ adopted, pending }) => adopted === 3 && pending === 0)
  }
  const rows = await collector.rows()
  assert.deepEqual(rows.map(({ flag_key }) => flag_key).sort(), [...truth.keys()].sort())
  for (const { flag_key, ts_ms, corrected_ts_ms } of rows) {
    const { earliestMs, latestMs, years } = truth.get(flag_key)
    assert.ok(Math.abs(ts_ms - latestMs) > 2.9 * 365 * DAY_MS, `the page's clock was right, so that nothing is shown`)
    const wrongMs = Math.max(earliestMs - corrected_ts_ms, corrected_ts_ms - latestMs)
    assert.ok(wrongMs <= 2000, `${flag_key}, ${years} years: corrected to ${wrongMs} ms beside the truth`)
  }
  await scene.checkPages()
}, once(engine("t3"), cargo("--bins", "corrected_time::tests::a_wrong_wall_clock_does_not_matter", "pennon-collector")))

row("T4", "8 hours of sleep, in which the monotonic clock stood", async (scene) => {
  const page = await clocked(scene)
  await scene.begin(page)
  await scene.read(page, "plain", 0, 3)
  await scene.arrived()
  const before = await page.evaluate(() => client.session.id)
  await page.evaluate(() => (laterMs = 8 * 3_600_000))
  await scene.read(page, "plain", 3, 6)
  assert.notEqual(await page.evaluate(() => client.session.id), before, "the session expires by the wall clock")
  await scene.check()
}, once(engine("t4"), cargo("--bins", "corrected_time::tests::clocks_that_agree_within_two_seconds_use_the_monotonic_one", "pennon-collector")))

row("T5", "the session rolls over during a flush", async (scene) => {
  await scene.chaos.script({ delayMs: 80 })
  const page = await clocked(scene)
  await scene.begin(page)
  await page.evaluate(() => {
    globalThis.sessions = new Map()
    client.on("exposure", ({ flag_key, session_id }) => sessions.set(flag_key, session_id))
  })
  await scene.read(page, "plain", 0, 3)
  await scene.requestsOnce(1)
  const before = await page.evaluate(() => client.session.id)
  await page.evaluate(() => (laterMs = 31 * 60_000))
  await scene.read(page, "plain", 3, 6)
  await scene.arrived()
  const found = await page.evaluate(() => ({ sessions: [...sessions.values()], now: client.session.id }))
  assert.notEqual(found.now, before)
  assert.deepEqual(found.sessions, [...Array(3).fill(before), ...Array(3).fill(found.now)])
  await scene.check()
}, once(engine("t5")))

row("T6", "timers that are late, and all at once", async (scene) => {
  const page = await scene.prepared(() => {
    const { setTimeout } = globalThis
    const waiting = []
    globalThis.setTimeout = (work, ms, ...args) => {
      if (!globalThis.hold) return setTimeout(work, ms, ...args)
      return waiting.push(() => work(...args))
    }
    globalThis.release = () => waiting.splice(0).forEach((work) => work())
  })
  await page.evaluate(() => (globalThis.hold = true))
  await scene.begin(page)
  for (let round = 0; round < 5; round++) await scene.read(page, "plain", 5 * round, 5 * round + 5)
  await scene.sleep(60_000 * SCALE)
  assert.equal((await scene.requests()).length, 0)
  await page.evaluate(() => {
    release()
    release()
    globalThis.hold = false
  })
  await scene.arrived()
  await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  assert.equal((await scene.requests()).length - (await scene.failures(page)), 1, "flushes")
  await scene.check()
}, once(engine("t6")))

row("T7", "daylight saving time and another time zone", async (scene) => {
  const page = await scene.visit()
  const before = await page.evaluate(() => client.session.id)
  for (const [round, timezoneId] of ["Pacific/Auckland", "America/St_Johns", "Africa/Casablanca"].entries()) {
    await page.send("Emulation.setTimezoneOverride", { timezoneId })
    await scene.read(page, "plain", 3 * round, 3 * round + 3)
  }
  await scene.arrived()
  assert.equal(await page.evaluate(() => client.session.id), before)
  await scene.check()
}, once(inNode("T7")))

row("T8", "Date.now is the page's own: fake timers, NaN, an exception", async (scene) => {
  for (const [round, kind] of ["fixed", "NaN", "throws", "text"].entries()) {
    const page = await scene.prepared((kind) => {
      const started = Date.now()
      Date.now = { fixed: () => started, NaN: () => NaN, throws: () => { throw new Error("no time") }, text: () => "now" }[kind]
    }, kind)
    await scene.begin(page)
    await scene.read(page, "plain", 4 * round, 4 * round + 4)
    await scene.flush(page)
    await scene.arrived().catch((error) => assert.fail(`${kind}: ${error.message}`))
  }
  scene.allow({ repeatedKeys: true })
  await scene.check()
}, once(inNode("T8")))
