import type { Area } from "./area.js"
import { later } from "./natives.js"
import { alone, createOutbox, orphans, readSegment, removeLeases, type Outbox, type Segment } from "./outbox.js"
import { timing } from "./timing.js"

/** How often leases are renewed and orphans looked for. */
const EVERY_MS = 60_000

/** What a client's engine says of itself. */
export interface Kept {
  ledgers(): string
  /** Takes rows over. False when there is no room for them. */
  adopt(segment: Segment): boolean
  /** Rows could not be put in storage. */
  failed(): void
  /** The page was away for so long that others may have sent its rows. */
  restored(): void
}

/** Keeps what a client's engine has recorded, and takes over what engines that are gone have left. */
export interface Keeper {
  keep(number: number, line: string): void
  release(numbers: Iterable<number>): void
  /** Puts everything in storage now. */
  write(): void
  /** There is an engine, with this id. */
  begin(id: string): void
  /** There is none any longer. What it kept is anybody's. */
  end(): void
  /** The page goes away, or may be frozen. Before the engine is told. */
  leaving(isGone: boolean): void
  /** It is there again. After the engine was told. */
  shown(): void
}

/** `prefix`: what the client's keys begin with. */
export function createKeeper(area: Area, prefix: string, engine: Kept): Keeper {
  const root = `${prefix}q:`
  const hasPage = typeof document === "object"
  let id = ""
  let lastId = ""
  let isAway = false
  let outbox = create()
  let timer: unknown
  /** Taken over, but not yet in storage a second time; or the module trapped over them. */
  const tried = new Set<string>()

  function create(): Outbox {
    let ledgers = "[]"
    return createOutbox(area, root, {
      // Of an engine that is gone, the last ones.
      ledgers: () => (ledgers = engine.ledgers() || ledgers),
      failed: engine.failed,
    })
  }

  /** Adopts all, or what is of one engine. Into the own outbox first; then the orphan can go. */
  function adoptNow(of = ""): void {
    for (const key of orphans(area, root, id)) {
      if (!key.startsWith(root + of)) continue
      const segment = readSegment(area, key)
      if (!tried.has(key)) {
        tried.add(key)
        if (!engine.adopt(segment)) {
          // Where the module has trapped it stays tried: another one would do so too.
          if (id) tried.delete(key)
          return
        }
      }
      // The copy may take the place of the original.
      if (outbox.write(segment.length)) {
        area.removeItem(key)
        tried.delete(key)
      }
    }
    removeLeases(area, root, id)
  }

  function adopt(): void {
    if (id && !isAway && area.isShared && !document.hidden) alone(area, `${prefix}a`, id, () => id && adoptNow())
  }

  function lookAround(): void {
    if (outbox.renew()) engine.restored()
    outbox.write(0)
    adopt()
    plan()
  }

  function plan(): void {
    if (timer || !hasPage || !id || isAway || (document.hidden && !outbox.waits)) return
    timer = later(() => {
      timer = undefined
      if (!id || isAway) return
      lookAround()
    }, EVERY_MS * timing.scale)
  }

  return {
    keep(number, line) {
      outbox.keep(number, line)
      plan()
    },
    release: (numbers) => outbox.release(numbers),
    write: () => void outbox.write(),
    begin(newId) {
      id = newId
      outbox.open(id)
      // What the one before has left needs no other's leave.
      if (lastId) adoptNow(lastId)
      lastId = id
      adopt()
      plan()
    },
    end() {
      outbox.leave()
      id = ""
      outbox = create()
    },
    leaving(isGone) {
      isAway ||= isGone
      if (isGone) outbox.leave()
      else outbox.write()
    },
    shown() {
      isAway = false
      if (!id) return
      lookAround()
    },
  }
}
