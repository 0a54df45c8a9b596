// What one tab can hold in the module fits what all tabs have in storage: a row that waits is never only in memory for want of room.

import assert from "node:assert/strict"
import { test } from "node:test"

import { settle } from "./lib/client.mjs"
import { browserWithStorage } from "./lib/storage.mjs"

const flag = { variants: { a: "x".repeat(60), b: "y".repeat(60) }, default: "a", experiment: "e", rules: [{ id: "all", serve: "b" }] }
const fetch = async () => new Response(null, { status: 503 })
const FLAGS = Array.from({ length: 700 }, (_, at) => `flag-${at}`)

for (const apart of [true, false]) {
  test(`a ring that rows fill ${apart ? "one by one" : "in one task"} is in storage as a whole`, async (t) => {
    const { data } = browserWithStorage(t)
    const { createClient } = await import(`../dist-testing/testing.js?${encodeURIComponent(t.name)}`)
    const client = await createClient({
      ruleset: { schema: 1, version: 1, flags: Object.fromEntries(FLAGS.map((key) => [key, flag])) },
      namespace: "app",
      exposures: { endpoint: "http://collector.example/e", fetch, targeted: false, flushIntervalMs: 3_600_000 },
    })
    for (const key of FLAGS) {
      client.getFlag(key)
      if (apart) await undefined
    }
    await settle()
    const { pending, refused, persistFailed } = client.stats()
    assert.ok(refused > 0 && pending > 300 && pending < 600, `${pending} rows of 700 wait, ${refused} were refused: full by bytes`)
    const stored = [...data].filter(([key]) => /^pennon1:app:q:[^:]+:/.test(key)).flatMap(([, text]) => text.split("\n"))
    assert.deepEqual([stored.length, persistFailed], [pending, 0])
    const units = [...data].filter(([key]) => key.includes(":q:")).reduce((sum, [key, text]) => sum + key.length + text.length, 0)
    assert.ok(units <= 252 * 1024, `${units} UTF-16 units`)
    t.diagnostic(`${pending} rows, ${units} UTF-16 units`)
    await client.close()
  })
}
