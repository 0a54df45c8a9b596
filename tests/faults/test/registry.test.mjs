// docs/delivery.md and the registry name the same rows, and the same that a browser cannot show.

import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { pathToFileURL } from "node:url"
import { OWN, ROOT } from "../lib/parts.mjs"
import { EVERYWHERE, rows } from "../lib/registry.mjs"

for (const file of readdirSync(join(OWN, "rows"))) await import(pathToFileURL(join(OWN, "rows", file)))
const [faults, rest] = readFileSync(join(ROOT, "docs/delivery.md"), "utf8").split("### What a browser cannot show")
const [cannot] = rest.split(/^##/m)
const linesOf = (text) => text.split("\n").map((line) => /^\| ([A-Z]\d+) \| (.*) \|$/.exec(line)).filter(Boolean)

test("every fault of the table has a row, and every row a fault: 113 of them", () => {
  const ids = linesOf(faults).map(([, id]) => id)
  assert.equal(ids.length, 113)
  assert.deepEqual([...rows.keys()].sort(), ids.sort())
})

test("what a browser cannot show is in the table with its reason, and nothing else is", () => {
  const listed = linesOf(cannot).map(([, id, rest]) => `${id} | ${rest}`)
  const known = [...rows.values()].flatMap(({ id, cannot = {} }) => Object.entries(cannot).map(([browser, why]) => `${id} | ${browser} | ${why}`))
  assert.deepEqual(listed.sort(), known.sort())
})

test("what runs in every browser is there, and is not excused", () => {
  for (const id of EVERYWHERE) assert.deepEqual(rows.get(id)?.cannot, {}, id)
})
