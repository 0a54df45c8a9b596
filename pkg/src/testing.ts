/** The entry for tests of the package: the shipped module, with shorter times and traps on demand. Never published. */

import { createClientWith } from "./client.js"
import { loadFromUrl } from "./load-url.js"
import { timing } from "./timing.js"
import type { CreateClient } from "./types.js"

export type * from "./types.js"

export const createClient: CreateClient = createClientWith(import.meta.url.startsWith("file:") ? loadFromFile : loadFromUrl)

async function loadFromFile(): Promise<WebAssembly.Module> {
  // @ts-ignore: the package is built without Node's types.
  const { readFile } = await import("node:fs/promises")
  return WebAssembly.compile(await readFile(new URL("./pennon.wasm", import.meta.url)))
}

/** Multiplies every time limit of delivery. For clients that are made later. */
export function setTimeScale(scale: number): void {
  timing.scale = scale
}

/** After how many traps within ten minutes the module is given up. */
export function setMaxTraps(traps: number): void {
  timing.maxTraps = traps
}

/**
 * `unreachable`: what a panic compiles to. `stack`: the stack overflows. `oom`: memory cannot grow, which ends in
 * `unreachable`. `throw`: what the module calls throws.
 */
export type TrapKind = "unreachable" | "stack" | "oom" | "throw"

/** The module traps at the next of its calls to the host, or so many calls after it. */
export function trap(kind: TrapKind, after = 0): void {
  due = { kind, after }
}

let due: { kind: TrapKind; after: number } | undefined

type Imports = Record<string, Record<string, unknown>>
type Call = (...given: unknown[]) => unknown

/** (module (memory 1 1) (func (export "unreachable") unreachable)
 *    (func (export "oom") (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable)))) */
const TRAPS = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 3, 2, 0, 0, 5, 4, 1, 1, 1, 1, 7, 21, 2, 11, 117, 110, 114, 101, 97, 99, 104,
  97, 98, 108, 101, 0, 0, 3, 111, 111, 109, 0, 1, 10, 19, 2, 3, 0, 0, 11, 13, 0, 65, 1, 64, 0, 65, 127, 70, 4, 64, 0, 11, 11,
)
const Instance = WebAssembly.Instance
const traps = new Instance(new WebAssembly.Module(TRAPS)).exports as Record<"unreachable" | "oom", () => void>

function overflow(): number {
  return overflow() + 1
}

function springTrap(): void {
  if (!due || due.after-- > 0) return
  const { kind } = due
  due = undefined
  if (kind === "stack") overflow()
  else if (kind === "throw") throw new Error("thrown by what the module called")
  else traps[kind]()
}

function withTraps(imports: Imports): Imports {
  const wrapped: Imports = {}
  for (const [module, members] of Object.entries(imports)) {
    wrapped[module] = {}
    for (const [name, member] of Object.entries(members)) {
      wrapped[module][name] = typeof member !== "function" ? member : (...given: unknown[]) => {
        springTrap()
        return (member as Call)(...given)
      }
    }
  }
  return wrapped
}

// The glue instantiates the module with what it calls; from here on that can trap within it, in the module's own frames.
WebAssembly.Instance = new Proxy(Instance, {
  construct: (target, [module, imports]: [WebAssembly.Module, Imports?]) =>
    new target(module, imports && (withTraps(imports) as WebAssembly.Imports)),
})
