// What the caller can fix rejects, with a code; everything else is a problem, listed once.

import assert from "node:assert/strict"
import { test } from "node:test"
import { createClient } from "pennon"
import { makeClient, network, RULESET, settle } from "./lib/client.mjs"

const endpoint = "http://collector.example/e"

for (const [options, code, where] of [
  [undefined, "INVALID_OPTION", "options"],
  [null, "INVALID_OPTION", "options"],
  ["text", "INVALID_OPTION", "options"],
  [{ rulset: RULESET }, "UNKNOWN_OPTION", "rulset"],
  [{ identity: { id: "u" } }, "UNKNOWN_OPTION", "identity.id"],
  [{ exposures: { endpoint, flush: 1 } }, "UNKNOWN_OPTION", "exposures.flush"],
  [{ app: { name: "a" } }, "UNKNOWN_OPTION", "app.name"],
  [{ ruleset: { url: "http://a.example/r", refresh: 1 } }, "UNKNOWN_OPTION", "ruleset.refresh"],
  [{ ruleset: "http://" }, "INVALID_URL", "ruleset"],
  [{ ruleset: "ftp://a.example/r.json" }, "INVALID_URL", "ruleset"],
  [{ ruleset: "data:application/json,{}" }, "INVALID_URL", "ruleset"],
  [{ ruleset: { url: 5 } }, "INVALID_URL", "ruleset.url"],
  [{ exposures: {} }, "INVALID_URL", "exposures.endpoint"],
  [{ exposures: { endpoint: "" } }, "INVALID_URL", "exposures.endpoint"],
  [{ exposures: { endpoint: "http://[" } }, "INVALID_URL", "exposures.endpoint"],
  [{ exposures: { endpoint, flushIntervalMs: -1 } }, "INVALID_NUMBER", "exposures.flushIntervalMs"],
  [{ exposures: { endpoint, flushIntervalMs: NaN } }, "INVALID_NUMBER", "exposures.flushIntervalMs"],
  [{ exposures: { endpoint, flushIntervalMs: "1000" } }, "INVALID_NUMBER", "exposures.flushIntervalMs"],
  [{ exposures: { endpoint, flushIntervalMs: 3_600_001 } }, "INVALID_NUMBER", "exposures.flushIntervalMs"],
  [{ ruleset: { url: endpoint, readyTimeoutMs: -1 } }, "INVALID_NUMBER", "ruleset.readyTimeoutMs"],
  [{ ruleset: { url: endpoint, refreshMs: 999 } }, "INVALID_NUMBER", "ruleset.refreshMs"],
  [{ ruleset: { url: endpoint, refreshMs: -0.5 } }, "INVALID_NUMBER", "ruleset.refreshMs"],
  [{ ruleset: { url: endpoint, refreshMs: NaN } }, "INVALID_NUMBER", "ruleset.refreshMs"],
  [{ ruleset: { url: endpoint, refreshMs: "60000" } }, "INVALID_NUMBER", "ruleset.refreshMs"],
  [{ ruleset: { url: endpoint, refreshMs: 86_400_001 } }, "INVALID_NUMBER", "ruleset.refreshMs"],
  [{ ruleset: { url: endpoint, maxAgeMs: -1 } }, "INVALID_NUMBER", "ruleset.maxAgeMs"],
  [{ ruleset: { url: endpoint, maxAgeMs: Infinity } }, "INVALID_NUMBER", "ruleset.maxAgeMs"],
  [{ exposures: { endpoint, dedup: "page" } }, "INVALID_OPTION", "exposures.dedup"],
  [{ exposures: { endpoint, mode: "auto" } }, "INVALID_OPTION", "exposures.mode"],
  [{ exposures: { endpoint, targeted: "all" } }, "INVALID_OPTION", "exposures.targeted"],
  [{ exposures: { endpoint, fetch: {} } }, "INVALID_OPTION", "exposures.fetch"],
  [{ exposures: { endpoint, headers: { a: 1 } } }, "INVALID_OPTION", "exposures.headers"],
  [{ exposures: { endpoint, attributes: "plan" } }, "INVALID_OPTION", "exposures.attributes"],
  [{ exposures: { endpoint, attributes: Array(17).fill("a") } }, "INVALID_OPTION", "exposures.attributes"],
  [{ exposures: true }, "INVALID_OPTION", "exposures"],
  [{ storage: true }, "INVALID_OPTION", "storage"],
  [{ storage: "" }, "INVALID_OPTION", "storage"],
  [{ storage: { domain: "shop.example" } }, "UNKNOWN_OPTION", "storage.domain"],
  [{ storage: { cookieDomain: 5 } }, "INVALID_OPTION", "storage.cookieDomain"],
  ...["", ".shop.example", "shop.example.", "a..b", "shop.example; Path=/x", "shop.example:80", "http://shop.example", "[::1]", "a".repeat(254)].map(
    (cookieDomain) => [{ storage: { cookieDomain } }, "INVALID_OPTION", "storage.cookieDomain"],
  ),
  [{ overrides: true }, "INVALID_OPTION", "overrides"],
  [{ overrides: { url: true } }, "UNKNOWN_OPTION", "overrides.url"],
  [{ overrides: { fromUrl: "yes" } }, "INVALID_OPTION", "overrides.fromUrl"],
  [{ namespace: 5 }, "INVALID_OPTION", "namespace"],
  [{ namespace: "app:q" }, "INVALID_OPTION", "namespace"],
  [{ debug: 1 }, "INVALID_OPTION", "debug"],
  [{ app: { version: 2 } }, "INVALID_OPTION", "app.version"],
  [{ identity: { attributes: "pro" } }, "INVALID_OPTION", "identity.attributes"],
]) {
  test(`${JSON.stringify(options)} rejects with ${code}`, async () => {
    await assert.rejects(createClient(options), (error) => {
      assert.ok(error instanceof Error)
      assert.equal(error.name, "PennonError")
      assert.equal(error.code, code)
      assert.match(error.message, new RegExp(`^${where.replaceAll(".", "\\.")}: found .+, expected .+`))
      return true
    })
  })
}

for (const [what, ruleset] of [
  ["text that is no JSON", "{ nonsense"],
  ["a list", []],
  ["a list of flags", { schema: 1, flags: [] }],
  ["a schema to come", { schema: 2, flags: {} }],
  ["what JSON cannot say", { schema: 1, flags: { big: 1n } }],
]) {
  test(`a ruleset that is ${what} is one problem, and the flags answer their fallbacks`, async () => {
    const client = await createClient({ ruleset })
    assert.equal(client.getFlag("greeting", "fallback"), "fallback")
    assert.deepEqual(client.problems().map(({ code }) => code), ["RULESET_INVALID"])
    const [{ where, message }] = client.problems()
    assert.match(where, /^ruleset/)
    assert.match(message, /^found .+, expected .+/)
    await client.close()
  })
}

test("a ruleset that cannot be read leaves the last good one in place", async () => {
  const client = await makeClient()
  client.setRuleset("{ nonsense")
  client.setRuleset("{ nonsense")
  client.setRuleset(undefined)
  assert.equal(client.getFlag("greeting"), "Hello")
  const problems = client.problems().filter(({ code }) => code === "RULESET_INVALID")
  assert.deepEqual(problems.map(({ where }) => where), ["setRuleset: byte 2", "setRuleset"])
  await client.close()
})

test("problems are listed once, told once, and name the place of each broken flag", async () => {
  const client = await makeClient()
  const told = []
  client.on("problem", ({ code, where }) => told.push([code, where]))
  for (let time = 0; time < 3; time++) {
    client.getFlag("broken")
    client.getFlag(Symbol("s"))
    client.problems()
  }
  await settle()
  assert.deepEqual(told, [["FLAG_INVALID", "flags.broken.default"], ["INVALID_KEY", "key"]])
  assert.deepEqual(client.problems().map(({ code, where }) => [code, where]), told)
  assert.ok(Object.isFrozen(client.problems()) && Object.isFrozen(client.problems()[0]))
  await client.close()
})

test("what is nobody's id is refused, as a problem of its own, listed once", async () => {
  const client = await makeClient()
  const ids = ["", "undefined", "null", "none", "NaN", "true", "false", "guest", "Anonymous", "0", "[object Object]", " ", 7, "x".repeat(257)]
  for (const id of [...ids, ...ids, undefined, null, {}, Symbol("s")]) {
    client.identify(id)
    assert.equal(client.identity.distinctId, "person-1", String(id))
  }
  const refused = client.problems().filter(({ code }) => code === "INVALID_ID")
  assert.equal(refused.length, ids.length + 4)
  assert.deepEqual({ ...refused[1] }, {
    code: "INVALID_ID",
    where: 'identify("undefined")',
    message: "found no id of one person, expected 1 to 256 bytes, and none that many share, such as null",
  })
  await client.close()
})

test("without debug nothing is logged, with it each problem once", async (t) => {
  const lines = []
  for (const method of ["log", "info", "warn", "error", "debug"]) {
    t.mock.method(console, method, (line) => lines.push(line))
  }
  const use = async (client) => {
    client.getFlag("broken")
    client.getFlag("broken")
    client.identify("")
    await client.close()
  }
  await use(await makeClient({ net: network(500) }))
  assert.deepEqual(lines, [])
  await use(await makeClient({ debug: true }))
  assert.equal(lines.length, 2)
  for (const line of lines) assert.match(line, /^pennon: [A-Z_]+ at .+: found .+, expected .+/)
})

test("an endpoint that a page cannot reach is one problem, and flags work", async () => {
  const client = await createClient({ ruleset: RULESET, exposures: { endpoint: "/relative" } })
  assert.equal(client.getFlag("greeting"), "Hello")
  assert.deepEqual(client.problems().map(({ code, where }) => [code, where]), [
    ["ENDPOINT_UNREACHABLE", "exposures.endpoint"], ["FLAG_INVALID", "flags.broken.default"],
  ])
  await client.close()
})

test("identity is copied, and says who it is", async () => {
  const client = await createClient({ ruleset: RULESET })
  const { distinctId, anonymousId, deviceId } = client.identity
  assert.equal(distinctId, anonymousId)
  assert.notEqual(anonymousId, deviceId)
  client.identify("person-1")
  assert.deepEqual({ ...client.identity }, { distinctId: "person-1", anonymousId, deviceId })
  client.reset()
  assert.equal(client.identity.deviceId, deviceId)
  assert.notEqual(client.identity.anonymousId, anonymousId)
  client.reset({ device: true })
  assert.notEqual(client.identity.deviceId, deviceId)
  await client.close()
})

test("where there is no page a cookie's domain changes nothing", async () => {
  const client = await createClient({ ruleset: RULESET, storage: { cookieDomain: "Shop.Example" } })
  assert.equal(client.getFlag("greeting"), "Hello")
  assert.deepEqual(client.problems().map(({ code }) => code), ["FLAG_INVALID"])
  await client.close()
})
