// The folders that pages are served from: the package as built, the pages, and a ruleset of many flags.

import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { OWN, PACKAGE, TESTING } from "./parts.mjs"
import { temporaryFolder } from "./process.mjs"

/** How many flags of each kind there are: `plain0`…, which serve one variant, and `split0`…, experiments of two arms. */
export const FLAGS = 700

export function makeRuleset() {
  const flags = {}
  for (let place = 0; place < FLAGS; place++) {
    flags[`plain${place}`] = { variants: { on: place, off: null }, default: "on" }
    flags[`split${place}`] = {
      variants: { control: "a", treatment: "b" },
      default: "control",
      experiment: `experiment-${place}`,
      rules: [{ id: "halves", serve: [{ variant: "control", weight: 1 }, { variant: "treatment", weight: 1 }] }],
    }
  }
  return { schema: 1, version: 1, environment: "test", flags }
}

/** Makes the folder; gives its path. */
export function assembleSite() {
  const folder = temporaryFolder()
  for (const [from, to] of [[PACKAGE, "pennon"], [TESTING, "testing"]]) {
    mkdirSync(join(folder, to))
    if (existsSync(from)) cpSync(from, join(folder, to), { recursive: true })
  }
  cpSync(join(OWN, "pages"), folder, { recursive: true })
  cpSync(join(OWN, "node_modules/zone.js/bundles/zone.umd.js"), join(folder, "zone.js"))
  writeFileSync(join(folder, "ruleset.json"), JSON.stringify(makeRuleset()))
  return folder
}
