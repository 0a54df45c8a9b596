// Leaves an exposure waiting, which keeps no process alive.

import { createClient } from "pennon"

const client = await createClient({
  ruleset: { schema: 1, version: 1, flags: { greeting: { variants: { plain: "Hello" }, default: "plain" } } },
  exposures: { endpoint: "http://collector.example/e", flushIntervalMs: 3_600_000 },
})
console.log(client.getFlag("greeting"), client.stats().pending)
