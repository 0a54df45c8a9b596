import { Engine, initSync, type EngineOptions, type Host } from "./wasm/pennon.js"

/** Gives the compiled module, or rejects. Each entry of the package has its own way to find it. */
export type LoadModule = () => Promise<WebAssembly.Module>

/** A running module. One serves all clients of a page. */
export interface Instance {
  /** Whether it has trapped. A dead instance must never be entered again. */
  dead: boolean
  createEngine(options: EngineOptions, host: Host, signal: AbortSignal): Engine
}

let starting: Promise<Instance> | undefined

/** Starts the module when the first client asks for it. A start that failed can be tried again. */
export function startInstance(load: LoadModule): Promise<Instance> {
  starting ??= start(load).catch((error: unknown) => {
    starting = undefined
    throw error
  })
  return starting
}

async function start(load: LoadModule): Promise<Instance> {
  initSync({ module: await load() })
  return { dead: false, createEngine: (options, host, signal) => new Engine(options, host, signal) }
}
