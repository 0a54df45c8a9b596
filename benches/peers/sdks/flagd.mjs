import { FlagdCore } from "@openfeature/flagd-core"
import { COUNTRY, DEFAULT, PLANS, SPLIT, toObject } from "./parts.mjs"

export const about = { name: "flagd-core", packages: ["@openfeature/flagd-core"], decides: true, exposures: "none" }

export const write = (keys) => JSON.stringify({
  flags: toObject(keys, () => ({
    state: "ENABLED",
    variants: toObject([DEFAULT, ...SPLIT], (variant) => variant),
    defaultVariant: DEFAULT,
    targeting: { if: [
      { and: [{ in: [{ var: "plan" }, PLANS] }, { "==": [{ var: "country" }, COUNTRY] }] },
      { fractional: [{ cat: [{ var: "$flagd.flagKey" }, { var: "targetingKey" }] }, ...SPLIT.map((variant) => [variant, 50])] },
      DEFAULT,
    ] },
  })),
})

const contextOf = ({ id, plan, country }) => ({ targetingKey: id, plan, country })
const silent = { error() {}, warn() {}, info() {}, debug() {} }

export async function create(text, person) {
  const core = new FlagdCore(undefined, silent)
  core.setConfigurations(text)
  let context = contextOf(person)
  return {
    read: (key) => core.resolveStringEvaluation(key, DEFAULT, context).value,
    identify(person) {
      context = contextOf(person)
    },
    close() {},
  }
}
