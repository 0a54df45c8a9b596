/**
 * The host's functions, as they were when the package was imported: a page may replace them later. Read, not called.
 */

export const hostFetch: typeof fetch | undefined = typeof fetch === "function" ? fetch : undefined

export const { parse, stringify } = JSON

export const utf8 = new TextEncoder()

const hostQueueMicrotask: typeof queueMicrotask | undefined =
  typeof queueMicrotask === "function" ? queueMicrotask : undefined

/** zone.js runs what is scheduled in its root zone without having a framework look for changes after it. */
const zone = (globalThis as { Zone?: { root?: { run?<T>(work: () => T): T } } }).Zone?.root

/** Does `work` so that nothing it schedules wakes a framework that watches through zone.js. */
export function unwatched<T>(work: () => T): T {
  return zone?.run ? zone.run(work) : work()
}

/** `task`, which throws nothing at the page. */
function safe(task: () => void): () => void {
  return () => {
    try {
      task()
    } catch {
      // A page has replaced something that it is made of.
    }
  }
}

/** Calls `task` when the current task has run to its end. */
export function soon(task: () => void): void {
  unwatched(() => {
    if (hostQueueMicrotask) hostQueueMicrotask(safe(task))
    else void Promise.resolve().then(safe(task))
  })
}

/** Calls `task` after so many milliseconds. The timer's id; undefined where a page has replaced timers by what throws. */
export function later(task: () => void, delayMs: number): unknown {
  try {
    // Browsers cut off what is less than a millisecond. A call that comes so much too early finds nothing due.
    const timer: unknown = unwatched(() => setTimeout(safe(task), Math.ceil(delayMs)))
    // A timer of ours keeps no Node process alive.
    ;(timer as { unref?(): void } | undefined)?.unref?.()
    return timer
  } catch {
    return undefined
  }
}

/**
 * Waits for the end of a promise, whatever it is; nobody is told how it failed. (`await` looks for no `then`, which a page
 * may have replaced.)
 */
export async function whenOver(promise: unknown, next?: () => void): Promise<void> {
  try {
    await promise
  } catch {
    // It ended.
  }
  next?.()
}

/** Ends a timer, if there is one. */
export function cancel(timer: unknown): void {
  safe(() => clearTimeout(timer as number))()
}

/** Where relative URLs start; undefined where there is no page. */
export function baseUrl(): string | undefined {
  return typeof document === "object" ? document.baseURI : typeof location === "object" ? location.href : undefined
}

/** Unix milliseconds; NaN where a page has replaced the clock by one that throws. */
export function wallClockMs(): number {
  try {
    return Date.now()
  } catch {
    return NaN
  }
}

/** From 0 to just below 1, to spread things; 0 where a page has replaced it by what throws. */
export function random(): number {
  try {
    return Math.random()
  } catch {
    return 0
  }
}
