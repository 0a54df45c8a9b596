// An empty package would be packed without a word.

import { existsSync } from "node:fs"

if (!existsSync(new URL("../dist/pennon.wasm", import.meta.url))) {
  console.error("found no pkg/dist, expected what `cargo xtask build` makes, which packs the package too")
  process.exit(1)
}
