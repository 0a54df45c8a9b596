import type { Live } from "../live.js"
import { useSignal } from "../signal.js"

/** What the client worked around last, until the visitor changes. */
export function LastProblem({ live }: { live: Live }) {
  useSignal(live.changed)
  return (
    <p class="problem" role="status">
      {live.lastProblem && `${live.lastProblem.where}: ${live.lastProblem.message}`}
    </p>
  )
}
