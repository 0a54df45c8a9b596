import type { Live } from "../live.js"
import { Counters } from "./counters.js"
import { Exposures } from "./exposures.js"
import { Flags } from "./flags.js"
import { Limit } from "./limit.js"
import { LastProblem } from "./last-problem.js"
import { Person } from "./person.js"

/** What stands behind the shop. Looks with `allFlags` and `decide` only, so that looking records nothing. */
export function Panel({ live }: { live: Live }) {
  return (
    <aside class="panel" id="panel" aria-labelledby="panel-title" tabIndex={-1}>
      <header class="panel-header">
        <svg class="pennon" viewBox="0 0 32 32" aria-hidden="true">
          <path class="pole" d="M6 3v26" />
          <path class="cloth" d="M8 5c8 4 14-1 22 6-9 2-13 8-22 5z" />
        </svg>
        <h2 id="panel-title">Flags panel</h2>
        <Counters live={live} />
        <LastProblem live={live} />
      </header>
      <Person live={live} />
      <Flags live={live} />
      <Exposures live={live} />
      <Limit live={live} />
    </aside>
  )
}
