import { DEDUP_SCOPES, type Live } from "../live.js"
import { useSignal } from "../signal.js"

/** Within what a repeated exposure is the same one: the client's option `dedup`. */
export function Counting({ live }: { live: Live }) {
  useSignal(live.changed)
  return (
    <fieldset class="segments">
      <legend>Count an exposure once per</legend>
      {DEDUP_SCOPES.map((scope) => (
        <label key={scope}>
          <input type="radio" name="dedup" checked={live.dedup === scope} onChange={() => void live.setDedup(scope)} />
          <span>{scope === "none" ? "read" : scope}</span>
        </label>
      ))}
    </fieldset>
  )
}
