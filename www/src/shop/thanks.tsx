import { Kite } from "./kites.js"

export function Thanks({ onBack }: { onBack: () => void }) {
  return (
    <section class="sheet thanks" aria-labelledby="thanks-title">
      <Kite shape="delta" />
      <h1 id="thanks-title" tabIndex={-1}>
        Thank you. Fair winds.
      </h1>
      <p>This is where a real shop would start sewing.</p>
      <button type="button" class="button" onClick={onBack}>
        Back to the shelf
      </button>
    </section>
  )
}
