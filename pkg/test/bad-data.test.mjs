// Bad data, row by row of the table of faults, through the package and its module. Rows of the engine alone are in
// tests/engine/bad_data.rs.

import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { test } from "node:test"
import { promisify } from "node:util"

import { createClient } from "pennon"
import { makeClient, network, RULESET, settle } from "./lib/client.mjs"

const MIB = 1024 * 1024

/** A flag that answers `yes` when the condition holds. */
const asking = (when) => ({ variants: { yes: true, no: false }, default: "no", rules: [{ when, serve: "yes" }] })

/** A client of person-1 with these flags. */
const withFlags = (flags, attributes = {}) =>
  createClient({ ruleset: { schema: 1, flags }, identity: { distinctId: "person-1", attributes } })

test("D1 ten thousand flags are read, and each answers", async () => {
  const flags = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`f${at}`, { variants: { v: at }, default: "v" }]))
  const client = await withFlags(flags)
  for (let at = 0; at < 10_000; at++) assert.equal(client.getFlag(`f${at}`), at)
  assert.deepEqual(client.problems(), [])
  await client.close()
})

test("D1 a ruleset of 8 MiB is read; of one byte more, and of 20 MB, it is refused, and the last one stays", async () => {
  const text = JSON.stringify(RULESET)
  const client = await createClient({ ruleset: text + " ".repeat(8 * MIB - text.length) })
  assert.equal(client.getFlag("greeting"), "Hello")
  for (const length of [8 * MIB + 1, 20_000_000, 500_000_000]) {
    client.setRuleset(text.replace("Hello", "Other").padEnd(length))
    assert.equal(client.getFlag("greeting"), "Hello")
  }
  assert.deepEqual(client.problems().filter(({ code }) => code === "RULESET_INVALID").map(({ message }) => message), [
    "found a longer text, expected at most 8 MiB",
  ])
  await client.close()
})

test("a long ruleset arrives as it is, whatever characters it has and wherever they are", async () => {
  const client = await createClient({})
  for (const text of ["flamingo", "flämingo", "🦩", "🦩ä", "\u2028🦩", "a\ud83e"]) {
    for (let shift = 0; shift < 4; shift++) {
      const value = "x".repeat(shift) + text.repeat(200_000 / text.length)
      client.setRuleset(`{"flags":{"long":{"variants":{"v":"${value}","last":1},"default":"v"}}}`)
      assert.equal(client.getFlag("long"), value.replace(/\ud83e(?!\udda9)/g, "\ufffd"), `${text} ${shift}`)
    }
  }
  await client.close()
})

test("D2 attributes and conditions ten thousand levels deep are cut or refused, and trap nothing", async () => {
  let deepList = "end"
  let deepObject = "end"
  for (let level = 0; level < 10_000; level++) {
    deepList = [deepList]
    deepObject = { in: deepObject }
  }
  const path = (levels) => `deepObject${".in".repeat(levels)}`
  const nested = (levels, inner) => (levels === 0 ? inner : { not: nested(levels - 1, inner) })
  const client = await withFlags({
    near: asking({ attribute: path(20), op: "isType", value: "object" }),
    far: asking({ attribute: path(40), op: "exists" }),
    list: asking({ attribute: "deepList", op: "isType", value: "list" }),
    plan: asking({ attribute: "plan", op: "eq", value: "pro" }),
    deepest: asking(nested(14, { attribute: "plan", op: "exists" })),
  }, { plan: "pro", deepList, deepObject })
  const answers = () => ["near", "far", "list", "plan", "deepest"].map((key) => client.getFlag(key))
  assert.deepEqual(answers(), [true, false, true, true, true])
  client.setAttributes({ deepList, deepObject })
  client.identify("person-2", { plan: "pro", deepList, deepObject })
  client.reportExposure("plan", { value: deepObject })
  assert.deepEqual(answers(), [true, false, true, true, true])
  // Of the text, whose depth JSON.stringify would not manage.
  const tooDeep = (levels) => `{"not":`.repeat(levels) + `{"all":[]}` + "}".repeat(levels)
  for (const levels of [16, 60, 10_000]) {
    client.setRuleset(`{"flags":{
      "good":{"variants":{"on":1},"default":"on"},
      "deep":{"variants":{"on":1},"default":"on","rules":[{"when":${tooDeep(levels)},"serve":"on"}]},
      "value":{"variants":{"on":${"[".repeat(10_000)}${"]".repeat(10_000)}},"default":"on"}
    }}`)
    assert.equal(client.getFlag("good"), 1)
    assert.equal(client.decide("deep").errorCode, "PARSE_ERROR")
    assert.equal(client.decide("value").errorCode, "PARSE_ERROR")
  }
  assert.equal(client.problems().some(({ code }) => code === "ENGINE_FAILED"), false)
  await client.close()
})

test("D2 the longest chain of the deepest conditions fits in 400 kB of stack, of which V8 has 984", async () => {
  const program = `
    import { createClient } from ${JSON.stringify(import.meta.resolve("pennon"))}
    const nested = (levels, inner) => (levels === 0 ? inner : { not: nested(levels - 1, inner) })
    const segments = {}
    for (let at = 1; at < 32; at++) {
      segments["s" + at] = { when: nested(14, at < 31 ? { segment: "s" + (at + 1) } : { attribute: "plan", op: "exists" }) }
    }
    const rules = [{ when: nested(14, { segment: "s1" }), serve: "yes" }]
    const flags = { f: { variants: { yes: 1, no: 0 }, default: "no", rules } }
    const client = await createClient({ ruleset: { schema: 1, segments, flags }, identity: { attributes: { plan: "pro" } } })
    console.log(client.decide("f").reason, client.problems().length)
  `
  const { stdout } = await promisify(execFile)(process.execPath, ["--stack-size=400", "--input-type=module", "--eval", program])
  assert.equal(stdout, "TARGETING_MATCH 0\n")
})

test("D4 of duplicate keys the last wins, in the module as in JSON.parse", async () => {
  const text = `{"flags":{"f":5,"f":{"variants":{"a":1,"a":2,"b":{"x":1,"x":2}},"default":"b","default":"a",
    "rules":[{"when":{"attribute":"x","op":"eq","value":1,"value":2},"serve":"a","serve":"b"}]}},"version":"?","version":4}`
  for (const ruleset of [text, JSON.parse(text)]) {
    const client = await createClient({ ruleset, identity: { attributes: JSON.parse('{"x":1,"x":2}') } })
    const { variant, value, flagVersion } = client.decide("f")
    assert.deepEqual([variant, value, flagVersion], ["b", { x: 2 }, 1])
    assert.deepEqual(client.problems(), [])
    await client.close()
  }
})

test("D5 numbers that are none, and what JSON has no word for, are missing attributes and never in a row", async () => {
  const net = network()
  const flags = Object.fromEntries(["exists", "lt", "gte", "neq", "eq"].map((op) => [
    op, asking({ attribute: "x", op, value: op === "exists" ? undefined : 0 }),
  ]))
  const client = await createClient({
    ruleset: { schema: 1, flags },
    identity: { distinctId: "person-1" },
    exposures: { endpoint: "http://collector.example/e", fetch: net.fetch, dedup: "none", attributes: ["x"] },
  })
  for (const x of [NaN, Infinity, -Infinity, 1e308 * 10, 10n ** 30n, 2n ** 63n, 5n, Symbol("x"), () => 1]) {
    client.setAttributes({ x })
    for (const op of Object.keys(flags)) assert.equal(client.getFlag(op), false, `${op} of ${String(x)}`)
  }
  client.setAttributes({ x: -0 })
  assert.deepEqual(Object.keys(flags).map((op) => client.getFlag(op)), [true, false, true, false, true])
  await client.flush()
  const rows = net.batches.flatMap(({ exposures }) => exposures)
  assert.equal(rows.length, 50)
  for (const row of rows.slice(0, 45)) assert.equal(row.attributes?.x, undefined)
  for (const { init } of net.batches) assert.doesNotMatch(init.body, /NaN|Infinity|:null/)
  await client.close()
})

test("D6 half a character is U+FFFD in keys, variants, ids and attributes, the same on both sides of the module", async () => {
  const net = network()
  const flags = {
    "k\ud83d": { variants: { "v\ude00": "w\ud83d" }, default: "v\ude00" },
    target: { ...asking({ any: [] }), targets: [{ variant: "yes", ids: ["u\ud800"] }] },
    attribute: asking({ attribute: "a\udfff", op: "eq", value: "\ud800" }),
  }
  const client = await makeClient({ net, ruleset: { schema: 1, flags }, identity: { distinctId: "u\udabc", attributes: { "a\ufffd": "\ufffd" } } })
  for (const key of ["k\ud83d", "k\ufffd", "k\udc00"]) assert.equal(client.decide(key).variant, "v\ufffd")
  // A value is what JSON.parse makes of its text.
  assert.equal(client.getFlag("k\ufffd"), "w\ud83d")
  assert.equal(client.getFlag("target"), true)
  assert.equal(client.getFlag("attribute"), true)
  assert.equal(client.identity.distinctId, "u\ufffd")
  await client.flush()
  const rows = net.batches.flatMap(({ exposures }) => exposures)
  assert.deepEqual([...new Set(rows.map(({ distinct_id }) => distinct_id))], ["u\ufffd"])
  assert.ok(rows.some(({ flag_key, variant }) => flag_key === "k\ufffd" && variant === "v\ufffd"))
  assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length)
  await client.close()
})

test("D7 keys that objects inherit are keys like others, and nothing of the page's is changed", async () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", ""]
  const flags = Object.create(null)
  for (const name of names) {
    // A variant's key is no empty text.
    const variant = name || "empty"
    Object.defineProperty(flags, name, {
      value: JSON.parse(`{"variants":{${JSON.stringify(variant)}:{"x":1,"__proto__":{"x":2}},"off":0},"default":"off",
        "rules":[{"when":{"attribute":${JSON.stringify(name)},"op":"eq","value":"own"},"serve":${JSON.stringify(variant)}}]}`),
      enumerable: true,
    })
  }
  const net = network()
  const client = await makeClient({ net, ruleset: { schema: 1, flags } })
  for (const name of names) assert.equal(client.getFlag(name), 0, `nobody inherits ${name}`)
  client.setAttributes(JSON.parse(`{${names.map((name) => `${JSON.stringify(name)}:"own"`).join()}}`))
  for (const name of names) {
    const { variant, value } = client.decide(name)
    assert.equal(variant, name || "empty")
    assert.equal(Object.keys(value).length, 2)
    client.getFlag(name)
  }
  assert.equal(client.decide("isPrototypeOf").errorCode, "FLAG_NOT_FOUND")
  assert.deepEqual(Object.keys(client.exposureProperties()), [])
  client.override("__proto__", "off")
  assert.equal(client.getFlag("__proto__"), 0)
  await client.flush()
  assert.equal({}.x, undefined)
  assert.equal(Object.prototype.toString.call([]), "[object Array]")
  assert.equal(net.batches.flatMap(({ exposures }) => exposures).length, 12)
  await client.close()
})

test("D8 percentages and weights that are none break their flag alone", async () => {
  const split = (weight) => ({ variants: { a: 1, b: 2 }, default: "a", rules: [{ serve: [{ variant: "a", weight }, { variant: "b", weight: 1 }] }] })
  const limit = (percent) => ({ ...split(1), limitExposure: { percent } })
  for (const odd of [-1, 100.001, 1e300, NaN, Infinity, "20", null, true, [20]]) {
    const client = await withFlags({ limit: limit(odd), split: split(odd === 100.001 ? 1e6 + 0.001 : odd), good: split(99) })
    // JSON has no word for NaN and Infinity: JSON.stringify makes them null, which is absent.
    assert.equal(client.decide("limit").errorCode, "PARSE_ERROR", String(odd))
    assert.equal(client.decide("split").errorCode, "PARSE_ERROR", String(odd))
    assert.equal(client.decide("good").reason, "SPLIT")
    assert.deepEqual(client.problems().map(({ where }) => where), ["flags.limit.limitExposure.percent", "flags.split.rules[0].serve[0].weight"])
    await client.close()
  }
})

test("D9 prerequisites in a circle fail and are problems", async () => {
  for (const length of [1, 2, 3, 1000]) {
    const flags = { good: { variants: { on: 1 }, default: "on" } }
    for (let at = 0; at < length; at++) {
      flags[`n${at}`] = { variants: { on: 1, off: 0 }, default: "on", off: "off", requires: [{ flag: `n${(at + 1) % length}`, variants: ["on"] }] }
    }
    const client = await withFlags(flags)
    for (let at = 0; at < length; at++) {
      const { variant, reason } = client.decide(`n${at}`)
      assert.deepEqual([variant, reason], ["off", "PREREQUISITE_FAILED"])
    }
    assert.equal(client.getFlag("good"), 1)
    // The list of problems has room for 100.
    assert.equal(client.problems().length, Math.min(length, 100))
    await client.close()
  }
})

const said = (client, key) => {
  const { reason, errorCode } = client.decide(key)
  return errorCode ?? reason
}

test("D10 segments in a circle break the flags that refer to them, and no others", async () => {
  const flags = { circle: asking({ segment: "a" }), itself: asking({ any: [{ all: [] }, { segment: "self" }] }), good: asking({ segment: "sound" }) }
  const segments = {
    a: { when: { segment: "b" } }, b: { when: { not: { segment: "a" } } }, self: { when: { segment: "self" } }, sound: { when: { all: [] } },
  }
  const client = await createClient({ ruleset: { schema: 1, segments, flags } })
  assert.deepEqual(Object.keys(flags).map((key) => said(client, key)), ["PARSE_ERROR", "PARSE_ERROR", "TARGETING_MATCH"])
  const places = client.problems().map(({ where }) => where)
  for (const place of ["segments.a", "segments.b", "segments.self"]) assert.ok(places.includes(place), `${place} in ${places}`)
  await client.close()
})

test("D11 what refers to a missing flag or segment says so", async () => {
  const flags = {
    segment: asking({ segment: "gone" }),
    layer: { ...asking({ all: [] }), layer: "gone" },
    requires: { ...asking({ all: [] }), requires: [{ flag: "gone", variants: ["on"] }] },
    condition: asking({ flag: "gone", variants: ["on"] }),
    good: asking({ all: [] }),
  }
  const client = await withFlags(flags)
  assert.deepEqual(Object.keys(flags).map((key) => said(client, key)), [
    "PARSE_ERROR", "PARSE_ERROR", "PREREQUISITE_FAILED", "PREREQUISITE_FAILED", "TARGETING_MATCH",
  ])
  assert.deepEqual(client.problems().map(({ where }) => where.split(".", 2).join(".")), [
    "flags.segment", "flags.layer", "flags.requires", "flags.condition",
  ])
  await client.close()
})

test("D12 patterns that could take long are refused, and those that are allowed end", async () => {
  const bombs = ["(a+)+$", "(a|a)*$", "(a|a)".repeat(40) + "$", "a?".repeat(30) + "a".repeat(30), ".*.*.*x", "a".repeat(MIB), "(".repeat(MIB)]
  const flags = Object.fromEntries(bombs.map((value, at) => [`bomb${at}`, asking({ attribute: "x", op: "matches", value })]))
  // Each is as slow as a pattern may be.
  const slow = ["(?:a|a)".repeat(9) + "b", ".*.?.?.?.?.?.?b", "^.*.*.?.?.?$b"]
  slow.forEach((value, at) => (flags[`slow${at}`] = asking({ attribute: "x", op: "matches", value })))
  const client = await withFlags(flags, { x: "a".repeat(1024) })
  for (const at of bombs.keys()) assert.equal(client.decide(`bomb${at}`).errorCode, "PARSE_ERROR", bombs[at].slice(0, 40))
  for (const at of slow.keys()) assert.equal(client.decide(`slow${at}`).reason, "DEFAULT", slow[at])
  await client.close()
})

test("D13 strings of 1 MB and ten thousand attributes are evaluated, and cut in rows", async () => {
  const net = network()
  const long = "é".repeat(MIB / 2)
  const flags = {
    starts: asking({ attribute: "long", op: "startsWith", value: "é" }),
    ends: asking({ attribute: "long", op: "endsWith", value: "éé", ignoreCase: true }),
    is: asking({ attribute: "long", op: "in", value: ["x", long] }),
    searched: asking({ attribute: "long", op: "matches", value: "é" }),
    unit: { ...asking({ all: [] }), by: "long", rules: [{ serve: [{ variant: "yes", weight: 1 }] }] },
    many: asking({ attribute: "a9000", op: "eq", value: 9000 }),
  }
  const client = await createClient({
    ruleset: { schema: 1, flags },
    identity: { distinctId: "person-1" },
    exposures: { endpoint: "http://collector.example/e", fetch: net.fetch, attributes: ["long", "a1"] },
  })
  const many = Object.fromEntries(Array.from({ length: 9_990 }, (_, at) => [`a${at}`, at]))
  client.identify("person-1", { long, ...many })
  assert.deepEqual(Object.keys(flags).map((key) => client.getFlag(key)), [true, true, true, false, true, true])
  assert.deepEqual(client.problems(), [])
  await client.flush()
  const rows = net.batches.flatMap(({ exposures }) => exposures)
  assert.equal(rows.length, 6)
  for (const row of rows) {
    assert.deepEqual(row.attributes, { long: "é".repeat(128), a1: 1 })
    assert.equal(row.truncated, true)
  }
  assert.equal(rows.find(({ flag_key }) => flag_key === "unit").unit_id, "é".repeat(128))
  await client.close()
})

test("D14 an unknown operator breaks its flag; a newer schema is refused, and the last ruleset stays", async () => {
  const client = await withFlags({ odd: asking({ attribute: "x", op: "soundsLike", value: "y" }), good: asking({ all: [] }) })
  client.setRuleset({ schema: 2, flags: {} })
  assert.equal(client.decide("odd").errorCode, "PARSE_ERROR")
  assert.equal(client.getFlag("good"), true)
  assert.deepEqual(client.problems().map(({ code }) => code).sort(), ["FLAG_INVALID", "RULESET_INVALID"])
  await client.close()
})

const DIFFICULT = 'a\0b\u2028c\u2029</script><!--\ufeff\u{1f9a9}"\\\u007f'

test("D15 a value with NUL, U+2028 and </script> arrives as it is", async () => {
  const net = network()
  const client = await makeClient({ net, ruleset: { schema: 1, flags: { f: { variants: { v: { [DIFFICULT]: DIFFICULT } }, default: "v" } } } })
  assert.deepEqual({ ...client.getFlag("f") }, { [DIFFICULT]: DIFFICULT })
  await client.flush()
  assert.deepEqual(net.batches[0].exposures.map(({ value }) => value), [{ [DIFFICULT]: DIFFICULT }])
  await client.close()
})

test("D16 what is no ruleset is refused, and the last one stays; before there is one, flags answer fallbacks", async () => {
  for (const ruleset of [{}, [], [{}], { schema: 1 }, { flags: null }, { flags: [] }, { flags: "" }]) {
    const empty = await createClient({ ruleset })
    assert.equal(empty.getFlag("greeting", "fallback"), "fallback")
    assert.equal(empty.decide("greeting").errorCode, "PROVIDER_NOT_READY")
    await empty.close()
    for (const given of [ruleset, JSON.stringify(ruleset), null, "null", "", "{", 7]) {
      const client = await makeClient()
      client.setRuleset(given)
      assert.equal(client.getFlag("greeting"), "Hello")
      assert.deepEqual(client.problems().map(({ code }) => code).filter((code) => code !== "FLAG_INVALID"), ["RULESET_INVALID"])
      await client.close()
    }
  }
  const client = await makeClient()
  client.setRuleset({ flags: {} })
  assert.deepEqual(client.allFlags(), [])
  assert.equal(client.decide("greeting").errorCode, "FLAG_NOT_FOUND")
  await client.close()
})

test("D17 a ruleset swapped from within a listener, a fetch or an attribute's getter is never half of two", async () => {
  const flags = (value) => Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`f${at}`, { version: value, variants: { v: value }, default: "v" }]))
  let version = 1
  let client
  const swap = () => client?.setRuleset({ schema: 1, version: ++version, flags: flags(version) })
  client = await createClient({
    ruleset: { schema: 1, flags: flags(1) },
    exposures: { endpoint: "http://collector.example/e", dedup: "none", fetch: async () => { swap(); return new Response(null, { status: 204 }) } },
  })
  client.on("exposure", ({ flag_version, value }) => {
    assert.equal(value, flag_version)
    if (version % 2) swap()
  })
  const attributes = { get odd() { swap(); return 1 } }
  for (let round = 0; round < 100; round++) {
    swap()
    client.setAttributes(attributes)
    for (const { value, flagVersion } of client.allFlags()) assert.deepEqual([value, flagVersion], [version, version])
    assert.equal(client.getFlag(`f${round % 50}`), version)
    if (round % 10 === 0) await client.flush()
  }
  await settle()
  await client.close()
})

test("D18 a row is cut to its limits, and says so", async () => {
  const net = network()
  const long = "x".repeat(5000)
  const client = await createClient({
    ruleset: { schema: 1, flags: { long: { variants: { v: { long } }, default: "v", by: "unit" }, short: { variants: { v: "x" }, default: "v" } } },
    identity: { distinctId: "person-1", attributes: { unit: long, long, list: [long] } },
    exposures: { endpoint: "http://collector.example/e", fetch: net.fetch, attributes: ["long", "list", ...Array.from({ length: 14 }, (_, at) => `n${at}`)] },
  })
  assert.deepEqual({ ...client.getFlag("long") }, { long })
  client.setAttributes({ long: "short" })
  client.getFlag("short")
  await client.flush()
  const [row, other] = net.batches[0].exposures
  assert.equal(row.value, JSON.stringify({ long }).slice(0, 1024))
  assert.equal(row.unit_id, "x".repeat(256))
  assert.deepEqual(row.attributes, { long: "x".repeat(256) })
  assert.equal(row.truncated, true)
  assert.ok(JSON.stringify(row).length < 4096)
  assert.equal(other.truncated, undefined)
  await client.close()
})
