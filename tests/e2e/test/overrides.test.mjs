// Overrides from the page's URL, kept for the tab.

import assert from "node:assert/strict"
import { flush, only, promise, start } from "../lib/scene.mjs"

const ON = { overrides: { fromUrl: true }, namespace: "test", identity: { distinctId: "person-1" } }
/** The rows of what was seen, apart from what was only decided. */
const seen = (collector) => collector.rows().filter(({ source }) => source !== "handshake")
const reasons = (page, ...keys) =>
  page.evaluate((keys) => keys.map((key) => [client.peek(key), client.decide(key).reason]), keys)

async function visit(page, path, options = ON) {
  await page.goto(new URL(path, page.url()).href)
  await start(page, options)
}

promise("the URL overrides nothing unless it is asked to", async ({ open }) => {
  const page = await open("/open.html?pennon.greeting=warm")
  await start(page)
  assert.deepEqual(await reasons(page, "greeting"), [["Hello", "DEFAULT"]])
  assert.equal(await page.evaluate(() => sessionStorage.length), 0)
})

promise("overrides from the URL stay for the tab until they are taken back, and no row is sent", async ({ open, collector }) => {
  const warm = ["Good to see you", "OVERRIDE"]
  const page = await open("/open.html?pennon.greeting=warm&other=1&pennon.new_checkout=treatment_a")
  await start(page, ON)
  assert.deepEqual(await reasons(page, "greeting", "new_checkout", "banner"), [warm, [true, "OVERRIDE"], [null, "DEFAULT"]])
  await visit(page, "/open.html")
  assert.deepEqual(await reasons(page, "greeting", "new_checkout"), [warm, [true, "OVERRIDE"]], "after a navigation")
  const other = await open()
  await start(other, ON)
  assert.deepEqual(await reasons(other, "greeting"), [["Hello", "DEFAULT"]], "another tab has none")
  await visit(page, "/open.html?pennon.new_checkout=&pennon.banner=pro")
  await page.reload()
  await start(page, ON)
  const banner = [{ text: "Flags — für alle 🚩", lines: [1, 2.5] }, "OVERRIDE"]
  assert.deepEqual(await reasons(page, "greeting", "new_checkout", "banner"), [warm, [false, "SPLIT"], banner], "one taken back")
  await page.evaluate(() => [client.getFlag("greeting"), client.getVariant("banner"), client.reportExposure("greeting")])
  await flush(page)
  assert.deepEqual(seen(collector), [])

  for (const clear of ["clearOverrides", "reset"]) {
    await visit(page, "/open.html?pennon.greeting=warm")
    await visit(page, "/open.html")
    assert.deepEqual(await reasons(page, "greeting"), [warm])
    await page.evaluate((clear) => client[clear](), clear)
    assert.deepEqual(await reasons(page, "greeting"), [["Hello", "DEFAULT"]], clear)
    await visit(page, "/open.html")
    assert.deepEqual(await reasons(page, "greeting"), [["Hello", "DEFAULT"]], `${clear}, in the tab too`)
    assert.equal(await page.evaluate(() => sessionStorage.length), 0)
  }
})

promise("an override by a call is kept for the tab where the URL's are, and only there", async ({ open }) => {
  const page = await open()
  for (const [options, kept] of [[{ namespace: "test" }, "Hello"], [ON, "Good to see you"]]) {
    await start(page, options)
    await page.evaluate(() => client.override("greeting", "warm"))
    await page.reload()
    await start(page, options)
    assert.equal(await page.evaluate(() => client.peek("greeting")), kept)
  }
})

promise("an override that asks for exposures is one row, marked by its reason, also after a navigation", async ({ open, collector }) => {
  const page = await open()
  await start(page, ON)
  await page.evaluate(() => client.override("greeting", "warm", { exposures: true }))
  for (const reload of [false, true]) {
    if (reload) await visit(page, "/open.html?pennon.banner=pro")
    await page.evaluate(() => [client.getFlag("greeting"), client.getFlag("banner")])
    await flush(page)
  }
  assert.deepEqual(only(seen(collector), "flag_key", "variant", "reason"), [
    { flag_key: "greeting", variant: "warm", reason: "OVERRIDE" },
    { flag_key: "banner", variant: "none", reason: "DEFAULT" },
  ])
})

promise("hostile URLs and hostile stored text reach nothing", async ({ open }) => {
  const page = await open()
  const names = "Object.getOwnPropertyNames(Object.prototype).sort().join()"
  const before = await page.evaluate(names)
  const hostile = ["__proto__", "constructor", "prototype", "toString", "%ff%00", "a".repeat(300), ""]
  await visit(page, `/open.html?${hostile.map((key) => `pennon.${key}=polluted`).join("&")}&pennon.greeting=nope&pennon.price_cents=high`)
  const found = await page.evaluate(() => ({
    polluted: [({}).polluted, ({}).variant], price: client.peek("price_cents"), greeting: client.decide("greeting").reason,
    problems: client.problems().filter(({ code }) => code === "UNKNOWN_VARIANT").map(({ where, message }) => [where, message]),
  }))
  assert.deepEqual(found.polluted, [undefined, undefined])
  assert.deepEqual([found.price, found.greeting], [1490, "DEFAULT"])
  assert.deepEqual(found.problems.find(([where]) => where.includes("greeting")),
    ['override("greeting")', 'found "nope", expected plain, warm'])
  assert.deepEqual(found.problems.find(([where]) => where.includes("__proto__")),
    ['override("__proto__")', 'found "polluted", expected a flag that is there and works'])
  for (const text of ["", "{", "null", "5", '"text"', '{"length":2}', "[1,null,[],[{}]]", '[["__proto__","x"]]', '[["greeting",{"a":1}]]', '[["greeting"]]']) {
    await page.evaluate((text) => sessionStorage.setItem("pennon1:test:o", text), text)
    await visit(page, "/open.html")
    assert.deepEqual(await reasons(page, "greeting"), [["Hello", "DEFAULT"]], text)
  }
  assert.equal(await page.evaluate(names), before)
})

promise("of a URL with more overrides than there are flags to test, the first 100 count", async ({ open }) => {
  const page = await open()
  const many = Array.from({ length: 500 }, (_, place) => `pennon.flag${place}=x`)
  await visit(page, `/open.html?${many.join("&")}&pennon.greeting=warm`)
  assert.equal(await page.evaluate(() => JSON.parse(sessionStorage.getItem("pennon1:test:o")).length), 100)
  assert.deepEqual(await reasons(page, "greeting"), [["Hello", "DEFAULT"]])
})

promise("where sessionStorage is blocked, overrides from the URL last as long as the page", async ({ open, context }) => {
  await context.addInitScript(() => {
    Object.defineProperty(globalThis, "sessionStorage", { get() { throw new DOMException("denied", "SecurityError") } })
  })
  const page = await open("/open.html?pennon.greeting=warm")
  await start(page, ON)
  assert.deepEqual(await reasons(page, "greeting"), [["Good to see you", "OVERRIDE"]])
  await page.evaluate(() => client.clearOverrides())
  assert.deepEqual(await reasons(page, "greeting"), [["Hello", "DEFAULT"]])
})
