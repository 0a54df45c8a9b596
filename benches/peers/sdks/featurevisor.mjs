import { createInstance } from "@featurevisor/sdk"
import { COUNTRY, createSender, DEFAULT, PLANS, SPLIT, toObject } from "./parts.mjs"

export const about = {
  name: "Featurevisor", packages: ["@featurevisor/sdk"], decides: true, exposures: "handed to the page, which sends them",
}

/** Of 100 000. */
const ALL = 100_000

export const write = (keys) => JSON.stringify({
  schemaVersion: "2",
  revision: "1",
  // Its own builder writes conditions as text too.
  segments: { split: { conditions: JSON.stringify([
    { attribute: "plan", operator: "in", value: PLANS },
    { attribute: "country", operator: "equals", value: COUNTRY },
  ]) } },
  features: toObject(keys, () => ({
    bucketBy: "userId",
    variations: [DEFAULT, ...SPLIT].map((value) => ({ value })),
    traffic: [
      {
        key: "split",
        segments: "split",
        percentage: ALL,
        allocation: [{ variation: SPLIT[0], range: [0, ALL / 2] }, { variation: SPLIT[1], range: [ALL / 2, ALL] }],
      },
      { key: "everyone", segments: "*", percentage: ALL, variation: DEFAULT },
    ],
  })),
})

const contextOf = ({ id, plan, country }) => ({ userId: id, plan, country })

export async function create(text, person, sink) {
  const sender = createSender(sink)
  const after = (evaluation, { context }) => {
    if (evaluation.type === "variation") {
      sender.expose(evaluation.featureKey, evaluation.variationValue ?? evaluation.variation?.value, context.userId)
    }
    return evaluation
  }
  const client = createInstance({
    datafile: text, context: contextOf(person), logLevel: "error", hooks: [{ name: "exposures", after }],
  })
  return {
    read: (key) => client.getVariation(key),
    identify(person) {
      client.setContext(contextOf(person), true)
      sender.forget()
    },
    close() {
      client.close()
      sender.close()
    },
  }
}
