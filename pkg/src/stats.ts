import { parse, wallClockMs } from "./natives.js"
import type { Stats } from "./types.js"
import type { Engine } from "./wasm/pennon.js"

const none = Object.freeze({})

export const NO_STATS: Stats = Object.freeze({
  recorded: 0, sending: 0, pending: 0, delivered: 0, refused: 0, dropped: none, droppedBy: none, resent: 0, adopted: 0,
  traps: 0, persistFailed: 0, unreachable: 0, nextFlushAtMs: undefined,
})

export function readStats(engine: Engine): Stats {
  const { flushDueMonoMs, nowMonoMs, seqMax: _, dropped, droppedBy, ...counts } = engine.stats()
  const nextFlushAtMs = flushDueMonoMs === undefined ? undefined : wallClockMs() + flushDueMonoMs - nowMonoMs
  return Object.freeze({ ...counts, dropped: countsOf(dropped), droppedBy: countsOf(droppedBy), nextFlushAtMs })
}

function countsOf(text: string): Readonly<Record<string, number>> {
  return Object.freeze(parse(text) as Record<string, number>)
}
