// A: what a page can do to the package.

import assert from "node:assert/strict"
import { row } from "../lib/registry.mjs"

row("A1", "getFlag before there is a ruleset", async (scene) => {
  const page = await scene.open()
  await scene.begin(page, { ruleset: undefined })
  const before = await page.evaluate(() => [client.getFlag("plain0", "fallback"), client.decide("plain0").reason, client.stats().recorded])
  assert.deepEqual(before, ["fallback", "ERROR", 0])
  await page.evaluate(async () => client.setRuleset(await (await fetch("/ruleset.json")).text()))
  await scene.read(page, "plain", 0, 3)
  await scene.check()
})

row("A2", "calls after close(); closed twice; created twice", async (scene) => {
  const page = await scene.prepared(() => {
    // The timers that run: what the page's own driver starts goes by its own functions, from before.
    globalThis.running = new Set()
    const { setTimeout, clearTimeout, setInterval } = globalThis
    globalThis.setTimeout = (work, ms, ...args) => {
      const id = setTimeout(() => {
        running.delete(id)
        work(...args)
      }, ms)
      running.add(id)
      return id
    }
    globalThis.clearTimeout = (id) => {
      running.delete(id)
      clearTimeout(id)
    }
    globalThis.setInterval = (...args) => {
      const id = setInterval(...args)
      running.add(id)
      return id
    }
  })
  await scene.begin(page, { scale: 1 })
  await scene.read(page, "plain", 0, 3)
  const { first, second, timers } = await page.evaluate(async (options) => {
    const { scale, ...rest } = options
    const twin = await pennon.createClient(rest)
    twin.getFlag("plain0")
    await Promise.all([client.close(), client.close(), twin.close()])
    await client.close()
    const calls = (client) => {
      const off = client.on("change", () => {})
      off()
      client.identify("somebody")
      client.setAttributes({ plan: "pro" })
      client.reset()
      client.setRuleset({ schema: 1, flags: {} })
      client.override("plain0", "on")
      client.clearOverrides()
      client.reportExposure("plain0")
      client.session.renew()
      client.setConsent?.("granted")
      return [
        client.getFlag("plain0", "fallback"), client.getVariant("plain0") ?? null, client.peek("plain0") ?? null,
        client.decide("plain0").errorCode, client.explain("plain0"), client.allFlags(), client.exposureProperties(),
        typeof client.stats().recorded, Array.isArray(client.problems()), typeof client.identity.distinctId,
      ]
    }
    const found = { first: calls(client), second: calls(twin) }
    await client.flush()
    return { ...found, timers: running.size }
  }, { ...scene.options() })
  const closed = ["fallback", null, null, "PROVIDER_NOT_READY", null, [], {}, "number", true, "string"]
  assert.deepEqual([first, second], [closed, closed])
  assert.equal(timers, 0, "timers that still run")
  await scene.check()
})

row("A3", "getFlag, identify and close from within a listener", async (scene) => {
  const page = await scene.visit({ identity: { distinctId: "ann" } })
  await page.evaluate(async () => {
    let depth = 0
    client.on("exposure", ({ flag_key }) => {
      if (flag_key === "plain0" && depth++ === 0) {
        client.getFlag("plain1")
        client.identify("ben")
        client.getFlag("plain2")
        client.setAttributes({ plan: "pro" })
        void client.flush()
      }
    })
    client.on("delivery", ({ status, pending }) => {
      client.getFlag("plain3")
      if (status === "acknowledged" && pending === 0) void client.close()
    })
    client.getFlag("plain0")
  })
  scene.expect("plain", 0, 4)
  await scene.arrived()
  await scene.eventually("closed", () => page.evaluate(() => client.decide("plain0").errorCode), (code) => code === "PROVIDER_NOT_READY")
  const problems = await page.evaluate(() => problems)
  assert.deepEqual(problems.filter((text) => /ENGINE_FAILED|recursive/.test(text)), [])
  await scene.check()
})

row("A4", "listeners that throw, reject and never end", async (scene) => {
  const page = await scene.visit()
  const heard = await page.evaluate(async () => {
    const heard = []
    for (const event of ["exposure", "delivery", "change", "problem"]) {
      client.on(event, () => {
        throw new Error(`thrown on ${event}`)
      })
      client.on(event, async () => {
        throw new Error(`rejected on ${event}`)
      })
      client.on(event, () => new Promise(() => {}))
      client.on(event, () => heard.push(event))
    }
    read("plain", 0, 3)
    client.getFlag(undefined)
    client.setAttributes({ plan: "pro" })
    await client.flush()
    await new Promise((resolve) => setTimeout(resolve, 50))
    return [...new Set(heard)].sort()
  })
  assert.deepEqual(heard, ["change", "delivery", "exposure", "problem"])
  scene.expect("plain", 0, 3)
  await scene.check()
})

row("A5", "keys that are none", async (scene) => {
  const page = await scene.visit()
  const found = await page.evaluate(() => {
    const keys = [undefined, null, 7, NaN, true, Symbol("key"), {}, [], () => {}, 10n, "x".repeat(1 << 20), new Proxy({}, { get: () => { throw new Error("trap") } })]
    const before = client.problems().length
    const answers = []
    for (const key of keys) {
      for (let time = 0; time < 2; time++) answers.push(client.getFlag(key, "fallback"))
      client.getVariant(key)
      client.peek(key)
      client.decide(key)
      client.explain(key)
      client.reportExposure(key)
      client.override(key, key)
    }
    return { answers: [...new Set(answers)], problems: client.problems().length - before, keys: keys.length, recorded: client.stats().recorded }
  })
  assert.deepEqual([found.answers, found.recorded], [["fallback"], 0])
  assert.ok(found.problems >= 1 && found.problems <= 2 * found.keys, `${found.problems} problems of ${found.keys} keys`)
  await scene.read(page, "plain", 0, 2)
  await scene.check()
})

/** A flag for who has `plan` "pro", beside the others. */
const addPro = (page) => page.evaluate(async () => {
  const ruleset = await (await fetch("/ruleset.json")).json()
  ruleset.flags.pro = {
    variants: { yes: true, no: false },
    default: "no",
    rules: [{ id: "pros", when: { attribute: "plan", op: "eq", value: "pro" }, serve: "yes" }],
  }
  client.setRuleset(ruleset)
})

row("A6", "attributes that throw, lie, go round or are no data", async (scene) => {
  const page = await scene.visit()
  await addPro(page)
  const answers = await page.evaluate(() => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const round = { name: "round" }
    round.self = round
    const hostile = {
      getter: Object.defineProperty({}, "deep", { enumerable: true, get() { throw new Error("getter") } }),
      proxy: new Proxy({}, { get() { throw new Error("get") }, ownKeys() { throw new Error("keys") }, has: () => true }),
      revoked: proxy, round, instance: new (class Person { #secret = 1; name = "n" })(), date: new Date(NaN), map: new Map([[1, 2]]), set: new Set([1]),
      function() {}, node: document.body, symbol: Symbol("s"), big: 10n ** 400n, wide: Object.fromEntries(Array.from({ length: 10_000 }, (_, place) => [`a${place}`, place])),
      bytes: new Uint8Array(1 << 20), promise: Promise.resolve(1), weak: new WeakMap(), error: new Error("e"), window,
    }
    const answers = []
    for (const [name, value] of Object.entries(hostile)) {
      client.setAttributes({ plan: "pro", [name]: value })
      answers.push(`${name} ${client.peek("pro")}`)
      client.identify(`person-${name}`, { plan: "pro", [name]: value })
      answers.push(`${name} ${client.peek("pro")}`)
    }
    client.setAttributes(proxy)
    client.identify("last", hostile.proxy)
    return answers.filter((answer) => !answer.endsWith(" true"))
  })
  assert.deepEqual(answers, [])
  await scene.read(page, "plain", 0, 2)
  await scene.check()
})

row("A7", "toJSON and valueOf that call the client", async (scene) => {
  const page = await scene.visit({ exposures: { attributes: ["odd"] } })
  await page.evaluate(() => {
    const odd = (from) => ({
      toJSON() {
        client.getFlag(`plain${from}`)
        return "json"
      },
      valueOf() {
        client.getFlag(`plain${from}`)
        return 1
      },
      toString() {
        client.getFlag(`plain${from}`)
        return "text"
      },
    })
    client.setAttributes({ odd: odd(0) })
    client.reportExposure("plain1", { value: odd(1) })
    client.getFlag("plain2", odd(2))
    client.getFlag("plain3")
  })
  await scene.flush(page)
  const kept = scene.keptKeys(await scene.chaos.ledger())
  for (const key of ["plain1", "plain2", "plain3"]) assert.ok(kept.includes(key), key)
  scene.expected.push(...kept)
  const problems = await page.evaluate(() => problems)
  assert.deepEqual(problems.filter((text) => /ENGINE_FAILED|recursive/.test(text)), [])
  await scene.check()
})

row("A8", "attributes that are frozen, without a prototype, shared, changed afterwards", async (scene) => {
  const page = await scene.visit()
  await addPro(page)
  const answers = await page.evaluate(() => {
    const shared = { plan: "pro" }
    client.setAttributes(shared)
    shared.plan = "free"
    const after = [client.peek("pro")]
    const bare = Object.assign(Object.create(null), { plan: "pro" })
    client.identify("bare", Object.freeze(bare))
    after.push(client.peek("pro"))
    client.identify("shared", shared)
    shared.plan = "pro"
    after.push(client.peek("pro"))
    return after
  })
  assert.deepEqual(answers, [true, true, false])
  await scene.check()
})

row("A9", "a fallback of another type", async (scene) => {
  const page = await scene.visit()
  assert.deepEqual(await page.evaluate(() => {
    const fallback = { own: new Map([[1, 2]]) }
    return [client.getFlag("unknown", fallback) === fallback, client.getFlag("unknown", null), client.getFlag("plain1", "text"), Object.isFrozen(fallback)]
  }), [true, null, 1, false])
  scene.expect("plain", 1, 2)
  await scene.check()
})

row("A10", "the page patches fetch, Promise, JSON, Array.prototype", async (scene) => {
  // After the import, as a page's later scripts do.
  const page = await scene.visit()
  const patches = {
    "fetch throws": () => (globalThis.fetch = () => { throw new Error("patched") }),
    "fetch gives nothing": () => (globalThis.fetch = () => undefined),
    "fetch never ends": () => (globalThis.fetch = () => new Promise(() => {})),
    "fetch reads flags": () => (globalThis.fetch = () => { client.getFlag("plain0"); return undefined }),
    "Promise.prototype.then throws": () => (Promise.prototype.then = () => { throw new Error("patched") }),
    "JSON is none": () => { JSON.stringify = () => "patched"; JSON.parse = () => { throw new Error("patched") } },
    "Array.prototype is enumerable": () => { Array.prototype.extra = 1; Object.prototype.more = 1 },
    "Array.prototype.push and map are none": () => { Array.prototype.push = () => 0; Array.prototype.map = () => [] },
  }
  let place = 1
  for (const [name, patch] of Object.entries(patches)) {
    await page.reload()
    await scene.ready(page)
    await scene.begin(page)
    // Patched, used and mended in timers, while the driver keeps away: it needs what is patched.
    await page.evaluate((source, place) => {
      globalThis.isMended = false
      setTimeout(() => {
        const kept = [fetch, Promise.prototype.then, JSON.stringify, JSON.parse, Array.prototype.push, Array.prototype.map]
        ;(0, eval)(`(${source})`)()
        client.getFlag(`plain${place}`)
        setTimeout(() => {
          ;[globalThis.fetch, Promise.prototype.then, JSON.stringify, JSON.parse, Array.prototype.push, Array.prototype.map] = kept
          delete Array.prototype.extra
          delete Object.prototype.more
          isMended = true
        }, 300)
      }, 200)
    }, String(patch), place)
    await scene.sleep(1000)
    await scene.eventually("mended", () => page.evaluate(() => isMended))
    scene.expect("plain", place, place + 1)
    place++
    await scene.arrived().catch((error) => assert.fail(`${name}: ${error.message}`))
  }
  scene.allow({ repeatedKeys: true })
  await scene.check()
})

row("A11", "a page with zone.js", async (scene) => {
  const page = await scene.prepared(async () => {
    const script = document.createElement("script")
    script.src = "/zone.js"
    await new Promise((resolve) => {
      script.onload = resolve
      document.head.append(script)
    })
  })
  await page.evaluate((options) => new Promise((resolve) => {
    globalThis.turns = 0
    globalThis.zone = Zone.current.fork({
      name: "application",
      onInvokeTask(parent, current, target, task, ...rest) {
        turns++
        return parent.invokeTask(target, task, ...rest)
      },
      onHasTask(parent, current, target, state) {
        turns++
        parent.hasTask(target, state)
      },
    })
    zone.run(() => begin(options).then(resolve))
  }), scene.options())
  await page.evaluate(() => {
    turns = 0
    zone.run(() => read("plain", 0, 20))
  })
  scene.expect("plain", 0, 20)
  await scene.arrived()
  await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  assert.equal(await page.evaluate(() => turns), 0, "tasks that the application's zone saw")
  await scene.check()
})

row("A12", "a million reads in a loop", async (scene) => {
  const page = await scene.visit()
  const { heap, recorded } = await page.evaluate(() => {
    const heap = [performance.memory?.usedJSHeapSize]
    for (let time = 0; time < 1_000_000; time++) client.getFlag("split0")
    heap.push(performance.memory?.usedJSHeapSize)
    return { heap, recorded: client.stats().recorded }
  })
  assert.equal(recorded, 1)
  // Coarse, where the browser tells at all: a row or a string per read would be hundreds of megabytes.
  if (heap[0] !== undefined) assert.ok(heap[1] - heap[0] < 32 * 1024 * 1024, `${heap[1] - heap[0]} bytes more`)
  scene.expect("split", 0, 1)
  await scene.check()
})

row("A13", "freed and used; collected during a call", async (scene) => {
  const page = await scene.visit()
  const errors = await page.evaluate(async ({ scale, ...options }) => {
    // Clients that nobody holds any longer, so that finalizers run while another one is used.
    for (let round = 0; round < 40; round++) {
      const lost = await pennon.createClient({ ...options, namespace: `lost${round}`, ruleset: { schema: 1, flags: {} } })
      lost.getFlag("plain0")
      if (round % 2) void lost.close()
      const garbage = Array.from({ length: 200 }, () => new Uint8Array(50_000))
      garbage.length = 0
      client.getFlag(`plain${round}`)
    }
    return problems.filter((text) => text.startsWith("ENGINE_FAILED"))
  }, scene.options())
  assert.deepEqual(errors, [])
  assert.equal(await page.evaluate(() => client.free), undefined, "nothing to free by hand")
  scene.expect("plain", 0, 40)
  await scene.check()
})
