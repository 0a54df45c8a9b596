import { useState } from "preact/hooks"
import type { Live } from "../live.js"
import { PEOPLE } from "../people.js"
import { useSignal } from "../signal.js"

export function Person({ live }: { live: Live }) {
  useSignal(live.decided)
  useSignal(live.changed)
  const { identity, session } = live.client
  const anonymous = identity.distinctId === identity.anonymousId
  const [typed, setTyped] = useState("")
  const [newDevice, setNewDevice] = useState(false)

  return (
    <section class="card" aria-labelledby="person-title">
      <h3 id="person-title">Visitor</h3>
      <dl class="ids">
        <Id name="Distinct id" value={identity.distinctId} note={anonymous ? "anonymous" : "signed in"} />
        <Id name="Device" value={identity.deviceId} />
        <Id name="Session" value={session.id} />
      </dl>

      <div class="people" role="group" aria-label="Identify as">
        {PEOPLE.map((person) => (
          <button
            key={person.id}
            type="button"
            class="person"
            aria-pressed={identity.distinctId === person.id}
            onClick={() => live.identify(person.id)}
          >
            <span class="person-name">{person.name}</span>
            <span class="person-note">{person.note}</span>
          </button>
        ))}
      </div>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault()
          live.identify(typed)
        }}
      >
        <label class="sr-only" for="any-id">
          Any other id
        </label>
        <input id="any-id" class="text" placeholder="any other id" autocomplete="off" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        <button class="tool">Identify</button>
      </form>
      <div class="row">
        <button type="button" class="tool" onClick={() => live.reset({ device: newDevice })}>
          Reset
        </button>
        <label class="check">
          <input type="checkbox" checked={newDevice} onChange={(event) => setNewDevice(event.currentTarget.checked)} />
          with a new device id
        </label>
      </div>
    </section>
  )
}

function Id({ name, value, note }: { name: string; value: string; note?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd title={value}>
        <code>{value}</code>
        {note !== undefined && <span class="note">{note}</span>}
      </dd>
    </div>
  )
}
