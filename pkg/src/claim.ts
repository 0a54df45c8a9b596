/** What the tab that asked last tells the others, through localStorage. Times are Unix milliseconds. */
export interface Claim {
  readonly askedMs: number
  /** Nobody needs to ask before. */
  readonly nextMs: number
  /** When the kept ruleset was kept. 0 when none is. */
  readonly keptAtMs: number
}

/** The claim under this key; undefined when there is none, or it is on another ruleset than `id`. It may be nonsense. */
export function readClaim(key: string, id: string): Claim | undefined {
  try {
    const [of, askedMs, nextMs, keptAtMs] = localStorage.getItem(key)?.split(" ") ?? []
    return of === id ? { askedMs: Number(askedMs), nextMs: Number(nextMs), keptAtMs: Number(keptAtMs) } : undefined
  } catch {
    return undefined
  }
}

export function writeClaim(key: string, id: string, { askedMs, nextMs, keptAtMs }: Claim): void {
  try {
    localStorage.setItem(key, [id, askedMs, nextMs, keptAtMs].join(" "))
  } catch {
    // Blocked or full: each tab asks by itself.
  }
}
