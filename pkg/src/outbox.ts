import type { Area } from "./area.js"
import { hashOf } from "./hash.js"
import { later, soon, wallClockMs, whenOver } from "./natives.js"
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
  /** The instance id of who wrote it. */
  readonly owner: string
  /** Whether they have said that nobody is there for it any longer. */
  readonly isClosed: boolean
  /** Its ledgers: JSON, or what is left of it; empty when there are none. */
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
  /** Keeps the ledgers beside the rows, in the place of those kept before: JSON, or empty for none. */
  keepLedgers(text: string): void
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

/** `root`: what the keys of all outboxes of the client's namespace begin with. `failed`: a row could not be put in storage. */
export function createOutbox(area: Area, root: string, failed: () => void): Outbox {
  interface Open {
    readonly key: string
    readonly lines: Map<number, string>
    length: number
  }
  let id = ""
  let ledgers = ""
  let waiting = new Map<number, string>()
  const segments = new Set<Open>()
  /** Those that storage does not have as they are. */
  const unsaved = new Set<Open>()
  /** Those of them that storage has refused. */
  const refused = new Set<Open>()
  const places = new Map<number, Open>()
  let open: Open | undefined
  let nextSegment = 0
  let leaseEndsMs = NaN
  let isLeaseStale = false
  let isPlanned = false

  function plan(): void {
    if (isPlanned) return
    isPlanned = true
    soon(() => {
      isPlanned = false
      outbox.write()
    })
  }

  function lease(state: string): void {
    isLeaseStale = false
    leaseEndsMs = wallClockMs() + LEASE_MS * timing.scale
    try {
      area.setItem(root + id, `1|${leaseEndsMs}|${state}|${ledgers}`)
    } catch {
      // A segment without one is an orphan: it may be sent twice.
    }
  }

  function save(segment: Open, extra = 0): void {
    const text = [...segment.lines.values()].join("\n")
    segment.length = text.length
    unsaved.delete(segment)
    refused.delete(segment)
    try {
      area.setItem(segment.key, text, MAX_OUTBOXES_LENGTH + extra)
    } catch {
      unsaved.add(segment)
      refused.add(segment)
      failed()
    }
  }

  const outbox: Outbox = {
    open(newId) {
      id = newId
      outbox.renew()
      outbox.write()
    },
    keep(number, line) {
      waiting.set(number, `${hashOf(line)}|${line}`)
      plan()
    },
    keepLedgers(text) {
      ledgers = text
      isLeaseStale = true
      plan()
    },
    release(numbers) {
      for (const number of numbers) {
        waiting.delete(number)
        const segment = places.get(number)
        places.delete(number)
        if (!segment?.lines.delete(number)) continue
        if (segment.lines.size > 0) {
          // Who takes it over is not to send this one again.
          unsaved.add(segment)
          plan()
          continue
        }
        if (open === segment) open = undefined
        for (const set of [segments, unsaved, refused]) set.delete(segment)
        area.removeItem(segment.key)
      }
    },
    write(extra) {
      if (!id) return false
      if (waiting.size > 0) {
        // Where it is long over, others would take what is written before it is renewed.
        outbox.renew()
        if (!open || open.length >= SEGMENT_LENGTH) {
          open = { key: `${root}${id}:${nextSegment++}`, lines: new Map(), length: 0 }
          segments.add(open)
        }
        unsaved.add(open)
        refused.delete(open)
        for (const [number, line] of waiting) {
          open.lines.set(number, line)
          places.set(number, open)
        }
        waiting = new Map()
      }
      for (const segment of segments) {
        // What was refused before is not tried again with each new row.
        const isDue = extra === undefined
          ? unsaved.has(segment) && !refused.has(segment)
          : unsaved.has(segment) || area.getItem(segment.key) === null
        if (isDue) save(segment, extra)
      }
      if (isLeaseStale) lease("open")
      return unsaved.size === 0
    },
    renew() {
      const leftMs = leaseEndsMs - wallClockMs()
      if (leftMs > RENEW_BELOW_MS * timing.scale && leftMs <= LEASE_MS * timing.scale) return false
      lease("open")
      return !(leftMs > 0)
    },
    leave() {
      outbox.write()
      if (segments.size > 0 || ledgers) lease("closed")
      else area.removeItem(root + id)
      leaseEndsMs = NaN
    },
    get waits() {
      return waiting.size + segments.size > 0
    },
  }
  return outbox
}

/**
 * The keys of what nobody is there for: segments of tabs that are closed, or have said nothing for long; and where only that
 * is left, leases.
 */
export function orphans(area: Area, root: string, own?: string): string[] {
  const nowMs = wallClockMs()
  const keys = area.keys(root)
  const used = new Set(keys.map((key) => key.slice(0, key.lastIndexOf(":"))))
  return keys.filter((key) => {
    const lease = root + ownerOf(key, root)
    return lease !== root + own && !(key === lease && used.has(key)) && isOver(area.getItem(lease), nowMs)
  })
}

function ownerOf(key: string, root: string): string {
  return key.slice(root.length).split(":")[0] ?? ""
}

function isOver(lease: string | null, nowMs: number): boolean {
  const [version, endsMs, state] = lease?.split("|", 3) ?? []
  if (state === "closed" && version === "1") return true
  // What is no number is over. So is what ends later than any that was written now: the clock was set back.
  const overMs = nowMs - Number(endsMs ?? NaN)
  return Number(version) > 1 ? overMs > FOREIGN_FOR_MS : !(overMs < LEASE_MS * timing.scale && overMs >= -LEASE_MS * timing.scale)
}

/** What is under one of those keys. */
export function readSegment(area: Area, root: string, key: string): Segment {
  const owner = ownerOf(key, root)
  const lease = root + owner
  const [, state, ledgers = ""] = /^1\|.*?\|(.*?)\|(.*)$/.exec(area.getItem(lease) ?? "") ?? []
  const isClosed = state === "closed"
  if (key === lease) return { owner, isClosed, ledgers, lines: [], corrupt: 0, length: 0 }
  const text = area.getItem(key)
  // Another tab may just have taken it.
  const records = text?.split("\n") ?? []
  const lines: string[] = []
  for (const record of records) {
    const end = record.indexOf("|")
    const line = record.slice(end + 1)
    if (end > 0 && hashOf(line) === record.slice(0, end)) lines.push(line)
  }
  return { owner, isClosed, ledgers, lines, corrupt: records.length - lines.length, length: text?.length ?? 0 }
}

/** Removes a segment, and with the last one the lease. */
export function removeSegment(area: Area, root: string, key: string): void {
  area.removeItem(key)
  const lease = root + ownerOf(key, root)
  if (area.keys(`${lease}:`).length === 0) area.removeItem(lease)
}

/** Calls `work` unless another tab does the same now. */
export function alone(area: Area, name: string, id: string, work: () => void): void {
  try {
    const { locks } = navigator as { locks?: LockManager }
    if (locks) {
      // The lock is over when `work` is: one that is held refuses the page its place in the back/forward cache.
      void whenOver(locks.request(name, { ifAvailable: true }, (lock) => void (lock && work())))
      return
    }
  } catch {
    // A page has put something else in their place.
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
