// The figures as Markdown.

import { cpus, totalmem } from "node:os"

/** `figures`: one object for each SDK, with medians; `undefined` where it has none. Those that decide are first. */
export function resultsOf({ figures, rounds, load, chromium, seconds }) {
  const date = new Date().toISOString().slice(0, 10)
  const machine = `${cpus()[0].model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`
  return `# pennon beside other flag SDKs

Written by \`cargo xtask bench --peers\` on ${date}: Chromium ${chromium} (headless) on ${machine}, Node ${process.version}.
Medians of ${rounds} rounds, each SDK in new pages, in random order; ${Math.round(seconds / 60)} min in all. When
it began the machine had a load of ${load.toFixed(1)}; one far above 1 blurs every figure but bytes.

Every SDK was given the same 100 flags in its own format: who is on one of two plans *and* in one country is split 50 : 50,
others get the default. Each was checked first: it halved 1 000 people (within five standard deviations), each of the two
conditions decided, and its exposures came to a server on this machine, the only one that could be reached. Those under
*remote values* look up what a server has decided: they decide nothing in the page.

## Reads

${table(figures, [
  ["one flag again and again", ({ oneFlagNs }) => duration(oneFlagNs)],
  ["times a `Map.get`", ({ oneFlagTimes }) => times(oneFlagTimes)],
  ["100 flags in turn", ({ allFlagsNs }) => duration(allFlagsNs)],
  ["times a `Map.get`", ({ allFlagsTimes }) => times(allFlagsTimes)],
  ["the first in a task", ({ firstOfTaskNs, firstOfTaskMapNs }) => duration(Math.max(0, firstOfTaskNs - firstOfTaskMapNs))],
  ["the first of a flag, in a new page", ({ firstNewNs }) => duration(firstNewNs)],
  ["in a page long at work", ({ firstNs }) => duration(firstNs)],
  ["another person, and 100 flags", ({ identityUs }) => (identityUs === undefined ? "asks its server" : duration(identityUs * 1000))],
])}

*Times a \`Map.get\`*: the same loop around a Map in the same page, ratio by ratio; that took ${range(figures.map(({ oneFlagMapNs }) => oneFlagMapNs))}.
*The first in a task*: each read behind an \`await\`, less what that takes itself; pennon looks at the clock there.
*The first of a flag*: of 40 of the 100 flags in one task, exposures recorded; what is stored or sent after the task is not in it.
A *new* page reads flags for the first time; one *long at work* has had 30 clients before, so that the browser has optimized the code.

## Start-up and memory

${table(figures, [
  ["100 flags", ({ start100Ms }) => duration(start100Ms * 1e6)],
  ["1 000 flags", ({ start1000Ms }) => duration(start1000Ms * 1e6)],
  ["10 000 flags", ({ start10000Ms }) => duration(start10000Ms * 1e6)],
  ["memory", ({ heapKib, wasmKib }) => kib(heapKib + wasmKib)],
  ["of which WebAssembly", ({ wasmKib }) => (wasmKib > 0 ? kib(wasmKib) : "")],
])}

From the flags as text to the first decision, in a page that has loaded the SDK and its module before, each time with another text.
*Memory*: what a client of 1 000 flags adds to the page after garbage collection: heap, array buffers and WebAssembly memory.

## What a page loads

${table(figures, [
  ["raw", ({ size }) => kb(size.raw)],
  ["gzip", ({ size }) => kb(size.gzip)],
  ["brotli", ({ size }) => kb(size.brotli)],
  ["of which WebAssembly", ({ size }) => (size.wasmBrotli > 0 ? kb(size.wasmBrotli) : "")],
  ["first decision of a cold page", ({ visitMs }) => duration(visitMs * 1e6)],
])}

The smallest app that fetches the flags and reads one, bundled and minified by Vite; bytes of all that its page asks for but
HTML and flags. *A cold page*: from the start of the navigation, nothing cached, files served uncompressed by this machine, the
processor slowed down 4 times.

## Versions, and what each does

${table(figures, [
  ["version", ({ versions }) => versions.join(", ")],
  ["1 000 people", ({ halves }) => halves?.join(" : ") ?? ""],
  ["exposures", ({ about }) => about.exposures],
])}

Split decides from a rollout plan: its localhost mode knows fixed values only. flagd-core tells nobody what it answered.

What needs no peer is measured by \`cargo xtask bench\` (recording, a batch, memory after a million reads) and by
\`cargo xtask faults --figure write\` (one write of the outbox).
${goals(figures)}`
}

function table(figures, columns) {
  const line = (cells) => `| ${cells.join(" | ")} |`
  const rows = (decides) => figures.filter(({ about }) => about.decides === decides)
    .map((figure) => line([figure.about.name, ...columns.map(([, cell]) => cell(figure))]))
  const remote = rows(false)
  return [
    line(["", ...columns.map(([heading]) => heading)]),
    line(["---", ...columns.map(() => "---:")]),
    ...rows(true),
    ...(remote.length > 0 ? [line(["*remote values:*", ...columns.map(() => "")])] : []),
    ...remote,
  ].join("\n")
}

/** The project's goals, as ratios of this run. */
function goals(figures) {
  const own = figures.find(({ name }) => name === "pennon")
  const named = (...names) => figures.filter(({ name }) => names.includes(name))
  const local = figures.filter(({ name, about }) => name !== "pennon" && about.decides)
  const others = figures.filter(({ name }) => name !== "pennon")
  if (!own || others.length === 0) return ""
  const ahead = (rivals, key, factor = 1) => {
    if (rivals.length === 0) return []
    const nearest = rivals.reduce((one, other) => (other[key] < one[key] ? other : one))
    const ratio = nearest[key] / own[key]
    const found = ratio >= 1 ? `${times(ratio)} times ahead of` : `${times(1 / ratio)} times as long as`
    return [`${found} ${nearest.about.name}, the nearest`, ratio >= factor]
  }
  const lines = [
    ["a repeated read takes at most 2 times a `Map.get`", times(own.oneFlagTimes), own.oneFlagTimes <= 2],
    ["a repeated read is 10 times ahead of every peer", ...ahead(others, "oneFlagNs", 10)],
    ["the first read of a flag in a new page is ahead of all that decide locally", ...ahead(local, "firstNewNs")],
    ["the same in a page long at work", ...ahead(local, "firstNs")],
    ["start-up at 100 flags is 10 times ahead of Flipt", ...ahead(named("flipt"), "start100Ms", 10)],
    ["start-up at 1 000 flags is 10 times ahead of Flipt", ...ahead(named("flipt"), "start1000Ms", 10)],
    ["start-up at 10 000 flags is 10 times ahead of Flipt", ...ahead(named("flipt"), "start10000Ms", 10)],
    ["start-up at 1 000 flags is ahead of GrowthBook", ...ahead(named("growthbook"), "start1000Ms")],
    ["start-up at 10 000 flags is ahead of GrowthBook", ...ahead(named("growthbook"), "start10000Ms")],
    ["a cold page decides ahead of posthog-js, Split and Flipt", ...ahead(named("posthog", "split", "flipt"), "visitMs")],
    ["a page loads at most 24 kB of brotli", kb(own.size.brotli), own.size.brotli <= 24_000],
  ].filter(([, found]) => found !== undefined)
  return `
## Goals

| goal | found | |
| --- | --- | --- |
${lines.map(([goal, found, isMet]) => `| ${goal} | ${found} | ${isMet ? "met" : "**missed**"} |`).join("\n")}
`
}

const significant = (figure) => (figure >= 100 ? figure.toFixed(0) : figure.toPrecision(2))

function duration(ns) {
  if (ns < 1000) return `${significant(ns)} ns`
  return ns < 1e6 ? `${significant(ns / 1000)} µs` : `${significant(ns / 1e6)} ms`
}

const times = (ratio) => (ratio < 10 ? ratio.toFixed(1) : ratio.toFixed(0))
const kib = (figure) => `${Math.round(figure).toLocaleString("en").replaceAll(",", " ")} KiB`
const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`
const range = (ns) => `${duration(Math.min(...ns))} to ${duration(Math.max(...ns))}`
