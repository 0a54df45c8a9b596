import { stringify } from "./natives.js"
import type { Json } from "./types.js"

/** The longest JSON text of a value that a row carries, in UTF-16 units. */
const MAX_VALUE_LENGTH = 1024

/** A variant's value as a row carries it. */
export interface RowValue {
  /** The value's JSON. A longer one is the JSON of a string: the first part of the value's JSON. */
  readonly text: string
  /** Whether `text` is not the whole value. */
  readonly isCut: boolean
}

/** `written`: the value's JSON in the ruleset. */
export function rowValue(value: Json, written: () => string | undefined): RowValue {
  const text = textOf(value) ?? written() ?? "null"
  const isCut = text.length > MAX_VALUE_LENGTH
  return { text: isCut ? stringify(text.slice(0, MAX_VALUE_LENGTH)) : text, isCut }
}

/** A page that gives every object a `toJSON` may leave nothing of it. */
function textOf(value: Json): string | undefined {
  try {
    return stringify(value)
  } catch {
    return undefined
  }
}
