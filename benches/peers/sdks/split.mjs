import { SplitFactory } from "@splitsoftware/splitio-browserjs"
import { COUNTRY, DEFAULT, PLANS, SPLIT, toObject } from "./parts.mjs"

// Its localhost mode knows only fixed treatments: it splits nobody and sends nothing. So it is given a rollout plan, which it
// decides itself.
export const about = {
  name: "Split", packages: ["@splitsoftware/splitio-browserjs"], decides: true, exposures: "sent",
}

const matcher = (attribute, type, whitelist) => ({
  matcherType: type,
  negate: false,
  keySelector: { trafficType: "user", attribute },
  whitelistMatcherData: whitelist && { whitelist },
})

const condition = (label, matchers, partitions) => ({
  conditionType: "ROLLOUT",
  label,
  matcherGroup: { combiner: "AND", matchers },
  partitions: partitions.map(([treatment, size]) => ({ treatment, size })),
})

export const write = (keys) => JSON.stringify({
  splitChanges: {
    ff: {
      s: -1,
      t: 1,
      d: Object.values(toObject(keys, (name, place) => ({
        name,
        changeNumber: 1,
        trafficTypeName: "user",
        status: "ACTIVE",
        killed: false,
        defaultTreatment: DEFAULT,
        algo: 2,
        seed: 1000 + place,
        trafficAllocation: 100,
        trafficAllocationSeed: 1_000_000 + place,
        configurations: {},
        conditions: [
          condition("split", [matcher("plan", "WHITELIST", PLANS), matcher("country", "WHITELIST", [COUNTRY])], SPLIT.map((name) => [name, 50])),
          condition("default rule", [matcher(null, "ALL_KEYS")], [[DEFAULT, 100]]),
        ],
      }))),
    },
  },
})

export async function create(text, person, sink) {
  const factory = SplitFactory({
    core: { authorizationKey: "loopback", key: person.id },
    initialRolloutPlan: JSON.parse(text),
    streamingEnabled: false,
    urls: toObject(["sdk", "events", "auth", "streaming", "telemetry"], () => sink),
  })
  let { id, ...attributes } = person
  let client = factory.client()
  return {
    read: (name) => client.getTreatment(name, attributes),
    identify(person) {
      ({ id, ...attributes } = person)
      client = factory.client(id)
    },
    close: () => factory.destroy(),
  }
}
