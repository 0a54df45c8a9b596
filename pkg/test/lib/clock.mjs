// Time that stands still until it is told to pass: Date, timers and the monotonic clock together.

import { mock } from "node:test"

/** Takes over the clocks for the rest of a test. */
export function stopTime(t, startMs = Date.UTC(2026, 9, 1)) {
  let monoMs = 1000
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: startMs })
  const now = mock.method(performance, "now", () => monoMs)
  t.after(() => {
    mock.timers.reset()
    now.mock.restore()
  })
  return {
    /** Passes so many milliseconds. Timers that fall due are called at its end. */
    pass(ms) {
      monoMs += ms
      mock.timers.tick(ms)
    },
  }
}
