import type { Area } from "./area.js"

/** What the tab that asked last tells the others, through localStorage. Times are Unix milliseconds. */
export interface Claim {
  readonly askedMs: number
  /** Nobody needs to ask before. */
  readonly nextMs: number
  /** When the kept ruleset was kept. 0 when none is. */
  readonly keptAtMs: number
}

/** The claim under this key; undefined when there is none, or it is on another ruleset than `id`. It may be nonsense. */
export function readClaim(area: Area, key: string, id: string): Claim | undefined {
  const [of, askedMs, nextMs, keptAtMs] = area.getItem(key)?.split(" ") ?? []
  return of === id ? { askedMs: Number(askedMs), nextMs: Number(nextMs), keptAtMs: Number(keptAtMs) } : undefined
}

export function writeClaim(area: Area, key: string, id: string, { askedMs, nextMs, keptAtMs }: Claim): void {
  try {
    area.setItem(key, [id, askedMs, nextMs, keptAtMs].join(" "))
  } catch {
    // Blocked or full: each tab asks by itself.
  }
}
