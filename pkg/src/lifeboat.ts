import type { Area } from "./area.js"
import { hashOf } from "./hash.js"
import { cancel, later, parse, stringify, utf8, wallClockMs } from "./natives.js"
import { orphans, readSegment, removeSegment } from "./outbox.js"
import { timing } from "./timing.js"

const MAX_ROWS = 100
/** UTF-8, without what is around the rows. */
const MAX_BYTES = 45 * 1024
const EVERY_MS = 60_000
/** What another tab says of later than that is nonsense, or a clock was set back. */
const LONGEST_WAIT_MS = 3_600_000

/** Sends what outboxes hold where there is no module to do it: slowly, and nothing else. */
export interface Lifeboat {
  begin(): void
  stop(): void
}

/**
 * `root`: what the keys of the outboxes begin with; `turnKey`: where the tabs say when the next batch is due. `send` gives
 * how long to wait, or undefined when the rows are acknowledged.
 */
export function createLifeboat(
  area: Area,
  root: string,
  turnKey: string,
  key: string,
  send: (body: string) => Promise<number | undefined>,
): Lifeboat {
  let timer: unknown
  let isOut = false
  /** How often it began. What an earlier trip is at ends with it. */
  let trips = 0

  /** What to send, and what of each segment that is. */
  function load(): { body: string; taken: Map<string, Set<string>> } {
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
        const length = utf8.encode(line).length
        // None of ours: it would hold up all others.
        if (length > MAX_BYTES) continue
        bytes += length
        if (++rows > MAX_ROWS || bytes > MAX_BYTES) break
        const row = line.slice(1)
        if (parsed(row)) (line[0] === "l" ? links : exposures)!.push(row)
        sent.add(line)
      }
      if (sent.size === 0) continue
      taken.set(at, sent)
      const of = parsed(ledgers)
      if (Array.isArray(of) && of.length > 0 && !owners.has(owner)) ledgerTexts!.push(ledgers.trim().slice(1, -1))
      owners.add(owner)
    }
    const lists = `"ledgers":[${ledgerTexts}],"exposures":[${exposures}],"links":[${links}]`
    return { body: `{"v":1,"key":${stringify(key)},"sent_at_ms":${stringify(wallClockMs())},${lists}}`, taken }
  }

  async function row(trip: number): Promise<void> {
    try {
      const nowMs = wallClockMs()
      const waitMs = Number(area.getItem(turnKey)) - nowMs
      if (!(waitMs > 0 && waitMs <= LONGEST_WAIT_MS)) {
        const { body, taken } = load()
        if (taken.size > 0) {
          turn(nowMs + EVERY_MS * timing.scale)
          const retryMs = await send(body)
          if (trip !== trips || !isOut) return
          if (retryMs === undefined) taken.forEach(unload)
          else turn(nowMs + Math.min(Math.max(retryMs, EVERY_MS), LONGEST_WAIT_MS) * timing.scale)
        }
      }
    } catch {
      // What was stored, or what this is made of, is not what it should be. It may be the next time.
    }
    timer = later(() => void row(trip), EVERY_MS * timing.scale)
  }

  function turn(atMs: number): void {
    try {
      area.setItem(turnKey, String(atMs))
    } catch {
      // Each tab by itself, then.
    }
  }

  /** Takes rows out that are acknowledged. */
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
