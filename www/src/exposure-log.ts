import type { Client, Exposure } from "pennon"
import { createSignal, type Signal } from "./signal.js"

/** How far a row has come. `waiting`: an attempt to send it failed; its client tries again, or the one that takes it over. */
export type Stage = "recorded" | "sending" | "waiting" | "acknowledged" | "stored"

const PENDING: readonly Stage[] = ["recorded", "sending", "waiting"]

export interface LogEntry {
  readonly row: Exposure
  readonly stage: Stage
}

export interface ExposureLog {
  readonly changed: Signal
  /** Newest first. */
  entries(): readonly LogEntry[]
  /** How many rows are pending, acknowledged or more, and stored. */
  counts(): { readonly pending: number; readonly acknowledged: number; readonly stored: number }
  /** Follows what `client` records and sends. Returns the function that ends this, once the client is closed. */
  follow<Flags extends object>(client: Client<Flags>): () => void
}

/** Older entries are forgotten. */
const MAX_ENTRIES = 200
const POLL_EVERY_MS = 1000
/** So often is a row looked for; by then it is not coming. */
const MAX_POLLS = 20

export function createExposureLog(): ExposureLog {
  const changed = createSignal()
  let entries: readonly LogEntry[] = []
  let polls = 0
  let pollTimer: ReturnType<typeof setTimeout> | undefined

  function move(ids: ReadonlySet<string>, stage: Stage, from: readonly Stage[]): void {
    let moved = false
    entries = entries.map((entry) => {
      if (!ids.has(entry.row.id) || !from.includes(entry.stage)) return entry
      moved = true
      return { ...entry, stage }
    })
    if (moved) changed.fire()
  }

  function pollSoon(): void {
    if (pollTimer !== undefined || polls >= MAX_POLLS) return
    pollTimer = setTimeout(async () => {
      await poll()
      pollTimer = undefined
      if (entries.some((entry) => entry.stage === "acknowledged")) pollSoon()
    }, polls === 0 ? 0 : POLL_EVERY_MS)
  }

  async function poll(): Promise<void> {
    const awaited = entries.filter((entry) => entry.stage === "acknowledged").map((entry) => entry.row)
    // The store keeps the earliest of equal rows, so a row sent twice may stand under another instance: every second
    // time the people are asked for.
    const column = polls % 2 === 0 ? "instance_id" : "distinct_id"
    polls += 1
    for (const value of new Set(awaited.map((row) => row[column]))) {
      move(await storedIds(column, value), "stored", ["acknowledged"])
    }
  }

  return {
    changed,
    entries: () => entries,
    counts() {
      const pending = entries.filter((entry) => PENDING.includes(entry.stage)).length
      const stored = entries.filter((entry) => entry.stage === "stored").length
      return { pending, acknowledged: entries.length - pending, stored }
    },
    follow(client) {
      const stops = [
        client.on("exposure", (row) => {
          const known = entries.find((entry) => entry.row.id === row.id)
          entries = [{ row, stage: known?.stage === "stored" ? "stored" : "recorded" } as LogEntry]
            .concat(entries.filter((entry) => entry !== known))
            .slice(0, MAX_ENTRIES)
          changed.fire()
        }),
        client.on("delivery", ({ status, ids }) => {
          const rows = new Set(ids)
          if (status === "sending") move(rows, "sending", ["recorded", "waiting"])
          if (status === "failed") move(rows, "waiting", ["recorded", "sending"])
          if (status === "acknowledged") {
            move(rows, "acknowledged", PENDING)
            polls = 0
            pollSoon()
          }
        }),
      ]
      return () => stops.forEach((stop) => stop())
    },
  }
}

/** The ids of the newest rows that the collector stores for `value`; none when it does not answer. */
async function storedIds(column: "instance_id" | "distinct_id", value: string): Promise<ReadonlySet<string>> {
  try {
    const response = await fetch(`/api/exposures?${new URLSearchParams({ [column]: value, limit: String(MAX_ENTRIES) })}`)
    if (!response.ok) return new Set()
    const { rows } = (await response.json()) as { rows: readonly { id: string }[] }
    return new Set(rows.map((row) => row.id))
  } catch {
    return new Set()
  }
}
