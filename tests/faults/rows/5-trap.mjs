// W5 to W8: the module traps, in the browser, within its own frames. Tests in Node do the same a thousand times.

import assert from "node:assert/strict"
import { node, row } from "../lib/registry.mjs"

const inNode = (...names) => ({ tests: names.map((name) => node("pkg/test/trap.test.mjs", name)) })
const KINDS = ["unreachable", "stack", "oom"]

/** Reads a flag while the module traps, at once after that, and when the task has run to its end. */
const readInTrap = (page, kind, key) => page.evaluate(async (kind, key) => {
  const { traps } = client.stats()
  pennon.trap(kind)
  const during = client.getFlag(key, "fallback")
  const atOnce = client.getFlag("plain699", "fallback")
  await new Promise((resolve) => setTimeout(resolve))
  return { during, atOnce, after: client.getFlag(key, "fallback"), traps: client.stats().traps - traps }
}, kind, key)

row("W5", "a panic in a decision", async (scene) => {
  await scene.chaos.script({ status: 503 })
  const page = await scene.visit()
  await scene.read(page, "split", 0, 20)
  for (let round = 0; round < 3; round++) {
    const { during, atOnce, after, traps } = await readInTrap(page, "unreachable", `plain${round}`)
    assert.deepEqual([atOnce, after, traps], ["fallback", round, 1])
    assert.ok(during === round || during === "fallback", `${during}`)
    scene.expect("plain", round, round + 1)
  }
  const { pending } = await scene.stats(page)
  assert.equal(pending, 23, "rows that were there, and one of each round")
  await scene.chaos.script({})
  await scene.check()
}, inNode("1000 traps of four kinds: all are recovered from, no exposure is lost, nothing is thrown"))

row("W6", "stack overflow, no memory, unreachable; and once too often", async (scene) => {
  await scene.chaos.script({ status: 503 })
  const page = await scene.visit()
  await scene.read(page, "split", 0, 20)
  await scene.requestsOnce(1)
  const answers = await page.evaluate(async (kinds) => {
    const answers = []
    // In one go: of the ten minutes in which traps count, a tenth is soon over at this scale.
    for (const [at, kind] of [...kinds, "unreachable"].entries()) {
      pennon.trap(kind)
      client.getFlag(`plain${at}`)
      await new Promise((resolve) => setTimeout(resolve))
      answers.push(client.getFlag(`plain${at}`, "fallback"))
    }
    return answers
  }, KINDS)
  assert.deepEqual(answers, [0, 1, 2, "fallback"])
  scene.expect("plain", 0, 3)
  assert.equal(await page.evaluate(() => client.decide("plain5").reason), "ERROR")
  await scene.chaos.script({})
  // Without a module what was recorded is sent all the same.
  await scene.arrived()
  assert.deepEqual(await page.evaluate(async () => [client.getFlag("plain6", "fallback"), (await client.flush()).pending]), ["fallback", 0])
  await scene.check()
}, inNode(
  "1000 traps of four kinds: all are recovered from, no exposure is lost, nothing is thrown",
  "memory that cannot grow any further is a trap like any other",
  "after three traps in ten minutes there are fallbacks, and what is pending is delivered all the same",
))

row("W7", "a panic while a batch is made, and while a listener runs", async (scene) => {
  const page = await scene.visit({ exposures: { flushIntervalMs: 3_600_000 } })
  await page.evaluate(() => pennon.setMaxTraps(1000))
  for (let round = 0; round < 4; round++) {
    await scene.read(page, "plain", 5 * round, 5 * round + 5)
    await page.evaluate(async (after) => {
      pennon.trap("unreachable", after)
      await client.flush()
      await client.flush()
    }, round)
  }
  const traps = await page.evaluate(async () => {
    const off = client.on("exposure", () => {
      pennon.trap("unreachable")
      client.getFlag("plain100")
      client.identify("p")
    })
    const last = new Promise((resolve) => client.on("exposure", resolve))
    client.getFlag("plain20")
    await last
    off()
    await new Promise((resolve) => setTimeout(resolve))
    return client.stats().traps
  })
  scene.expect("plain", 20, 21)
  assert.ok(traps >= 2, `${traps} traps`)
  scene.allow({ repeatedKeys: true }) // of two people
  await scene.flush(page)
  await scene.check()
}, inNode(
  "what an engine has begun that is gone reports to nobody, and its rows are sent by the next",
  "a page's own function that calls back while the engine decides is no trap, or one that is recovered from",
))

/** Notes each call into an instance of a module, by its number. */
function watchInstances() {
  globalThis.entered = new Set()
  let instances = 0
  WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
    construct(Instance, given) {
      const number = instances++
      const { exports } = new Instance(...given)
      const watched = Object.entries(exports).map(([name, found]) => [name, typeof found !== "function" ? found : (...given) => {
        entered.add(number)
        return found(...given)
      }])
      return { exports: Object.fromEntries(watched) }
    },
  })
  globalThis.newest = () => instances - 1
}

row("W8", "a trap, then calls by old handles", async (scene) => {
  const page = await scene.prepared(watchInstances)
  await scene.chaos.script({ delayMs: 1000 }, {})
  // At full scale, so that the answer comes in time.
  await scene.begin(page, { scale: 1 })
  await scene.read(page, "plain", 0, 5)
  await scene.requestsOnce(1)
  const { scale, ...options } = scene.options()
  const dead = await page.evaluate(async (options) => {
    globalThis.twin = await pennon.createClient(options)
    globalThis.handles = { session: client.session, other: twin.session, flush: client.flush }
    twin.getFlag("plain5")
    const dead = newest()
    pennon.trap("unreachable")
    client.getFlag("plain6")
    // Before there is another one.
    entered.clear()
    client.getFlag("plain6")
    twin.getFlag("plain7")
    handles.session.renew()
    dispatchEvent(new Event("pageshow"))
    if (entered.size > 0) throw new Error(`entered ${[...entered]} while there was none`)
    await new Promise((resolve) => setTimeout(resolve))
    if (newest() === dead) throw new Error("there is no other instance")
    // By handles, events, timers and answers that the dead one had begun.
    handles.session.renew()
    handles.other.renew()
    void handles.flush()
    for (const type of ["pageshow", "online", "pointerdown", "keydown", "scroll"]) dispatchEvent(new Event(type))
    document.dispatchEvent(new Event("visibilitychange"))
    dispatchEvent(new StorageEvent("storage", { key: "pennon", newValue: "x" }))
    return dead
  }, options)
  await scene.read(page, "plain", 6, 8)
  scene.expect("plain", 5, 6)
  await scene.ledgerOnce("the answer to the dead one's request", ({ requests }) => requests[0].answered_ms !== null)
  await page.evaluate(async () => {
    for (let round = 0; round < 20; round++) {
      globalThis.garbage = Array.from({ length: 20_000 }, (_, at) => ({ at }))
      await new Promise((resolve) => setTimeout(resolve))
    }
    twin.getFlag("plain8")
    await Promise.all([client.flush(), twin.flush()])
    await Promise.all([client.close(), twin.close()])
  })
  scene.expect("plain", 8, 9)
  const entered = await page.evaluate(() => [...entered])
  assert.ok(entered.length > 0 && !entered.includes(dead), `instance ${dead} is dead, entered were ${entered}`)
  scene.allow({ repeatedKeys: true }) // of several sessions
  await scene.check()
}, inNode("nothing enters an instance that is dead: neither an old handle nor the garbage collector"))
