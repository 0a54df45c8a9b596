import type { Area } from "./area.js"
import { hashOf } from "./hash.js"
import { isClosed, isOver, LEASE_MS, readLease, type Lease } from "./lease.js"
import { later, soon, wallClockMs, whenOver } from "./natives.js"
import { timing } from "./timing.js"

/** A segment takes rows until its text has so many UTF-16 units. What a task records stays together. */
const SEGMENT_LENGTH = 4096
/** The most that all outboxes of an origin take in storage, likewise. */
const MAX_LENGTH = 256 * 1024
/** Rows leave so much of that to leases and ledgers, and to what other tabs write before this one knows of it. */
const ROOM_FOR_LEASES = 4 * 1024
/** A lease is renewed when less than this is left of it. */
const RENEW_BELOW_MS = 120_000
/** How long it takes to see that nobody else has claimed the orphans, where there are no locks. */
const CLAIM_MS = 500

/** What stands in a segment. */
export interface Segment {
  readonly key: string
  /** The instance id of who wrote it. */
  readonly owner: string
  /** Its ledgers: JSON, or what is left of it; empty when there are none. */
  readonly ledgers: string
  /** The rows that are whole. */
  readonly lines: readonly string[]
  /** How many are not. */
  readonly corrupt: number
}

/** The rows of an engine that the server has not acknowledged, outside of the module's memory and of this page's life. */
export interface Outbox {
  /** From now on there is an id to write under. */
  open(id: string): void
  /** Keeps a row, its line behind its checksum, which is written when the task has run to its end. */
  keep(number: number, record: string): void
  /** Keeps the ledgers beside the rows, in the place of those kept before: JSON, or empty for none. */
  keepLedgers(text: string): void
  /** These need not be kept any longer. */
  release(numbers: Iterable<number>): void
  /** Writes what is new; `again`: also what was refused before or is gone. */
  write(again?: boolean): void
  /**
   * Makes an orphan's segment a part of this outbox, where it is: what `take` keeps are its rows. False when `take` gives
   * false; then it is left as it was.
   */
  adopt(segment: Segment, take: () => boolean): boolean
  /** The keys of what nobody is there for: `all`, or only what was closed. */
  orphans(all: boolean): string[]
  /** Says that the tab lives, if that has not been said for long. */
  renew(): void
  /** Says that nobody is here for these rows any longer. */
  leave(): void
  /** Whether there are rows. */
  readonly waits: boolean
}

/**
 * `root`: what the keys of all outboxes of the client's namespace begin with. `failed`: new rows could not be put in storage;
 * called once for what a task has recorded, however often that is tried again.
 */
export function createOutbox(area: Area, root: string, failed: () => void): Outbox {
  interface Open {
    readonly key: string
    readonly lines: Map<number, string>
    length: number
  }
  let id = ""
  let ledgers = ""
  let waiting = new Map<number, string>()
  /** The rows of an orphan that is being taken over; what is recorded from within `fetch` meanwhile is none of them. */
  let adopting: Map<number, string> | undefined
  /** The same, up to the end of the taking over. */
  let taking: Map<number, string> | undefined
  const segments = new Map<string, Open>()
  /** Those that storage does not have as they are. */
  const unsaved = new Set<Open>()
  /** Those of them that storage has refused. */
  const refused = new Set<Open>()
  const places = new Map<number, Open>()
  let open: Open | undefined
  let nextSegment = 0
  let leaseEndsMs = NaN
  let isLeaseStale = false
  /** Whether the page went away. Rows may come even then. */
  let isAway = false
  let isPlanned = false

  function plan(): void {
    if (isPlanned) return
    isPlanned = true
    soon(() => {
      isPlanned = false
      outbox.write()
    })
  }

  /** Says what becomes of the own outbox, unless that has been said not long ago. */
  function extend(isDue = false): void {
    const leftMs = leaseEndsMs - wallClockMs()
    const isFresh = leftMs > RENEW_BELOW_MS * timing.scale && leftMs <= LEASE_MS * timing.scale
    if (isDue || !isFresh) lease(id, isAway ? "closed" : "open", ledgers)
  }

  function lease(owner: string, state: string, ledgers: string): void {
    const endsMs = wallClockMs() + (owner === id ? LEASE_MS * timing.scale : 0)
    if (owner === id) {
      isLeaseStale = false
      leaseEndsMs = endsMs
    }
    try {
      area.setItem(root + owner, `1|${endsMs}|${state}|${ledgers}`, MAX_LENGTH)
    } catch {
      // A segment without one is an orphan: it may be sent twice.
    }
  }

  function hold(segment: Open): void {
    segments.set(segment.key, segment)
    for (const number of segment.lines.keys()) places.set(number, segment)
  }

  /**
   * Whether a segment that was taken over is somebody else's now: its owner's again, who adds to it, or the next one's. Then it is
   * theirs to write and to remove.
   */
  function isLost({ key }: Open): boolean {
    const owner = ownerOf(key, root)
    const lease = owner === id ? null : area.getItem(root + owner)
    return lease !== null && readLease(lease).state !== `>${id}`
  }

  /** Whether storage has taken it. */
  function save(segment: Open): boolean {
    if (isLost(segment)) {
      unsaved.delete(segment)
      refused.delete(segment)
      return true
    }
    const text = [...segment.lines.values()].join("\n")
    segment.length = text.length
    unsaved.delete(segment)
    refused.delete(segment)
    try {
      area.setItem(segment.key, text, MAX_LENGTH - ROOM_FOR_LEASES)
      return true
    } catch {
      unsaved.add(segment)
      refused.add(segment)
      return false
    }
  }

  const outbox: Outbox = {
    open(newId) {
      id = newId
      outbox.renew()
      outbox.write()
    },
    keep(number, record) {
      ;(adopting ?? waiting).set(number, record)
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
        taking?.delete(number)
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
        segments.delete(segment.key)
        for (const set of [unsaved, refused]) set.delete(segment)
        if (!isLost(segment)) removeSegment(area, root, segment.key, id)
      }
    },
    write(again) {
      adopting = undefined
      if (!id) return
      if (waiting.size > 0) {
        // Where it is long over, others would take what is written before it is renewed.
        extend()
        if (!open || open.length >= SEGMENT_LENGTH) open = { key: `${root}${id}:${nextSegment++}`, lines: new Map(), length: 0 }
        for (const [number, line] of waiting) open.lines.set(number, line)
        hold(open)
        unsaved.add(open)
        refused.delete(open)
        waiting = new Map()
      }
      for (const segment of segments.values()) {
        // What was refused before is not tried again with each new row.
        const isDue = again ? unsaved.has(segment) || area.getItem(segment.key) === null : unsaved.has(segment) && !refused.has(segment)
        if (!isDue || save(segment)) continue
        // Each attempt that fails has counted all that is in storage.
        if (again) break
        failed()
      }
      if (isLeaseStale) extend(true)
    },
    adopt(segment, take) {
      const lines = (adopting = taking = new Map<number, string>())
      const isTaken = take()
      adopting = taking = undefined
      if (!isTaken) return false
      const { key, owner } = segment
      // Where it was this outbox's before, the engine knows most of its rows.
      const known = segments.get(key)
      if (known) {
        for (const [number, line] of known.lines) lines.set(number, line)
        for (const set of [unsaved, refused]) set.delete(known)
      }
      if (lines.size === 0) {
        // Its ledgers are with the own ones first.
        outbox.write()
        removeSegment(area, root, key, id)
        return true
      }
      const held = { key, lines, length: SEGMENT_LENGTH }
      hold(held)
      if (lines.size < segment.lines.length + segment.corrupt) {
        unsaved.add(held)
        plan()
      }
      const { state, ledgers } = readLease(area.getItem(root + owner))
      if (state !== `>${id}`) lease(owner, `>${id}`, ledgers)
      return true
    },
    orphans: (all) => orphans(area, root, id, (key) => segments.has(key), all ? isOver : isClosed),
    renew() {
      const isBack = isAway
      isAway = false
      extend(isBack)
    },
    leave() {
      isAway = true
      outbox.write()
      if (segments.size > 0 || ledgers) extend(true)
      else area.removeItem(root + id)
    },
    get waits() {
      return waiting.size + segments.size > 0
    },
  }
  return outbox
}

/**
 * The keys of what nobody is there for: segments of tabs that are closed, or have said nothing for long, and of those who had
 * taken them over; and where only that is left, leases. `own`: an outbox that is no orphan; what it has taken over of another
 * one is what it `holds`. `isLeft`: by their lease.
 */
export function orphans(
  area: Area,
  root: string,
  own?: string,
  holds?: (key: string) => boolean,
  isLeft: (lease: Lease, nowMs: number) => boolean = isOver,
): string[] {
  const nowMs = wallClockMs()
  const keys = area.keys(root)
  const used = new Set(keys.map((key) => key.slice(0, key.lastIndexOf(":"))))
  return keys.filter((key) => {
    const owner = ownerOf(key, root)
    if (owner === own || (key === root + owner && used.has(key))) return false
    const lease = readLease(area.getItem(root + owner))
    const holder = lease.state[0] === ">" && lease.version === "1" ? lease.state.slice(1) : undefined
    if (holder === undefined) return isLeft(lease, nowMs)
    if (holder === own) return !holds?.(key)
    // One that has nothing left of its own has taken its lease away.
    const holders = area.getItem(root + holder)
    return holders === null || isLeft(readLease(holders), nowMs)
  })
}

function ownerOf(key: string, root: string): string {
  return key.slice(root.length).split(":")[0] ?? ""
}

/** What is under one of those keys. */
export function readSegment(area: Area, root: string, key: string): Segment {
  const owner = ownerOf(key, root)
  const lease = root + owner
  const { ledgers } = readLease(area.getItem(lease))
  // Another tab may just have taken it.
  const records = key === lease ? [] : (area.getItem(key)?.split("\n") ?? [])
  const lines: string[] = []
  for (const record of records) {
    const end = record.indexOf("|")
    const line = record.slice(end + 1)
    if (end > 0 && hashOf(line) === record.slice(0, end)) lines.push(line)
  }
  return { key, owner, ledgers, lines, corrupt: records.length - lines.length }
}

/** Removes a segment, and with the last one the lease, unless that is `own`. */
export function removeSegment(area: Area, root: string, key: string, own?: string): void {
  area.removeItem(key)
  const owner = ownerOf(key, root)
  if (owner !== own && area.keys(`${root + owner}:`).length === 0) area.removeItem(root + owner)
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
