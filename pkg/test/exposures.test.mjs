// What is recorded, what listeners are told, and how it is sent.

import assert from "node:assert/strict"
import { createServer } from "node:http"
import { test } from "node:test"
import { makeClient, network, RULESET, settle } from "./lib/client.mjs"
import { stopTime } from "./lib/clock.mjs"
import { watch } from "./lib/unhandled.mjs"

test("a read records once; peek and decide record nothing", async () => {
  const client = await makeClient()
  client.peek("greeting")
  client.decide("greeting")
  client.allFlags()
  assert.equal(client.stats().recorded, 0)
  for (let read = 0; read < 100; read++) client.getFlag("greeting")
  client.getVariant("greeting")
  await settle()
  client.getFlag("greeting")
  assert.equal(client.stats().recorded, 1)
  await client.close()
})

test("a repeated read within a task stays in JavaScript", async (t) => {
  const client = await makeClient()
  client.getFlag("greeting")
  // The module looks at this clock whenever it is asked for a decision or given an exposure.
  const looks = t.mock.method(performance, "now")
  for (let read = 0; read < 1000; read++) client.getFlag("greeting")
  assert.equal(looks.mock.callCount(), 0)
  client.getFlag("price")
  assert.ok(looks.mock.callCount() > 0)
  await client.close()
})

test("a flag without a variant, and an override, record nothing", async () => {
  const client = await makeClient()
  client.getFlag("unknown")
  client.getFlag("broken")
  client.override("greeting", "warm")
  client.getFlag("greeting")
  client.reportExposure("greeting")
  client.reportExposure("unknown", { value: 1 })
  assert.equal(client.stats().recorded, 0)
  await client.close()
})

test("listeners are called from a microtask, once per row, and until they unsubscribe", async () => {
  const client = await makeClient()
  const told = []
  const stop = client.on("exposure", ({ flag_key, reason }) => told.push([flag_key, reason]))
  client.getFlag("greeting")
  client.getFlag("greeting")
  assert.deepEqual(told, [], "not from within the read")
  await Promise.resolve()
  assert.deepEqual(told, [["greeting", "DEFAULT"]])
  stop()
  client.getFlag("price")
  await settle()
  assert.equal(told.length, 1)
  await client.close()
})

test("a listener given twice is called twice, and taken back once", async () => {
  const client = await makeClient()
  let calls = 0
  const listener = () => calls++
  const stop = client.on("exposure", listener)
  client.on("exposure", listener)
  client.getFlag("greeting")
  await settle()
  assert.equal(calls, 2)
  stop()
  stop()
  client.getFlag("price")
  await settle()
  assert.equal(calls, 3)
  await client.close()
})

test("a listener that throws or rejects stops no other, and reaches nobody", async (t) => {
  const unhandled = []
  const remember = (reason) => unhandled.push(reason)
  process.on("unhandledRejection", remember)
  t.after(() => process.off("unhandledRejection", remember))
  const client = await makeClient()
  const told = []
  client.on("exposure", () => { throw new Error("own") })
  client.on("exposure", async () => { throw new Error("own") })
  client.on("exposure", ({ flag_key }) => told.push(flag_key))
  client.getFlag("greeting")
  await settle()
  assert.deepEqual(told, ["greeting"])
  assert.deepEqual(unhandled, [])
  await client.close()
})

test("a change says its cause", async () => {
  const client = await makeClient()
  await settle()
  const causes = []
  client.on("change", ({ cause }) => causes.push(cause))
  client.identify("person-2")
  client.setAttributes({ plan: "pro" })
  client.setRuleset(RULESET)
  client.setRuleset("no ruleset")
  client.override("greeting", "warm")
  client.clearOverrides()
  client.reset()
  client.identify("")
  await settle()
  assert.deepEqual(causes, ["identity", "attributes", "ruleset", "override", "override", "identity"])
  await client.close()
})

test("a row carries the attributes that were asked for, as they were when it was recorded", async () => {
  const net = network()
  const client = await makeClient({
    net,
    exposures: { attributes: ["plan", "app.version", "missing", "list"], key: "pk_1" },
    identity: { attributes: { plan: "free", app: { version: "2.4" }, list: [1], secret: "s" } },
    app: { version: "1.2.3" },
  })
  client.getFlag("greeting")
  client.setAttributes({ plan: "pro" })
  client.getFlag("price")
  assert.deepEqual(await client.flush(), { delivered: 2, pending: 0 })
  const [batch] = net.batches
  assert.deepEqual(batch.exposures.map(({ attributes }) => attributes), [
    { plan: "free", "app.version": "2.4" }, { plan: "pro", "app.version": "2.4" },
  ])
  assert.deepEqual([batch.v, batch.key, batch.attempt, batch.exposures[0].app_version], [1, "pk_1", 1, "1.2.3"])
  await client.close()
})

test("identify links the person to the anonymous id, once, beside the exposures", async () => {
  const net = network()
  const client = await makeClient({ net })
  const told = []
  client.on("exposure", ({ flag_key }) => told.push(flag_key))
  const { anonymousId, deviceId } = client.identity
  client.getFlag("greeting")
  for (const person of ["person-1", "person-2", "person-1"]) client.identify(person)
  assert.deepEqual(await client.flush(), { delivered: 3, pending: 0 })
  const [{ links, exposures, ledger }] = net.batches
  assert.deepEqual(links.map(({ anon_id, distinct_id, device_id, session_id, seq }) => [anon_id, distinct_id, device_id, session_id, seq]), [
    [anonymousId, "person-1", deviceId, client.session.id, 2], [anonymousId, "person-2", deviceId, client.session.id, 3],
  ])
  assert.deepEqual([exposures.length, ledger.seq_max, client.stats().delivered, told], [1, 3, 3, ["greeting"]])
  client.identify("person-2")
  assert.deepEqual(await client.flush(), { delivered: 0, pending: 0 })
  client.reset()
  client.identify("person-2")
  assert.deepEqual(await client.flush(), { delivered: 1, pending: 0 })
  assert.equal(net.batches[1].links[0].anon_id, client.identity.anonymousId)
  await client.close()
})

test("a client that begins with a known person links them to the anonymous id", async () => {
  const net = network()
  const client = await makeClient({ net, identity: { distinctId: "person-1" } })
  await client.flush()
  assert.deepEqual(net.batches[0].links.map(({ anon_id, distinct_id }) => [anon_id, distinct_id]), [[client.identity.anonymousId, "person-1"]])
  await client.close()
})

test("a request needs no preflight, sends no cookie, follows no redirect and outlives its page", async () => {
  const net = network()
  const client = await makeClient({ net })
  client.getFlag("greeting")
  await client.flush()
  const [{ url, init }] = net.batches
  assert.equal(url, "http://collector.example/e")
  const { body, signal, ...rest } = init
  assert.equal(typeof body, "string", "which fetch sends as text/plain")
  assert.ok(signal instanceof AbortSignal)
  assert.deepEqual({ ...rest }, {
    method: "POST", credentials: "omit", redirect: "error", cache: "no-store", referrerPolicy: "strict-origin", keepalive: true,
  })
  await client.close()
})

test("rows are sent 5 seconds after the first, all together", async (t) => {
  const time = stopTime(t)
  const net = network()
  const client = await makeClient({ net })
  client.getFlag("greeting")
  assert.equal(client.stats().nextFlushAtMs, Date.now() + 5000)
  time.pass(3000)
  client.getFlag("price")
  time.pass(1999)
  await settle()
  assert.equal(net.batches.length, 0)
  time.pass(1)
  await settle()
  assert.deepEqual(net.batches.map(({ exposures }) => exposures.length), [2])
  assert.deepEqual([client.stats().delivered, client.stats().pending, client.stats().nextFlushAtMs], [2, 0, undefined])
  time.pass(3_600_000)
  await settle()
  assert.equal(net.batches.length, 1, "nothing waits, nothing is sent")
  await client.close()
})

test("a simulated hour without a server: fewer and fewer attempts, and every row is still there", async (t) => {
  const time = stopTime(t)
  const net = network()
  net.answers.push(...Array.from({ length: 1000 }, () => 503))
  const client = await makeClient({ net })
  client.getFlag("greeting")
  client.getFlag("price")
  const attempts = []
  for (let second = 0; second < 3600; second++) {
    time.pass(1000)
    await settle()
    if (second % 600 === 599) attempts.push(net.batches.length)
  }
  const [first, ...later] = attempts.map((count, at) => count - (attempts[at - 1] ?? 0))
  assert.ok(first >= 10 && first <= 25, `${first} in the first 10 minutes`)
  assert.ok(later.slice(1).every((count) => count >= 1 && count <= 5), `${later} in the others`)
  const stats = client.stats()
  const last = net.batches.at(-1)
  assert.deepEqual([stats.pending, stats.delivered, stats.recorded, stats.resent], [2, 0, 2, (net.batches.length - 1) * 2])
  assert.deepEqual(last.exposures, net.batches[0].exposures, "rows are frozen")
  assert.equal(last.attempt, net.batches.length)
  net.answers.length = 0
  for (let second = 0; second < 305; second++) {
    time.pass(1000)
    await settle()
  }
  assert.deepEqual([client.stats().pending, client.stats().delivered], [0, 2])
  await client.close()
})

test("an answer that never comes is given up after 10 seconds, and its request aborted", async (t) => {
  const time = stopTime(t)
  let aborted = false
  const net = network(({ signal }) => {
    signal.addEventListener("abort", () => (aborted = true))
    return new Promise(() => undefined)
  })
  const client = await makeClient({ net })
  client.getFlag("greeting")
  time.pass(5000)
  await settle()
  assert.equal(client.stats().sending, 1)
  for (let second = 0; second < 10; second++) time.pass(1000)
  await settle()
  assert.ok(aborted)
  assert.deepEqual([client.stats().sending, client.stats().pending], [0, 1])
  for (let second = 0; second < 5; second++) time.pass(1000)
  await settle()
  assert.equal(client.stats().delivered, 1)
  await client.close()
})

test("flush called 10 times joins one request", async () => {
  const net = network()
  const client = await makeClient({ net })
  client.getFlag("greeting")
  const results = await Promise.all(Array.from({ length: 10 }, () => client.flush()))
  assert.deepEqual(new Set(results.map((result) => JSON.stringify(result))), new Set(['{"delivered":1,"pending":0}']))
  assert.equal(net.batches.length, 1)
  assert.deepEqual(await client.flush(), { delivered: 0, pending: 0 })
  assert.equal(net.batches.length, 1, "nothing waits, nothing is sent")
  await client.close()
})

test("a flush takes one attempt for each batch, and stops at one that fails", async () => {
  const net = network()
  const client = await makeClient({ net, exposures: { dedup: "none" } })
  for (let read = 0; read < 250; read++) client.getFlag("greeting")
  assert.deepEqual(await client.flush(), { delivered: 250, pending: 0 })
  const sizes = net.batches.map(({ exposures }) => exposures.length)
  assert.ok(sizes.length >= 3 && sizes.every((rows) => rows <= 100), sizes.join())
  net.answers.push(500)
  for (let read = 0; read < 50; read++) client.getFlag("greeting")
  assert.deepEqual(await client.flush(), { delivered: 0, pending: 50 })
  assert.equal(net.batches.length, sizes.length + 1)
  await client.close()
})

for (const [what, answer, delivers] of [
  ["204", () => new Response(null, { status: 204 }), true],
  ["200 with JSON", () => Response.json({ ok: 1 }), true],
  ["202 without a body", () => new Response(null, { status: 202 }), true],
  ["200 with a first read that ends at once", () => new Response(new ReadableStream({ start: (stream) => stream.close() })), true],
  ["200 with HTML", () => new Response("<html>", { headers: { "content-type": "text/html" } }), false],
  ["203 with JSON", () => Response.json({}, { status: 203 }), false],
  ["301", () => new Response(null, { status: 301 }), false],
  ["500", () => new Response(null, { status: 500 }), false],
  ["500 with JSON", () => Response.json({}, { status: 500 }), false],
  ["an opaque response", () => Response.error(), false],
  ["a rejection", () => Promise.reject(new TypeError("no network")), false],
  ["undefined", () => undefined, false],
]) {
  test(`${what} ${delivers ? "acknowledges" : "acknowledges nothing"}`, async () => {
    const client = await makeClient({ net: network(answer) })
    client.getFlag("greeting")
    assert.deepEqual(await client.flush(), delivers ? { delivered: 1, pending: 0 } : { delivered: 0, pending: 1 })
    await client.close()
  })
}

test("close sends what waits, settles also when nobody answers, and can be called again", async () => {
  const net = network()
  const client = await makeClient({ net })
  client.getFlag("greeting")
  await Promise.all([client.close(), client.close()])
  await client.close()
  assert.equal(net.batches.length, 1)
  const unlucky = await makeClient({ net: network(500) })
  unlucky.getFlag("greeting")
  await unlucky.close()
  assert.deepEqual(await unlucky.flush(), { delivered: 0, pending: 0 })
})

test("delivery events tell of each attempt", async () => {
  const net = network(500)
  const client = await makeClient({ net })
  const events = []
  client.on("delivery", ({ status, ids, pending }) => events.push([status, ids.length, pending]))
  client.getFlag("greeting")
  await client.flush()
  await client.flush()
  await settle()
  assert.deepEqual(events, [["sending", 1, 1], ["failed", 1, 1], ["sending", 1, 1], ["acknowledged", 1, 0]])
  await client.close()
})

test("when nothing is acknowledged the ring holds 600 rows at most, and accounts for each", async () => {
  const net = network()
  net.answers.push(...Array.from({ length: 100 }, () => 500))
  const client = await makeClient({ net, exposures: { dedup: "none" } })
  for (let read = 0; read < 1000; read++) client.getFlag("greeting")
  await client.flush()
  const stats = client.stats()
  assert.ok(stats.pending <= 600, `${stats.pending}`)
  assert.equal(stats.recorded, 1000)
  assert.equal(stats.pending + (stats.dropped.ring_full ?? 0) + stats.delivered, 1000)
  await client.close()
})

test("a row that was evicted before it was delivered is recorded again by a later read", async () => {
  const keys = Array.from({ length: 700 }, (_, number) => `flag-${number}`)
  const flags = Object.fromEntries(keys.map((key) => [key, { variants: { on: true }, default: "on" }]))
  const net = network(...Array.from({ length: 100 }, () => 500))
  const client = await makeClient({ net, ruleset: { schema: 1, version: 1, flags } })
  const readAll = () => keys.forEach((key) => client.getFlag(key))
  readAll()
  await client.flush()
  const { pending, dropped } = client.stats()
  assert.equal(pending + dropped.ring_full, 700)
  assert.ok(dropped.ring_full >= 100)
  net.answers.length = 0
  net.batches.length = 0
  await client.flush()
  readAll()
  await client.flush()
  const delivered = net.batches.flatMap(({ exposures }) => exposures.map(({ flag_key }) => flag_key))
  assert.deepEqual(delivered.sort(), keys.sort(), "each once")
  await client.close()
})

test("rows of experiments are never evicted: a new one is refused, and recorded by a later read", async () => {
  const net = network()
  net.answers.push(...Array.from({ length: 100 }, () => 500))
  const client = await makeClient({ net, exposures: { dedup: "none" } })
  for (let read = 0; read < 1000; read++) client.getFlag("checkout")
  await client.flush()
  const full = client.stats()
  assert.ok(full.pending > 100 && full.pending <= 600)
  assert.deepEqual(full.dropped, {})
  assert.equal(full.recorded, full.pending)
  assert.ok(full.refused >= 1)
  net.answers.length = 0
  assert.deepEqual(await client.flush(), { delivered: full.pending, pending: 0 })
  client.getFlag("checkout")
  assert.deepEqual(await client.flush(), { delivered: 1, pending: 0 })
  await client.close()
})

test("manual mode records what is reported, with the variant whose value is given", async () => {
  const net = network()
  const client = await makeClient({ net, exposures: { mode: "manual" } })
  client.getFlag("checkout")
  client.reportExposure("checkout", { value: { steps: [1, 2, { last: true }], layout: "one-page" } })
  client.reportExposure("checkout", { value: false })
  client.reportExposure("price", { value: null })
  client.reportExposure("price", { value: 0 })
  client.reportExposure("greeting")
  client.reportExposure("greeting")
  await client.flush()
  assert.deepEqual(net.batches[0].exposures.map(({ flag_key, variant, source }) => [flag_key, variant, source]), [
    ["checkout", "treatment", "manual"], ["checkout", "control", "manual"], ["price", "none", "manual"],
    ["price", "zero", "manual"], ["greeting", "plain", "manual"],
  ])
  assert.deepEqual(client.problems().filter(({ code }) => code !== "FLAG_INVALID"), [])
  await client.close()
})

for (const [what, value] of [
  ["another number of members", { layout: "one-page" }],
  ["another order in a list", { layout: "one-page", steps: [2, 1, { last: true }] }],
  ["an inherited member", Object.create({ layout: "one-page", steps: [1, 2, { last: true }] })],
  ["a list for an object", [["layout", "one-page"]]],
  ["a number for a truth", 0],
  ["what throws when it is looked at", new Proxy({}, { ownKeys() { throw new Error("own") } })],
  ["a function", () => false],
]) {
  test(`reportExposure with ${what} is a problem, and reports the decided variant`, async () => {
    const net = network()
    const client = await makeClient({ net, exposures: { mode: "manual" } })
    client.reportExposure("checkout", { value })
    client.reportExposure("checkout", { value })
    await client.flush()
    assert.deepEqual(net.batches[0].exposures.map(({ variant }) => variant), [client.getVariant("checkout")])
    const problems = client.problems().filter(({ code }) => code !== "FLAG_INVALID")
    assert.deepEqual(problems.map(({ code, where }) => [code, where]), [["UNKNOWN_VALUE", 'reportExposure("checkout")']])
    await client.close()
  })
}

test("options that throw when they are looked at cost nothing but themselves", async () => {
  const client = await makeClient()
  const hostile = new Proxy({}, { get() { throw new Error("own") } })
  client.reportExposure("greeting", hostile)
  client.reset(hostile)
  client.identify("person-1", hostile)
  client.setAttributes(hostile)
  assert.equal(client.getFlag("greeting"), "Hello")
  assert.deepEqual(client.problems().map(({ code }) => code), ["FLAG_INVALID"])
  await client.close()
})

test("a fetch that calls the client, and a listener that does, are served", async () => {
  const net = network()
  const client = await makeClient({ net: { fetch: (...request) => (client.getFlag("price"), client.identify("person-2"), net.fetch(...request)) } })
  client.on("exposure", () => void client.getVariant("checkout"))
  client.getFlag("greeting")
  await client.flush()
  await client.flush()
  assert.deepEqual(net.batches.flatMap(({ exposures }) => exposures.map(({ flag_key }) => flag_key)).sort(), ["checkout", "greeting", "price"])
  assert.deepEqual(client.problems().map(({ code }) => code), ["FLAG_INVALID"])
  await client.close()
})

test("a row that the server will never take is dropped, and counted", async () => {
  const client = await makeClient({ net: network(400) })
  client.getFlag("greeting")
  assert.deepEqual(await client.flush(), { delivered: 0, pending: 0 })
  assert.deepEqual({ ...client.stats().dropped }, { rejected: 1 })
  await client.close()
})

test("an endpoint that does not acknowledge is one problem, and the rows wait", async () => {
  const net = network(500, 503, () => Promise.reject(new TypeError("offline")))
  const client = await makeClient({ net })
  client.getFlag("greeting")
  for (let attempt = 0; attempt < 3; attempt++) assert.deepEqual(await client.flush(), { delivered: 0, pending: 1 })
  const failed = client.problems().filter(({ code }) => code === "DELIVERY_FAILED")
  assert.deepEqual(failed.map((problem) => ({ ...problem })), [
    { code: "DELIVERY_FAILED", where: "http://collector.example/e", message: "found status 500, expected 204; the rows wait" },
  ])
  assert.deepEqual(await client.flush(), { delivered: 1, pending: 0 })
  await client.close()
})

test("a page that reads a copy of an acknowledgement gets all of it", async (t) => {
  const server = createServer((request, response) => {
    request.resume()
    request.on("end", () => {
      response.writeHead(200, { "content-type": "application/json" })
      response.write('{"ok":')
      setTimeout(() => response.end("true}"), 50)
    })
  })
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening))
  t.after(() => server.close())
  const unhandled = watch(t)
  let copy
  const wrapped = async (...given) => {
    const response = await fetch(...given)
    copy = response.clone().text()
    return response
  }
  const endpoint = `http://127.0.0.1:${server.address().port}/e`
  const client = await makeClient({ net: { fetch: wrapped }, exposures: { endpoint } })
  client.getFlag("greeting")
  assert.deepEqual(await client.flush(), { delivered: 1, pending: 0 })
  assert.equal(await copy, '{"ok":true}')
  await client.close()
  assert.deepEqual(unhandled, [])
})
