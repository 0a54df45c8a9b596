// The page and the client cannot harm each other.

import assert from "node:assert/strict"
import { eventually, flush, only, promise, start } from "../lib/scene.mjs"

promise("these tests hear whatever a page throws, rejects or logs", async ({ open, expectLog }) => {
  for (const sound of [/^error: Error: thrown$/, /^error: Error: rejected$/, /^console\.error: unhandled rejection: Error: rejected$/, /^console\.log: logged$/, /status of 404/]) {
    expectLog(sound)
  }
  const page = await open()
  await page.evaluate(async () => {
    setTimeout(() => { throw new Error("thrown") })
    void Promise.reject(new Error("rejected"))
    console.log("logged")
    await fetch("/nowhere")
    await new Promise((resolve) => setTimeout(resolve, 50))
  })
})

promise("flags called __proto__ and constructor are flags like others", async ({ open, collector }) => {
  const keys = ["__proto__", "constructor", "toString", "hasOwnProperty", "prototype"]
  const flag = '{"variants":{"__proto__":{"__proto__":{"x":1},"constructor":2},"off":0},"default":"__proto__"}'
  collector.publish(`{"schema":1,"version":1,"flags":{${keys.map((key) => `"${key}":${flag}`).join()}}}`)
  const page = await open()
  await start(page)
  const read = await page.evaluate((keys) => keys.map((key) => JSON.stringify(client.getFlag(key))), keys)
  assert.deepEqual(read, keys.map(() => '{"__proto__":{"x":1},"constructor":2}'))
  const { decided, properties } = await page.evaluate(() => ({
    decided: client.allFlags().map(({ key, variant, reason }) => [key, variant, reason]),
    properties: client.exposureProperties(),
  }))
  assert.deepEqual(decided, keys.map((key) => [key, "__proto__", "DEFAULT"]))
  assert.deepEqual(properties, {})
  await flush(page)
  assert.deepEqual(only(collector.rows(), "flag_key", "variant"), keys.map((key) => ({ flag_key: key, variant: "__proto__" })))
  assert.equal(await page.evaluate(() => ({}).x), undefined)
})

promise("no ruleset, attribute, option or stored text reaches a prototype", async ({ open, collector }) => {
  const poison = '{"__proto__":{"x":1},"constructor":{"prototype":{"x":1}}}'
  collector.publish(
    `{"schema":1,"version":1,"__proto__":{"x":1},"segments":${poison},"flags":{"a":{"__proto__":{"x":1},"variants":{"v":${poison}},"default":"v",` +
      '"rules":[{"id":"r","when":{"attribute":"__proto__.x","op":"exists"},"serve":"v"},{"id":"c","when":{"attribute":"constructor.name","op":"exists"},"serve":"v"}]}}}',
  )
  const page = await open()
  await page.evaluate((poison) => {
    const { prototype } = Object
    globalThis.before = Object.getOwnPropertyNames(prototype).sort().join()
    localStorage.setItem("pennon1:test:s", poison)
    localStorage.setItem("pennon1:test:k", poison)
    localStorage.setItem("pennon1:test:d", poison)
  }, poison)
  await start(page, { namespace: "test" })
  const found = await page.evaluate((poison) => {
    const reasons = [client.decide("a").reason]
    client.identify("person-1", JSON.parse(poison))
    client.setAttributes(JSON.parse(poison))
    client.setAttributes(JSON.parse('{"__proto__":{"x":1}}'))
    reasons.push(client.decide("a").reason)
    client.getFlag("a")
    return { reasons, x: ({}).x, names: Object.getOwnPropertyNames(Object.prototype).sort().join() === before }
  }, poison)
  assert.equal(found.reasons[0], "DEFAULT", "no attribute is found on a prototype")
  assert.equal(found.x, undefined)
  assert.ok(found.names)
  await flush(page)
  assert.equal(collector.rows().length, 1)
})

promise("a listener that throws, rejects or calls back in is heard by nobody, and the others are called", async ({ open, collector }) => {
  const page = await open()
  await start(page)
  await page.evaluate(() => {
    globalThis.heard = []
    for (const event of ["exposure", "change", "delivery", "problem"]) {
      client.on(event, () => { throw new Error("a listener's own") })
      client.on(event, () => Promise.reject(new Error("a listener's own")))
      client.on(event, async () => { throw new Error("a listener's own") })
      client.on(event, () => heard.push(event))
    }
    // Each of these is called from within, while a call of ours may still be under way.
    client.on("exposure", ({ flag_key }) => {
      if (flag_key !== "greeting") return
      client.getFlag("price_cents")
      client.identify("person-2")
      client.getFlag("limited")
      client.setAttributes({ plan: "pro" })
      client.session.renew()
      void client.flush()
    })
    client.on("delivery", ({ status }) => {
      if (status === "sending") client.getFlag("banner")
    })
    client.getFlag("greeting")
    client.getFlag(Symbol())
  })
  const stats = await eventually(
    () => page.evaluate(() => client.stats()),
    ({ recorded, pending }) => recorded === 5 && pending === 0,
  )
  assert.equal(stats.delivered, 5)
  assert.deepEqual(collector.links().map(({ distinct_id }) => distinct_id), ["person-2"])
  assert.deepEqual(collector.rows().map(({ flag_key }) => flag_key).sort(), ["banner", "greeting", "limited", "price_cents"])
  const heard = await page.evaluate(() => heard)
  for (const event of ["exposure", "change", "delivery", "problem"]) assert.ok(heard.includes(event), event)
  assert.deepEqual((await page.evaluate(() => client.problems())).filter(({ code }) => code === "ENGINE_FAILED"), [])
})

promise("a fetch that throws, calls back in or gives nothing keeps the rows", async ({ open, collector }) => {
  const page = await open()
  await page.evaluate(async () => {
    globalThis.answer = "throw"
    const own = fetch
    globalThis.client = await createClient({
      ruleset: "/ruleset.json",
      exposures: {
        endpoint: "/api/switch/exposures",
        flushIntervalMs: 3_600_000,
        targeted: false,
        fetch(...request) {
          client.getFlag("price_cents")
          if (answer === "throw") throw new Error("patched")
          if (answer === "nothing") return undefined
          if (answer === "odd") return Promise.resolve({})
          return own(...request)
        },
      },
    })
    client.getFlag("greeting")
  })
  for (const answer of ["throw", "nothing", "odd"]) {
    const result = await page.evaluate((given) => {
      answer = given
      return client.flush()
    }, answer)
    assert.deepEqual(result, { delivered: 0, pending: 2 }, answer)
  }
  await page.evaluate(() => void (answer = "real"))
  assert.deepEqual(await page.evaluate(() => client.flush()), { delivered: 2, pending: 0 })
  assert.equal(collector.rows().length, 2)
})

promise("values are frozen to their depth", async ({ open }) => {
  const page = await open()
  await start(page, { identity: { attributes: { plan: "pro" } } })
  const found = await page.evaluate(() => {
    const value = client.getFlag("banner")
    try {
      "use strict"
      value.lines.push(3)
    } catch {
      // Frozen: that is what is asked.
    }
    return { frozen: Object.isFrozen(value) && Object.isFrozen(value.lines), again: client.getFlag("banner") }
  })
  assert.deepEqual(found, { frozen: true, again: { text: "Flags — für alle 🚩", lines: [1, 2.5] } })
})

promise("two clients on a page keep apart", async ({ open, collector }) => {
  const page = await open()
  await page.evaluate(async () => {
    const make = (person, key) => createClient({
      ruleset: "/ruleset.json",
      identity: { distinctId: person },
      exposures: { endpoint: "/api/switch/exposures", key, flushIntervalMs: 3_600_000, targeted: false },
    })
    const [one, other] = await Promise.all([make("person-1", "pk_a"), make("person-2", "pk_b")])
    one.getFlag("greeting")
    other.getFlag("greeting")
    await one.close()
    other.getFlag("price_cents")
    await other.flush()
    globalThis.client = other
  })
  assert.deepEqual(collector.rows().map((row) => [row.distinct_id, row.flag_key]), [
    ["person-1", "greeting"], ["person-2", "greeting"], ["person-2", "price_cents"],
  ])
  const prefixes = await page.evaluate(() => new Set(Object.keys(localStorage).map((key) => key.split(":")[1])).size)
  assert.equal(prefixes, 2)
})

promise("a page without a client is left as it was", async ({ open }) => {
  const page = await open("/elsewhere.html")
  const names = () => page.evaluate(() => Object.getOwnPropertyNames(globalThis).sort())
  const before = await names()
  await page.evaluate(() => import("/pennon/index.js").then(() => undefined))
  assert.deepEqual(await names(), before, "importing writes no global")
  assert.equal(await page.evaluate(() => localStorage.length), 0)
  assert.deepEqual(
    await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname)),
    ["/pennon/index.js"],
    "and fetches nothing",
  )
})

promise("where the page has spoilt Date.now and Math.random, flags are read and exposures delivered", async ({ open, collector, context }) => {
  await context.addInitScript(() => {
    Date.now = () => NaN
    Math.random = () => { throw new Error("spoilt") }
    delete globalThis.queueMicrotask
  })
  const page = await open()
  await start(page)
  assert.equal(await page.evaluate(() => client.getFlag("greeting")), "Hello")
  await flush(page)
  const [row] = collector.rows()
  assert.ok(Math.abs(row.ts_ms - Date.now()) < 60_000, "the wall clock is reckoned from the page's begin")
})
