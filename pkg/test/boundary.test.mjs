// Nothing that a client does throws at the page: whichever export of the module traps, and whatever of its own a page has
// broken. Each test has its own copy of the package.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"

import { network, RULESET, settle } from "./lib/client.mjs"
import { browserWithStorage, replace } from "./lib/storage.mjs"
import { watch } from "./lib/unhandled.mjs"

/** Each member of a client, used as it is meant to be used. Of a getter: what it gives. */
const USES = {
  getFlag: (client) => client.getFlag("greeting", "fallback"),
  getVariant: (client) => client.getVariant("price"),
  peek: (client) => client.peek("checkout"),
  decide: (client) => client.decide("price"),
  explain: (client) => client.explain("checkout"),
  allFlags: (client) => client.allFlags(),
  reportExposure: (client) => client.reportExposure("price", { value: 0 }),
  exposureProperties: (client) => client.exposureProperties(),
  identify: (client) => client.identify("person-1", { plan: "pro" }),
  setAttributes: (client) => client.setAttributes({ seats: 3 }),
  reset: (client) => client.reset({ device: true }),
  identity: (client) => client.identity,
  session: (client) => client.session.renew(),
  setRuleset: (client) => client.setRuleset(RULESET),
  override: (client) => client.override("price", "zero"),
  clearOverrides: (client) => client.clearOverrides(),
  on: (client) => client.on("exposure", () => undefined)(),
  setConsent: (client) => [client.setConsent("pending"), client.setConsent("granted")],
  stats: (client) => client.stats(),
  problems: (client) => client.problems(),
  flush: (client) => client.flush(),
  close: (client) => client.close(),
}

const fresh = (name) => import(`../dist-testing/testing.js?${encodeURIComponent(name)}`)
const options = (net) => ({
  ruleset: RULESET, identity: { attributes: { plan: "pro" } },
  exposures: { endpoint: "http://collector.example/e", fetch: net.fetch, attributes: ["plan"] },
})

/** Within a time that a slow machine keeps too. */
async function inTime(promise, what) {
  let timer
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`${what} does not settle`)), 30_000)))
  await Promise.race([promise, late])
  clearTimeout(timer)
}

test("the members that are tried are those that there are", async () => {
  const { createClient } = await fresh("members")
  const client = await createClient({})
  assert.deepEqual(Object.keys(USES).sort(), Object.getOwnPropertyNames(client).sort())
  assert.deepEqual(Reflect.ownKeys(client).length, Object.keys(USES).length)
  const declared = readFileSync(new URL("../src/types.ts", import.meta.url), "utf8").split("export interface Client<")[1].split("\n}\n")[0]
  for (const name of Object.keys(USES)) assert.match(declared, new RegExp(`^  (readonly )?${name}[(<:]`, "m"))
  await client.close()
})

test("whichever export of the module traps, always, nothing is thrown and every promise settles", async (t) => {
  const unhandled = watch(t)
  const origin = browserWithStorage(t)
  // What the module takes for a window, and what happens to it.
  replace(t, "document", { value: Object.assign(new EventTarget(), { hidden: false, baseURI: "http://shop.example/", cookie: "" }) })
  replace(t, "Window", { value: class { static [Symbol.hasInstance](object) { return object === globalThis } } })
  let listeners = []
  replace(t, "addEventListener", { value: (name, listener) => listeners.push([name, listener]) })
  const EVENTS = ["visibilitychange", "pagehide", "pageshow", "online", "freeze", "resume", "pointerdown", "storage"]
  function happen(type) {
    const event = Object.assign(new Event(type), type === "storage" && { key: "pennon1:app:s", oldValue: null, newValue: "x" })
    document.dispatchEvent(event)
    for (const [name, listener] of listeners) if (name === type) listener(event)
  }
  const { Instance } = WebAssembly
  let broken
  const entered = new Set()
  t.mock.method(WebAssembly, "Instance", function (module, imports) {
    const instance = new Instance(module, imports)
    if (!imports) return instance
    const exports = {}
    for (const [name, member] of Object.entries(instance.exports)) {
      exports[name] = typeof member !== "function" ? member : (...given) => {
        entered.add(name)
        if (name === broken) throw new WebAssembly.RuntimeError("unreachable")
        return member(...given)
      }
    }
    return { exports }
  })
  const names = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(new URL("../dist/pennon.wasm", import.meta.url))))
    .filter(({ kind }) => kind === "function").map(({ name }) => name)
  assert.ok(names.length > 40, `${names.length} functions`)
  for (broken of [undefined, ...names]) {
    const { createClient } = await fresh(`export ${broken}`)
    listeners = []
    origin.data.clear()
    origin.data.set("pennon1:app:q:gone:0", "nonsense")
    const net = network(503, () => Promise.reject(new TypeError("offline")), 429)
    const client = await createClient({ ...options(net), namespace: "app", storage: { cookieDomain: "shop.example" } })
    for (const event of ["change", "exposure", "problem", "delivery"]) client.on(event, () => client.getFlag("price"))
    for (let round = 0; round < 2; round++) {
      for (const [name, use] of Object.entries(USES)) {
        if (name === "close") continue
        assert.doesNotThrow(() => use(client), `${name}, while ${broken} traps`)
      }
      await settle()
      for (const event of EVENTS) assert.doesNotThrow(() => happen(event), `${event}, while ${broken} traps`)
      origin.quota = 200
      client.getFlag("greeting")
      await settle()
      origin.quota = 1e6
    }
    await inTime(client.flush(), `flush, while ${broken} traps,`)
    await inTime(client.close(), `close, while ${broken} traps,`)
    if (broken === undefined) assert.ok(entered.size >= names.length - 8, `never entered: ${names.filter((name) => !entered.has(name))}`)
  }
  await settle()
  assert.deepEqual(unhandled, [])
})

const BREAKABLE = [
  [Map.prototype, ["get", "set", "has", "delete", "forEach", "clear", "values", "keys", Symbol.iterator]],
  [Set.prototype, ["add", "has", "delete", "forEach", "values", Symbol.iterator]],
  [Array.prototype, ["map", "filter", "forEach", "find", "some", "push", "splice", "slice", "includes", "indexOf", "join", "shift", "reduce", Symbol.iterator]],
  [Object, ["freeze", "keys", "entries", "assign", "values"]],
  [JSON, ["parse", "stringify"]],
  [String.prototype, ["slice", "split", "startsWith", "includes", "trim", "toLowerCase", "charCodeAt"]],
  [RegExp.prototype, ["test", "exec"]],
  [Promise.prototype, ["then", "catch"]],
  [Date, ["now"]],
  [Math, ["random", "floor", "min", "max"]],
  [Object.getPrototypeOf(performance), ["now"]],
  [globalThis, ["setTimeout", "clearTimeout", "queueMicrotask", "AbortController", "URL", "Promise"]],
  [TextEncoder.prototype, ["encodeInto", "encode"]],
  [TextDecoder.prototype, ["decode"]],
]

test("whatever a page has replaced by something that throws, no member of a client throws at it", async (t) => {
  const unhandled = watch(t)
  for (const [owner, names] of BREAKABLE) {
    for (const name of names) {
      const { createClient } = await fresh(`broken ${String(name)}`)
      const client = await createClient(options(network()))
      const whole = Object.getOwnPropertyDescriptor(owner, name)
      const thrown = []
      for (const [member, use] of Object.entries(USES)) {
        Object.defineProperty(owner, name, { ...whole, value() { throw new TypeError("broken by the page") } })
        try {
          use(client)
        } catch (error) {
          thrown[thrown.length] = `${member}: ${error}`
        }
        Object.defineProperty(owner, name, whole)
      }
      assert.deepEqual(thrown, [], `with ${String(name)} broken`)
      await settle()
      await inTime(client.close(), `close, after ${String(name)} was broken,`)
    }
  }
  assert.deepEqual(unhandled, [])
})
