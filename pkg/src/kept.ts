import type { RulesetText } from "./ruleset.js"
import { later, wallClockMs, whenOver } from "./natives.js"

const CACHE = "pennon1"
const KEPT_AT = "pennon-kept-at"
/** An origin keeps so many rulesets. One whose URL changes with each deployment must not fill the disk. */
const MAX_KEPT = 4
/** A disk that has not answered after so many milliseconds is passed over: the network may be faster. */
const PATIENCE_MS = 1000

export interface KeptText extends RulesetText {
  /** Unix milliseconds. */
  readonly keptAtMs: number
}

function patience(): Promise<undefined> {
  return new Promise((resolve) => void later(() => resolve(undefined), PATIENCE_MS))
}

/** The last good ruleset of a URL, in the browser's Cache API. */
export interface Kept {
  /** Whether there is a place to keep it in, as far as it is known. */
  readonly works: boolean
  /** Undefined when there is none, or it is older than its age limit. */
  read(): Promise<KeptText | undefined>
  /** Nothing of it stays where it may not be kept when it is written. */
  write(copy: KeptText): Promise<void>
  /** Removes the copy. */
  forget(): void
}

/**
 * `key`: a URL that nobody serves, for this ruleset alone. `maxAgeMs`: 0 keeps nothing. `may`: whether anything may be kept
 * now.
 */
export function createKept(key: string, maxAgeMs: number, may: () => boolean): Kept {
  let works = maxAgeMs > 0

  async function find(): Promise<KeptText | undefined> {
    const response = await (await caches.open(CACHE)).match(key)
    if (!response) return undefined
    const keptAtMs = Number(response.headers.get(KEPT_AT))
    // A time to come is as far away as one that has passed: a clock was set back.
    if (!(Math.abs(wallClockMs() - keptAtMs) <= maxAgeMs)) return undefined
    return { text: await response.text(), tag: response.headers.get("etag"), keptAtMs }
  }

  /** Does `work`, unless it has failed before: insecure pages have no Cache API, and browsers may block it. */
  async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (!works || !may()) return undefined
    try {
      return await work()
    } catch {
      works = false
      return undefined
    }
  }

  return {
    get works() {
      return works && may()
    },
    read: () => attempt(() => Promise.race([find(), patience()])),
    write: ({ text, tag, keptAtMs }) =>
      attempt(async () => {
        const cache = await caches.open(CACHE)
        await cache.put(key, new Response(text, { headers: { [KEPT_AT]: String(keptAtMs), ...(tag && { etag: tag }) } }))
        // What was put last is last.
        for (const old of (await cache.keys()).slice(0, -MAX_KEPT)) await cache.delete(old)
        // It may have been denied meanwhile.
        if (!may()) await cache.delete(key)
      }),
    forget: () =>
      void whenOver((async () => {
        if (await caches.has(CACHE)) await (await caches.open(CACHE)).delete(key)
      })()),
  }
}
