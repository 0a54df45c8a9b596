/** The deepest level of an attribute that is kept. */
const MAX_DEPTH = 32
/** The most values that one copy holds, at all its levels together. Shared parts count each time they are reached. */
const MAX_VALUES = 10_000

/** A copy that is being made. */
interface Copy {
  /** How many more values it may hold. */
  left: number
  /** The objects around the one that is copied now. */
  readonly around: object[]
}

/**
 * A copy of `value` as plain data: null, booleans, finite numbers, strings, arrays and objects, both without a
 * prototype: no `toJSON` that a page gives to all of them is found.
 *
 * A `Date` becomes its ISO text. What cannot be copied is undefined: functions, symbols, NaN, what is nested too deep or
 * within itself, what comes after the first 10 000 values, and whatever throws when it is looked at (getters, proxies).
 */
export function plain(value: unknown): unknown {
  return copyOf(value, { left: MAX_VALUES, around: [] })
}

/** The own enumerable members of an object, each as plain data. Of anything else, none. */
export function plainObject(value: unknown): Record<string, unknown> {
  const copy = plain(value)
  const isObject = typeof copy === "object" && copy !== null && !Array.isArray(copy)
  return (isObject ? copy : Object.create(null)) as Record<string, unknown>
}

function copyOf(value: unknown, copy: Copy): unknown {
  try {
    switch (typeof value) {
      case "string":
      case "boolean":
        return value
      case "number":
        return Number.isFinite(value) ? value : undefined
      case "object":
        if (value === null) return null
        if (copy.around.length >= MAX_DEPTH || copy.around.includes(value)) return undefined
        if (value instanceof Date) return value.toISOString()
        copy.around.push(value)
        try {
          return Array.isArray(value) ? items(value, copy) : members(value, copy)
        } finally {
          copy.around.pop()
        }
    }
  } catch {
    // It threw when it was looked at.
  }
  return undefined
}

function items(list: readonly unknown[], copy: Copy): unknown[] {
  const items: unknown[] = Object.setPrototypeOf([], null)
  for (let at = 0; at < list.length && copy.left-- > 0; at++) items[at] = copyOf(list[at], copy) ?? null
  return items
}

function members(object: object, copy: Copy): Record<string, unknown> {
  const members = Object.create(null) as Record<string, unknown>
  for (const name of Object.keys(object)) {
    if (copy.left-- <= 0) break
    try {
      const member = copyOf((object as Record<string, unknown>)[name], copy)
      if (member !== undefined) members[name] = member
    } catch {
      // A getter threw.
    }
  }
  return members
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
