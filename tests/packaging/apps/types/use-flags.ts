// `flags.ts` is what `pennon types` writes for `flags.json`; `cli/tests` compares it.

import { createClient } from "pennon"
import type { Json } from "pennon"
import type { Flags } from "./flags.js"

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

const types: {
  checkout: Same<Flags["new_checkout"], boolean>
  onlyTrue: Same<Flags["only_true"], true>
  greeting: Same<Flags["greeting"], "hello" | "hi">
  numbers: Same<Flags["numbers"], 1 | 2.5 | -3 | 1e21 | 1e-7>
  maybe: Same<Flags["maybe"], "text" | null>
  layout: Same<Flags["layout"], { readonly "a-b": null; readonly layout: string; readonly steps: number }>
  manyStrings: Same<Flags["many_strings"], string>
  manyNumbers: Same<Flags["many_numbers"], number>
  manyObjects: Same<Flags["many_objects"], { readonly [key: string]: Json }>
  longString: Same<Flags["long_string"], string>
  proto: Same<Flags["__proto__"], boolean>
  empty: Same<Flags[""], boolean>
  lines: Same<Flags["\n"] | Flags["\u2028\u2029"] | Flags["\u0000"], boolean>
  comment: Same<Flags["comment"], 1 | 2 | 3>
  closed: Same<Extract<keyof Flags, "x" | "broken">, never>
} = {
  checkout: true, onlyTrue: true, greeting: true, numbers: true, maybe: true, layout: true, manyStrings: true,
  manyNumbers: true, manyObjects: true, longString: true, proto: true, empty: true, lines: true, comment: true,
  closed: true,
}

const client = await createClient<Flags>({ exposures: false })
const greeting: "hello" | "hi" | undefined = client.getFlag("greeting")
const steps: number = client.getFlag("layout", { layout: "none", steps: 0, "a-b": null }).steps
const lists: Flags["lists"] = client.getFlag("lists", [])
// @ts-expect-error a key that the ruleset does not have
client.getFlag("no such flag")
// @ts-expect-error a fallback that no variant could be
client.getFlag("greeting", "bonjour")

export { greeting, lists, steps, types }
