import { StatsigOnDeviceEvalClient } from "@statsig/js-on-device-eval-client"
import { COUNTRY, DEFAULT, PLANS, SPLIT, toObject } from "./parts.mjs"

export const about = { name: "Statsig", packages: ["@statsig/js-on-device-eval-client"], decides: true, exposures: "sent" }

const condition = (type, field, operator, targetValue, additionalValues = {}) => ({
  type, field, operator, targetValue, additionalValues, idType: "userID",
})

export const write = (keys) => JSON.stringify({
  has_updates: true,
  time: 1,
  feature_gates: [],
  layer_configs: [],
  dynamic_configs: Object.values(toObject(keys, (name) => ({
    name,
    type: "dynamic_config",
    entity: "experiment",
    salt: name,
    enabled: true,
    idType: "userID",
    isActive: true,
    explicitParameters: ["variant"],
    hasSharedParams: false,
    defaultValue: { variant: DEFAULT },
    rules: SPLIT.map((variant, half) => ({
      name: variant,
      id: variant,
      groupName: variant,
      salt: name,
      idType: "userID",
      passPercentage: 100,
      isExperimentGroup: true,
      returnValue: { variant },
      configDelegate: null,
      conditions: [
        condition("user_field", "plan", "any", PLANS),
        condition("user_field", "country", "any", [COUNTRY]),
        // Of 1000 buckets.
        condition("user_bucket", null, "lt", 500 * (half + 1), { salt: name }),
      ],
    })),
  }))),
})

const userOf = ({ id, plan, country }) => ({ userID: id, country, custom: { plan } })

export async function create(text, person, sink) {
  const client = new StatsigOnDeviceEvalClient("client-loopback", {
    networkConfig: {
      logEventUrl: `${sink}/rgstr`, downloadConfigSpecsUrl: `${sink}/specs`, sdkExceptionUrl: `${sink}/exception`, api: sink,
    },
  })
  client.dataAdapter.setData(text)
  client.initializeSync({ disableBackgroundCacheRefresh: true })
  let user = userOf(person)
  return {
    read: (name) => client.getExperiment(name, user).value.variant,
    identify(person) {
      user = userOf(person)
    },
    close: () => client.shutdown(),
  }
}
