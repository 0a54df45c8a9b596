/** What a response says about time, in milliseconds; NaN where it says nothing that can be understood. */
export interface Told {
  /** How long to wait. Not below 0, otherwise as it is told. */
  readonly retryAfterMs: number
  /** The server's clock, Unix milliseconds. */
  readonly serverMs: number
}

/**
 * `Retry-After` and `Date`. Another origin has to expose both. A date is measured against the server's own clock, where it
 * told that; else against `nowMs`.
 *
 * Source: RFC 9110, sections 5.6.7 and 10.2.3; of its three forms of a date the one that servers may send.
 */
export function timesTold(headers: Headers, nowMs: number): Told {
  const serverMs = dateMs(headers.get("date"))
  const text = headers.get("retry-after")?.trim()
  const atMs = dateMs(text)
  const fromMs = serverMs > 0 ? serverMs : nowMs
  return { serverMs, retryAfterMs: /^\d+$/.test(text ?? "") ? Number(text) * 1000 : Math.max(0, atMs - fromMs) }
}

/** Browsers take almost anything for a date: "-5" is in 2001. */
function dateMs(text: string | null | undefined): number {
  return /^\w{3}, \d.* GMT$/.test(text ?? "") ? Date.parse(text!) : NaN
}
