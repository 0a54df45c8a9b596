import type { Area } from "./area.js"
import { later, soon } from "./natives.js"
import { alone, createOutbox, readSegment, type Outbox, type Segment } from "./outbox.js"
import { timing } from "./timing.js"

/** How often leases are renewed and orphans looked for. */
const EVERY_MS = 60_000

/** A segment over which the module has trapped so often is left to others. */
const MAX_TRAPS = 2

/** What a client's engine does with rows. */
export interface Kept {
  /** Takes rows over. False when there is no room for them. */
  adopt(segment: Segment): boolean
  /** New rows could not be put in storage; called once for what a task has recorded. */
  failed(): void
}

/** Keeps what a client's engine has recorded, and takes over what engines that are gone have left. */
export interface Keeper {
  /** `record`: a row's line behind its checksum. */
  keep(number: number, record: string): void
  keepLedgers(text: string): void
  release(numbers: Iterable<number>): void
  /** Puts everything in storage now. */
  write(): void
  /** There is an engine, with this id. */
  begin(id: string): void
  /**
   * Takes over what others have left: at once what was closed, which needs nobody's leave. (Two pages that begin in the same
   * instant may both take it.) Before anything is read, or that would be recorded once more.
   */
  takeOver(): void
  /** There is none any longer. What it kept is anybody's. */
  end(): void
  /** The page goes away, or may be frozen. Before the engine is told. */
  leaving(isGone: boolean): void
  /** It is there again. */
  shown(): void
}

/** `prefix`: what the client's keys begin with. */
export function createKeeper(area: Area, prefix: string, engine: Kept): Keeper {
  const root = `${prefix}q:`
  const hasPage = typeof document === "object"
  let id = ""
  let isAway = false
  let outbox = create()
  let timer: unknown
  /** How often the module has trapped over them. */
  const traps = new Map<string, number>()
  /** Whether there was no room for something. */
  let isFull = false

  function create(): Outbox {
    return createOutbox(area, root, engine.failed)
  }

  /** Takes orphans over, all or only what was closed. */
  function adoptNow(all: boolean): void {
    for (const key of outbox.orphans(all)) {
      const segment = readSegment(area, root, key)
      const trapped = traps.get(key) ?? 0
      if (trapped >= MAX_TRAPS) continue
      if (!outbox.adopt(segment, () => engine.adopt(segment))) {
        if (id) isFull = true
        else traps.set(key, trapped + 1)
        return
      }
    }
  }

  function adopt(): void {
    if (id && !isAway && area.isShared && !document.hidden && outbox.orphans(true).length > 0) {
      alone(area, `${prefix}a`, id, () => id && !isAway && adoptNow(true))
    }
  }

  function lookAround(): void {
    outbox.renew()
    outbox.write(true)
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
    keep(number, record) {
      outbox.keep(number, record)
      plan()
    },
    keepLedgers: (text) => outbox.keepLedgers(text),
    release(numbers) {
      outbox.release(numbers)
      // There may be room now for what there was none.
      if (isFull) soon(() => {
        isFull = false
        if (id && !isAway) adoptNow(false)
      })
    },
    write: () => void outbox.write(),
    begin(newId) {
      id = newId
      outbox.open(id)
      plan()
    },
    takeOver() {
      if (!id || outbox.orphans(true).length === 0) return
      adoptNow(false)
      adopt()
    },
    end() {
      // Also what another program has cleared from storage: the next engine has it from there alone.
      outbox.write(true)
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
