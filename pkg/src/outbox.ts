import type { Area } from "./area.js"
import { hashOf } from "./hash.js"
import { later, soon, wallClockMs } from "./natives.js"
import { timing } from "./timing.js"

/** A segment takes rows until its text has so many UTF-16 units. What a task records stays together. */
const SEGMENT_LENGTH = 4096
/** The most that all outboxes of an origin take in storage, likewise. The rest of 256 Ki is for their leases. */
export const MAX_OUTBOXES_LENGTH = 252 * 1024
/** How long a tab that says nothing more is believed to live, and how long after that its rows are left to it. */
const LEASE_MS = 180_000
/** A lease is renewed when less than this is left of it. */
const RENEW_BELOW_MS = 120_000
/** What a version to come has left is its own for so long. */
const FOREIGN_FOR_MS = 7 * 86_400_000
/** How long it takes to see that nobody else has claimed the orphans, where there are no locks. */
const CLAIM_MS = 500

/** What stands in a segment. */
export interface Segment {
  /** The ledgers of who wrote it: a JSON array, or what is left of one. */
  readonly ledgers: string
  /** The rows that are whole. */
  readonly lines: readonly string[]
  /** How many are not. */
  readonly corrupt: number
  /** Of its text, in UTF-16 units. */
  readonly length: number
}

/** The rows of an engine that the server has not acknowledged, outside of the module's memory and of this page's life. */
export interface Outbox {
  /** From now on there is an id to write under. */
  open(id: string): void
  /** Keeps a row, which is written when the task has run to its end. */
  keep(number: number, line: string): void
  /** These need not be kept any longer. */
  release(numbers: Iterable<number>): void
  /**
   * Writes what is new, and with `extra` also what was refused before or is gone. Whether all of it is in storage now. `extra`: how much
   * more than usual that may hold.
   */
  write(extra?: number): boolean
  /** Says that the tab lives, if that has not been said for long. True: others may have thought that it does not. */
  renew(): boolean
  /** Says that nobody is here for these rows any longer. */
  leave(): void
  /** Whether there are rows. */
  readonly waits: boolean
}

/** What the engine says of the rows. */
export interface Owner {
  /** As they are now: a JSON array. */
  ledgers(): string
  /** A row could not be put in storage. */
  failed(): void
}

/** `root`: what the keys of all outboxes of the client's namespace begin with. */
export function createOutbox(area: Area, root: string, owner: Owner): Outbox {
  interface Open {
    readonly key: string
    readonly lines: Map<number, string>
    length: number
  }
  let id = ""
  let waiting = new Map<number, string>()
  const segments = new Set<Open>()
  const unsaved = new Set<Open>()
  const places = new Map<number, Open>()
  let open: Open | undefined
  let nextSegment = 0
  let leaseEndsMs = NaN

  function lease(state: string): void {
    leaseEndsMs = wallClockMs() + LEASE_MS * timing.scale
    try {
      area.setItem(root + id, `1|${leaseEndsMs}|${state}`)
    } catch {
      // A segment without one is an orphan: it may be sent twice.
    }
  }

  function save(segment: Open, extra = 0): void {
    const text = [owner.ledgers(), ...segment.lines.values()].join("\n")
    segment.length = text.length
    try {
      area.setItem(segment.key, text, MAX_OUTBOXES_LENGTH + extra)
      unsaved.delete(segment)
    } catch {
      unsaved.add(segment)
      owner.failed()
    }
  }

  const outbox: Outbox = {
    open(newId) {
      id = newId
      outbox.write()
      outbox.renew()
    },
    keep(number, line) {
      if (waiting.size === 0) soon(() => outbox.write())
      waiting.set(number, `${hashOf(line)}|${line}`)
    },
    release(numbers) {
      for (const number of numbers) {
        waiting.delete(number)
        const segment = places.get(number)
        places.delete(number)
        segment?.lines.delete(number)
        if (segment?.lines.size !== 0) continue
        if (open === segment) open = undefined
        segments.delete(segment)
        unsaved.delete(segment)
        area.removeItem(segment.key)
      }
    },
    write(extra) {
      const isNew = waiting.size > 0 && id !== ""
      if (isNew) {
        // Where it is long over, others would take what is written before it is renewed.
        outbox.renew()
        if (!open || open.length >= SEGMENT_LENGTH) {
          open = { key: `${root}${id}:${nextSegment++}`, lines: new Map(), length: 0 }
          segments.add(open)
        }
        unsaved.add(open)
        for (const [number, line] of waiting) {
          open.lines.set(number, line)
          places.set(number, open)
        }
        waiting = new Map()
      }
      // What was refused before is not tried again with each new row.
      if (extra !== undefined) {
        for (const segment of segments) if (unsaved.has(segment) || area.getItem(segment.key) === null) save(segment, extra)
      } else if (isNew && open) save(open)
      return waiting.size + unsaved.size === 0
    },
    renew() {
      const leftMs = leaseEndsMs - wallClockMs()
      if (leftMs > RENEW_BELOW_MS * timing.scale && leftMs <= LEASE_MS * timing.scale) return false
      lease("open")
      return !(leftMs > 0)
    },
    leave() {
      outbox.write()
      if (segments.size > 0) lease("closed")
      else area.removeItem(root + id)
      leaseEndsMs = NaN
    },
    get waits() {
      return waiting.size + segments.size > 0
    },
  }
  return outbox
}

/** The segments that nobody is there for: of tabs that are closed, or have said nothing for long. */
export function orphans(area: Area, root: string, own?: string): string[] {
  const nowMs = wallClockMs()
  return area.keys(root).filter((key) => {
    const [id = "", number] = key.slice(root.length).split(":")
    return number !== undefined && id !== own && isOver(area.getItem(root + id), nowMs)
  })
}

function isOver(lease: string | null, nowMs: number): boolean {
  const [version, endsMs, state] = lease?.split("|") ?? []
  if (state === "closed" && version === "1") return true
  // What is no number is over. So is what ends later than any that was written now: the clock was set back.
  const overMs = nowMs - Number(endsMs ?? NaN)
  return Number(version) > 1 ? overMs > FOREIGN_FOR_MS : !(overMs < LEASE_MS * timing.scale && overMs >= -LEASE_MS * timing.scale)
}

export function readSegment(area: Area, key: string): Segment {
  const text = area.getItem(key) ?? ""
  const [ledgers = "", ...checked] = text.split("\n")
  const lines: string[] = []
  for (const record of checked) {
    const end = record.indexOf("|")
    const line = record.slice(end + 1)
    if (end > 0 && hashOf(line) === record.slice(0, end)) lines.push(line)
  }
  return { ledgers, lines, corrupt: checked.length - lines.length + (ledgers[0] === "[" ? 0 : 1), length: text.length }
}

/** Removes the leases of tabs that are gone and have left nothing. */
export function removeLeases(area: Area, root: string, own: string): void {
  const nowMs = wallClockMs()
  const keys = area.keys(root)
  const used = new Set(keys.map((key) => key.slice(0, key.lastIndexOf(":"))))
  for (const key of keys) {
    if (key.includes(":", root.length) || key === root + own || used.has(key)) continue
    if (isOver(area.getItem(key), nowMs)) area.removeItem(key)
  }
}

/** Calls `work` unless another tab does the same now. */
export function alone(area: Area, name: string, id: string, work: () => void): void {
  const { locks } = navigator as { locks?: LockManager }
  if (locks) {
    // The lock is over when `work` is: one that is held refuses the page its place in the back/forward cache.
    locks.request(name, { ifAvailable: true }, (lock) => void (lock && work())).catch(() => undefined)
    return
  }
  const nowMs = wallClockMs()
  const claimedMs = Number(area.getItem(name)?.split(" ")[1])
  if (Math.abs(nowMs - claimedMs) < 2 * CLAIM_MS * timing.scale) return
  const claim = `${id} ${nowMs}`
  try {
    area.setItem(name, claim)
  } catch {
    return
  }
  later(() => {
    if (area.getItem(name) !== claim) return
    work()
    area.removeItem(name)
  }, CLAIM_MS * timing.scale)
}
