import { utf8 } from "./natives.js"
import { Engine, initSync, type EngineOptions, type Host } from "./wasm/pennon.js"

/** Gives the compiled module, or rejects. Each entry of the package has its own way to find it. */
export type LoadModule = () => Promise<WebAssembly.Module>

/** A running module. One serves all clients of a page. */
export interface Instance {
  /** Whether it has trapped. A dead instance must never be entered again. */
  dead: boolean
  /** The clients that it serves. */
  readonly members: Set<Member>
  createEngine(options: EngineOptions, host: Host, signal: AbortSignal): Engine
  /** Puts the text into the room that the engine has for a ruleset. */
  handOver(engine: Engine, text: string): void
}

/** What the clients of an instance tell each other. */
export interface Member {
  /** The instance has trapped. */
  trapped(): void
  /** Another client stored a session under this key. */
  sessionStored(key: string, text: string): void
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
  // The build gives exports short names that nobody can know here.
  const exports: unknown[] = Object.values(initSync({ module: await load() }))
  const memory = exports.find((found) => found instanceof WebAssembly.Memory) as WebAssembly.Memory
  return {
    dead: false,
    members: new Set(),
    createEngine: (options, host, signal) => new Engine(options, host, signal),
    handOver(engine, text) {
      let taken = 0
      let bytes = 0
      // A byte for each UTF-16 unit, and where there is more than ASCII, three for each of the rest.
      for (const perUnit of [1, 3]) {
        const room = perUnit * (text.length - taken)
        const place = engine.roomForRuleset(bytes + room) + bytes
        const { read, written } = utf8.encodeInto(text.slice(taken), new Uint8Array(memory.buffer, place, room))
        taken += read
        bytes += written
      }
      engine.roomForRuleset(bytes)
    },
  }
}

/** Whether an error that came out of the module means that it must not be entered again. */
export function isTrap(error: unknown): boolean {
  return error instanceof WebAssembly.RuntimeError || error instanceof RangeError
}
