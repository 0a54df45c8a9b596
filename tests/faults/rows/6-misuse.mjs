// A: what a page can do to the package.

import assert from "node:assert/strict"
import { watchMemories } from "../lib/memories.mjs"
import { row } from "../lib/registry.mjs"

const HOUR_MS = 3_600_000
/** Flags whose one rule looks at an attribute. */
const looking = (conditions) => ({
  schema: 1,
  flags: Object.fromEntries(Object.entries(conditions).map(([key, when]) => [
    key,
    { variants: { no: "no", yes: "yes" }, default: "no", rules: [{ id: "only", when, serve: "yes" }] },
  ])),
})
const is = (attribute, value) => ({ attribute, op: "eq", value })

/** Nothing trapped, and nothing was found but what is expected. */
async function sound(scene, page, codes = []) {
  // On a slow machine an attempt may take longer than it may at this scale.
  const found = await page.evaluate(() => client.problems().map(({ code }) => code))
  assert.deepEqual(found.filter((code) => code !== "DELIVERY_FAILED"), codes)
  assert.equal((await scene.stats(page)).traps, 0)
}

row("A1", "flags are read before the client is ready", async (scene) => {
  // The module is on its way, and so is the ruleset.
  const page = await scene.prepared(() => {
    const arrives = new Promise((resolve) => (globalThis.letModuleArrive = resolve))
    const { fetch } = globalThis
    globalThis.fetch = async (url, init) => {
      if (/\.(wasm|json)$/.test(String(url))) await arrives
      return fetch(url, init)
    }
  })
  const before = () => page.evaluate(() => ({
    answers: [client.getFlag("plain0", "fallback"), client.getFlag("plain0") ?? null, client.getVariant("plain0") ?? null],
    errorCode: client.decide("plain0").errorCode,
    flags: client.allFlags().length,
  }))
  const nothing = { answers: ["fallback", null, null], errorCode: "PROVIDER_NOT_READY", flags: 0 }
  await scene.begin(page, { ruleset: { url: "/ruleset.json", refreshMs: 0, readyTimeoutMs: 50 } })
  assert.deepEqual(await before(), nothing)
  await page.evaluate(() => letModuleArrive())
  await scene.eventually("an answer", () => page.evaluate(() => client.peek("plain0") ?? null), (value) => value === 0)
  assert.deepEqual(await page.evaluate(() => recorded), [], "what answered fallbacks was seen by nobody")
  await scene.read(page, "plain", 0, 3)
  await scene.check()
})

/** Notes the timers that the package sets and that have neither fired nor been cleared. (A driver sets some of its own.) */
function watchTimers() {
  Error.stackTraceLimit = 200
  const active = (globalThis.activeTimers = new Set())
  globalThis.timersSeen = 0
  const { setTimeout, clearTimeout, setInterval } = globalThis
  const isOurs = () => new Error().stack.includes("/testing/")
  globalThis.setTimeout = (call, ms, ...given) => {
    const id = setTimeout(() => {
      active.delete(id)
      call(...given)
    }, ms)
    if (isOurs()) {
      timersSeen++
      active.add(id)
    }
    return id
  }
  globalThis.clearTimeout = (id) => {
    active.delete(id)
    clearTimeout(id)
  }
  globalThis.setInterval = (...given) => {
    if (isOurs()) active.add("an interval")
    return setInterval(...given)
  }
}

row("A2", "any call after close, a second close, a second client like the first", async (scene) => {
  const page = await scene.prepared(watchTimers)
  const options = scene.options()
  await scene.begin(page)
  await scene.read(page, "plain", 0, 3)
  const { scale, ...own } = options
  const twin = await page.evaluate(async (options) => {
    globalThis.twin = await pennon.createClient(options)
    return twin.getFlag("plain3")
  }, own)
  assert.equal(twin, 3)
  scene.expect("plain", 3, 4)
  await scene.arrived()
  const after = await page.evaluate(async () => {
    const { session } = client
    const closing = client.close()
    const again = client.close()
    await Promise.all([closing, again, client.close()])
    const thrown = []
    const given = [[], ["plain0", "fallback"], ["person", { plan: "pro" }], [{ schema: 1, flags: {} }], ["granted"], ["change", () => {}], [null]]
    for (const [name, { value, get }] of Object.entries(Object.getOwnPropertyDescriptors(client))) {
      for (const values of given) {
        try {
          await (get ? client[name] : value.apply(client, values))
        } catch (error) {
          thrown.push(`${name}: ${error}`)
        }
      }
    }
    session.renew()
    client.session.renew()
    return {
      thrown,
      answers: [client.getFlag("plain0", "fallback"), client.getFlag("plain0") ?? null, client.getVariant("plain0") ?? null, client.peek("plain0") ?? null],
      errorCode: client.decide("plain0").errorCode,
      flags: client.allFlags(),
      flushed: await client.flush(),
    }
  })
  assert.deepEqual(after, {
    thrown: [],
    answers: ["fallback", null, null, null],
    errorCode: "PROVIDER_NOT_READY",
    flags: [],
    flushed: { delivered: 0, pending: 0 },
  })
  assert.equal(await page.evaluate(() => twin.getFlag("plain4")), 4, "the other goes on")
  scene.expect("plain", 4, 5)
  await scene.arrived()
  await page.evaluate(() => twin.close())
  assert.ok(await page.evaluate(() => timersSeen > 0))
  await scene.eventually("no timer", () => page.evaluate(() => [...activeTimers].map(String)), ({ length }) => length === 0)
  const { length } = await scene.requests()
  await scene.sleep(1500)
  assert.deepEqual(await page.evaluate(() => [...activeTimers].map(String)), [], "none is set later")
  assert.equal((await scene.requests()).length, length, "requests after the end")
  await scene.check()
})

row("A3", "listeners call back into the client", async (scene) => {
  const page = await scene.visit({ identity: { distinctId: "ann" } })
  scene.allow({ repeatedKeys: true }) // of two people
  await page.evaluate(() => {
    globalThis.calls = { exposure: 0, change: 0, delivery: 0, problem: 0 }
    const all = () => {
      client.getFlag("split1")
      client.getVariant("split1")
      client.decide("split2")
      client.peek("split2")
      client.explain("split2")
      client.allFlags()
      client.stats()
      client.problems()
      client.reportExposure("split3")
      void client.identity
      void client.session.id
      void client.flush()
    }
    client.on("exposure", () => {
      calls.exposure++
      all()
      client.identify("ben", { plan: "pro" })
    })
    client.on("change", ({ cause }) => {
      calls.change++
      all()
      if (cause === "identity") client.setAttributes({ seen: true })
    })
    client.on("problem", () => {
      calls.problem++
      all()
      client.override("plain1", "off")
      client.clearOverrides()
    })
    client.on("delivery", ({ status, pending }) => {
      calls.delivery++
      all()
      if (status === "acknowledged" && pending === 0 && globalThis.mayClose) globalThis.closing ??= client.close()
    })
    client.getFlag("split0")
  })
  await scene.eventually("the listeners", () => page.evaluate(() => calls), ({ exposure, change, delivery }) => exposure > 1 && change > 1 && delivery > 1)
  await sound(scene, page)
  scene.expect("split", 0, 2)
  scene.expect("split", 3, 4)
  await scene.arrived()
  await page.evaluate(() => client.getFlag(null)) // a problem, whose listener calls back too
  await page.evaluate(() => {
    client.getFlag("split4")
    globalThis.mayClose = true
  })
  scene.expect("split", 4, 5)
  await scene.eventually("the end", () => page.evaluate(() => client.decide("split0").errorCode ?? ""), (code) => code === "PROVIDER_NOT_READY")
  await page.evaluate(() => closing)
  await scene.check()
})

row("A4", "listeners throw, reject, and never give a value", async (scene) => {
  const page = await scene.visit()
  await page.evaluate(() => {
    globalThis.heardBy = {}
    for (const event of ["exposure", "change", "delivery", "problem"]) {
      client.on(event, () => {
        throw new Error("thrown")
      })
      client.on(event, async () => {
        throw new Error("rejected")
      })
      client.on(event, () => Promise.reject(undefined))
      client.on(event, () => new Promise(() => {}))
      client.on(event, () => ({ get then() { throw new Error("thrown by then") } }))
      client.on(event, () => ({ then() { throw null } }))
      client.on(event, () => (heardBy[event] = (heardBy[event] ?? 0) + 1))
    }
    client.setAttributes({ plan: "pro" })
    client.getFlag(undefined)
  })
  await scene.read(page, "plain", 0, 5)
  const heard = await scene.eventually("what the last listeners heard", () => page.evaluate(() => heardBy), ({ delivery }) => delivery >= 2)
  assert.deepEqual([heard.exposure, heard.change, heard.problem], [5, 1, 1])
  await sound(scene, page, ["INVALID_KEY"])
  await scene.check()
})

row("A5", "keys that are none", async (scene) => {
  const page = await scene.visit()
  const found = await page.evaluate(() => {
    const wrong = []
    const keys = [undefined, null, 0, 7, NaN, 1n, true, Symbol("key"), {}, [], ["plain0"], () => "plain0", new Proxy({}, {}), new String("plain0"), "x".repeat(1 << 20)]
    for (const [at, key] of keys.entries()) {
      const expect = (what, call, expected) => {
        try {
          const found = call()
          if (found !== expected) wrong.push(`${what} of key ${at}: ${String(found)}`)
        } catch (error) {
          wrong.push(`${what} of key ${at}: ${error}`)
        }
      }
      const fallback = {}
      expect("getFlag", () => client.getFlag(key, fallback), fallback)
      expect("getFlag", () => client.getFlag(key), undefined)
      expect("getVariant", () => client.getVariant(key), undefined)
      expect("peek", () => client.peek(key), undefined)
      expect("decide", () => client.decide(key).errorCode, "FLAG_NOT_FOUND")
      expect("reportExposure", () => client.reportExposure(key), undefined)
      expect("explain", () => typeof client.explain(key), "object")
    }
    return { wrong, problems: client.problems().map(({ code }) => code) }
  })
  assert.deepEqual(found, { wrong: [], problems: ["INVALID_KEY"] })
  await scene.read(page, "plain", 0, 2)
  await scene.check()
})

row("A6", "attributes that throw, trap, go in circles, or are no data", async (scene) => {
  const names = ["thrower", "trapping.x", "revoked", "cyclic.self", "instance.hidden", "map.size", "call", "deep".concat(".deep".repeat(40)), "symbol", "big", "nan", "wide.a199999"]
  const page = await scene.visit({
    ruleset: looking({
      plain0: is("plan", "pro"),
      plain1: is("date", "2026-10-01T00:00:00.000Z"),
      plain2: is("instance.own", 1),
      plain3: is("cyclic.name", "x"),
      plain4: { any: names.map((attribute) => ({ attribute, op: "exists" })) },
    }),
  })
  const answers = await page.evaluate(() => {
    const trapping = new Proxy({}, Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((trap) => [trap, () => {
      throw new Error(trap)
    }])))
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    const cyclic = { name: "x" }
    cyclic.self = cyclic
    class Person {
      #hidden = 1
      own = 1
      get hidden() {
        return this.#hidden
      }
    }
    const deep = {}
    for (let at = 0, level = deep; at < 10_000; at++) level = level.deep = {}
    const wide = Object.fromEntries(Array.from({ length: 200_000 }, (_, at) => [`a${at}`, at]))
    const attributes = {
      plan: "pro", trapping, revoked: revoked.proxy, cyclic, instance: new Person(), date: new Date("2026-10-01"), list: [new Date(NaN)],
      map: new Map([["size", 1]]), call: () => 1, node: document.body, symbol: Symbol("s"), big: 1n, nan: NaN, deep,
      [Symbol("key")]: 1,
      get thrower() {
        throw new Error("thrown by a getter")
      },
      wide,
    }
    const thrown = []
    for (const given of [attributes, trapping, revoked.proxy, () => 1, document.body, globalThis, null, 7, "text", [1, 2], new Map(), attributes]) {
      try {
        client.setAttributes(given)
        client.identify("p", given)
      } catch (error) {
        thrown.push(String(error))
      }
    }
    client.identify("q", attributes)
    return { thrown, answers: [0, 1, 2, 3, 4].map((at) => client.getFlag(`plain${at}`)) }
  })
  assert.deepEqual(answers, { thrown: [], answers: ["yes", "yes", "yes", "yes", "no"] })
  await sound(scene, page)
  scene.expect("plain", 0, 5)
  await scene.check()
})

row("A7", "toJSON, valueOf and getters that call the client", async (scene) => {
  const page = await scene.visit({ ruleset: looking({ plain0: is("plan", "pro"), plain1: is("plan", "pro"), plain2: is("plan", "free") }) })
  scene.allow({ repeatedKeys: true })
  const found = await page.evaluate(() => {
    let calls = 0
    const callIn = () => {
      calls++
      client.getFlag("plain1")
      client.reportExposure("plain1")
      client.setAttributes({ nested: true })
      client.identify("inner", { plan: "free" })
      client.stats()
      void client.flush()
      return "pro"
    }
    const sly = { toJSON: callIn, valueOf: callIn, toString: callIn, [Symbol.toPrimitive]: callIn, get plan() { return callIn() } }
    const ruleset = { schema: 1, flags: {}, toJSON() {
      callIn()
      return { schema: 1, flags: { plain3: { variants: { on: "on" }, default: "on" } } }
    } }
    const thrown = []
    const attempt = (what, call) => {
      try {
        call()
      } catch (error) {
        thrown.push(`${what}: ${error}`)
      }
    }
    attempt("identify", () => client.identify("outer", sly))
    attempt("setAttributes", () => client.setAttributes(sly))
    attempt("reportExposure", () => client.reportExposure("plain0", { get value() { return callIn() } }))
    attempt("reset", () => client.reset({ get device() { return callIn() } }))
    attempt("getFlag", () => client.getFlag(sly, sly))
    attempt("override", () => client.override("plain1", "yes", { get exposures() { return callIn() } }))
    client.clearOverrides()
    client.identify("outer", sly)
    const { distinctId } = client.identity
    const answer = client.getFlag("plain0")
    attempt("setRuleset", () => client.setRuleset(ruleset))
    return { thrown, wasCalled: calls >= 6, distinctId, answer, after: client.getFlag("plain3") }
  })
  assert.deepEqual(found, { thrown: [], wasCalled: true, distinctId: "outer", answer: "yes", after: "on" })
  assert.equal((await scene.stats(page)).traps, 0)
  scene.expect("plain", 0, 2)
  scene.expect("plain", 3, 4)
  await scene.check()
})

row("A8", "attributes that are frozen, have no prototype, or are changed afterwards", async (scene) => {
  const page = await scene.visit({ ruleset: looking({ plain0: is("plan", "pro"), plain1: is("app.plan", "pro") }) })
  const answers = await page.evaluate(() => {
    const found = []
    const look = () => found.push(client.peek("plain0") + " " + client.peek("plain1"))
    client.setAttributes(Object.freeze({ plan: "pro", app: Object.freeze({ plan: "pro" }) }))
    look()
    client.identify("a", Object.assign(Object.create(null), { plan: "pro", app: Object.assign(Object.create(null), { plan: "pro" }) }))
    look()
    const shared = { plan: "pro", app: { plan: "pro" } }
    client.identify("b", shared)
    shared.plan = "free"
    shared.app.plan = "free"
    look()
    client.setAttributes({ unrelated: 1 })
    look()
    client.setAttributes(shared)
    shared.app.plan = "pro"
    look()
    return { found, isAsGiven: JSON.stringify(shared) }
  })
  assert.deepEqual(answers, {
    found: ["yes yes", "yes yes", "yes yes", "yes yes", "no no"],
    isAsGiven: '{"plan":"free","app":{"plan":"pro"}}',
  })
  await sound(scene, page)
  await page.evaluate(() => [client.getFlag("plain0"), client.getFlag("plain1")])
  scene.expect("plain", 0, 2)
  await scene.check()
})

row("A9", "a fallback of another type", async (scene) => {
  const page = await scene.visit()
  const wrong = await page.evaluate(() => {
    const fallbacks = [undefined, null, 0, NaN, "", false, 1n, Symbol("s"), {}, [], () => 1, Object.freeze({ deep: {} }), document.body, Promise.resolve(1), new Proxy({}, {
      get() {
        throw new Error("looked at")
      },
    })]
    return fallbacks.flatMap((fallback, at) => {
      const missing = client.getFlag("missing", fallback)
      const found = client.getFlag("plain7", fallback)
      return Object.is(missing, fallback) && found === 7 ? [] : [`fallback ${at}`]
    })
  })
  assert.deepEqual(wrong, [])
  await sound(scene, page)
  scene.expect("plain", 7, 8)
  await scene.check()
})

/** What a page can make of `fetch` before the package is imported. Modules and rulesets come all the same. */
const FETCHES = {
  "throws": () => {
    throw new Error("no fetch for you")
  },
  "gives nothing": () => undefined,
  "gives a text": () => "sent",
  "never settles": () => new Promise(() => {}),
  "rejects with nothing": () => Promise.reject(),
  "gives no response": () => Promise.resolve({ ok: true }),
  "calls the client": (again) => {
    client.getFlag("plain600")
    client.identify("p")
    void client.flush()
    return again()
  },
}

function patchFetch(text) {
  const patched = eval(`(${text})`)
  const { fetch } = globalThis
  globalThis.fetch = (url, init) => (String(url).includes("/exposures") ? patched(() => fetch(url, init)) : fetch(url, init))
}

/** For a while most of what a page can replace is replaced, while flags are read. The page's own driver needs it later. */
function patchAfterwards(from) {
  const { then } = Promise.prototype
  const { parse, stringify } = JSON
  const kept = { fetch, Promise, queueMicrotask, setTimeout, push: Array.prototype.push, map: Array.prototype.map }
  globalThis.patched = { answered: 0, thrown: [] }
  let depth = 0
  kept.setTimeout.call(globalThis, () => {
    const no = () => {
      throw new Error("replaced by the page")
    }
    globalThis.fetch = no
    globalThis.Promise = no
    globalThis.queueMicrotask = no
    kept.Promise.prototype.then = no
    JSON.parse = JSON.stringify = no
    Array.prototype.toJSON = no
    Array.prototype.extra = Object.prototype.more = "enumerable"
    // It works, and calls back.
    for (const name of ["push", "map"]) {
      Array.prototype[name] = function (...given) {
        if (depth++ === 0) client.peek("plain1")
        depth--
        return kept[name].apply(this, given)
      }
    }
    try {
      patched.answered = read("plain", from, from + 5)
    } catch (error) {
      patched.thrown[0] = String(error)
    }
    kept.setTimeout.call(globalThis, () => {
      globalThis.fetch = kept.fetch
      globalThis.Promise = kept.Promise
      globalThis.queueMicrotask = kept.queueMicrotask
      Promise.prototype.then = then
      Object.assign(JSON, { parse, stringify })
      delete Array.prototype.toJSON
      delete Array.prototype.extra
      delete Object.prototype.more
      Array.prototype.push = kept.push
      Array.prototype.map = kept.map
    }, 1000)
  }, 200)
}

row("A10", "the page has replaced fetch, Promise, JSON, Array's methods", async (scene) => {
  let from = 0
  for (const [what, patched] of Object.entries(FETCHES)) {
    const page = await scene.prepared(patchFetch, String(patched))
    await scene.begin(page)
    await scene.read(page, "plain", from, from + 2)
    from += 2
    const { pending } = await scene.flush(page)
    const works = what === "calls the client"
    if (works) scene.expect("plain", 600, 601)
    else assert.ok(pending >= 2, `${pending} rows wait where fetch ${what}`) // With them those of the page before.
    assert.equal((await scene.stats(page)).traps, 0, `traps where fetch ${what}`)
    if (works) await scene.arrived()
    await scene.checkPages()
    await page.close()
  }
  scene.allow({ repeatedKeys: true }) // The one that calls the client is two people.
  const page = await scene.visit()
  await scene.arrived()
  await page.evaluate(patchAfterwards, from)
  scene.expect("plain", from, from + 5)
  await scene.sleep(2000)
  assert.deepEqual(await page.evaluate(() => patched), { answered: 5, thrown: [] })
  await scene.arrived()
  assert.equal((await scene.stats(page)).traps, 0)
  await scene.check()
})

row("A11", "a page with zone.js", async (scene) => {
  const page = await scene.prepared(() => new Promise((resolve, reject) => {
    const script = document.createElement("script")
    Object.assign(script, { src: "/zone.js", onload: () => resolve(true), onerror: () => reject(new Error("no zone.js")) })
    document.head.append(script)
  }))
  const note = (page, options) => page.evaluate(async (options) => {
    globalThis.tasks = []
    // As Angular's: whatever runs in it makes the framework look for changes.
    globalThis.app = Zone.root.fork({
      name: "app",
      onScheduleTask(parent, _, target, task) {
        tasks.push(`${task.type} ${task.source}`)
        return parent.scheduleTask(target, task)
      },
    })
    await app.run(() => begin(options))
  }, options)
  await note(page, scene.options())
  // What a client begins with is to be over: it waits a second for what an earlier page has kept.
  await scene.eventually("an end of the beginning", async () => {
    await page.evaluate(() => (tasks.length = 0))
    await scene.sleep(1500)
    return page.evaluate(() => tasks)
  }, ({ length }) => length === 0)
  const scheduled = await page.evaluate(() => {
    tasks.length = 0
    client.on("exposure", () => {})
    const answered = app.run(() => read("plain", 0, 5))
    return { answered, tasks }
  })
  assert.deepEqual(scheduled, { answered: 5, tasks: [] })
  scene.expect("plain", 0, 5)
  await scene.arrived()
  await page.evaluate(() => app.run(() => void document.dispatchEvent(new Event("pointerdown", { bubbles: true }))))
  await page.evaluate(() => app.run(() => read("plain", 5, 10)))
  scene.expect("plain", 5, 10)
  await scene.arrived()
  await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  assert.deepEqual(await page.evaluate(() => tasks), [], "tasks in the page's zone")
  await scene.check()
})

row("A12", "a million reads in a loop", async (scene) => {
  const page = await scene.prepared(watchMemories)
  await scene.begin(page, { exposures: { flushIntervalMs: HOUR_MS } })
  const found = await page.evaluate(async () => {
    const keys = Array.from({ length: 10 }, (_, at) => `split${at}`)
    const loop = (reads) => {
      let answered = 0
      for (let at = 0; at < reads; at++) answered += client.getFlag(keys[at % 10], "fallback") !== "fallback"
      return answered
    }
    loop(1000)
    const bytes = () => memories.map(({ buffer }) => buffer.byteLength)
    const before = bytes()
    let answered = 0
    // In tasks, so that the clock is looked at, too.
    for (let task = 0; task < 10; task++) {
      answered += loop(100_000)
      await new Promise((resolve) => setTimeout(resolve))
    }
    return { answered, before, after: bytes(), recorded: client.stats().recorded }
  })
  assert.equal(found.before.length, 1)
  assert.deepEqual([found.answered, found.recorded, found.after], [1_000_000, 10, found.before])
  scene.expect("split", 0, 10)
  await scene.flush(page)
  await scene.check()
})

row("A13", "the engine is freed during a call, used afterwards, and left to the garbage collector", async (scene) => {
  const page = await scene.prepared(() => {
    const { fetch } = globalThis
    globalThis.fetch = (url, init) => {
      if (String(url).includes("/exposures")) globalThis.atFetch?.()
      return fetch(url, init)
    }
  })
  await scene.begin(page, { exposures: { flushIntervalMs: HOUR_MS } })
  await scene.read(page, "plain", 0, 5)
  // From within the engine's own call of `fetch`.
  const closed = await page.evaluate(async () => {
    let closing
    globalThis.atFetch = () => (closing ??= client.close())
    await client.flush()
    await closing
    globalThis.atFetch = undefined
    return [client.getFlag("plain5", "fallback"), (await client.flush()).pending, closing !== undefined]
  })
  assert.deepEqual(closed, ["fallback", 0, true])
  await scene.arrived()
  // From within a listener, and never, while others are read.
  const { scale, ...options } = scene.options({ exposures: { flushIntervalMs: HOUR_MS } })
  const answered = await page.evaluate(async (options) => {
    let answered = 0
    globalThis.staying = await pennon.createClient(options)
    for (let round = 0; round < 40; round++) {
      const passing = await pennon.createClient({ ...options, exposures: false })
      if (round % 2) passing.on("exposure", () => passing.close())
      answered += passing.getFlag(`plain${round}`) === round
      answered += staying.getFlag("plain6") === 6
      // Something to collect.
      globalThis.garbage = Array.from({ length: 20_000 }, (_, at) => ({ at, text: `${round} ${at}` }))
      if (typeof gc === "function") gc()
      await new Promise((resolve) => setTimeout(resolve))
    }
    await staying.flush()
    return answered
  }, options)
  assert.equal(answered, 80)
  scene.expect("plain", 6, 7)
  await scene.arrived()
  assert.equal(await page.evaluate(() => staying.stats().traps), 0)
  await scene.check()
})
