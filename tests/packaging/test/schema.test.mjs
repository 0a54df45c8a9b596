// The schema of rulesets, for editors and validators.

import assert from "node:assert/strict"
import { readFileSync, realpathSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { before, test } from "node:test"
import { installApp } from "../lib/app.mjs"

let folder
before(async () => {
  folder = await installApp("apps/node")
})

test("the schema is found as pennon/ruleset.schema.json, and lies where editors are pointed to", () => {
  const file = createRequire(join(folder, "app.js")).resolve("pennon/ruleset.schema.json")
  assert.equal(file, realpathSync(join(folder, "node_modules/pennon/ruleset.schema.json")))
  const schema = readFileSync(file, "utf8")
  assert.equal(schema, readFileSync(new URL("../../../docs/ruleset.schema.json", import.meta.url), "utf8"))
  assert.equal(JSON.parse(schema).$schema, "https://json-schema.org/draft/2020-12/schema")
})
