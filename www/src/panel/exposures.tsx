import type { LogEntry, Stage } from "../exposure-log.js"
import type { Live } from "../live.js"
import { useSignal } from "../signal.js"
import { Counting } from "./counting.js"

export function Exposures({ live }: { live: Live }) {
  useSignal(live.log.changed)
  useSignal(live.changed)
  const entries = live.log.entries()

  return (
    <section class="card" aria-labelledby="exposures-title">
      <h3 id="exposures-title">Exposures</h3>
      <Counting live={live} />
      <div class="row">
        <button type="button" class="tool" onClick={() => void live.client.flush()}>
          Flush now
        </button>
        <button type="button" class="tool" onClick={() => live.renewSession()}>
          New session
        </button>
        <label class="switch">
          <input type="checkbox" role="switch" checked={live.offline} onChange={(event) => live.setOffline(event.currentTarget.checked)} />
          <span>
            Offline <small>(simulated)</small>
          </span>
        </label>
      </div>
      {entries.length === 0 ? (
        <p class="empty">Nothing new: what this visitor saw is already counted.</p>
      ) : (
        <ul class="rows" aria-label="Newest first" tabIndex={0}>
          {entries.map((entry) => (
            <Row key={`${entry.row.instance_id}/${entry.row.id}`} entry={entry} />
          ))}
        </ul>
      )}
    </section>
  )
}

/** How many of the three marks (recorded, sent, stored) are filled, and what is said of the row. */
const STAGES: Record<Stage, { readonly marks: number; readonly text: string }> = {
  recorded: { marks: 1, text: "recorded" },
  sending: { marks: 1, text: "sending" },
  waiting: { marks: 1, text: "failed, will retry" },
  acknowledged: { marks: 2, text: "sent" },
  stored: { marks: 3, text: "stored" },
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" })

function Row({ entry: { row, stage } }: { entry: LogEntry }) {
  const { marks, text } = STAGES[stage]
  return (
    <li class="exposure" data-stage={stage}>
      <span class="exposure-flag">
        {row.flag_key} <b>{row.variant}</b>
      </span>
      <span class="exposure-stage">
        <span class="marks" aria-hidden="true">
          {[1, 2, 3].map((mark) => (
            <i key={mark} class={mark <= marks ? "on" : ""} />
          ))}
        </span>
        {text}
      </span>
      <span class="exposure-detail">
        {row.source === "handshake" && "decided, not seen: "}
        {row.reason} for <code>{row.distinct_id}</code>
      </span>
      <time class="exposure-time" dateTime={new Date(row.ts_ms).toISOString()}>
        {CLOCK.format(row.ts_ms)}
      </time>
    </li>
  )
}
