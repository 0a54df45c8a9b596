// Answers cross from the engine as numbers. What the page makes of them is what the engine itself says in words.

import assert from "node:assert/strict"
import { test } from "node:test"
import { makeClient } from "./lib/client.mjs"

const variants = { a: 1, b: { long: "x".repeat(2000) }, c: null, $target: 4 }
const split = [{ variant: "a", weight: 0 }, { variant: "b", weight: 1 }]
/** Each flag with the reason that it answers with. */
const FLAGS = {
  TARGETING_MATCH: { rules: [{ id: "no", when: { not: { all: [] } }, serve: "a" }, { id: "yes", serve: "c" }] },
  "TARGETING_MATCH, no id": { rules: [{ serve: "b" }] },
  "TARGETING_MATCH, target": { targets: [{ variant: "b", ids: ["person-1"] }], rules: [{ id: "r", serve: "a" }] },
  "TARGETING_MATCH, a rule like a target": { rules: [{ id: "r", when: { any: [] }, serve: "a" }, { id: "$target", serve: "$target" }] },
  "TARGETING_MATCH, the last of many": {
    variants: Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`v${at}`, at])), default: "v0",
    rules: [
      ...Array.from({ length: 999 }, (_, at) => ({ id: `r${at}`, when: { any: [] }, serve: "v0" })),
      { id: "last", serve: "v1999" },
    ],
  },
  SPLIT: { rules: [{ id: "s", serve: split }] },
  "SPLIT, kept": { sticky: true, version: 9_007_199_254_740_991, rules: [{ serve: split }] },
  DEFAULT: {},
  "DEFAULT, no unit": { by: "organizationId", rules: [{ id: "s", serve: split }] },
  DISABLED: { enabled: false, off: "b" },
  "DISABLED, ended": { end: 1000, off: "b" },
  PREREQUISITE_FAILED: { requires: [{ flag: "DEFAULT", variants: ["b"] }] },
  HOLDOUT: { holdout: "all" },
  NOT_IN_LAYER: { layer: "none" },
  NOT_IN_EXPOSURE: { limitExposure: { percent: 0 } },
  OVERRIDE: {},
  ERROR: { default: "gone" },
}
const ruleset = {
  holdouts: { all: { percent: 100 } },
  layers: { none: { slots: {} } },
  flags: Object.fromEntries(Object.entries(FLAGS).map(([key, flag]) => [key, { variants, default: "a", ...flag }])),
}

test("every kind of answer says what its explanation says, and has the variant's value", async () => {
  const client = await makeClient({ ruleset })
  client.override("OVERRIDE", "c")
  for (const person of ["person-1", "person-2", "person-1"]) {
    client.identify(person)
    for (const key of [...Object.keys(FLAGS), "unknown"]) {
      const { key: name, value, ...decision } = client.decide(key)
      assert.equal(name, key)
      assert.deepEqual(JSON.parse(JSON.stringify(decision)), client.explain(key).decision, key)
      if (person === "person-1") assert.equal(decision.reason, key === "unknown" ? "ERROR" : key.split(",")[0])
      assert.deepEqual(value, ruleset.flags[key]?.variants[decision.variant], key)
    }
  }
  await client.close()
})
