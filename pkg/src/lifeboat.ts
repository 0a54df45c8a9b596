import type { Area } from "./area.js"
import type { Outcome } from "./delivery.js"
import { hashOf } from "./hash.js"
import { cancel, later, parse, stringify, utf8, wallClockMs } from "./natives.js"
import { orphans, readSegment, removeSegment } from "./outbox.js"
import { timing } from "./timing.js"

const MAX_ROWS = 100
/** UTF-8, without what is around the rows. */
const MAX_BYTES = 45 * 1024
const EVERY_MS = 60_000
/** An hour and a tenth: what is said of later than that is nonsense, or a clock was set back. */
const LONGEST_WAIT_MS = 3_960_000
/** Older rows are not sent. */
const MAX_AGE_MS = 7 * 86_400_000
/** What a server answers to rows that it will never take, or to too many of them. */
const REFUSALS = [400, 413, 422]

/** Sends what outboxes hold where there is no module to do it: slowly, and nothing else. */
export interface Lifeboat {
  begin(): void
  stop(): void
}

/**
 * `prefix`: what the client's keys begin with. Under `q:` there are the outboxes; under `b` the tabs say when the next batch is
 * due, and under `r` engines, or a lifeboat that was told so, how long the server is to be left alone.
 */
export function createLifeboat(area: Area, prefix: string, key: string, send: (body: string) => Promise<Outcome>): Lifeboat {
  const root = `${prefix}q:`
  let timer: unknown
  let isOut = false
  /** How often it began. What an earlier trip is at ends with it. */
  let trips = 0
  /** How many rows go together: half of those that were refused, until the one is found which that was for. */
  let most = MAX_ROWS

  /** What to send, and what of each segment that is. */
  function load(nowMs: number): { body: string; rows: number; taken: Map<string, Set<string>> } {
    // As text: a page may have given lists a `toJSON`.
    const [ledgerTexts, exposures, links]: string[][] = [[], [], []]
    const taken = new Map<string, Set<string>>()
    const owners = new Set<string>()
    let rows = 0
    let bytes = 0
    for (const at of orphans(area, root)) {
      const { owner, ledgers, lines } = readSegment(area, root, at)
      const sent = new Set<string>()
      for (const line of lines) {
        const row = line.slice(1)
        const known = parsed(row) as { readonly ts_ms?: number } | undefined
        const length = utf8.encode(line).length
        // None of ours would hold up all others.
        if (length > MAX_BYTES || nowMs - known?.ts_ms! > MAX_AGE_MS) continue
        if (rows === most || bytes + length > MAX_BYTES) break
        bytes += length
        rows++
        if (known) (line[0] === "l" ? links : exposures)!.push(row)
        sent.add(line)
      }
      if (sent.size === 0) continue
      taken.set(at, sent)
      const of = parsed(ledgers)
      if (Array.isArray(of) && of.length > 0 && !owners.has(owner)) ledgerTexts!.push(ledgers.trim().slice(1, -1))
      owners.add(owner)
    }
    const lists = `"ledgers":[${ledgerTexts}],"exposures":[${exposures}],"links":[${links}]`
    return { body: `{"v":1,"key":${stringify(key)},"sent_at_ms":${stringify(nowMs)},${lists}}`, rows, taken }
  }

  async function row(trip: number): Promise<void> {
    try {
      const nowMs = wallClockMs()
      const { body, rows, taken } = load(nowMs)
      if (rows > 0 && !mustWait(nowMs)) {
        say("b", `${nowMs + EVERY_MS * timing.scale}`)
        const { status, isAcknowledged, retryAfterMs } = await send(body)
        if (trip !== trips || !isOut) return
        const isRefused = REFUSALS.includes(status)
        if (isAcknowledged || (isRefused && rows === 1)) taken.forEach(unload)
        if (isRefused) most = rows >> 1 || MAX_ROWS
        if (retryAfterMs >= 0) say("r", `1|a|1|${Math.ceil(nowMs + Math.min(retryAfterMs, LONGEST_WAIT_MS * timing.scale))}|${nowMs}|${nowMs}`)
      }
    } catch {
      // What was stored, or what this is made of, is not what it should be. It may be the next time.
    }
    timer = later(() => void row(trip), EVERY_MS * timing.scale)
  }

  function mustWait(nowMs: number): boolean {
    // What an engine puts off by itself is its own affair.
    const asked = /^1\|[as]\|\d+\|(\d+)/.exec(area.getItem(`${prefix}r`) ?? "")
    return [area.getItem(`${prefix}b`), asked?.[1]].some((until) => {
      const waitMs = Number(until) - nowMs
      return waitMs > 0 && waitMs <= LONGEST_WAIT_MS
    })
  }

  function say(name: string, text: string): void {
    try {
      area.setItem(prefix + name, text)
    } catch {
      // Each tab by itself, then.
    }
  }

  /** Takes rows out that are acknowledged, or will never be. */
  function unload(sent: Set<string>, at: string): void {
    const { lines } = readSegment(area, root, at)
    const left = lines.filter((line) => !sent.has(line))
    if (left.length === 0) removeSegment(area, root, at)
    else {
      try {
        area.setItem(at, left.map((line) => `${hashOf(line)}|${line}`).join("\n"))
      } catch {
        // They are sent again.
      }
    }
  }

  return {
    begin() {
      if (isOut) return
      isOut = true
      void row(++trips)
    },
    stop() {
      isOut = false
      cancel(timer)
    },
  }
}

function parsed(text: string): unknown {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}
