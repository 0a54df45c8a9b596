import { attempt } from "./boundary.js"
import { soon, stringify, utf8, wallClockMs } from "./natives.js"
import { timing } from "./timing.js"
import { bind, type Engine, type EngineOptions, type Host } from "./wasm/pennon.js"

/** Gives the compiled module, or rejects. Each entry of the package has its own way to find it. */
export type LoadModule = () => Promise<WebAssembly.Module>

/** A running module, which serves all clients of a page; after a trap, the next one. */
export interface Instance {
  /** Whether it has trapped and no other has taken its place. Then it must not be entered. */
  readonly dead: boolean
  /** Whether none will. */
  readonly spent: boolean
  /** How often it has trapped on this page. */
  readonly traps: number
  /** The clients that it serves. */
  readonly members: Set<Member>
  createEngine(options: EngineOptions, host: Host): Engine
  /** Puts the text into the room that the engine has for a ruleset. */
  handOver(engine: Engine, text: string): void
  /** What was called has thrown: the instance is dead, and replaced when the task has run to its end. */
  trapped(): void
}

/** What an instance tells its clients. */
export interface Member {
  /** The instance has trapped: all that came from it is dead. */
  trapped(): void
  /** There is another instance in its place, or, when that is spent, none. */
  replaced(): void
}

/** A browser copies what it encodes: in pieces of so many UTF-16 units a text of 3 MB takes a fifth less time. */
const PIECE_LENGTH = 65_536
/** Traps are forgotten after so long. */
const TRAPS_WITHIN_MS = 600_000

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
  const module = await load()
  const [stamp] = WebAssembly.Module.customSections(module, "pennon")
  if (!stamp || String.fromCharCode(...new Uint8Array(stamp)) !== STAMP) throw new Error("a module of another version")
  let glue: ReturnType<typeof bind>
  let memory: WebAssembly.Memory
  let dead = false
  let spent = false
  let traps: number[] = []
  let trapCount = 0

  function begin(): void {
    glue = bind()
    // The build gives exports short names that nobody can know here.
    memory = Object.values(glue.start(module)).find((found) => found instanceof WebAssembly.Memory) as WebAssembly.Memory
  }

  function replace(): void {
    glue.drop()
    const nowMs = wallClockMs()
    traps = traps.filter((atMs) => Math.abs(nowMs - atMs) < TRAPS_WITHIN_MS * timing.scale)
    spent = traps.length >= timing.maxTraps
    traps.push(nowMs)
    try {
      if (!spent) begin()
    } catch {
      spent = true
    }
    dead = spent
    tell((member) => member.replaced())
  }

  /** One that fails keeps it from no other. */
  function tell(what: (member: Member) => void): void {
    for (const member of [...instance.members]) attempt(() => what(member), undefined)
  }

  const instance: Instance = {
    get dead() {
      return dead
    },
    get spent() {
      return spent
    },
    get traps() {
      return trapCount
    },
    members: new Set(),
    createEngine(options, host) {
      // Without a prototype, where a page may have put a `toJSON`.
      return new glue.Engine(stringify(Object.assign(Object.create(null), options)), host)
    },
    handOver(engine, text) {
      let taken = 0
      let bytes = 0
      // A byte for each UTF-16 unit, and where there is more than ASCII, three for each of the rest.
      for (const perUnit of [1, 3]) {
        const room = bytes + perUnit * (text.length - taken)
        const place = engine.roomForRuleset(room)
        for (let fits = true; fits && taken < text.length;) {
          const end = taken + PIECE_LENGTH
          const isAmidPair = (text.charCodeAt(end - 1) & 0xfc00) === 0xd800
          const piece = text.slice(taken, isAmidPair ? end - 1 : end)
          const { read, written } = utf8.encodeInto(piece, new Uint8Array(memory.buffer, place + bytes, room - bytes))
          fits = read === piece.length
          taken += read
          bytes += written
        }
      }
      engine.roomForRuleset(bytes)
    },
    trapped() {
      if (dead) return
      dead = true
      trapCount++
      soon(replace)
      tell((member) => member.trapped())
    },
  }
  begin()
  return instance
}
