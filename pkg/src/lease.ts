import { timing } from "./timing.js"

/**
 * What is said of an outbox, under its owner's key: version, until when the owner is believed to live (Unix milliseconds),
 * what it is at, its ledgers; with `|` between them.
 */
export interface Lease {
  readonly version: string
  readonly endsMs: number
  /** `open`, `closed`, or `>` and the id of who has taken the outbox over. */
  readonly state: string
  /** JSON, or what is left of it; empty when there are none. */
  readonly ledgers: string
}

/** How long a tab that says nothing more is believed to live, and how long after that its rows are left to it. */
export const LEASE_MS = 180_000
/** What a version to come has left is its own for so long, and what everybody has forgotten is kept for so long. */
const LONG_MS = 7 * 86_400_000

/** Whatever is there. The parts that are missing are empty. */
export function readLease(text: string | null): Lease {
  const [, version = "", endsMs, state = "", ledgers = ""] = /^(.*?)\|(.*?)\|(.*?)(?:\|(.*))?$/s.exec(text ?? "") ?? []
  return { version, endsMs: Number(endsMs ?? NaN), state, ledgers: version === "1" ? ledgers : "" }
}

/** What is no number is not believed. Nor is what is later than any tab can have written: a clock was set back. */
const isBelieved = (endsMs: number, nowMs: number): boolean => endsMs <= nowMs + 2 * LEASE_MS * timing.scale

/** Whether the owner has said that nobody is there for the outbox any longer. */
export const isClosed = ({ version, state }: Lease): boolean => version === "1" && state === "closed"

/** Whether nobody is there for the outbox. */
export function isOver(lease: Lease, nowMs: number): boolean {
  const { version, endsMs } = lease
  if (!isBelieved(endsMs, nowMs) || isClosed(lease)) return true
  return nowMs - endsMs >= (Number(version) > 1 ? LONG_MS : LEASE_MS * timing.scale)
}

/**
 * Whether nobody has looked after the outbox for a week, as far as that can be told: by its lease, else by the newest row
 * of the segment.
 */
export function isForgotten({ endsMs }: Lease, segment: string, nowMs: number): boolean {
  const rowsMs = (): number => {
    let newestMs = -Infinity
    // Whoever wrote it: there may be more than a call takes arguments.
    for (const [, ms] of segment.matchAll(/"ts_ms":(\d+)/g)) newestMs = Math.max(newestMs, Number(ms))
    return newestMs
  }
  const lastMs = isBelieved(endsMs, nowMs) ? endsMs : rowsMs()
  // Without any row that is minus infinity: nothing tells.
  return lastMs > 0 && nowMs - lastMs > LONG_MS
}
