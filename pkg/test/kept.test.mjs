// The copy of a ruleset that outlives the page: it is there only as long as the person agrees.

import assert from "node:assert/strict"
import { test } from "node:test"

import { settle } from "./lib/client.mjs"
import { source } from "./lib/source.mjs"
import { browserWithStorage, replace } from "./lib/storage.mjs"
import { window } from "./lib/window.mjs"

const URL = "http://publisher.example/ruleset.json"
const saying = (greeting) => JSON.stringify({ schema: 1, flags: { greeting: { variants: { on: greeting }, default: "on" } } })
const RULESET = saying("hello")

/**
 * The Cache API of an origin, as far as it is used: `rulesets` by name. A `put` waits for `disk`, if there is one, and what a
 * `match` has found for `found`.
 */
function cacheOf(t) {
  const rulesets = new Map()
  const origin = { rulesets, puts: 0, written: 0, disk: undefined, found: undefined, names: new Set() }
  const cache = {
    async match(key) {
      const copy = rulesets.get(key)?.clone()
      await origin.found
      return copy
    },
    keys: async () => [...rulesets.keys()],
    delete: async (key) => rulesets.delete(key),
    async put(key, response) {
      origin.puts++
      await origin.disk
      rulesets.set(key, response)
      origin.written++
    },
  }
  replace(t, "caches", { value: {
    has: async (name) => origin.names.has(name),
    async open(name) {
      origin.names.add(name)
      return cache
    },
  } })
  return origin
}

/** A page whose ruleset is at that URL. */
async function page(t, options, fetch = async () => new Response(RULESET)) {
  t.mock.method(globalThis, "fetch", fetch)
  const { createClient } = await import(`../dist-testing/testing.js?kept-${pages++}`)
  return createClient({ ruleset: URL, namespace: "app", ...options })
}
let pages = 0

async function until(what, isSo) {
  for (let turn = 0; !isSo(); turn++) {
    assert.ok(turn < 1000, what)
    await settle()
  }
}

test("what was kept is removed when it is denied, and kept again when it is granted", async (t) => {
  browserWithStorage(t)
  const origin = cacheOf(t)
  const client = await page(t)
  await until("it is kept", () => origin.rulesets.size === 1)
  client.setConsent("denied")
  await until("it is removed", () => origin.rulesets.size === 0)
  assert.equal(client.peek("greeting"), "hello")
  await client.close()
  const next = await page(t)
  await until("it is kept again", () => origin.rulesets.size === 1)
  await next.close()
})

test("what is denied while it is being written does not stay", async (t) => {
  browserWithStorage(t)
  const origin = cacheOf(t)
  let write
  origin.disk = new Promise((resolve) => (write = resolve))
  const client = await page(t)
  await until("it is being written", () => origin.puts === 1)
  client.setConsent("denied")
  await settle()
  write()
  await until("it is written", () => origin.written === 1)
  await until("it is removed", () => origin.rulesets.size === 0)
  await client.close()
})

test("a page on which it is denied from the start removes what an earlier one has kept; where nothing was it leaves nothing", async (t) => {
  browserWithStorage(t)
  const origin = cacheOf(t)
  const denied = await page(t, { consent: "denied" })
  await settle()
  assert.deepEqual([origin.names.size, origin.puts], [0, 0])
  await denied.close()
  const client = await page(t)
  await until("it is kept", () => origin.rulesets.size === 1)
  await client.close()
  const again = await page(t, { consent: "denied" })
  await until("it is removed", () => origin.rulesets.size === 0)
  await again.close()
})

test("what was kept before the server answered takes no answer's place, however late it is read", async (t) => {
  const storage = browserWithStorage(t)
  const origin = cacheOf(t)
  const client = await page(t)
  const isClaim = (key) => key.endsWith(":p")
  await until("it is kept", () => Number(storage.data.get([...storage.data.keys()].find(isClaim))?.split(" ")[3]) > 0)
  const [key, claim] = [...storage.data].find(([key]) => isClaim(key))
  await client.close()
  storage.data.clear()

  const { tell } = window(t)
  let answer, find
  origin.found = new Promise((resolve) => (find = resolve))
  const next = page(t, undefined, () => new Promise((resolve) => (answer = resolve)))
  await until("it is asked for", () => answer)
  // Another tab tells that it has kept one just now.
  const told = [claim.split(" ")[0], Date.now(), Date.now(), Date.now()].join(" ")
  storage.data.set(key, told)
  tell("storage", { key, newValue: told })
  await settle()
  answer(new Response(saying("good evening")))
  const { peek, close } = await next
  assert.equal(peek("greeting"), "good evening")
  find()
  for (let turn = 0; turn < 20; turn++) await settle()
  assert.equal(peek("greeting"), "good evening")
  await close()
})

test("nothing is kept, and what is kept is not read, until it is granted", async (t) => {
  browserWithStorage(t)
  const origin = cacheOf(t)
  const { createKept } = await source("kept")
  let may = false
  const kept = createKept("https://pennon.invalid/x", 1000, () => may)
  const copy = { text: RULESET, tag: null, keptAtMs: Date.now() }
  await kept.write(copy)
  assert.deepEqual([kept.works, origin.puts, await kept.read()], [false, 0, undefined])
  may = true
  await kept.write(copy)
  assert.deepEqual([kept.works, (await kept.read()).text], [true, RULESET])
  may = false
  assert.equal(await kept.read(), undefined)
})
