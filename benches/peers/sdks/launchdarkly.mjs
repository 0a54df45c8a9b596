import { createClient } from "@launchdarkly/js-client-sdk"
import { DEFAULT, SPLIT, toObject } from "./parts.mjs"

export const about = { name: "LaunchDarkly", packages: ["@launchdarkly/js-client-sdk"], decides: false, exposures: "sent" }

export const write = (keys) => JSON.stringify({
  ...toObject(keys, (_, place) => SPLIT[place % 2]),
  $flagsState: toObject(keys, (_, place) => ({ variation: place % 2, version: 1, trackEvents: true })),
  $valid: true,
})

const silent = { error() {}, warn() {}, info() {}, debug() {} }

export async function create(text, person, sink) {
  const client = createClient("loopback", { kind: "user", key: person.id }, {
    baseUri: sink,
    streamUri: sink,
    eventsUri: sink,
    fetchGoals: false,
    streaming: false,
    diagnosticOptOut: true,
    logger: silent,
  })
  await client.start({ bootstrap: JSON.parse(text) })
  return {
    read: (key) => client.variation(key, DEFAULT),
    close: () => client.close(),
  }
}
