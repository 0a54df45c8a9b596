import type { Decision } from "pennon"
import type { Live } from "../live.js"
import { useSignal } from "../signal.js"

export function Flags({ live }: { live: Live }) {
  useSignal(live.decided)
  const decisions = live.client.allFlags()

  return (
    <section class="card" aria-labelledby="flags-title">
      <h3 id="flags-title">Flags</h3>
      <p class="lead">What pennon decides for this visitor. Looking here records nothing.</p>
      {decisions.length === 0 && <p class="empty">No ruleset: the shop runs on its fallbacks.</p>}
      <ul class="flags">
        {decisions.map((decision) => (
          <Flag key={decision.key} decision={decision} />
        ))}
      </ul>
    </section>
  )
}

/** So many characters fit beside the variant; longer values take lines of their own. */
const SHORT_VALUE = 12

function Flag({ decision }: { decision: Decision }) {
  const value = JSON.stringify(decision.value) ?? "undefined"
  return (
    <li>
      <h4>{decision.key}</h4>
      <dl>
        <div class="flag-reason">
          <dt class="sr-only">Reason</dt>
          <dd class="badge" data-reason={decision.reason}>
            {decision.reason}
          </dd>
        </div>
        <div class="flag-variant" key={decision.variant}>
          <dt class="sr-only">Variant</dt>
          <dd>{decision.variant ?? "no variant"}</dd>
        </div>
        <div class={value.length > SHORT_VALUE ? "flag-value long" : "flag-value"}>
          <dt class="sr-only">Value</dt>
          <dd>
            <code>{value}</code>
          </dd>
        </div>
        <div class="flag-bucket">
          <dt>bucket</dt>
          <dd>{decision.bucket === undefined ? "–" : decision.bucket.toLocaleString("en-GB")}</dd>
        </div>
      </dl>
    </li>
  )
}
