/** No flag or variant has a longer key, in UTF-16 units: the engine takes at most 256 bytes. */
export const MAX_KEY_LENGTH = 256
/** The most overrides, as in the engine; of more the oldest is forgotten. */
const MAX_OVERRIDES = 1000
/** What an override's parameter begins with, and how many of them a URL may have. */
const PARAMETER = "pennon."
const MAX_PARAMETERS = 100

export interface Override {
  readonly variant: string
  /** Whether exposures are recorded all the same. */
  readonly exposures: boolean
}

/** The overrides in force, by flag key; the oldest first. A Map: any text is a key, also `__proto__`. */
export type Overrides = Map<string, Override>

/** Puts an override in force, unless it names what no ruleset can have. */
export function addOverride(overrides: Overrides, key: unknown, variant: unknown, exposures: boolean): boolean {
  if (!isName(key) || !isName(variant)) return false
  overrides.delete(key)
  overrides.set(key, { variant, exposures })
  if (overrides.size > MAX_OVERRIDES) overrides.delete(overrides.keys().next().value ?? "")
  return true
}

/** Whether it can be the key of a flag or a variant. */
function isName(text: unknown): text is string {
  return typeof text === "string" && text.length <= MAX_KEY_LENGTH
}

/**
 * What this tab has kept under `name`, and over it what the page's URL says: `?pennon.new_checkout=treatment_a` for one
 * flag, nothing behind the `=` to take one back. Of what is there but was not written here, nothing is taken. Keeps nothing.
 */
export function tabOverrides(name: string): Overrides {
  const overrides: Overrides = new Map()
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(name) ?? "")
    for (const [key, variant, exposures] of kept as unknown[][]) addOverride(overrides, key, variant, exposures === true)
  } catch {
    // Nothing kept, somebody else's text, or no storage.
  }
  let left = MAX_PARAMETERS
  for (const [parameter, variant] of new URLSearchParams(typeof location === "object" ? location.search : "")) {
    if (!parameter.startsWith(PARAMETER) || left-- <= 0) continue
    const key = parameter.slice(PARAMETER.length)
    if (variant) addOverride(overrides, key, variant, false)
    else overrides.delete(key)
  }
  return overrides
}

/** Keeps them for this tab, where it can. */
export function keepOverrides(name: string, overrides: Overrides): void {
  try {
    const list = [...overrides].map(([key, { variant, exposures }]) => [key, variant, exposures])
    if (list.length > 0) sessionStorage.setItem(name, JSON.stringify(list))
    else sessionStorage.removeItem(name)
  } catch {
    // Blocked or full: they last as long as this page.
  }
}
