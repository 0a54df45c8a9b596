// The module as a file of its own.

import { readFile } from "node:fs/promises"

const bytes = await readFile(new URL(import.meta.resolve("pennon/pennon.wasm")))
const module = await WebAssembly.compile(bytes)
console.log(WebAssembly.Module.exports(module).some(({ kind }) => kind === "memory"))
