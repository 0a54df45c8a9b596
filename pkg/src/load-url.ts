import { hostFetch } from "./natives.js"

/** Compiles the module that lies beside this file. */
export async function loadFromUrl(): Promise<WebAssembly.Module> {
  try {
    return await compile(new URL("./pennon.wasm", import.meta.url).href)
  } catch (error) {
    // The development servers of Vite up to 7 copy a dependency's JavaScript to node_modules/.vite/deps, and nothing else.
    const [, dependencies] = /^(.+)\/\.vite\/deps\//.exec(import.meta.url) ?? []
    if (!dependencies) throw error
    return compile(`${dependencies}/pennon/dist/pennon.wasm`)
  }
}

async function compile(url: string): Promise<WebAssembly.Module> {
  if (!hostFetch) throw new TypeError("no fetch to load pennon.wasm with")
  const response = await hostFetch(url)
  if (!response.ok) throw new TypeError(`status ${response.status} for ${response.url}`)
  // The streaming compiler refuses another type, which many servers send.
  return response.headers.get("content-type")?.startsWith("application/wasm")
    ? WebAssembly.compileStreaming(response)
    : WebAssembly.compile(await response.arrayBuffer())
}
