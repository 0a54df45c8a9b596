/** The entry with the module inside: one file, a fifth larger when compressed, for where a second file cannot be served. */

import { createClientWith } from "./client.js"
import type { CreateClient } from "./types.js"
// The bundler puts the module here, as base64.
import base64 from "pennon.wasm?base64"

export type * from "./types.js"

// Decoded by hand: a content security policy may forbid fetching a data: URL.
export const createClient: CreateClient = createClientWith(() =>
  WebAssembly.compile(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))),
)
