import { EppoClient, MemoryOnlyConfigurationStore } from "@eppo/js-client-sdk-common"
import { COUNTRY, createSender, DEFAULT, PLANS, SPLIT, toObject } from "./parts.mjs"

export const about = {
  name: "Eppo", packages: ["@eppo/js-client-sdk-common"], decides: true, exposures: "handed to the page, which sends them",
}

const SHARDS = 10_000

export const write = (keys) => JSON.stringify({
  createdAt: "2026-11-01T00:00:00.000Z",
  format: "SERVER",
  environment: { name: "production" },
  flags: toObject(keys, (key) => ({
    key,
    enabled: true,
    variationType: "STRING",
    totalShards: SHARDS,
    variations: toObject(SPLIT, (variant) => ({ key: variant, value: variant })),
    allocations: [{
      key: "split",
      doLog: true,
      rules: [{ conditions: [
        { attribute: "plan", operator: "ONE_OF", value: PLANS },
        { attribute: "country", operator: "ONE_OF", value: [COUNTRY] },
      ] }],
      splits: SPLIT.map((variationKey, half) => ({
        variationKey,
        shards: [{ salt: key, ranges: [{ start: (half * SHARDS) / 2, end: ((half + 1) * SHARDS) / 2 }] }],
      })),
    }],
  })),
})

export async function create(text, person, sink) {
  const sender = createSender(sink)
  const { format, environment, createdAt, flags } = JSON.parse(text)
  const flagConfigurationStore = new MemoryOnlyConfigurationStore()
  flagConfigurationStore.setFormat(format)
  flagConfigurationStore.setEnvironment(environment)
  flagConfigurationStore.setConfigPublishedAt(createdAt)
  await flagConfigurationStore.setEntries(flags)
  const client = new EppoClient({ flagConfigurationStore })
  client.setAssignmentLogger({
    logAssignment: ({ featureFlag, variation, subject }) => sender.expose(featureFlag, variation, subject),
  })
  client.useNonExpiringInMemoryAssignmentCache()
  let { id, ...attributes } = person
  return {
    read: (key) => client.getStringAssignment(key, id, attributes, DEFAULT),
    identify(person) {
      ({ id, ...attributes } = person)
      sender.forget()
    },
    close: sender.close,
  }
}
