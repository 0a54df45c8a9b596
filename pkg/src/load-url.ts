import { hostFetch } from "./natives.js"

/** Compiles the module that lies beside this file. */
export async function loadFromUrl(): Promise<WebAssembly.Module> {
  if (!hostFetch) throw new TypeError("found no fetch, expected one to load pennon.wasm with")
  const response = await hostFetch(new URL("./pennon.wasm", import.meta.url))
  if (!response.ok) throw new TypeError(`found status ${response.status}, expected pennon.wasm at ${response.url}`)
  // The streaming compiler refuses another type, which many servers send.
  return response.headers.get("content-type")?.startsWith("application/wasm")
    ? WebAssembly.compileStreaming(response)
    : WebAssembly.compile(await response.arrayBuffer())
}
