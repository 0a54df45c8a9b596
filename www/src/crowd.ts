import { createClient } from "pennon"
import type { Ruleset } from "./ruleset.js"
import { withLimit } from "./ruleset.js"

export const CROWD_SIZE = 1000

/** What the crowd is served at one limit. */
export interface CrowdState {
  /** By person: the variant, or `undefined` outside the limit. */
  readonly variants: readonly (string | undefined)[]
  /** How many people were ever served two different variants while inside the limit. Stays 0. */
  readonly changedColour: number
}

export interface Crowd {
  /** Decides for everybody with the limit at `percent`, a whole number in 0..100. Records nothing. */
  at(percent: number): CrowdState
}

/** The id of the person at `index`, 0..999. */
export function personId(index: number): string {
  return `person-${String(index + 1).padStart(4, "0")}`
}

/** The place of the person called `id`, 0..999, or `undefined` when `id` is none of the crowd. */
export function indexOf(id: string): number | undefined {
  const index = Number(/^person-(\d{4})$/.exec(id)?.[1]) - 1
  return index >= 0 && index < CROWD_SIZE ? index : undefined
}

export async function createCrowd(ruleset: Ruleset, flagKey: string): Promise<Crowd> {
  const client = await createClient({ ruleset, exposures: false, storage: false })
  const firstSeen = new Map<number, string>()
  const changed = new Set<number>()

  return {
    at(percent) {
      client.setRuleset(withLimit(ruleset, flagKey, percent))
      const variants = Array.from({ length: CROWD_SIZE }, (_, index) => {
        client.identify(personId(index))
        const decision = client.decide(flagKey)
        return decision.reason === "SPLIT" ? decision.variant : undefined
      })
      variants.forEach((variant, index) => {
        if (variant === undefined) return
        const before = firstSeen.get(index)
        if (before === undefined) firstSeen.set(index, variant)
        else if (before !== variant) changed.add(index)
      })
      return { variants, changedColour: changed.size }
    },
  }
}
