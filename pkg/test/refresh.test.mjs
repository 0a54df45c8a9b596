// A ruleset that is asked for again, where there is no page: by timer. The clock and the network are told what to do.

import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { createServer } from "node:http"
import { test } from "node:test"
import { promisify } from "node:util"

import { createClient } from "pennon"
import { makeClient, RULESET, settle } from "./lib/client.mjs"
import { stopTime } from "./lib/clock.mjs"

const URL = "http://publisher.example/ruleset.json"
const MINUTE_MS = 60_000

const saying = (greeting) => JSON.stringify({ schema: 1, flags: { greeting: { variants: { on: greeting }, default: "on" } } })

/** The package loaded anew, with a network of its own. `answer` makes each response; `asked` is when each was asked for. */
async function packageOn(t, answer) {
  const asked = []
  t.mock.method(globalThis, "fetch", async (url, init) => {
    asked.push({ atMs: Date.now(), url, init })
    return answer(init)
  })
  const { createClient } = await import(`${import.meta.resolve("pennon")}?${encodeURIComponent(t.name)}`)
  return { createClient, asked }
}

/** Lets that much time pass, second by second. */
async function pass(clock, ms) {
  for (let passed = 0; passed < ms; passed += 1000) {
    clock.pass(1000)
    await settle()
  }
}

test("an hour with a ruleset that does not change is 60 requests, a tenth more or less", async (t) => {
  const clock = stopTime(t)
  const { createClient, asked } = await packageOn(t, ({ headers }) => {
    const isKnown = headers["if-none-match"] === '"1"'
    const response = new Response(isKnown ? null : saying("hello"), { status: isKnown ? 304 : 200, headers: { etag: '"1"' } })
    return Object.defineProperty(response, "type", { value: "basic" })
  })
  const client = await createClient({ ruleset: URL })
  const changes = []
  client.on("change", (change) => changes.push(change))
  await pass(clock, 60 * MINUTE_MS)
  assert.ok(asked.length >= 54 && asked.length <= 68, `${asked.length} requests`)
  const waits = asked.slice(1).map(({ atMs }, at) => atMs - asked[at].atMs)
  assert.ok(Math.min(...waits) >= 54_000 && Math.max(...waits) <= 68_000, waits.join())
  assert.ok(new Set(waits).size > 5, "they are not all alike, or all pages would ask together")
  assert.deepEqual(asked.map(({ init }) => init.headers["if-none-match"]), [undefined, ...waits.map(() => '"1"')])
  assert.deepEqual(changes, [])
  await client.close()
  const before = asked.length
  await pass(clock, 10 * MINUTE_MS)
  assert.equal(asked.length, before, "a closed client asks no more")
})

for (const [what, answer] of [
  ["that answers nobody", () => Promise.reject(new TypeError("offline"))],
  ["that fails", () => new Response("no", { status: 503 })],
  ["that answers nonsense", () => new Response("{ nonsense")],
]) {
  test(`a server ${what} is asked less and less often, and again once a minute when it is well`, async (t) => {
    const clock = stopTime(t)
    let isWell = true
    const { createClient, asked } = await packageOn(t, () => (isWell ? new Response(saying("hello")) : answer()))
    const client = await createClient({ ruleset: URL })
    isWell = false
    asked.length = 0
    await pass(clock, 60 * MINUTE_MS)
    assert.ok(asked.length >= 10 && asked.length <= 17, `${asked.length} requests in an hour`)
    assert.equal(client.peek("greeting"), "hello", "the last good ruleset stays")
    assert.equal(client.problems().length, 1)
    isWell = true
    asked.length = 0
    await pass(clock, 15 * MINUTE_MS)
    assert.ok(asked.length >= 9, `${asked.length} requests in a quarter of an hour`)
    await client.close()
  })
}

test("without any ruleset the first one is asked for sooner, and a late one is a change of all that was asked for", async (t) => {
  const clock = stopTime(t)
  let isWell = false
  const { createClient, asked } = await packageOn(t, () => (isWell ? new Response(saying("hello")) : new Response("", { status: 503 })))
  const client = await createClient({ ruleset: URL })
  const changes = []
  client.on("change", (change) => changes.push(change))
  assert.equal(client.getFlag("greeting", "fallback"), "fallback")
  await pass(clock, MINUTE_MS)
  assert.ok(asked.length >= 3 && asked.length <= 5, `${asked.length} requests in the first minute`)
  isWell = true
  await pass(clock, 2 * MINUTE_MS)
  assert.equal(client.getFlag("greeting", "fallback"), "hello")
  assert.deepEqual(changes.map(({ cause, flags }) => [cause, flags]), [["ruleset", ["greeting"]]])
  await client.close()
})

test("a request that never ends is given up, and others follow", async (t) => {
  const clock = stopTime(t)
  let isWell = true
  const signals = []
  const { createClient } = await packageOn(t, ({ signal }) => {
    if (isWell) return new Response(saying(`hello ${signals.length}`))
    signals.push(signal)
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))))
  })
  const client = await createClient({ ruleset: URL })
  isWell = false
  await pass(clock, 5 * MINUTE_MS)
  assert.ok(signals.length >= 2, "another was sent")
  assert.deepEqual(signals.map(({ aborted }) => aborted).slice(0, -1), signals.slice(1).map(() => true), "and the ones before given up")
  isWell = true
  await pass(clock, 5 * MINUTE_MS)
  assert.equal(client.peek("greeting"), `hello ${signals.length}`)
  await client.close()
})

test("a ruleset set by hand stays until another one is found at the URL", async (t) => {
  const clock = stopTime(t)
  let published = saying("hello")
  const { createClient, asked } = await packageOn(t, () => new Response(published))
  const client = await createClient({ ruleset: URL })
  client.setRuleset(saying("by hand"))
  await pass(clock, 5 * MINUTE_MS)
  assert.ok(asked.length >= 4)
  assert.equal(client.peek("greeting"), "by hand")
  published = saying("good day")
  await pass(clock, 2 * MINUTE_MS)
  assert.equal(client.peek("greeting"), "good day")
  await client.close()
})

test("without a page a ruleset is asked for again by timer, with its ETag, and no timer keeps the process alive", async (t) => {
  const requests = []
  const server = createServer((request, response) => {
    const isKnown = request.headers["if-none-match"] === '"1"'
    requests.push(isKnown)
    response.writeHead(isKnown ? 304 : 200, { etag: '"1"' }).end(isKnown ? undefined : saying("hello"))
  })
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${server.address().port}/`
  const program = `
    import { createClient } from ${JSON.stringify(import.meta.resolve("pennon"))}
    const client = await createClient({ ruleset: { url: ${JSON.stringify(url)}, refreshMs: 1000 } })
    setTimeout(() => console.log(client.getFlag("greeting")), 2500)`
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], { timeout: 60_000 })
  assert.equal(stdout, "hello\n")
  assert.ok(requests.length >= 2, `${requests.length} requests`)
  assert.deepEqual(requests, requests.map((_, at) => at > 0))
})

test("a change says which flags answer otherwise, of those that were asked for", async () => {
  const client = await makeClient({ identity: { attributes: { plan: "free" } } })
  const changes = []
  const heard = async () => (await settle(), changes.splice(0).map(({ cause, flags }) => [cause, flags]))
  client.override("price", "low")
  client.peek("price")
  client.setAttributes({ plan: "pro" })
  client.on("change", (change) => changes.push(change))
  client.peek("greeting")

  client.setAttributes({ plan: "team" })
  assert.deepEqual(await heard(), [["attributes", []]], "checkout was not asked for")
  const before = client.getVariant("checkout")
  client.override("checkout", before === "control" ? "treatment" : "control")
  assert.deepEqual(await heard(), [["override", ["checkout"]]])
  client.clearOverrides()
  assert.deepEqual(await heard(), [["override", ["checkout"]]])
  client.identify("person-1", { plan: "pro" })
  assert.deepEqual(await heard(), [["identity", before === "treatment" ? [] : ["checkout"]]])

  // Other objects of the same content, and another reason or rule, are the same answer.
  client.setRuleset(RULESET)
  assert.deepEqual(await heard(), [["ruleset", []]])
  const { greeting, ...others } = RULESET.flags
  const { checkout } = others
  client.setRuleset({ ...RULESET, flags: { ...others, checkout: { ...checkout, variants: { control: true, treatment: { layout: "one-page", steps: [] } } } } })
  const [[cause, flags]] = await heard()
  assert.deepEqual([cause, [...flags].sort()], ["ruleset", ["checkout", "greeting"]], "another value, and a flag that is gone")
  client.setRuleset(RULESET)
  client.setRuleset("{ nonsense")
  const [last, ...none] = await heard()
  assert.deepEqual([last[0], [...last[1]].sort(), none], ["ruleset", ["checkout", "greeting"], []])
  await client.close()
})

test("a change is frozen, and what nobody listens to decides nothing", async (t) => {
  const client = await makeClient()
  client.peek("checkout")
  let changed
  const stop = client.on("change", (change) => (changed = change))
  client.setAttributes({ plan: "pro" })
  await settle()
  assert.ok(Object.isFrozen(changed) && Object.isFrozen(changed.flags))
  stop()
  // Deciding looks at the host's number or text functions; lower case is the one that can be watched.
  const folded = { variants: { no: false, yes: true }, default: "no", rules: [{ when: { attribute: "plan", op: "eq", value: "PRO", ignoreCase: true }, serve: "yes" }] }
  client.setRuleset({ schema: 1, flags: { folded } })
  client.peek("folded")
  const fold = t.mock.method(String.prototype, "toLowerCase")
  client.setAttributes({ plan: "Pro" })
  assert.equal(fold.mock.callCount(), 0)
  assert.equal(client.peek("folded"), true)
  assert.ok(fold.mock.callCount() > 0)
  await client.close()
})

test("D17 a ruleset that is swapped all the time is one ruleset in each task", async () => {
  const flags = (version) => Object.fromEntries(
    Array.from({ length: 20 }, (_, at) => [`flag-${at}`, { version, variants: { on: version }, default: "on" }]),
  )
  const client = await createClient({ ruleset: { schema: 1, version: 1, flags: flags(1) } })
  const seen = new Set()
  const look = () => {
    const versions = new Set(client.allFlags().flatMap(({ value, flagVersion, key }) => [value, flagVersion, client.peek(key)]))
    assert.equal(versions.size, 1, [...versions].join())
    seen.add([...versions][0])
  }
  client.on("change", look)
  for (let version = 2; version <= 200; version++) {
    client.setRuleset({ schema: 1, version, flags: flags(version) })
    if (version % 3) look()
    if (version % 5 === 0) await settle()
  }
  await settle()
  look()
  assert.ok(seen.has(200) && seen.size > 100)
  await client.close()
})
