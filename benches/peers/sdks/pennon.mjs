import { createClient } from "pennon"
import { COUNTRY, DEFAULT, PLANS, SPLIT, toObject } from "./parts.mjs"

export const about = { name: "pennon", packages: ["pennon"], decides: true, exposures: "sent, stored first" }

export const write = (keys) => JSON.stringify({
  schema: 1,
  version: 1,
  flags: toObject(keys, () => ({
    variants: { none: DEFAULT, one: SPLIT[0], two: SPLIT[1] },
    default: "none",
    rules: [{
      id: "split",
      when: { all: [
        { attribute: "plan", op: "in", value: PLANS },
        { attribute: "country", op: "eq", value: COUNTRY },
      ] },
      serve: [{ variant: "one", weight: 50 }, { variant: "two", weight: 50 }],
    }],
  })),
})

export const create = (text, person, sink) => open(text, person, sink)

/** As a page does it that has no text yet: module and ruleset are fetched beside each other. */
export const load = (url, person, sink) => open(url, person, sink)

async function open(ruleset, { id, ...attributes }, sink) {
  const client = await createClient({ ruleset, identity: { distinctId: id, attributes }, exposures: { endpoint: sink } })
  return {
    read: (key) => client.getFlag(key),
    identify({ id, ...attributes }) {
      client.identify(id, attributes)
    },
    close: () => client.close(),
  }
}
