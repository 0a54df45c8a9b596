// What figures do with numbers.

/** The value below which that share of them is: 0.5 for the median. Their own highest for 1. */
export function percentile(values, share) {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN
}

export const sum = (values) => [...values].reduce((total, value) => total + value, 0)

/** How often each occurs. */
export function counts(values) {
  const found = new Map()
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1)
  return found
}

/**
 * How likely a split at least as uneven is, if units came in the ratio of the weights: Pearson's chi-squared test, for two or three
 * counts.
 */
export function sampleRatioP(observed, weights) {
  const total = sum(observed)
  const whole = sum(weights)
  const chi = sum(observed.map((count, place) => (count - (total * weights[place]) / whole) ** 2 / ((total * weights[place]) / whole)))
  if (observed.length === 3) return Math.exp(-chi / 2)
  if (observed.length === 2) return complementaryError(Math.sqrt(chi / 2))
  throw new Error(`found ${observed.length} counts, expected 2 or 3`)
}

/** erfc for values from 0 on, to 1.2e-7: Numerical Recipes, erfcc. */
function complementaryError(x) {
  const t = 1 / (1 + x / 2)
  const terms = [-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277]
  return t * Math.exp(-x * x + terms.reduceRight((inner, term) => term + t * inner, 0))
}

/** Numbers from 0 to below 1, the same for each seed: mulberry32. */
export function seeded(seed) {
  let state = seed >>> 0
  const draw = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    draw,
    /** An integer from `from` to `to`. */
    between: (from, to) => from + Math.floor(draw() * (to - from + 1)),
    oneOf: (values) => values[Math.floor(draw() * values.length)],
  }
}

export const percent = (share, digits = 2) => `${(100 * share).toFixed(digits)} %`
