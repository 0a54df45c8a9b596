import { isAcknowledged } from "./acknowledge.js"
import { soon } from "./natives.js"
import type { FlushResult } from "./types.js"

/** The network's side of delivery. The engine decides what is sent, and when. */
export interface Delivery {
  /** Sends one batch. False when `fetch` threw at once. */
  post(flight: number, init: RequestInit): boolean
  /** Waits for the end of a flush. `begin` starts one, unless one is under way. */
  flush(begin: () => void): Promise<FlushResult>
  /** A flush has ended. */
  flushed(result: FlushResult): void
}

/**
 * `settled` is told the outcome of each batch: undefined when no server answered. `failed` is told what came instead of an
 * acknowledgement.
 */
export function createDelivery(
  endpoint: string | undefined,
  headers: Readonly<Record<string, string>> | undefined,
  fetch: typeof globalThis.fetch | undefined,
  settled: (flight: number, acknowledged: boolean | undefined) => void,
  failed: (found: string) => void,
): Delivery {
  let flushing: { readonly promise: Promise<FlushResult>; readonly resolve: (result: FlushResult) => void } | undefined
  return {
    post(flight, init) {
      const unreachable = (): void => {
        failed("no answer")
        settled(flight, undefined)
      }
      try {
        if (!fetch || !endpoint) throw new TypeError("nothing to send with")
        Promise.resolve(fetch(endpoint, headers ? { ...init, headers } : init))
          .then(async (response) => {
            const acknowledged = await isAcknowledged(response)
            if (!acknowledged) failed(`status ${response.status}`)
            return acknowledged
          })
          .then((acknowledged) => settled(flight, acknowledged), unreachable)
        return true
      } catch {
        soon(unreachable)
        return false
      }
    },
    flush(begin) {
      if (flushing) return flushing.promise
      let resolve: (result: FlushResult) => void = () => undefined
      const promise = new Promise<FlushResult>((done) => (resolve = done))
      flushing = { promise, resolve }
      begin()
      return promise
    },
    flushed(result) {
      flushing?.resolve(result)
      flushing = undefined
    },
  }
}
