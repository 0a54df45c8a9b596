import { FliptClient } from "@flipt-io/flipt-client-js/slim"
import wasm from "@flipt-io/flipt-client-js/engine.wasm"
import { COUNTRY, createSender, DEFAULT, PLANS, SPLIT, toObject } from "./parts.mjs"

export const about = {
  name: "Flipt", packages: ["@flipt-io/flipt-client-js"], decides: true, exposures: "handed to the page, which sends them",
}

const constraint = (property, operator, value) => ({ id: property, type: "STRING_CONSTRAINT_COMPARISON_TYPE", property, operator, value })

const segment = {
  key: "split",
  name: "split",
  description: "",
  matchType: "ALL_SEGMENT_MATCH_TYPE",
  constraints: [constraint("plan", "isoneof", JSON.stringify(PLANS)), constraint("country", "eq", COUNTRY)],
}

export const write = (keys) => JSON.stringify({
  namespace: { key: "default" },
  flags: Object.values(toObject(keys, (key) => ({
    key,
    name: key,
    description: "",
    enabled: true,
    type: "VARIANT_FLAG_TYPE",
    defaultVariant: { id: DEFAULT, key: DEFAULT, attachment: "" },
    rules: [{
      id: `${key}-split`,
      segments: [segment],
      rank: 1,
      segmentOperator: "OR_SEGMENT_OPERATOR",
      distributions: SPLIT.map((variant) => ({
        ruleId: `${key}-split`, variantId: variant, variantKey: variant, variantAttachment: "", rollout: 50,
      })),
    }],
    rollouts: [],
  }))),
})

export async function create(text, person, sink) {
  const sender = createSender(sink)
  let { id: entityId, ...context } = person
  const fetcher = async () => ({ ok: true, status: 200, statusText: "", headers: new Headers(), json: async () => JSON.parse(text) })
  const hook = { before() {}, after: ({ flagKey, value }) => sender.expose(flagKey, value, entityId) }
  const client = await FliptClient.init({ fetcher, hook }, { wasm })
  return {
    read: (flagKey) => client.evaluateVariant({ flagKey, entityId, context }).variantKey,
    identify(person) {
      ({ id: entityId, ...context } = person)
      sender.forget()
    },
    close: sender.close,
  }
}
