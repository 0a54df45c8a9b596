// `client.explain` tells what `pennon explain --json` prints: cli/tests compares the program with the same file.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { makeClient } from "./lib/client.mjs"
import { stopTime } from "./lib/clock.mjs"

const { nowMs, ruleset, cases } = JSON.parse(readFileSync(new URL("../../cli/tests/data/explain.json", import.meta.url)))

test("explain tells each step as the command does", async (t) => {
  stopTime(t, nowMs)
  assert.ok(cases.length > 10)
  for (const { flag, context, overrides, trace } of cases) {
    const client = await makeClient({ ruleset, identity: context })
    for (const [key, variant] of Object.entries(overrides)) client.override(key, variant)
    assert.deepEqual(client.explain(flag), trace, `${flag} ${JSON.stringify(context)}`)
    await client.close()
  }
})
