// One read is one row, also when the module traps while it records, and also where each read is a row of its own. The trap comes
// at each of the module's calls to the host in turn: before the row is kept, and after.

import assert from "node:assert/strict"
import { test } from "node:test"

import { network, RULESET, settle } from "./lib/client.mjs"
import { watch } from "./lib/unhandled.mjs"

/** More calls to the host than a recording makes. */
const MOST_CALLS = 400

/** How often each row came is of no interest here: a batch whose answer was lost comes again. */
const rowsOf = (net) => [...new Map(net.batches.flatMap(({ exposures }) => exposures).map((row) => [row.id, row])).values()]

/** Options of a client whose rows wait until somebody asks for them, or a batch is full. */
const options = (net) => ({
  ruleset: RULESET,
  exposures: { endpoint: "http://collector.example/e", fetch: net.fetch, targeted: false, dedup: "none", flushIntervalMs: 3_600_000 },
})

/**
 * With `ready` rows waiting already, `record` makes one more, of a client whose module traps after 0, 1, 2, … calls, until it ends
 * before the trap comes. Gives the traps after which there is not one more row, or listeners were not told of it once, and how many
 * calls there are.
 */
async function atEachCall(t, entry, record, ready) {
  const unhandled = watch(t)
  const wrong = []
  for (let after = 0; ; after++) {
    assert.ok(after < MOST_CALLS, "a recording that calls the host without end")
    const net = network()
    const client = await entry.createClient(options(net))
    let told = 0
    client.on("exposure", () => told++)
    for (let row = 0; row < ready; row++) client.getFlag("price")
    client.peek("price")
    const before = client.stats().traps
    entry.trap("unreachable", after)
    record(client)
    entry.trap("unreachable", Infinity) // One that has not come by now belongs to something else.
    await settle()
    const hasTrapped = client.stats().traps > before
    await client.flush()
    const rows = rowsOf(net).length
    if (rows !== ready + 1 || told !== ready + 1) wrong.push({ after, rows, told })
    await client.close()
    if (hasTrapped) continue
    assert.deepEqual(unhandled, [])
    return { calls: after, wrong }
  }
}

/** An entry of the package that traps as often as it is told. */
async function testing(t) {
  const entry = await import(`../dist-testing/testing.js?${encodeURIComponent(t.name)}`)
  entry.setMaxTraps(Infinity)
  return entry
}

test("a read is one row, wherever the module traps while it records", async (t) => {
  const { calls, wrong } = await atEachCall(t, await testing(t), (client) => client.getFlag("price"), 0)
  assert.ok(calls > 3, `${calls} calls to the host`)
  assert.deepEqual(wrong, [])
})

test("so is one that fills a batch, which is sent at once", async (t) => {
  const entry = await testing(t)
  const net = network()
  const client = await entry.createClient(options(net))
  let rows = 0
  for (; net.batches.length === 0; rows++) client.getFlag("price")
  await client.close()
  const { calls, wrong } = await atEachCall(t, entry, (client) => client.getFlag("price"), rows - 1)
  assert.ok(calls > 4, `${calls} calls to the host, that of the batch among them`)
  assert.deepEqual(wrong, [])
})

test("so is an exposure that is reported by hand", async (t) => {
  const { calls, wrong } = await atEachCall(t, await testing(t), (client) => client.reportExposure("price"), 0)
  assert.ok(calls > 3, `${calls} calls to the host`)
  assert.deepEqual(wrong, [])
})
