import type { PennonError } from "./types.js"

/** A mistake in the options: `where` names the option. */
export function optionError(code: PennonError["code"], where: string, found: unknown, expected: string): PennonError {
  const error = new Error(`${where}: found ${shown(found)}, expected ${expected}`)
  return Object.assign(error, { name: "PennonError" as const, code })
}

/** A value, short enough for a message; an error with all that it says. Never throws. */
export function shown(value: unknown): string {
  try {
    if (value instanceof Error) return `${value.name}: ${value.message}`.slice(0, 500)
    const text = typeof value === "string" ? JSON.stringify(value.slice(0, 61)) : String(value)
    return text.length > 60 ? `${text.slice(0, 60)}…` : text
  } catch {
    return typeof value
  }
}
