import { InMemoryProvider, OpenFeature } from "@openfeature/web-sdk"
import { createSender, DEFAULT, SPLIT, toObject } from "./parts.mjs"

export const about = {
  name: "OpenFeature, in memory", packages: ["@openfeature/web-sdk", "@openfeature/core"], decides: false,
  exposures: "handed to the page, which sends them",
}

export const write = (keys) => JSON.stringify(toObject(keys, (_, place) => ({
  variants: toObject(SPLIT, (variant) => variant),
  defaultVariant: SPLIT[place % 2],
  disabled: false,
})))

const contextOf = ({ id, plan, country }) => ({ targetingKey: id, plan, country })
let domains = 0

export async function create(text, person, sink) {
  const sender = createSender(sink)
  const domain = `domain-${domains++}`
  await OpenFeature.setProviderAndWait(domain, new InMemoryProvider(JSON.parse(text)), contextOf(person))
  const client = OpenFeature.getClient(domain)
  client.addHooks({ after: ({ flagKey, context }, { variant }) => sender.expose(flagKey, variant, context.targetingKey) })
  return {
    read: (key) => client.getStringValue(key, DEFAULT),
    identify(person) {
      sender.forget()
      return OpenFeature.setContext(domain, contextOf(person))
    },
    close() {
      sender.close()
      return OpenFeature.clearProviders()
    },
  }
}
