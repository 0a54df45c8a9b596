// What the measurements share: rulesets, a person, and a check.

/** A ruleset of so many flags. Each has two conditions in one rule and a split in the next. */
export function rulesetOf(keys) {
  const flag = () => ({
    variants: { off: 1, on: 2 },
    default: "off",
    limitExposure: { percent: 90 },
    rules: [
      {
        id: "pros",
        when: { all: [
          { attribute: "plan", op: "in", value: ["pro", "team"] },
          { attribute: "country", op: "eq", value: "NO" },
        ] },
        serve: "on",
      },
      { id: "everyone", serve: [{ variant: "off", weight: 1 }, { variant: "on", weight: 1 }] },
    ],
  })
  return { schema: 1, version: 1, flags: Object.fromEntries(keys.map((key) => [key, flag()])) }
}

/** So many keys of flags. Another `round` has others, so that nothing can be known from an earlier one. */
export const keysOf = (flags, round = 0) => Array.from({ length: flags }, (_, number) => `feature-${round}-${number}`)

export const identity = { distinctId: "person-1", attributes: { plan: "free", country: "DE" } }
export const exposures = { endpoint: "/api/switch/exposures", flushIntervalMs: 3_600_000 }

/** A measurement whose result is wrong measured something else. */
export function check(holds, what) {
  if (!holds) throw new Error(`measured nothing: ${what}`)
}

/** Lets the page breathe, so that one measurement does not pay for another's garbage or for timers. */
export const pause = () => new Promise((resolve) => setTimeout(resolve))
