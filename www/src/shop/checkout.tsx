import type { Client } from "pennon"
import { useState } from "preact/hooks"
import { FALLBACKS, type CheckoutPart, type ShopFlags } from "../flags.js"
import { Part, titleOf } from "./checkout-parts.js"

interface CheckoutProps {
  readonly client: Client<ShopFlags>
  /** What is to be paid, as told to the customer. */
  readonly total: string
  readonly onBack: () => void
  readonly onOrdered: () => void
}

/** As many steps as the flag says. All parts stay in the form, so that a changed flag loses nothing that was typed. */
export function Checkout({ client, total, onBack, onOrdered }: CheckoutProps) {
  const { steps } = client.getFlag("checkout_flow", FALLBACKS.checkout_flow)
  const [reached, setReached] = useState(0)
  const last = steps.length - 1
  const step = Math.min(reached, last)
  const shown: readonly CheckoutPart[] = steps[step] ?? []

  const submit = (event: Event) => {
    event.preventDefault()
    if (step < last) setReached(step + 1)
    else onOrdered()
  }

  return (
    <section class="sheet" aria-labelledby="checkout-title">
      <button type="button" class="link back" onClick={() => (step === 0 ? onBack() : setReached(step - 1))}>
        {step === 0 ? "Back to the basket" : "One step back"}
      </button>
      <h1 id="checkout-title" tabIndex={-1}>
        Checkout
      </h1>
      {steps.length > 1 && (
        <ol class="steps">
          {steps.map((parts, index) => (
            <li key={index} class={index < step ? "done" : ""} aria-current={index === step ? "step" : undefined}>
              {parts.map(titleOf).join(", ")}
            </li>
          ))}
        </ol>
      )}
      <form onSubmit={submit}>
        {(["address", "delivery", "payment"] as const).map((part) => (
          <Part key={part} part={part} shown={shown.includes(part)} />
        ))}
        <button class="button button-wide">{step < last ? "Continue" : `Order for ${total}`}</button>
      </form>
    </section>
  )
}
