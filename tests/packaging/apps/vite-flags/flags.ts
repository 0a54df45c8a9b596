import { createClient } from "pennon"

interface Flags {
  greeting: string
  checkout: boolean
}

const flag = (variants: Record<string, unknown>) => ({ variants, default: Object.keys(variants)[0] })
const client = await createClient<Flags>({
  ruleset: { schema: 1, version: 1, flags: { greeting: flag({ plain: "Hello" }), checkout: flag({ on: true }) } },
})
const greeting: string = client.getFlag("greeting", "fallback")
const checkout: boolean | undefined = client.getFlag("checkout")
document.body.dataset.answer = JSON.stringify({ greeting, checkout, problems: client.problems() })
