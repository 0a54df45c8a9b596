import { parse } from "./natives.js"
import { deepFreeze } from "./plain.js"
import type { Decision, ErrorCode, Json, Reason } from "./types.js"
import { rowValue, type RowValue } from "./values.js"
import type { Engine } from "./wasm/pennon.js"

// In the order of the engine's `Reason` and `ErrorCode`.
const REASONS: readonly Reason[] = [
  "TARGETING_MATCH", "SPLIT", "DEFAULT", "DISABLED", "PREREQUISITE_FAILED", "HOLDOUT", "NOT_IN_LAYER", "NOT_IN_EXPOSURE",
  "OVERRIDE", "ERROR",
]
const ERROR_CODES: readonly ErrorCode[] = [
  "FLAG_NOT_FOUND", "PARSE_ERROR", "TARGETING_KEY_MISSING", "PROVIDER_NOT_READY",
]

/** What the engine answers of a flag. */
export interface Answer {
  readonly key: string
  readonly variant: string | undefined
  /** Deep-frozen; the same object whenever the variant is the same. */
  readonly value: Json | undefined
  readonly reason: Reason
  readonly ruleId: string | undefined
  readonly bucket: number | undefined
  readonly flagVersion: number | undefined
  readonly errorCode: ErrorCode | undefined
  /** All of that as the engine says it, for `Engine.record`. */
  readonly number: number
  /** Whether it holds for some time only, or the unit is to keep it. */
  readonly isMomentous: boolean
}

/** What `Engine.describe` gives. */
interface FlagDescription {
  readonly place: number
  /** These only of a flag that is sound. */
  readonly version?: number
  readonly variants?: readonly string[]
  readonly rules?: readonly string[]
  /** Absent when they are long. */
  readonly values?: readonly Json[]
}

interface Flag {
  readonly says: FlagDescription
  /** What of its variants was read, by their places. */
  readonly read: Variant[]
}

interface Variant {
  readonly value: Json
  row?: RowValue
}

/** The place of an answer's variant plus one, or 0. `Answer::number` in the engine has the table. */
const variantOf = (number: number): number => Math.floor(number / 2 ** 34) & 2047

/**
 * Asks the engine for decisions. Text that comes out of the module costs more than a decision does: what a flag can answer
 * is described once, and from then on its answers are numbers.
 */
export function createAnswers() {
  const flags = new Map<string, Flag>()

  function flagOf(engine: Engine, key: string): Flag {
    let flag = flags.get(key)
    if (!flag) flags.set(key, (flag = { says: parse(engine.describe(key)) as FlagDescription, read: [] }))
    return flag
  }

  function variantAt(engine: Engine, key: string, flag: Flag, at: number): Variant {
    let variant = flag.read[at]
    if (!variant) {
      const value = flag.says.values?.[at] ?? (parse(engine.variantJson(key, flag.says.variants?.[at] ?? "") ?? "null") as Json)
      deepFreeze(value)
      flag.read[at] = variant = { value }
    }
    return variant
  }

  return {
    decide(engine: Engine, key: string, nowMs: number): Answer {
      const flag = flagOf(engine, key)
      const number = engine.decide(flag.says.place, nowMs)
      // `Answer::number` in the engine has the table.
      const bucket = number % 0x20000
      const rest = Math.floor(number / 0x20000)
      const rule = (rest >> 7) & 1023
      const variant = variantOf(number)
      return {
        key,
        variant: flag.says.variants?.[variant - 1],
        value: variant ? variantAt(engine, key, flag, variant - 1).value : undefined,
        reason: REASONS[(rest >> 3) & 15]!,
        ruleId: rule ? (flag.says.rules?.[rule - 1] ?? "$target") : undefined,
        bucket: bucket ? bucket - 1 : undefined,
        flagVersion: flag.says.version,
        errorCode: ERROR_CODES[(rest & 7) - 1],
        number,
        isMomentous: rest >> 28 > 0,
      }
    },
    /** The first of a flag's variants whose value is wanted. */
    variantWith(engine: Engine, key: string, isWanted: (value: Json) => boolean): string | undefined {
      const flag = flagOf(engine, key)
      return flag.says.variants?.find((_, at) => isWanted(variantAt(engine, key, flag, at).value))
    },
    /**
     * Records an answer that names a variant. `manual`: the variant to record by hand. `decided`: it was not seen. False when that
     * is to be tried again.
     */
    record(engine: Engine, { key, number, variant }: Answer, manual: string | undefined, decided: boolean): boolean {
      const flag = flagOf(engine, key)
      const name = manual ?? variant ?? ""
      const recorded = variantAt(engine, key, flag, flag.says.variants?.indexOf(name) ?? -1)
      const { text, isCut } = (recorded.row ??= rowValue(recorded.value, () => engine.variantJson(key, name)))
      // Another ruleset has come since: while the module was replaced, or from a page's `toJSON`.
      if (flags.get(key) !== flag || flag.says.variants?.[variantOf(number) - 1] !== variant) return false
      return engine.record(flag.says.place, number, manual, decided, text, isCut)
    },
    /** The ruleset is another, or too many flags are known. */
    forget: () => flags.clear(),
  }
}

/** The decision as a page gets it. */
export function decisionOf({ key, value, variant, reason, ruleId, bucket, flagVersion, errorCode }: Answer): Decision {
  const decision = { key, value, variant, reason, ruleId, bucket, flagVersion }
  return Object.freeze(errorCode ? { ...decision, errorCode } : decision)
}
