import { GrowthBook } from "@growthbook/growthbook"
import { COUNTRY, createSender, DEFAULT, PLANS, SPLIT, toObject } from "./parts.mjs"

export const about = {
  name: "GrowthBook", packages: ["@growthbook/growthbook"], decides: true, exposures: "handed to the page, which sends them",
}

export const write = (keys) => JSON.stringify({
  features: toObject(keys, (key) => ({
    defaultValue: DEFAULT,
    rules: [{
      id: "split",
      condition: { plan: { $in: PLANS }, country: COUNTRY },
      key,
      seed: key,
      hashAttribute: "id",
      hashVersion: 2,
      variations: SPLIT,
      weights: [0.5, 0.5],
      coverage: 1,
      meta: [{ key: "0" }, { key: "1" }],
    }],
  })),
})

export async function create(text, person, sink) {
  const sender = createSender(sink)
  const client = new GrowthBook({
    attributes: person,
    trackingCallback: ({ key }, { value, hashValue }) => sender.expose(key, value, hashValue),
  }).initSync({ payload: JSON.parse(text) })
  return {
    read: (key) => client.getFeatureValue(key, DEFAULT),
    identify(person) {
      sender.forget()
      return client.setAttributes(person)
    },
    close() {
      client.destroy()
      sender.close()
    },
  }
}
