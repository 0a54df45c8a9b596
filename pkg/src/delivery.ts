import { isAcknowledged } from "./acknowledge.js"
import { later, unwatched, wallClockMs, whenOver } from "./natives.js"
import { timesTold, type Told } from "./retry-after.js"
import { timing } from "./timing.js"
import type { FlushResult } from "./types.js"

/** How a request ended. */
export interface Outcome extends Told {
  /** 0: no server has answered. */
  readonly status: number
  readonly isAcknowledged: boolean
}

/** The network's side of delivery. The engine decides what is sent, and when. */
export interface Delivery {
  /** Sends one batch, and tells its end. What can abort it; undefined when `fetch` threw at once. */
  post(body: string, keepalive: boolean, settled: (outcome: Outcome) => void): AbortController | undefined
  /** Aborts all that is under way. */
  abort(): void
  /** Waits for the end of a flush. `begin` starts one, unless one is under way. */
  flush(begin: () => void): Promise<FlushResult>
  /** Whether somebody waits for the end of a flush. */
  readonly isFlushing: boolean
  /** A flush has ended. */
  flushed(result: FlushResult): void
}

/** How long an answer may go on behind what was read of it, in milliseconds. */
const END_WITHIN_MS = 5000

const NO_ANSWER: Outcome = { status: 0, isAcknowledged: false, retryAfterMs: NaN, serverMs: NaN }

/** `failed` is told what came instead of an acknowledgement. */
export function createDelivery(
  endpoint: string | undefined,
  headers: Readonly<Record<string, string>> | undefined,
  fetch: typeof globalThis.fetch | undefined,
  failed: (found: string) => void,
): Delivery {
  let flushing: { readonly promise: Promise<FlushResult>; readonly resolve: (result: FlushResult) => void } | undefined

  const underWay = new Set<AbortController>()

  async function settle(asked: Promise<Response> | undefined, settled: (outcome: Outcome) => void): Promise<void> {
    let outcome = NO_ANSWER
    try {
      const response = await asked!
      const { status } = response
      outcome = { ...timesTold(response.headers, wallClockMs()), status, isAcknowledged: await isAcknowledged(response) }
    } catch {
      // No answer, or only half of one.
    }
    if (!outcome.isAcknowledged) failed(outcome.status ? `status ${outcome.status}` : "no answer")
    settled(outcome)
  }

  return {
    post(body, keepalive, settled) {
      let controller: AbortController | undefined
      let asked: Promise<Response> | undefined
      try {
        const { signal } = (controller = new AbortController())
        // It sends no cookie, follows no redirect (a 301 would turn it into a GET that ends in 200), and is never answered from a
        // cache. A text's own type needs no preflight.
        const init: RequestInit = {
          method: "POST", body, keepalive, signal, credentials: "omit", redirect: "error", cache: "no-store",
          referrerPolicy: "strict-origin", ...(headers && { headers }),
        }
        underWay.add(controller)
        asked = unwatched(() => fetch!(endpoint!, init))
      } catch {
        underWay.delete(controller!)
        controller = undefined
      }
      void whenOver(settle(asked, settled), () => {
        underWay.delete(controller!)
        // What is left of an answer that has no end would hold the quota of keepalive requests: not every browser gives it back for the
        // body alone. What ends is left to end: a page may have wrapped `fetch` to read it too.
        later(() => controller?.abort(), END_WITHIN_MS * timing.scale)
      })
      return controller
    },
    abort() {
      underWay.forEach((controller) => controller.abort())
      underWay.clear()
    },
    flush(begin) {
      if (flushing) return flushing.promise
      let resolve: (result: FlushResult) => void = () => undefined
      const promise = new Promise<FlushResult>((done) => (resolve = done))
      flushing = { promise, resolve }
      begin()
      return promise
    },
    get isFlushing() {
      return flushing !== undefined
    },
    flushed(result) {
      flushing?.resolve(result)
      flushing = undefined
    },
  }
}
