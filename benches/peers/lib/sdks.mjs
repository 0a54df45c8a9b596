// Which SDKs are measured, and their versions.

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const OWN = fileURLToPath(new URL("../", import.meta.url))

/** Each is a module of `sdks/`. Those that decide first. */
export const NAMES = [
  "pennon", "growthbook", "flipt", "eppo", "featurevisor", "flagd", "split", "statsig", "posthog", "launchdarkly", "openfeature",
]

/** Of packages, the versions that package.json pins; pennon's own as it was built. */
export function versionsOf(packages, pennonFolder) {
  const manifest = (folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
  return packages.map((name) => `${name} ${manifest(name === "pennon" ? pennonFolder : join(OWN, "node_modules", name)).version}`)
}
