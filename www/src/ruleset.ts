/** As much of a ruleset as the panel has to know. */
export interface Ruleset {
  readonly version: number
  readonly flags: { readonly [key: string]: RulesetFlag }
}

export interface RulesetFlag {
  readonly variants: { readonly [key: string]: unknown }
  readonly default: string
  readonly limitExposure?: { readonly percent: number }
}

export const RULESET_URL = "/ruleset.json"

/** The ruleset as the collector serves it, or `undefined` when there is none to be had. */
export async function loadRuleset(): Promise<Ruleset | undefined> {
  try {
    const response = await fetch(RULESET_URL)
    return response.ok ? ((await response.json()) as Ruleset) : undefined
  } catch {
    return undefined
  }
}

/** The limit of `flagKey` in percent, 0..100; 100 when the flag has none. */
export function limitOf(ruleset: Ruleset, flagKey: string): number {
  return ruleset.flags[flagKey]?.limitExposure?.percent ?? 100
}

/**
 * `ruleset` with the limit of `flagKey` set to `percent`, a whole number in 0..100.
 *
 * The version is a new one, and the same for the same limit: a row must not claim a ruleset that never said so.
 */
export function withLimit(ruleset: Ruleset, flagKey: string, percent: number): Ruleset {
  const flag = ruleset.flags[flagKey]
  if (!flag || percent === limitOf(ruleset, flagKey)) return ruleset
  return {
    ...ruleset,
    version: ruleset.version * 1000 + percent,
    flags: { ...ruleset.flags, [flagKey]: { ...flag, limitExposure: { ...flag.limitExposure, percent } } },
  }
}
