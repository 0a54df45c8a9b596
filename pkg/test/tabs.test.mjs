// Tabs over one storage, as chance has it: what was recorded is delivered or in storage, whatever becomes of them.

import assert from "node:assert/strict"
import { mock, test } from "node:test"
import { source } from "./lib/source.mjs"
import { browserWithStorage } from "./lib/storage.mjs"

const PREFIX = "pennon1:app:"
const SEEDS = 200
const STEPS = 60
const TABS = 4

/** Numbers below `n`, from a seed (Marsaglia's xorshift). */
function chance(seed) {
  let state = Math.imul(seed, 2654435761) >>> 0
  return (n) => {
    state = (state ^ (state << 13)) >>> 0
    state = (state ^ (state >>> 17)) >>> 0
    state = (state ^ (state << 5)) >>> 0
    return state % n
  }
}

const settle = async () => {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A tab: what an engine would do with its keeper. `delivered` takes what was acknowledged. */
function openTab({ createArea, createKeeper, hashOf }, id, delivered) {
  const rows = new Map()
  let next = 0
  const keep = (line) => {
    rows.set(next, line)
    keeper.keep(next++, `${hashOf(line)}|${line}`)
  }
  const keeper = createKeeper(createArea(PREFIX, true, true), PREFIX, {
    adopt({ lines }) {
      const known = new Set(rows.values())
      lines.filter((line) => !known.has(line)).forEach(keep)
      return true
    },
    failed: () => undefined,
  })
  keeper.begin(id)
  keeper.takeOver()
  return {
    state: "live",
    keeper,
    keep,
    deliver(count) {
      const some = [...rows].slice(0, count)
      for (const [number, line] of some) {
        rows.delete(number)
        delivered.add(line)
      }
      keeper.release(some.map(([number]) => number))
    },
  }
}

/** What can become of a tab: from which state, and what is done. */
const EVENTS = [
  { from: "live", weight: 3, what: (tab, draw, row) => { for (let left = draw(3); left >= 0; left--) tab.keep(row()) } },
  { from: "live", weight: 1, what: (tab, draw) => tab.deliver(1 + draw(5)) },
  { from: "live", weight: 1, to: "stored", what: (tab) => tab.keeper.leaving(true) },
  { from: "stored", weight: 1, to: "live", what: (tab) => tab.keeper.shown() },
  { from: "live", weight: 1, what: (tab) => tab.keeper.shown() },
  { from: "live", weight: 1, to: "asleep", what: () => undefined },
  { from: "asleep", weight: 1, to: "live", what: (tab) => tab.keeper.shown() },
  { from: "live", weight: 1, to: "gone", what: (tab) => tab.keeper.leaving(true) },
  { from: "live", weight: 1, to: "gone", what: () => undefined }, // A crash.
  { from: "stored", weight: 1, to: "gone", what: () => undefined },
  { from: "asleep", weight: 1, to: "gone", what: () => undefined },
].flatMap((event) => Array(event.weight).fill(event))

test("tabs that are stored, restored, put to sleep, closed and killed lose no row", async (t) => {
  let total = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const draw = chance(seed)
    const { data } = browserWithStorage(t)
    mock.timers.reset()
    mock.timers.enable({ apis: ["Date", "setTimeout"], now: Date.UTC(2026, 9, 1) })
    const parts = await source("area", "keeper", "hash")
    const recorded = new Set()
    const delivered = new Set()
    const tabs = []
    const row = () => {
      const line = `e{"id":"${recorded.size}"}`
      recorded.add(line)
      return line
    }
    const history = []
    for (let step = 0; step < STEPS; step++) {
      const here = tabs.filter(({ state }) => state !== "gone")
      if (here.length === 0 || (here.length < TABS && draw(8) === 0)) {
        tabs.push(openTab(parts, `tab${tabs.length}`, delivered))
        history.push(`open ${tabs.length - 1}`)
      } else {
        const tab = here[draw(here.length)]
        const possible = EVENTS.filter(({ from }) => from === tab.state)
        const { what, to = tab.state } = possible[draw(possible.length)]
        what(tab, draw, row)
        history.push(`${tabs.indexOf(tab)}: ${what} ${to}`)
        tab.state = to
      }
      mock.timers.setTime(Date.now() + [1000, 30_000, 100_000, 400_000][draw(4)])
      for (const { state, keeper } of tabs) if (state === "live" && draw(2)) keeper.shown()
      await settle()
    }
    const kept = [...data.values()].join("\n")
    const lost = [...recorded].filter((line) => !delivered.has(line) && !kept.includes(line))
    assert.deepEqual(lost, [], `seed ${seed}:\n${history.join("\n")}`)
    total += delivered.size
  }
  mock.timers.reset()
  assert.ok(total > SEEDS, `${total} rows were delivered, expected more than one a seed`)
})
