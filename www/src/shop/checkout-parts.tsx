import type { ComponentChildren } from "preact"
import type { CheckoutPart } from "../flags.js"

const TITLES: Record<CheckoutPart, string> = { address: "Address", delivery: "Delivery", payment: "Payment" }

export function titleOf(part: CheckoutPart): string {
  return TITLES[part]
}

/** One part of the form. A part that is not shown is disabled too, so that the browser does not ask for its fields. */
export function Part({ part, shown }: { part: CheckoutPart; shown: boolean }) {
  return (
    <fieldset class="part" hidden={!shown} disabled={!shown}>
      <legend>{titleOf(part)}</legend>
      {part === "address" && (
        <>
          <Field label="Name" name="name" autoComplete="name" />
          <Field label="Street and number" name="street" autoComplete="street-address" />
          <Field label="Town" name="town" autoComplete="address-level2" />
        </>
      )}
      {part === "delivery" && (
        <>
          <Choice name="delivery" value="door" first>
            To the door
          </Choice>
          <Choice name="delivery" value="neighbour">
            To a neighbour
          </Choice>
        </>
      )}
      {part === "payment" && (
        <>
          <Choice name="payment" value="invoice" first>
            By invoice
          </Choice>
          <Choice name="payment" value="shells">
            In good sea shells
          </Choice>
        </>
      )}
    </fieldset>
  )
}

function Field({ label, name, autoComplete }: { label: string; name: string; autoComplete: string }) {
  return (
    <label class="field">
      <span>{label}</span>
      <input type="text" name={name} autocomplete={autoComplete} required />
    </label>
  )
}

function Choice({ name, value, first, children }: { name: string; value: string; first?: boolean; children: ComponentChildren }) {
  return (
    <label class="choice">
      <input type="radio" name={name} value={value} defaultChecked={first === true} />
      <span>{children}</span>
    </label>
  )
}
