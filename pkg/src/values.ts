import { deepFreeze } from "./plain.js"
import type { Json } from "./types.js"

/** The longest JSON text of a value that a row carries, in UTF-16 units. */
const MAX_VALUE_LENGTH = 1024

/** A variant's value, in the two forms it is needed in. Made once per variant. */
export interface VariantValue {
  /** Deep-frozen. */
  readonly value: Json
  /** The value's JSON for a row. A longer one is the JSON of a string: the first part of the value's JSON. */
  readonly text: string
  /** Whether `text` is not the whole value. */
  readonly isCut: boolean
}

/** Reads a value from the JSON in the ruleset, which the engine has checked. */
export function readValue(json: string): VariantValue {
  const value = JSON.parse(json) as Json
  deepFreeze(value)
  // A page that gives every object a `toJSON` may leave nothing of it.
  const text: string = (JSON.stringify(value) as string | undefined) ?? json
  const isCut = text.length > MAX_VALUE_LENGTH
  return { value, text: isCut ? JSON.stringify(text.slice(0, MAX_VALUE_LENGTH)) : text, isCut }
}
