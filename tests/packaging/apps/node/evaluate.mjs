// Evaluates a ruleset without a network, and ends by itself.

import dns from "node:dns"
import net from "node:net"

for (const [module, name] of [[net.Socket.prototype, "connect"], [dns, "lookup"], [globalThis, "fetch"]]) {
  module[name] = () => {
    throw new Error(`${name} was called`)
  }
}
const { createClient } = await import(process.argv[2])
const client = await createClient({
  ruleset: {
    schema: 1,
    version: 1,
    flags: {
      checkout: {
        variants: { control: false, treatment: true },
        default: "control",
        rules: [{ id: "everyone", serve: [{ variant: "control", weight: 1 }, { variant: "treatment", weight: 1 }] }],
      },
    },
  },
  identity: { distinctId: "person-1" },
})
const { variant, reason, bucket } = client.decide("checkout")
console.log(JSON.stringify({ value: client.getFlag("checkout"), variant, reason, bucket, problems: client.problems() }))
