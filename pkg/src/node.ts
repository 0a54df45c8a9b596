/** The entry for Node, which cannot fetch a file. */

// @ts-ignore: the package is built without Node's types.
import { readFile } from "node:fs/promises"

import { createClientWith } from "./client.js"
import type { CreateClient } from "./types.js"

export type * from "./types.js"

export const createClient: CreateClient = createClientWith(async () =>
  WebAssembly.compile(await readFile(new URL("./pennon.wasm", import.meta.url))),
)
