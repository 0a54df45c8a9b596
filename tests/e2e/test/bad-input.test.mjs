// Whatever is wrong with the ruleset, the options or the host: the page runs on, nothing throws, nothing is logged.

import assert from "node:assert/strict"
import { eventually, flush, promise, rowsOnce, start } from "../lib/scene.mjs"

/** What a client made of a ruleset that is none: its flags and its problems. */
function outcome(page, ruleset) {
  return page.evaluate(async (ruleset) => {
    const client = await createClient({ ruleset, identity: { distinctId: "person-1" } })
    const { reason, errorCode } = client.decide("greeting")
    return {
      flags: [client.getFlag("greeting"), client.getFlag("greeting", "fallback"), client.getVariant("greeting") ?? null],
      reason,
      errorCode,
      problems: client.problems(),
    }
  }, ruleset)
}

for (const { what, path, content, log, code, place, says } of [
  { what: "is not JSON", path: "/ruleset.txt", content: "{ flags: nonsense", place: ": byte 2", code: "RULESET_INVALID", says: /^found .+, expected .+/ },
  { what: "is a page of HTML", path: "/ruleset.txt", content: "<!doctype html><title>Sign in</title>", code: "RULESET_INVALID", says: /^found .+, expected .+/ },
  { what: "is an array", path: "/ruleset.txt", content: "[]", code: "RULESET_INVALID", says: /^found .+, expected .+/ },
  { what: "is null", path: "/ruleset.txt", content: "null", code: "RULESET_INVALID", says: /^found .+, expected .+/ },
  { what: "is empty", path: "/ruleset.txt", content: "", code: "RULESET_INVALID", says: /^found nothing, expected .+/ },
  { what: "has flags that are a list", path: "/ruleset.txt", content: '{"schema":1,"flags":[1,2]}', place: ": flags", code: "RULESET_INVALID", says: /^found .+, expected .+/ },
  { what: "is of a schema to come", path: "/ruleset.txt", content: '{"schema":2,"flags":{}}', place: ": schema", code: "RULESET_INVALID", says: /found 2, expected .*1/ },
  { what: "is missing", path: "/nowhere.json", log: /status of 404/, code: "RULESET_UNAVAILABLE", says: /^found status 404, expected 200 with a ruleset$/ },
]) {
  promise(`a ruleset that ${what}: flags answer their fallbacks, and one problem says what and where`, async ({ open, serve, collector, expectLog }) => {
    if (log) expectLog(log)
    if (content !== undefined) await serve(path, content)
    const page = await open()
    const { flags, reason, errorCode, problems } = await outcome(page, path)
    assert.deepEqual(flags, [undefined, "fallback", null])
    assert.deepEqual([reason, errorCode], ["ERROR", "PROVIDER_NOT_READY"])
    assert.equal(problems.length, 1, JSON.stringify(problems))
    assert.equal(problems[0].code, code)
    assert.equal(problems[0].where, collector.origin + path + (place ?? ""))
    assert.match(problems[0].message, says)
  })
}

promise("a ruleset that does not come in time: createClient settles, and a late one is taken", async ({ open, gate, collector, context }) => {
  const page = await open()
  let answer
  const held = new Promise((resolve) => (answer = resolve))
  await context.route("**/late.json", async (route) => {
    await held
    await route.fulfill({ contentType: "application/json", body: JSON.stringify(collector.ruleset()) })
  })
  const settled = await page.evaluate(async () => {
    const began = performance.now()
    globalThis.client = await createClient({ ruleset: { url: "/late.json", readyTimeoutMs: 300 }, identity: { distinctId: "person-1" } })
    globalThis.changes = []
    client.on("change", ({ cause }) => changes.push(cause))
    return { tookMs: performance.now() - began, value: client.getFlag("greeting", "fallback"), problems: client.problems() }
  })
  assert.ok(settled.tookMs >= 290, `${settled.tookMs} ms`)
  assert.equal(settled.value, "fallback")
  assert.deepEqual(settled.problems.map(({ code, message }) => [code, message]), [
    ["RULESET_UNAVAILABLE", "found no ruleset after 300 ms, expected one"],
  ])
  answer()
  await eventually(() => page.evaluate(() => changes), (changes) => changes.includes("ruleset"))
  assert.equal(await page.evaluate(() => client.getFlag("greeting")), "Hello")
})

promise("a ruleset that nobody answers for is one problem", async ({ open, expectLog }) => {
  expectLog(/Failed to load resource: net::ERR_/)
  const page = await open()
  // Port 1 is nobody's, and browsers refuse it.
  const { flags, problems } = await outcome(page, "http://127.0.0.1:1/ruleset.json")
  assert.deepEqual(flags, [undefined, "fallback", null])
  assert.deepEqual(problems, [
    { code: "RULESET_UNAVAILABLE", where: "http://127.0.0.1:1/ruleset.json", message: "found no answer, expected a ruleset" },
  ])
})

promise("one broken flag is one broken flag", async ({ open }) => {
  const page = await open()
  await start(page)
  const { broken, greeting, problems } = await page.evaluate(() => ({
    broken: client.decide("broken"),
    greeting: client.getFlag("greeting"),
    problems: client.problems(),
  }))
  assert.deepEqual([broken.reason, broken.errorCode], ["ERROR", "PARSE_ERROR"])
  assert.equal(greeting, "Hello")
  assert.equal(problems.length, 1)
  assert.match(problems[0].where, /^flags\.broken/)
})

for (const [what, options, code, where] of [
  ["an unknown option", { rulset: "/ruleset.json" }, "UNKNOWN_OPTION", "rulset"],
  ["an unknown option inside", { exposures: { endpoint: "/e", flushMs: 5 } }, "UNKNOWN_OPTION", "exposures.flushMs"],
  ["a bad URL", { ruleset: "http://" }, "INVALID_URL", "ruleset"],
  ["a URL that is not http", { exposures: { endpoint: "ftp://files.example/e" } }, "INVALID_URL", "exposures.endpoint"],
  ["no endpoint", { exposures: {} }, "INVALID_URL", "exposures.endpoint"],
  ["a negative interval", { exposures: { endpoint: "/e", flushIntervalMs: -1 } }, "INVALID_NUMBER", "exposures.flushIntervalMs"],
  ["an interval that is no number", { exposures: { endpoint: "/e", flushIntervalMs: "5000" } }, "INVALID_NUMBER", "exposures.flushIntervalMs"],
  ["an unknown scope", { exposures: { endpoint: "/e", dedup: "page" } }, "INVALID_OPTION", "exposures.dedup"],
]) {
  promise(`${what} rejects createClient with ${code}`, async ({ open }) => {
    const page = await open()
    const error = await page.evaluate(
      (options) => createClient(options).then(() => "settled", ({ name, code, message }) => ({ name, code, message })),
      options,
    )
    assert.equal(error.name, "PennonError")
    assert.equal(error.code, code)
    assert.ok(error.message.startsWith(`${where}: found `), error.message)
    assert.match(error.message, /, expected /)
  })
}

/** Reads and delivers, as a page does where all is well. */
async function readsAndDelivers(page, collector, options) {
  await start(page, options)
  const { value, ids, session } = await page.evaluate(() => ({
    value: client.getFlag("greeting"),
    ids: client.identity,
    session: client.session.id,
  }))
  assert.equal(value, "Hello")
  assert.ok(ids.deviceId && ids.anonymousId && session, "it has ids nevertheless")
  await flush(page)
  assert.equal(collector.rows().length, 1)
  assert.deepEqual((await page.evaluate(() => client.problems())).filter(({ code }) => code !== "FLAG_INVALID"), [])
}

for (const [what, block] of [
  ["throws a SecurityError", () => {
    Object.defineProperty(globalThis, "localStorage", { get() { throw new DOMException("denied", "SecurityError") } })
  }],
  ["is null", () => Object.defineProperty(globalThis, "localStorage", { value: null })],
  ["takes nothing", () => {
    Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError") }
  }],
  ["throws at every use", () => {
    for (const name of ["getItem", "setItem", "removeItem"]) Storage.prototype[name] = () => { throw new Error(name) }
  }],
]) {
  promise(`where localStorage ${what}, flags are read and exposures delivered`, async ({ open, collector, context }) => {
    await context.addInitScript(block)
    await readsAndDelivers(await open(), collector)
  })
}

promise("where localStorage is full, exposures are delivered, the failure is counted, and the page's own data stays", async ({ open, gate, collector }) => {
  const entry = await gate()
  const page = await open()
  const stored = () => page.evaluate(() => JSON.stringify(Object.entries(localStorage)).length)
  await page.evaluate(() => {
    for (let size = 1 << 20; size > 0; size >>= 1) {
      try {
        for (let part = 0; ; part++) localStorage.setItem(`own-${size}-${part}`, "x".repeat(size))
      } catch {
        // Smaller ones may fit still.
      }
    }
  })
  const before = await stored()
  await readsAndDelivers(page, collector, { exposures: { endpoint: entry.endpoint } })
  assert.ok(entry.batches()[0].ledger.persist_failed >= 1)
  assert.equal(await stored(), before)
})

promise("what another program left in our part of localStorage does no harm", async ({ open, collector }) => {
  const page = await open()
  await start(page, { namespace: "test" })
  await page.evaluate(() => client.close())
  const keys = await page.evaluate(() => Object.keys(localStorage))
  assert.ok(keys.length >= 2 && keys.every((key) => key.startsWith("pennon1:test:")), keys.join())
  for (const text of ["", "null", "{}", "1|", "1|x|y", "\u0000\uffff", '{"__proto__":{"x":1}}', "9".repeat(100_000)]) {
    await page.evaluate(([keys, text]) => keys.forEach((key) => localStorage.setItem(key, text)), [keys, text])
    await page.reload()
    await start(page, { namespace: "test", exposures: { dedup: "none" } })
    assert.equal(await page.evaluate(() => client.getFlag("greeting")), "Hello")
    await flush(page)
  }
  assert.equal(collector.rows().length, 8)
})

promise("in a sandboxed frame without an origin, flags are read and exposures delivered", async ({ open, gate, collector }) => {
  const entry = await gate()
  const page = await open("/sandbox.html")
  const frame = await eventually(() => page.frames().find((frame) => frame !== page.mainFrame()), Boolean)
  await frame.goto(`${entry.origin}/open.html`)
  assert.equal(await frame.evaluate(() => origin), "null")
  const value = await frame.evaluate(async ([ruleset, endpoint]) => {
    globalThis.client = await createClient({
      ruleset, identity: { distinctId: "person-1" }, exposures: { endpoint, flushIntervalMs: 100 },
    })
    return client.getFlag("greeting")
  }, [collector.ruleset(), entry.endpoint])
  assert.equal(value, "Hello")
  await rowsOnce(collector, 1)
})

promise("where the page's policy forbids wasm, flags answer their fallbacks", async ({ open }) => {
  const page = await open("/no-wasm.html")
  const { value, decision, problems } = JSON.parse(await page.locator("output:not(:empty)").textContent())
  assert.equal(value, "fallback")
  assert.deepEqual([decision.reason, decision.errorCode], ["ERROR", "PROVIDER_FATAL"])
  assert.deepEqual(problems.map(({ code, where }) => [code, where]), [["WASM_UNAVAILABLE", "wasm"]])
})

promise("where there is no WebAssembly, flags answer their fallbacks", async ({ open, context }) => {
  await context.addInitScript(() => delete globalThis.WebAssembly)
  const page = await open()
  await start(page)
  const { value, problems } = await page.evaluate(() => ({ value: client.getFlag("greeting", "fallback"), problems: client.problems() }))
  assert.equal(value, "fallback")
  assert.deepEqual(problems.map(({ code, where }) => [code, where]), [["WASM_UNAVAILABLE", "wasm"]])
  await page.evaluate(async () => {
    await client.flush()
    client.identify("person-2")
    client.session.renew()
    client.reportExposure("greeting")
    client.reset()
    await client.close()
  })
})

promise("where there is no fetch, flags answer their fallbacks", async ({ open, context }) => {
  await context.addInitScript(() => delete globalThis.fetch)
  const page = await open()
  await start(page)
  const { value, problems } = await page.evaluate(() => ({ value: client.getFlag("greeting", "fallback"), problems: client.problems() }))
  assert.equal(value, "fallback")
  assert.ok(problems.length >= 1 && problems.every(({ message }) => /^found (TypeError: )?no fetch/.test(message)), JSON.stringify(problems))
  await page.evaluate(() => client.close())
})

promise("whatever a page passes for a key or an id, nothing throws", async ({ open, collector }) => {
  const page = await open()
  await start(page)
  const wrong = await page.evaluate(() => {
    const wrong = []
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    const hostile = new Proxy({}, Object.fromEntries(
      ["get", "has", "ownKeys", "getOwnPropertyDescriptor", "getPrototypeOf"].map((trap) => [trap, () => { throw new Error(trap) }]),
    ))
    const cyclic = { name: "x" }
    cyclic.self = cyclic
    const odd = [Symbol(), undefined, null, 0, NaN, 1n, {}, [], () => 1, hostile, revoked.proxy, "", "x".repeat(1 << 20), "\ud800", document.body]
    const attempt = (call) => {
      try {
        return call()
      } catch (error) {
        wrong.push(`${call}: ${error}`)
      }
    }
    for (const given of odd) {
      if (attempt(() => client.getFlag(given, "fallback")) !== "fallback") wrong.push(`getFlag of a ${typeof given}`)
      if (attempt(() => client.getFlag(given)) !== undefined) wrong.push(`getFlag of a ${typeof given} without a fallback`)
      attempt(() => client.getVariant(given))
      attempt(() => client.peek(given))
      attempt(() => client.decide(given))
      attempt(() => client.reportExposure(given))
      attempt(() => client.reportExposure("greeting", given))
      attempt(() => client.reportExposure("greeting", { value: given }))
      attempt(() => client.override(given, given))
      attempt(() => client.clearOverrides())
      attempt(() => client.setRuleset(given))
      attempt(() => client.setAttributes(given))
      attempt(() => client.identify("person-1", given))
      attempt(() => client.reset(given))
      attempt(() => client.on(given, given))
    }
    client.identify("person-3", { plan: "pro" })
    for (const given of odd.filter((given) => given !== "\ud800")) {
      attempt(() => client.identify(given))
    }
    for (const given of ["undefined", "null", "anonymous", "[object Object]", "0", " "]) attempt(() => client.identify(given))
    if (client.identity.distinctId !== "person-3") wrong.push(`identity became ${client.identity.distinctId.slice(0, 40)}`)
    attempt(() => client.setAttributes({ plan: "pro", hostile, revoked: revoked.proxy, cyclic, [Symbol()]: 1, date: new Date(NaN), get thrower() { throw 1 } }))
    if (client.getFlag("banner")?.text === undefined) wrong.push("attributes beside hostile ones are lost")
    return wrong
  })
  assert.deepEqual(wrong, [])
  await flush(page)
  assert.ok(collector.rows().some(({ flag_key, distinct_id }) => flag_key === "banner" && distinct_id === "person-3"))
})

promise("D15 a value with NUL, U+2028 and </script> is stored byte by byte", async ({ open, collector }) => {
  const page = await open()
  const value = 'a\0b\u2028c\u2029</script><!--\ufeff\u{1f9a9}"\\\u007f'
  const flags = { f: { variants: { v: { [value]: value } }, default: "v" }, text: { variants: { v: value }, default: "v" } }
  await start(page, { ruleset: { schema: 1, flags }, identity: { distinctId: value } })
  assert.deepEqual(await page.evaluate(() => [client.getFlag("f"), client.getFlag("text")]), [{ [value]: value }, value])
  await flush(page)
  const rows = collector.rows().sort((one, other) => (one.flag_key < other.flag_key ? -1 : 1))
  assert.deepEqual(rows.map((row) => row.value), [{ [value]: value }, value])
  assert.deepEqual(rows.map((row) => row.distinct_id), [value, value])
})
