// Written by `pennon types`. Do not edit.

import type { Json } from "pennon"

/** What each flag can serve. */
export interface Flags {
  /** Variants: "v0", "v1" */
  "": boolean
  /** Variants: "v0", "v1" */
  "\u0000": boolean
  /** Variants: "v0", "v1" */
  "\n": boolean
  /** Variants: "v0", "v1" */
  "\"": boolean
  /** Variants: "v0", "v1" */
  "'": boolean
  /** Variants: "v0", "v1" */
  "*/": boolean
  /** Variants: "v0", "v1" */
  "-1": boolean
  /** Variants: "v0", "v1" */
  "/*": boolean
  /** Variants: "v0", "v1" */
  "//": boolean
  /** Variants: "v0", "v1" */
  "0": boolean
  /** Variants: "v0", "v1" */
  "1a": boolean
  /** Variants: "v0", "v1" */
  "1e3": boolean
  /** Variants: "v0", "v1" */
  "[key: string]": boolean
  /** Variants: "v0", "v1" */
  "\\": boolean
  /** Variants: "v0", "v1" */
  "\\u0022": boolean
  /** Variants: "v0", "v1" */
  __proto__: boolean
  /** Variants: "v0", "v1" */
  "`": boolean
  /** Variants: "v0", "v1" */
  "a b": boolean
  /** Variants: "v0", "v1" */
  "a-b": boolean
  /** Variants: "v0", "v1" */
  "a.b": boolean
  /** Experiment "*\/ } export interface Flags { x: 1 } /* \n * @deprecated". Variants: "\n@deprecated\u2028", "*\/ export const broken = 1 /*", "{@link x}" */
  comment: 1 | 2 | 3
  /** Variants: "v0", "v1" */
  constructor: boolean
  /** Variants: "v0", "v1" */
  deep: readonly (readonly (readonly (readonly (readonly (readonly (readonly (readonly Json[])[])[])[])[])[])[])[] | { readonly deep: { readonly deep: number } }
  /** Variants: "v0", "v1" */
  default: boolean
  /** Variants: "v0" */
  empty_object: { readonly [key: string]: never }
  /** Variants: "v0", "v1" */
  export: boolean
  /** Variants: "v0", "v1" */
  function: boolean
  /** Variants: "v0", "v1" */
  get: boolean
  /** Variants: "v0", "v1" */
  greeting: "hello" | "hi"
  /** Variants: "v0", "v1" */
  hasOwnProperty: boolean
  /** Variants: "v0", "v1", "v2", "v3" */
  hostile_strings: "${x}`'" | "*/ export const broken = 1 /*" | "</script>" | "a\"b\\c\n\u000d\u0009\u0000\u2028\u2029\u202e😀"
  /** Variants: "v0", "v1" */
  layout: { readonly "a-b": null; readonly layout: string; readonly steps: number }
  /** Variants: "v0", "v1", "v2", "v3" */
  lists: readonly (null | number | string)[] | readonly (readonly boolean[])[] | readonly never[] | readonly { readonly x: number }[]
  /** Variants: "v0" */
  long_string: string
  /** Variants: "v0", "v1", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v2", "v20", "v21", "v22", "v23", "v24", "v25", "v26", and 20 more */
  many_numbers: number
  /** Variants: "v0", "v1", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9" */
  many_objects: { readonly [key: string]: Json }
  /** Variants: "v0", "v1", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v2", "v20", "v21", "v22", "v23", "v24", "v25", "v26", and 20 more */
  many_strings: string
  /** Variants: "v0", "v1", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v2", "v20", "v21", "v22", "v23", "v24", "v25", "v26", and 10 more */
  many_variants: boolean
  /** Variants: "v0", "v1" */
  maybe: "text" | null
  /** Variants: "v0", "v1" */
  new: boolean
  /** Experiment "checkout-2026-q4". Variants: "v0", "v1" */
  new_checkout: boolean
  /** Variants: "v0", "v1", "v2", "v3", "v4" */
  numbers: -3 | 1e-7 | 1 | 2.5 | 1e21
  /** Variants: "v0" */
  object_keys: { readonly "": number; readonly "\n": number; readonly __proto__: number; readonly constructor: number; readonly new: number }
  /** Variants: "v0" */
  only_true: true
  /** Variants: "v0", "v1" */
  readonly: boolean
  /** Variants: "v0", "v1" */
  set: boolean
  /** Variants: "v0", "v1" */
  static: boolean
  /** Variants: "v0", "v1" */
  toString: boolean
  /** Variants: "v0" */
  wide_object: { readonly [key: string]: Json }
  /** Variants: "v0", "v1" */
  "x: 1; y": boolean
  /** Variants: "v0", "v1" */
  "}": boolean
  /** Variants: "v0", "v1" */
  "é": boolean
  /** Variants: "v0", "v1" */
  "ключ": boolean
  /** Variants: "v0", "v1" */
  "\u2028\u2029": boolean
  /** Variants: "v0", "v1" */
  "\u202e": boolean
  /** Variants: "v0", "v1" */
  "😀": boolean
}
