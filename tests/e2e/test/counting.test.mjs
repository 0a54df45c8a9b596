// What is recorded, and how often: from a read in Chromium to rows in SQLite.

import assert from "node:assert/strict"
import { eventually, flush, only, promise, rowsOnce, SDK, start } from "../lib/scene.mjs"
import { rowId } from "../lib/row-id.mjs"

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

promise("a page reads its flags, and 5 seconds later exactly its rows are in SQLite", async ({ open, collector }) => {
  const openedMs = Date.now()
  const page = await open("/visit.html")
  const output = page.locator("output:not(:empty)")
  const values = new Map(JSON.parse(await output.textContent()))
  assert.deepEqual([...values], [
    ["new_checkout", false], ["greeting", "Hello"], ["banner", { text: "Flags — für alle 🚩", lines: [1, 2.5] }],
    ["retired", false], ["limited", "old"], ["price_cents", 1490], ["broken", "fallback"], ["unknown", "fallback"],
  ])
  const { pending, nextFlushAtMs, ids } = await page.evaluate(() => ({ ...client.stats(), ids: client.identity }))
  const readMs = Date.now()
  assert.equal(pending, 7, "rows wait for the flush, a link before them")
  assert.ok(nextFlushAtMs > openedMs + 4500 && nextFlushAtMs <= readMs + 5000, "and it is 5 s after the first")
  assert.deepEqual(collector.rows(), [], "nothing was sent at once")

  const rows = await rowsOnce(collector, 6)
  await flush(page)
  assert.equal(collector.rows().length, 6, "and nothing comes after")
  const { session_id, instance_id } = rows[0]
  const expected = [
    { flag_key: "new_checkout", variant: "control", reason: "SPLIT", flag_version: 7, rule_id: "everyone", experiment: "checkout-2026-q4" },
    { flag_key: "greeting", variant: "plain", reason: "DEFAULT", flag_version: 1 },
    { flag_key: "banner", variant: "pro", reason: "TARGETING_MATCH", flag_version: 3, rule_id: "pros" },
    { flag_key: "retired", variant: "off", reason: "DISABLED", flag_version: 1 },
    { flag_key: "limited", variant: "control", reason: "NOT_IN_EXPOSURE", flag_version: 1 },
    { flag_key: "price_cents", variant: "high", reason: "TARGETING_MATCH", flag_version: 1, rule_id: "$target" },
  ]
  for (const [place, row] of rows.entries()) {
    const { id, ts_ms, mono_ms, sent_at_ms, sent_mono_ms, received_at_ms, corrected_ts_ms, clock, ...settled } = row
    assert.deepEqual(settled, {
      ...expected[place],
      row: place + 1,
      seq: place + 2,
      value: values.get(row.flag_key),
      session_id,
      instance_id,
      distinct_id: "person-1",
      anon_id: ids.anonymousId,
      device_id: ids.deviceId,
      unit: "distinctId",
      ruleset_version: 42,
      environment: "production",
      source: "call",
      dedup: "session",
      attributes: { plan: "pro", seats: 3 },
      app_version: "2.4.1",
      sdk: SDK,
      batch_id: `${instance_id}.1`,
      browser: row.browser,
      os: row.os,
    })
    assert.equal(id, rowId(row), "the id follows from the row")
    assert.ok(ts_ms >= openedMs && ts_ms <= readMs, "recorded when it was read")
    assert.ok(sent_at_ms >= nextFlushAtMs - 50 && sent_at_ms <= received_at_ms, "sent with the flush")
    assert.ok(mono_ms <= sent_mono_ms)
    assert.equal(clock, "monotonic")
    assert.ok(Math.abs(corrected_ts_ms - ts_ms) <= 2000, "one machine, one clock")
  }
  for (const id of [session_id, instance_id, ids.anonymousId, ids.deviceId]) assert.match(id, UUID_V7)
})

promise("a flag read 100 times is one row", async ({ open, collector }) => {
  const page = await open()
  await start(page)
  for (let task = 0; task < 10; task++) {
    await page.evaluate(() => {
      for (let read = 0; read < 10; read++) client.getFlag("new_checkout")
    })
  }
  await flush(page)
  assert.deepEqual(only(collector.rows(), "flag_key", "seq"), [{ flag_key: "new_checkout", seq: 1 }])
})

promise("a value that changes within the session is a second row", async ({ open, collector }) => {
  const page = await open()
  await start(page)
  const ruleset = collector.ruleset()
  ruleset.version = 43
  ruleset.flags.greeting.variants.plain = "Good day"
  await page.evaluate((ruleset) => {
    client.getFlag("greeting")
    client.setRuleset(ruleset)
    for (let read = 0; read < 10; read++) client.getFlag("greeting")
  }, ruleset)
  await flush(page)
  assert.deepEqual(only(collector.rows(), "value", "variant", "ruleset_version"), [
    { value: "Hello", variant: "plain", ruleset_version: 42 },
    { value: "Good day", variant: "plain", ruleset_version: 43 },
  ])
})

promise("a new ruleset that changes nothing about a flag is no second row", async ({ open, collector }) => {
  const page = await open()
  await start(page)
  await page.evaluate((ruleset) => {
    client.getFlag("greeting")
    client.setRuleset({ ...ruleset, version: 43 })
    client.getFlag("greeting")
  }, collector.ruleset())
  await flush(page)
  assert.equal(collector.rows().length, 1)
})

promise("two sessions are two rows", async ({ open, collector }) => {
  const page = await open()
  await start(page)
  const sessions = await page.evaluate(() => {
    const seen = []
    for (let session = 0; session < 2; session++) {
      if (session > 0) client.session.renew()
      for (let read = 0; read < 10; read++) client.getFlag("new_checkout")
      seen.push(client.session.id)
    }
    return seen
  })
  await flush(page)
  assert.notEqual(sessions[0], sessions[1])
  assert.deepEqual(collector.rows().map((row) => row.session_id), sessions)
})

promise("a session lives through a reload, and its exposures are not sent again", async ({ open, gate, collector }) => {
  const entry = await gate()
  const page = await open()
  const exposures = { endpoint: entry.endpoint }
  await start(page, { exposures })
  const before = await page.evaluate(() => (client.getFlag("new_checkout"), client.session.id))
  await flush(page)
  await page.reload()
  await start(page, { exposures })
  assert.equal(await page.evaluate(() => (client.getFlag("new_checkout"), client.session.id)), before)
  await flush(page)
  assert.equal(collector.rows().length, 1)
  assert.equal(entry.requests.length, 1)
})

promise("30 idle minutes begin a new session, 29 do not", async ({ open, collector }) => {
  const page = await open()
  await start(page)
  const minutesLater = (minutes) =>
    page.evaluate((minutes) => {
      const realNow = (Date.realNow ??= Date.now)
      Date.now = () => realNow() + minutes * 60_000
      return (client.getFlag("new_checkout"), client.session.id)
    }, minutes)
  const first = await minutesLater(0)
  assert.equal(await minutesLater(29), first, "a read prolongs nothing, and 29 minutes end nothing")
  const second = await minutesLater(31)
  assert.notEqual(second, first)
  await flush(page)
  assert.deepEqual(collector.rows().map((row) => row.session_id), [first, second])
})

promise("a session is shared by two tabs, and what both read is one row", async ({ open, collector }) => {
  const [one, other] = [await open(), await open()]
  await start(one)
  await start(other)
  const read = () => (client.getFlag("new_checkout"), client.session.id)
  const sessions = [await one.evaluate(read), await other.evaluate(read)]
  assert.equal(sessions[0], sessions[1])
  await flush(one)
  await flush(other)
  assert.equal(collector.rows().length, 1)
})

promise("a session that is renewed in one tab, at once, is renewed in the other, also after the clock was set back", async ({ open }) => {
  const [one, other] = [await open(), await open()]
  await start(one)
  await start(other)
  for (const hoursBack of [0, 1]) {
    for (const page of [one, other]) {
      await page.evaluate((hours) => {
        const realNow = (Date.realNow ??= Date.now)
        Date.now = () => realNow() - hours * 3_600_000
      }, hoursBack)
    }
    const renewed = await one.evaluate(() => {
      let told = 0
      addEventListener("storage", () => (globalThis.toldOfStorage = ++told))
      client.session.renew()
      return client.session.id
    })
    await eventually(() => other.evaluate(() => client.session.id), (id) => id === renewed)
    await new Promise((resolve) => setTimeout(resolve, 500))
    assert.equal(await one.evaluate(() => client.session.id), renewed, "and stays so in the first")
    const told = await one.evaluate(() => globalThis.toldOfStorage ?? 0)
    assert.ok(told < 10, `the tabs agree without a storm of storage events: ${told}`)
  }
})

promise("a reset at once leaves the session of the last person in every tab", async ({ open }) => {
  const [one, other] = [await open(), await open()]
  await start(one)
  await start(other)
  const before = await one.evaluate(() => client.session.id)
  const after = await one.evaluate(() => (client.identify("alice"), client.reset(), client.session.id))
  assert.notEqual(after, before)
  await eventually(() => other.evaluate(() => client.session.id), (id) => id === after)
  assert.equal(await one.evaluate(() => client.session.id), after)
})

promise("two clients of one page share the session, as two tabs do", async ({ open, collector }) => {
  const page = await open()
  await start(page)
  const ids = await page.evaluate(async () => {
    const options = { ruleset: "/ruleset.json" }
    const other = await createClient({ ...options, exposures: { endpoint: "/api/switch/exposures", targeted: false } })
    const apart = await createClient({ ...options, exposures: false })
    const before = [client.session.id, other.session.id]
    client.session.renew()
    const after = [client.session.id, other.session.id]
    client.getFlag("new_checkout")
    other.getFlag("new_checkout")
    await client.flush()
    await other.flush()
    return { before, after, apart: apart.session.id }
  })
  assert.equal(ids.before[0], ids.before[1])
  assert.equal(ids.after[0], ids.after[1])
  assert.notEqual(ids.after[0], ids.before[0])
  assert.notEqual(ids.apart, ids.after[0], "another endpoint's client has its own")
  assert.equal(collector.rows().length, 1)
})

promise("a session ends by the clock also when that was set back while it was used", async ({ open }) => {
  const page = await open()
  await start(page)
  const first = await page.evaluate(() => (client.getFlag("new_checkout"), client.session.id))
  const at = (minutes) =>
    page.evaluate((minutes) => {
      const realNow = (Date.realNow ??= Date.now)
      Date.now = () => realNow() + minutes * 60_000
    }, minutes)
  await at(-60)
  await page.mouse.click(5, 5)
  await at(-31)
  assert.equal(await page.evaluate(() => client.session.id), first, "29 minutes after the click")
  await at(-29)
  assert.notEqual(await page.evaluate(() => (client.getFlag("new_checkout"), client.session.id)), first)
})

promise("identity scope: neither a reload nor a new session sends a row or a request again", async ({ open, gate, collector }) => {
  const entry = await gate()
  const page = await open()
  const options = { exposures: { endpoint: entry.endpoint, dedup: "identity" }, identity: { distinctId: "person-1" } }
  await start(page, options)
  await page.evaluate(() => client.getFlag("new_checkout"))
  await flush(page)
  const requests = entry.requests.length
  await page.evaluate(() => {
    client.session.renew()
    client.getFlag("new_checkout")
  })
  await flush(page)
  await page.reload()
  await start(page, options)
  await page.evaluate(() => {
    client.getFlag("new_checkout")
    client.identify("person-1")
    client.getFlag("new_checkout")
  })
  await flush(page)
  assert.deepEqual(only(collector.rows(), "dedup", "seq"), [{ dedup: "identity", seq: 2 }])
  assert.equal(collector.links().length, 1)
  assert.equal(entry.requests.length, requests)
})

promise("identity scope: somebody else, and the first one again, are rows again", async ({ open, gate, collector }) => {
  const entry = await gate()
  const page = await open()
  await start(page, { exposures: { endpoint: entry.endpoint, dedup: "identity" } })
  for (const person of ["person-1", "person-2", "person-1"]) {
    await page.evaluate((person) => {
      client.identify(person)
      client.getFlag("greeting")
    }, person)
    await flush(page)
  }
  const sent = entry.batches().flatMap((batch) => batch.exposures.map((row) => row.distinct_id))
  assert.deepEqual(sent, ["person-1", "person-2", "person-1"], "identify with another id forgets what was sent")
  assert.deepEqual(collector.rows().map((row) => row.distinct_id), ["person-1", "person-2"], "the store keeps one of each")
})

promise("identity scope: reset forgets what was sent", async ({ open, gate, collector }) => {
  const entry = await gate()
  const page = await open()
  await start(page, { identity: { distinctId: undefined }, exposures: { endpoint: entry.endpoint, dedup: "identity" } })
  const anonymous = []
  for (let round = 0; round < 2; round++) {
    anonymous.push(
      await page.evaluate(() => {
        client.getFlag("greeting")
        return client.identity.anonymousId
      }),
    )
    await flush(page)
    await page.evaluate(() => client.reset())
  }
  assert.notEqual(anonymous[0], anonymous[1])
  assert.deepEqual(collector.rows().map((row) => row.distinct_id), anonymous)
})

promise("none scope: every read is a row", async ({ open, collector }) => {
  const page = await open()
  await start(page, { exposures: { dedup: "none" } })
  await page.evaluate(() => {
    for (let read = 0; read < 25; read++) client.getFlag("new_checkout")
  })
  await flush(page)
  const rows = collector.rows()
  assert.deepEqual(rows.map((row) => row.seq), Array.from({ length: 25 }, (_, place) => place + 1))
  assert.equal(new Set(rows.map((row) => row.id)).size, 25)
  for (const row of rows) assert.equal(row.id, rowId(row))
})

promise("somebody first outside the limit and then let in has two rows, with two reasons", async ({ open, collector }) => {
  const page = await open()
  await start(page, { identity: { distinctId: "person-1" } })
  const ruleset = collector.ruleset()
  ruleset.flags.limited.limitExposure.percent = 100
  const values = await page.evaluate((ruleset) => {
    const before = client.getFlag("limited")
    client.setRuleset(ruleset)
    return [before, client.getFlag("limited")]
  }, ruleset)
  assert.deepEqual(values, ["old", "old"], "the same value both times")
  await flush(page)
  assert.deepEqual(only(collector.rows(), "variant", "reason", "rule_id"), [
    { variant: "control", reason: "NOT_IN_EXPOSURE", rule_id: undefined },
    { variant: "control", reason: "SPLIT", rule_id: "halves" },
  ])
})

promise("identify changes the identity of later rows only", async ({ open, collector }) => {
  const page = await open()
  await start(page, { identity: { distinctId: undefined } })
  const { before, after } = await page.evaluate(() => {
    client.getFlag("greeting")
    const before = client.identity
    client.identify("person-2", { plan: "pro" })
    client.getFlag("banner")
    return { before, after: client.identity }
  })
  await flush(page)
  assert.deepEqual([after.anonymousId, after.deviceId], [before.anonymousId, before.deviceId])
  assert.deepEqual(only(collector.rows(), "flag_key", "distinct_id", "anon_id", "variant"), [
    { flag_key: "greeting", distinct_id: before.anonymousId, anon_id: before.anonymousId, variant: "plain" },
    { flag_key: "banner", distinct_id: "person-2", anon_id: before.anonymousId, variant: "pro" },
  ])
})

promise("an anonymous person is the same one after a reload", async ({ open }) => {
  const page = await open()
  const ids = async () => {
    await start(page, { identity: { distinctId: undefined } })
    return page.evaluate(() => ({ ...client.identity }))
  }
  const before = await ids()
  await page.reload()
  assert.deepEqual(await ids(), before)
  assert.equal(before.distinctId, before.anonymousId)
})

promise("peek, decide, allFlags and an override record nothing", async ({ open, collector }) => {
  const page = await open()
  await start(page)
  const overridden = await page.evaluate(() => {
    client.peek("new_checkout")
    client.decide("new_checkout")
    client.allFlags()
    client.exposureProperties()
    client.override("greeting", "warm")
    return client.getFlag("greeting")
  })
  assert.equal(overridden, "Good to see you")
  await flush(page)
  assert.deepEqual(collector.rows(), [])
})

promise("manual mode records what is reported, and only that", async ({ open, collector }) => {
  const page = await open()
  await start(page, { exposures: { mode: "manual" } })
  await page.evaluate(() => {
    for (const key of ["new_checkout", "greeting", "banner"]) client.getFlag(key)
    for (let time = 0; time < 3; time++) client.reportExposure("greeting")
  })
  await flush(page)
  assert.deepEqual(only(collector.rows(), "flag_key", "source", "value"), [
    { flag_key: "greeting", source: "manual", value: "Hello" },
  ])
})

promise("reportExposure with a value records the variant that has it", async ({ open, collector }) => {
  const page = await open()
  await start(page, { exposures: { mode: "manual" } })
  const problems = await page.evaluate(() => {
    client.reportExposure("banner", { value: { lines: [1, 2.5], text: "Flags — für alle 🚩" } })
    client.reportExposure("greeting", { value: "no variant's" })
    return client.problems().filter(({ code }) => code === "UNKNOWN_VALUE")
  })
  await flush(page)
  assert.deepEqual(only(collector.rows(), "flag_key", "variant"), [
    { flag_key: "banner", variant: "pro" },
    { flag_key: "greeting", variant: "plain" },
  ])
  assert.deepEqual(problems.map(({ where }) => where), ['reportExposure("greeting")'])
})

promise("a value longer than a row carries arrives cut, and says so", async ({ open, collector }) => {
  const page = await open()
  await start(page)
  const long = "ä".repeat(5000)
  const value = await page.evaluate((long) => {
    client.setRuleset({ schema: 1, version: 1, flags: { long: { variants: { v: long }, default: "v" } } })
    return client.getFlag("long")
  }, long)
  assert.equal(value, long, "the page has all of it")
  await flush(page)
  const [row] = collector.rows()
  assert.equal(row.truncated, true)
  assert.ok(row.value.length > 1000 && JSON.stringify(long).startsWith(row.value))
  assert.equal(row.id, rowId(row))
})
