// zone.js: nothing that the package does by itself makes a framework look for changes.

import assert from "node:assert/strict"
import { test } from "node:test"

import { network, RULESET, settle } from "./lib/client.mjs"
import { browserWithStorage, replace } from "./lib/storage.mjs"

/** As zone.js does: what is scheduled belongs to the zone that it is scheduled in, which is told. */
function zones(t) {
  const scheduled = []
  let current = "app"
  const root = {
    run(work) {
      const before = current
      current = "root"
      try {
        return work()
      } finally {
        current = before
      }
    },
  }
  replace(t, "Zone", { value: { root } })
  for (const name of ["setTimeout", "queueMicrotask", "fetch"]) {
    const original = globalThis[name]
    replace(t, name, {
      value: (...given) => {
        scheduled.push([current, name])
        return name === "fetch" ? Promise.resolve(new Response(null, { status: 204 })) : original(...given)
      },
    })
  }
  return scheduled
}

test("timers, microtasks and requests are scheduled in the root zone", async (t) => {
  const scheduled = zones(t)
  const { createClient } = await import("../dist-testing/testing.js?zone")
  const client = await createClient({ ruleset: RULESET, exposures: { endpoint: "http://collector.example/e" } })
  scheduled.length = 0
  client.on("exposure", () => undefined)
  client.getFlag("greeting")
  client.identify("person-1")
  await client.flush()
  await settle()
  const names = new Set(scheduled.map(([, name]) => name))
  assert.deepEqual([...names].sort(), ["fetch", "queueMicrotask", "setTimeout"])
  assert.deepEqual(scheduled.filter(([zone]) => zone !== "root"), [])
  await client.close()
})

test("so are the timers of a client that starts", async (t) => {
  replace(t, "caches", { value: { open: () => new Promise(() => undefined) } })
  browserWithStorage(t)
  const scheduled = zones(t)
  const { createClient } = await import("../dist-testing/testing.js?zone-start")
  const client = await createClient({ ruleset: "http://publisher.example/r", exposures: { endpoint: "http://collector.example/e" } })
  const waits = scheduled.filter(([, name]) => name === "setTimeout")
  assert.ok(waits.length >= 2, "for the ruleset, and for the disk")
  assert.deepEqual(waits.filter(([zone]) => zone !== "root"), [])
  await client.close()
})

test("without fetch of our own the page's is used as it was at the start", async (t) => {
  const net = network()
  replace(t, "fetch", { value: net.fetch })
  const { createClient } = await import("../dist-testing/testing.js?own-fetch")
  replace(t, "fetch", { value: () => { throw new Error("replaced") } })
  const client = await createClient({ ruleset: RULESET, exposures: { endpoint: "http://collector.example/e", targeted: false } })
  client.getFlag("greeting")
  assert.deepEqual(await client.flush(), { delivered: 1, pending: 0 })
  await client.close()
})

for (const [what, fetch] of [
  ["throws", () => { throw new Error("patched") }],
  ["gives nothing", () => undefined],
  ["gives what is no response", async () => ({})],
  ["rejects with nothing", () => Promise.reject()],
  ["gives a thenable", () => ({ then: (done) => done(new Response(null, { status: 204 })) })],
  ["reads a flag", async function () { this?.client?.getFlag("price"); return new Response(null, { status: 204 }) }],
]) {
  test(`a fetch that ${what} loses no row and throws nothing`, async (t) => {
    const unhandled = []
    const remember = (reason) => unhandled.push(reason)
    process.on("unhandledRejection", remember)
    t.after(() => process.off("unhandledRejection", remember))
    const { createClient } = await import("../dist-testing/testing.js?fetch")
    const client = await createClient({ ruleset: RULESET, exposures: { endpoint: "http://collector.example/e", targeted: false, fetch } })
    client.getFlag("greeting")
    const { delivered, pending } = await client.flush()
    assert.equal(delivered + pending, 1)
    await client.close()
    await settle()
    assert.deepEqual(unhandled, [])
  })
}
