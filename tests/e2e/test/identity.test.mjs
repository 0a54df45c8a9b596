// Who is who, and who was meant to see what: links and decided rows, from a page in Chromium to SQLite.

import assert from "node:assert/strict"
import { eventually, flush, only, promise, rowsOnce, SDK, start } from "../lib/scene.mjs"
import { linkId, rowId } from "../lib/row-id.mjs"

promise("a person who signs in is linked to the anonymous id, once, also over loads and changes of person", async ({ open, gate, collector }) => {
  const entry = await gate()
  const page = await open()
  const options = { exposures: { endpoint: entry.endpoint } }
  await start(page, options)
  const ids = await page.evaluate(() => {
    client.getFlag("greeting")
    client.identify("person-1")
    client.getFlag("greeting")
    return { ...client.identity, session: client.session.id }
  })
  await flush(page)
  const [link, ...others] = collector.links()
  assert.deepEqual(others, [])
  const { id, ts_ms, mono_ms, sent_at_ms, sent_mono_ms, received_at_ms, corrected_ts_ms, instance_id, ...settled } = link
  assert.deepEqual(settled, {
    row: 1, anon_id: ids.anonymousId, distinct_id: "person-1", device_id: ids.deviceId, session_id: ids.session, seq: 2,
    environment: "production", sdk: SDK, batch_id: `${instance_id}.1`, clock: "monotonic",
  })
  assert.equal(id, linkId(link))
  const report = await (await fetch(`${collector.origin}/api/report/greeting`)).json()
  assert.deepEqual([report.people, report.links], [2, 1], "two ids, one of them counted twice")

  await page.reload()
  await start(page, { ...options, identity: { distinctId: "person-1" } })
  await page.evaluate(() => ["person-2", "person-1", "person-2"].forEach((person) => client.identify(person)))
  await flush(page)
  const sent = entry.batches().flatMap(({ links }) => links.map(({ distinct_id }) => distinct_id))
  assert.deepEqual(sent, ["person-1", "person-2"])
  assert.deepEqual(only(collector.links(), "distinct_id"), [{ distinct_id: "person-1" }, { distinct_id: "person-2" }])
})

promise("a link that no server acknowledged comes with the next page, and is stored once", async ({ open, gate, collector, expectLog }) => {
  expectLog(/Failed to load resource: net::ERR_/)
  const entry = await gate()
  entry.answers.push("lose")
  const page = await open()
  const options = { exposures: { endpoint: entry.endpoint, flushIntervalMs: 3_600_000 }, identity: { distinctId: "person-1" } }
  await start(page, options)
  assert.deepEqual(await page.evaluate(() => client.flush()), { delivered: 0, pending: 1 })
  await page.reload()
  await start(page, options)
  await flush(page)
  const sent = entry.batches().flatMap(({ links }) => links)
  assert.ok(sent.length >= 2 && sent.every(({ id }) => id === sent[0].id), "as the same link")
  assert.equal(collector.links().length, 1)
  const { delivered, adopted } = await page.evaluate(() => client.stats())
  assert.deepEqual([adopted, delivered], [1, 1], "the page before's, and none of its own")
})

promise("a page decides its experiments at once, and what is seen is told from what was only decided", async ({ open, collector }) => {
  const page = await open()
  const identity = { distinctId: "person-1" }
  await start(page, { identity, exposures: { targeted: undefined } })
  const [row] = await rowsOnce(collector, 1)
  assert.deepEqual(only([row], "flag_key", "variant", "reason", "source", "dedup", "experiment"), [{
    flag_key: "new_checkout", variant: "control", reason: "SPLIT", source: "handshake", dedup: "session",
    experiment: "checkout-2026-q4",
  }])
  assert.equal(row.id, rowId(row))
  await page.evaluate(() => client.getFlag("new_checkout"))
  await rowsOnce(collector, 2)
  const report = async () => (await (await fetch(`${collector.origin}/api/report/new_checkout`)).json()).variants
  assert.deepEqual(await report(), [{ variant: "control", reason: "SPLIT", rows: 1, people: 1, targeted: 1 }])

  await page.reload()
  await start(page, { identity, exposures: { targeted: undefined } })
  await page.evaluate(() => client.identify("person-2"))
  const rows = await rowsOnce(collector, 3)
  await flush(page)
  assert.deepEqual(only(rows, "distinct_id", "source"), [
    { distinct_id: "person-1", source: "handshake" }, { distinct_id: "person-1", source: "call" },
    { distinct_id: "person-2", source: "handshake" },
  ], "once in a session, and again for somebody else")
  const variants = await report()
  assert.equal(variants.reduce((sum, { targeted }) => sum + targeted, 0), 2)
  assert.equal(variants.reduce((sum, { people }) => sum + people, 0), 1)
})

promise("handshake mode: all that a rule decided has a row, and no read has", async ({ open, collector }) => {
  const page = await open()
  await start(page, { identity: { distinctId: "person-1", attributes: { plan: "pro" } }, exposures: { mode: "handshake", targeted: undefined } })
  await page.evaluate(() => client.allFlags().forEach(({ key }) => client.getFlag(key)))
  await rowsOnce(collector, 2)
  await page.evaluate(() => client.setAttributes({ plan: "free" }))
  await flush(page)
  assert.deepEqual(only(collector.rows(), "flag_key", "variant", "source"), [
    { flag_key: "new_checkout", variant: "control", source: "handshake" },
    { flag_key: "banner", variant: "pro", source: "handshake" },
  ])
})

promise("a thousand decided flags are a thousand rows, none dropped and none refused", async ({ open, collector }) => {
  const page = await open()
  const flags = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`flag-${at}`, {
    variants: { control: false, treatment: { layout: "one-page", at } },
    default: "control",
    experiment: "x",
    rules: [{ serve: [{ variant: "control", weight: 1 }, { variant: "treatment", weight: 1 }] }],
  }]))
  await start(page, { ruleset: { schema: 1, version: 1, flags }, exposures: { targeted: undefined } })
  const { refused, dropped } = await eventually(() => page.evaluate(() => client.stats()), ({ delivered }) => delivered >= 1000)
  assert.deepEqual([refused, dropped], [0, {}])
  assert.equal(collector.rows().length, 1000)
})
