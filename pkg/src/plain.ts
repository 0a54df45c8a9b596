/** The deepest level of an attribute that is kept. */
const MAX_DEPTH = 32
/** The most members that one object or list keeps. */
const MAX_MEMBERS = 10_000

/**
 * A copy of `value` as plain data: null, booleans, finite numbers, strings, arrays and objects without a prototype.
 *
 * A `Date` becomes its ISO text. What cannot be copied is undefined: functions, symbols, NaN, what is nested too deep or
 * within itself, and whatever throws when it is looked at (getters, proxies).
 */
export function plain(value: unknown, depth: number = MAX_DEPTH): unknown {
  try {
    switch (typeof value) {
      case "string":
      case "boolean":
        return value
      case "number":
        return Number.isFinite(value) ? value : undefined
      case "object":
        if (value === null) return null
        if (depth === 0) return undefined
        if (value instanceof Date) return value.toISOString()
        if (Array.isArray(value)) return Array.from(value.slice(0, MAX_MEMBERS), (item) => plain(item, depth - 1) ?? null)
        return plainObject(value, depth)
    }
  } catch {
    // It threw when it was looked at.
  }
  return undefined
}

/** The own enumerable members, each as plain data. */
export function plainObject(value: object, depth: number = MAX_DEPTH): Record<string, unknown> {
  const copy = Object.create(null) as Record<string, unknown>
  try {
    for (const name of Object.keys(value).slice(0, MAX_MEMBERS)) {
      try {
        const member = plain((value as Record<string, unknown>)[name], depth - 1)
        if (member !== undefined) copy[name] = member
      } catch {
        // A getter threw.
      }
    }
  } catch {
    // A proxy threw.
  }
  return copy
}

/** Whether two values are the same plain data. The order of members does not matter. */
export function deepEqual(one: unknown, other: unknown): boolean {
  if (Object.is(one, other) || one === other) return true
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false
  if (Array.isArray(one) !== Array.isArray(other)) return false
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length &&
    names.every(
      (name) =>
        Object.prototype.hasOwnProperty.call(other, name) &&
        deepEqual((one as Record<string, unknown>)[name], (other as Record<string, unknown>)[name]),
    )
  )
}

/** Freezes plain data to its depth. */
export function deepFreeze(value: unknown): void {
  if (typeof value !== "object" || value === null) return
  Object.freeze(value)
  for (const member of Object.values(value)) deepFreeze(member)
}
