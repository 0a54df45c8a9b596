import { useEffect, useMemo, useState } from "preact/hooks"
import { CROWD_SIZE, createCrowd, indexOf, personId, type Crowd } from "../crowd.js"
import { LIMITED_FLAG, type Live } from "../live.js"
import { limitOf, type Ruleset } from "../ruleset.js"
import { useSignal } from "../signal.js"
import { Dots } from "./dots.js"
import { Legend } from "./legend.js"

/** The slider for limit exposure, and the crowd that it lets in. */
export function Limit({ live }: { live: Live }) {
  return (
    <section class="card" aria-labelledby="limit-title">
      <h3 id="limit-title">Limit exposure</h3>
      {live.served?.flags[LIMITED_FLAG] ? (
        <LimitedCrowd live={live} ruleset={live.served} />
      ) : (
        <p class="empty">The ruleset could not be read, so there is nothing to limit.</p>
      )}
    </section>
  )
}

function LimitedCrowd({ live, ruleset }: { live: Live; ruleset: Ruleset }) {
  useSignal(live.decided)
  const [crowd, setCrowd] = useState<Crowd>()
  const [percent, setPercent] = useState(live.limitPercent)
  const [pointed, setPointed] = useState<number>()

  useEffect(() => {
    void createCrowd(ruleset, LIMITED_FLAG).then(setCrowd)
  }, [ruleset])
  const state = useMemo(() => crowd?.at(percent), [crowd, percent])

  const variants = useMemo(() => Object.keys(ruleset.flags[LIMITED_FLAG]?.variants ?? {}), [ruleset])
  const own = live.client.decide(LIMITED_FLAG)
  const ownIndex = indexOf(live.client.identity.distinctId)
  const inside = state?.variants.filter((variant) => variant !== undefined).length ?? 0

  // Kept, so that pointing at one of a thousand draws none of them anew.
  const dots = useMemo(
    () =>
      state && (
        <Dots
          variants={variants}
          served={state.variants}
          own={ownIndex}
          onPoint={setPointed}
          onChoose={(index) => live.identify(personId(index))}
        />
      ),
    [live, ownIndex, state, variants],
  )

  return (
    <>
      <p class="lead">
        Who takes part in <code>{LIMITED_FLAG}</code>, of a crowd of {CROWD_SIZE.toLocaleString("en-GB")}. More percent lets people in; nobody
        changes colour.
      </p>
      <div class="slider">
        <label for="limit">Share of people</label>
        <output for="limit">{percent} %</output>
        <input
          id="limit"
          type="range"
          min={0}
          max={100}
          step={1}
          value={percent}
          aria-valuetext={`${percent} percent, ${inside} of ${CROWD_SIZE} people`}
          onInput={(event) => setPercent(event.currentTarget.valueAsNumber)}
          onChange={(event) => live.setLimit(event.currentTarget.valueAsNumber)}
        />
        <span class="slider-note">
          published: {limitOf(ruleset, LIMITED_FLAG)} %. Let go, and this page’s shop follows.
        </span>
      </div>
      {state && (
        <>
          {dots}
          <p class="pointed" aria-hidden="true">
            {pointed === undefined
              ? "Point at somebody; click to become them."
              : `${personId(pointed)}: ${state.variants[pointed] ?? "outside the limit"}`}
          </p>
          <Legend variants={variants} served={state.variants} changedColour={state.changedColour} />
        </>
      )}
      <p class="own">
        This visitor: <b>{own.variant ?? "no variant"}</b>{" "}
        {own.reason === "NOT_IN_EXPOSURE" ? "because outside the limit" : `(${own.reason})`}
      </p>
    </>
  )
}
