import { parse, wallClockMs } from "./natives.js"
import type { Stats } from "./types.js"
import type { Engine, EngineStats } from "./wasm/pennon.js"

const none = Object.freeze({})

export const NO_STATS: Stats = Object.freeze({
  recorded: 0, sending: 0, pending: 0, delivered: 0, refused: 0, dropped: none, droppedBy: none, resent: 0, adopted: 0,
  traps: 0, persistFailed: 0, unreachable: 0, nextFlushAtMs: undefined,
})

export function readStats(engine: Engine): Stats {
  const { flushInMs, seqMax: _, dropped, droppedBy, ...counts } = parse(engine.stats()) as EngineStats
  const nextFlushAtMs = flushInMs === undefined ? undefined : wallClockMs() + flushInMs
  return Object.freeze({ ...counts, dropped: Object.freeze(dropped), droppedBy: Object.freeze(droppedBy), nextFlushAtMs })
}
