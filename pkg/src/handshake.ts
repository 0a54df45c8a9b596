import { cancel, later, wallClockMs } from "./natives.js"

/** How long a slice may take, in milliseconds, before it ends with the flag it is at: that may still send a batch. */
const SLICE_MS = 3
/** The most flags in a slice: a clock that a page has stopped or set back must not make it endless. */
const SLICE_FLAGS = 200

/** A walk over the flags that records which of them were decided, in slices so short that nobody feels them. */
export interface Handshake {
  /** Answers may have changed: begins anew, soon. What an unfinished walk has left is done by this one. */
  begin(): void
  /** There may be room again for a flag whose turn had not come. */
  goOn(): void
  stop(): void
}

/** `visit` does the flag at a place: false when its turn has not come, undefined behind the last one. */
export function createHandshake(visit: (place: number) => boolean | undefined): Handshake {
  let place = 0
  let timer: unknown
  let isWaiting = false

  function plan(): void {
    isWaiting = false
    cancel(timer)
    timer = later(slice, 0)
  }

  function slice(): void {
    const endMs = wallClockMs() + SLICE_MS
    for (let flags = 0; flags < SLICE_FLAGS && !(wallClockMs() >= endMs); flags++) {
      const at = place++
      const done = visit(at)
      if (done === undefined) return
      if (!done) {
        // Unless a new walk has begun from within.
        if (place > at) place = at
        isWaiting = true
        return
      }
    }
    plan()
  }

  return {
    begin() {
      place = 0
      plan()
    },
    goOn() {
      if (isWaiting) plan()
    },
    stop: () => cancel(timer),
  }
}
