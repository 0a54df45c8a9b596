/**
 * The host's functions, as they were when the package was imported: a page may replace them later. Read, not called.
 */

export const hostFetch: typeof fetch | undefined = typeof fetch === "function" ? fetch : undefined

export const utf8 = new TextEncoder()

const hostQueueMicrotask: typeof queueMicrotask | undefined =
  typeof queueMicrotask === "function" ? queueMicrotask : undefined

/** Calls `task` when the current task has run to its end. */
export function soon(task: () => void): void {
  if (hostQueueMicrotask) hostQueueMicrotask(task)
  else void Promise.resolve().then(task)
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
