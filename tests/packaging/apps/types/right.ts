import { createClient } from "pennon"
import { createClient as createInline } from "pennon/inline"
import type { Client, ClientOptions, Decision, Exposure, PennonError } from "pennon"

interface MyFlags {
  new_checkout: boolean
  layout: { columns: number; dense?: boolean }
  greeting: "hello" | "hi"
}

const options: ClientOptions = {
  ruleset: { url: "/ruleset.json", readyTimeoutMs: 500, refreshMs: 60_000, maxAgeMs: 0 },
  identity: { distinctId: "u1", attributes: { plan: "pro" } },
  exposures: { endpoint: "/api/switch/exposures", dedup: "identity" },
}
const client: Client<MyFlags> = await createClient<MyFlags>(options)

const maybe: boolean | undefined = client.getFlag("new_checkout")
const surely: boolean = client.getFlag("new_checkout", false)
const columns: number = client.getFlag("layout", { columns: 1 }).columns
const greeting: "hello" | "hi" = client.getFlag("greeting", "hi")
const decision: Decision<boolean> = client.decide("new_checkout")
const stop: () => void = client.on("exposure", (exposure: Exposure) => void exposure.flag_key)
client.on("change", ({ cause, flags }) => cause === "ruleset" && flags.includes("greeting"))
client.reportExposure("greeting", { value: "hi" })
const { delivered }: { delivered: number } = await client.flush()

const loose = await createInline({ exposures: false })
const anything = loose.getFlag("whatever")
const asText: string | undefined = typeof anything === "string" ? anything : undefined

export function isMistake(error: unknown): error is PennonError {
  return error instanceof Error && error.name === "PennonError"
}
export { asText, columns, decision, delivered, greeting, maybe, stop, surely }
