// Rows outside of the module's memory: written in the task in which they were recorded, taken over by whoever is there.

import assert from "node:assert/strict"
import { mock, test } from "node:test"
import { source } from "./lib/source.mjs"
import { browserWithStorage, replace } from "./lib/storage.mjs"

const PREFIX = "pennon1:app:"
const ROOT = `${PREFIX}q:`
const NOW_MS = Date.UTC(2026, 9, 1)
const MINUTE_MS = 60_000

/** A tab that has opened the origin's pages before and after. Time stands still in it until it is told to pass. */
async function browser(t, options) {
  const origin = browserWithStorage(t, options)
  mock.timers.reset()
  mock.timers.enable({ apis: ["Date", "setTimeout"], now: NOW_MS })
  t.after(() => mock.timers.reset())
  const { createArea, createKeeper, hashOf } = await source("area", "keeper", "hash")

  /** A client's keeper, and what its engine has been told. */
  async function tab(id, { room = 600, area = createArea(PREFIX, true, true) } = {}) {
    const engine = { room, rows: new Map(), adopted: [], corrupt: 0, failed: 0, next: 0 }
    const keeper = createKeeper(area, PREFIX, {
      adopt({ owner, ledgers, lines, corrupt }) {
        if (engine.onAdopt?.(lines)) return false
        if (engine.rows.size + lines.length > engine.room) return false
        engine.adopted.push(`${owner} ${ledgers}`)
        engine.corrupt += corrupt
        for (const line of lines) if (![...engine.rows.values()].includes(line)) keep(line)
        return true
      },
      failed: () => engine.failed++,
    })
    function keep(line) {
      engine.rows.set(engine.next, line)
      keeper.keep(engine.next, `${hashOf(line)}|${line}`)
      return engine.next++
    }
    function deliver(...numbers) {
      numbers.forEach((number) => engine.rows.delete(number))
      keeper.release(numbers)
    }
    keeper.begin(id)
    keeper.takeOver()
    const atOnce = [...engine.rows.values()]
    await settle()
    return { atOnce, area, engine, keeper, keep, deliver, rows: () => [...engine.rows.values()] }
  }

  /** What is stored of an outbox: its lease, and its segments' rows. */
  const stored = (id) => ({
    lease: origin.data.get(ROOT + id),
    segments: [...origin.data].filter(([key]) => key.startsWith(`${ROOT}${id}:`)).map(([, text]) =>
      text.split("\n").map((record) => record.slice(record.indexOf("|") + 1))),
  })
  return { origin, tab, stored }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))
const row = (number, length = 20) => `e{"id":"${number}${"-".repeat(length)}"}`
const numbered = (count, length) => Array.from({ length: count }, (_, at) => row(at, length))

test("what a task records is written at its end, in one write", async (t) => {
  const { origin, tab, stored } = await browser(t)
  const { keep } = await tab("one")
  const before = origin.writes
  numbered(300, 100).forEach(keep)
  assert.equal(origin.writes, before)
  await Promise.resolve()
  assert.equal(origin.writes, before + 1)
  assert.deepEqual(stored("one").segments, [numbered(300, 100)])
  keep("l{}")
  await Promise.resolve()
  assert.deepEqual(stored("one").segments, [numbered(300, 100), ["l{}"]], "a full segment is left as it is")
})

test("a row is removed by its number, and a segment with its last row", async (t) => {
  const { origin, tab, stored } = await browser(t)
  const { keep, deliver } = await tab("one")
  const [first, second, third] = numbered(3).map(keep)
  deliver(second)
  await Promise.resolve()
  assert.deepEqual(stored("one").segments, [[row(0), row(2)]])
  deliver(first)
  await Promise.resolve()
  assert.deepEqual(stored("one").segments, [[row(2)]], "nobody who takes it over sends what was acknowledged")
  const fourth = keep(row(4))
  await Promise.resolve()
  assert.deepEqual(stored("one").segments, [[row(2), row(4)]])
  deliver(third, fourth, 99)
  assert.deepEqual(stored("one").segments, [])
  keep(row(5))
  await Promise.resolve()
  assert.deepEqual([...origin.data.keys()], [`${ROOT}one`, `${ROOT}one:1`], "no key is used twice")
})

test("the next page takes over what a closed one has left where it is, without another copy, and cleans up", async (t) => {
  const { origin, tab, stored } = await browser(t)
  const one = await tab("one")
  numbered(30, 300).forEach(one.keep)
  await Promise.resolve()
  one.keep("l{}")
  one.keeper.keepLedgers('[{"seq_max":31}]')
  one.keeper.leaving(true)
  assert.equal(stored("one").lease, `1|${NOW_MS + 3 * MINUTE_MS}|closed|[{"seq_max":31}]`)
  assert.deepEqual(stored("one").segments, [numbered(30, 300), ["l{}"]], "what was still in memory is written")
  const { segments } = stored("one")
  const two = await tab("two")
  await settle()
  assert.deepEqual(two.rows(), [...numbered(30, 300), "l{}"])
  assert.deepEqual(two.engine.adopted, ['one [{"seq_max":31}]', 'one [{"seq_max":31}]'])
  assert.deepEqual(stored("one"), { lease: `1|${NOW_MS}|>two|[{"seq_max":31}]`, segments }, "and says whose it is")
  assert.deepEqual(stored("two").segments, [])
  two.deliver(0, 1)
  await settle()
  assert.deepEqual(stored("one").segments, [numbered(30, 300).slice(2), ["l{}"]])
  two.deliver(...two.engine.rows.keys())
  await settle()
  assert.deepEqual([...origin.data.keys()], [`${ROOT}two`])
})

test("what a page has taken over is its own: nobody else takes it while that page lives, and one does when it is gone", async (t) => {
  const { tab, origin, stored } = await browser(t)
  const one = await tab("one")
  one.keep(row(1))
  one.keeper.leaving(true)
  const two = await tab("two")
  const others = []
  for (let minute = 0; minute < 10; minute++) {
    others.push(await tab(`tab-${minute}`))
    mock.timers.tick(MINUTE_MS)
    await settle()
  }
  assert.deepEqual([two.rows(), others.flatMap(({ rows }) => rows())], [[row(1)], []])
  two.keeper.leaving(true)
  assert.match(stored("two").lease, /\|closed\|$/)
  mock.timers.tick(MINUTE_MS)
  await settle()
  const [three, ...more] = others.filter(({ rows }) => rows().length > 0)
  assert.deepEqual([three.rows(), more], [[row(1)], []])
  // It comes back from the back/forward cache, and holds what it held.
  two.keeper.shown()
  await settle()
  three.deliver(0)
  two.deliver(0)
  await settle()
  assert.deepEqual([...origin.data.keys()].filter((key) => key.startsWith(`${ROOT}one`)), [])
})

test("rows that the engine gives up or knows already while it takes them over are not kept", async (t) => {
  const { origin, tab, stored } = await browser(t)
  const one = await tab("one")
  numbered(3).forEach(one.keep)
  one.keeper.leaving(true)
  const three = await tab("three", { room: 0 })
  three.engine.room = 600
  three.engine.onAdopt = () => {
    three.engine.onAdopt = undefined
    three.deliver(three.keep("egiven up"))
    three.engine.rows.set(99, row(1)) // It has a row with this id.
  }
  mock.timers.tick(MINUTE_MS)
  await settle()
  assert.deepEqual(stored("one").segments, [[row(0), row(2)]])
  three.deliver(...three.engine.rows.keys())
  await settle()
  assert.deepEqual([...origin.data.keys()], [`${ROOT}three`])
})

test("what has taken over an outbox and crashes leaves both to others", async (t) => {
  const { tab } = await browser(t)
  const one = await tab("one")
  one.keep(row(1))
  one.keeper.leaving(true)
  const two = await tab("two")
  two.keep(row(2))
  await settle()
  // Nothing more is heard of it. Its timers stay silent too.
  mock.timers.reset()
  mock.timers.enable({ apis: ["Date", "setTimeout"], now: NOW_MS })
  const three = await tab("three")
  for (let minute = 0; minute < 6; minute++) {
    await settle()
    assert.deepEqual(three.rows(), [], `minute ${minute}`)
    mock.timers.tick(MINUTE_MS)
  }
  await settle()
  assert.deepEqual(three.rows().sort(), [row(1), row(2)])
})

test("ledgers without rows are kept beside the lease, and taken over too", async (t) => {
  const { origin, tab, stored } = await browser(t)
  const one = await tab("one")
  one.keeper.keepLedgers('[{"dropped":{"ring_full":1}}|x]')
  const writes = origin.writes
  one.keeper.keepLedgers('[{"dropped":{"ring_full":2}}|x]')
  await Promise.resolve()
  assert.equal(origin.writes, writes + 1)
  assert.match(stored("one").lease, /\|open\|\[\{"dropped":\{"ring_full":2\}\}\|x\]$/)
  one.keeper.leaving(true)
  const two = await tab("two")
  assert.deepEqual([two.engine.adopted, stored("one")], [['one [{"dropped":{"ring_full":2}}|x]'], { lease: undefined, segments: [] }])
  two.keeper.keepLedgers("")
  two.keeper.leaving(true)
  assert.equal(origin.data.size, 0)
})

test("a tab that leaves nothing leaves no key", async (t) => {
  const { origin, tab } = await browser(t)
  const { keep, deliver, keeper } = await tab("one")
  deliver(keep(row(1)))
  await settle()
  keeper.leaving(true)
  assert.equal(origin.data.size, 0)
})

test("the rows of a tab that lives are left alone, and those of one that is silent for 6 minutes are taken over", async (t) => {
  const { tab, stored } = await browser(t)
  const one = await tab("one")
  one.keep(row(1))
  await Promise.resolve()
  // It crashes: nothing more is heard of it. Its timers stay silent too.
  const lease = stored("one").lease
  mock.timers.reset()
  mock.timers.enable({ apis: ["Date", "setTimeout"], now: NOW_MS })
  const two = await tab("two")
  for (let minute = 0; minute < 6; minute++) {
    await settle()
    assert.deepEqual([two.rows(), stored("one").lease], [[], lease], `minute ${minute}`)
    mock.timers.tick(MINUTE_MS)
  }
  await settle()
  assert.deepEqual([two.rows(), stored("one").lease], [[row(1)], `1|${NOW_MS + 6 * MINUTE_MS}|>two|`])
})

test("a lease is renewed while rows wait, and while the page is seen", async (t) => {
  const { tab, stored } = await browser(t)
  const one = await tab("one")
  const ends = (id) => Number(stored(id).lease.split("|")[1]) - Date.now()
  for (let minute = 0; minute < 30; minute++) {
    mock.timers.tick(MINUTE_MS)
    assert.ok(ends("one") > MINUTE_MS, `minute ${minute}: ${ends("one")} ms`)
  }
  document.hidden = true
  for (let minute = 0; minute < 10; minute++) mock.timers.tick(MINUTE_MS)
  assert.ok(ends("one") < 0, "nobody needs it")
  one.keep(row(1))
  await Promise.resolve()
  assert.ok(ends("one") > MINUTE_MS, "with a row it is needed again, at once")
  for (let minute = 0; minute < 10; minute++) mock.timers.tick(MINUTE_MS)
  assert.ok(ends("one") > MINUTE_MS)
})

test("a segment without a lease, or with one that no clock could have given, is an orphan; one to come is left alone for a week", async (t) => {
  const { origin, tab } = await browser(t)
  const { hashOf } = await source("hash")
  const leases = {
    none: undefined, empty: "", nonsense: "x", future: `1|${NOW_MS + 7 * MINUTE_MS}|open`, past: `1|${NOW_MS - 4 * MINUTE_MS}|open`,
    alive: `1|${NOW_MS - 2 * MINUTE_MS}|open`, newer: `2|${NOW_MS - 6 * 24 * 60 * MINUTE_MS}|closed`, old: `2|${NOW_MS - 8 * 24 * 60 * MINUTE_MS}|x`,
    far: "1|99999999999999999|open|", farNewer: "2|99999999999999999|open|", held: `1|${NOW_MS}|>alive|`, dead: `1|${NOW_MS}|>past|`,
    lost: `1|${NOW_MS}|>nobody|`, loop: `1|${NOW_MS - 9 * MINUTE_MS}|>loop|`,
  }
  for (const [id, lease] of Object.entries(leases)) {
    if (lease !== undefined) origin.data.set(ROOT + id, lease)
    origin.data.set(`${ROOT}${id}:0`, `${hashOf(`e${id}`)}|e${id}`)
  }
  const { rows } = await tab("me")
  await settle()
  assert.deepEqual(rows(), ["lost", "none", "empty", "nonsense", "future", "past", "old", "far", "farNewer", "dead", "loop"].map((id) => `e${id}`))
  const left = [...origin.data].filter(([, text]) => !text.includes("|>me|")).map(([key]) => key.slice(ROOT.length))
  assert.deepEqual(left.filter((key) => !key.includes(":")), ["alive", "newer", "held", "me"])
})

test("what is no row costs that row: the others are taken over, and it is counted", async (t) => {
  const { origin, tab } = await browser(t, { quota: 50 * 1024 * 1024 })
  const one = await tab("one")
  numbered(100).forEach(one.keep)
  one.keeper.leaving(true)
  const text = origin.data.get(`${ROOT}one:0`)
  const broken = { a: "", b: "null", c: "{}", d: "\0\u2028\uD800binary", e: "x".repeat(5_000_000), f: text.replace(row(50), row(51)), g: text.slice(0, -10) }
  origin.data.delete(`${ROOT}one:0`)
  for (const [id, text] of Object.entries(broken)) origin.data.set(`${ROOT}${id}:0`, text)
  const two = await tab("two")
  await settle()
  assert.deepEqual(new Set(two.rows()), new Set(numbered(100)))
  assert.equal(two.engine.corrupt, 5 + 2)
  const left = [...origin.data].filter(([key]) => key.includes(":0")).map(([key, text]) => [key.slice(ROOT.length), text.split("\n").length])
  assert.deepEqual(left, [["f:0", 99], ["g:0", 1]], "what was spoilt is gone, and what was there twice")
})

test("what there is no room for waits, and is taken over when there is", async (t) => {
  const { origin, tab, stored } = await browser(t)
  const one = await tab("one")
  for (const line of numbered(40, 1000)) {
    one.keep(line)
    await Promise.resolve()
  }
  const { length } = stored("one").segments
  assert.ok(length > 5)
  one.keeper.leaving(true)
  const two = await tab("two", { room: 10 })
  await settle()
  assert.ok(two.rows().length > 0 && two.rows().length <= 10, `${two.rows().length}`)
  assert.deepEqual(stored("one").segments.flat().sort(), numbered(40, 1000).sort())
  const three = await tab("three")
  assert.deepEqual(three.rows(), [], "who has begun goes on")
  for (let turn = 0; turn < 10; turn++) {
    two.deliver(...two.engine.rows.keys())
    mock.timers.tick(MINUTE_MS)
    await settle()
  }
  assert.deepEqual([...origin.data.keys()].filter((key) => key.startsWith(`${ROOT}one`)), [])
  assert.equal(two.engine.next, 40, "each once")
})

test("an orphan in storage that is full is taken over, and stays there until its rows are delivered", async (t) => {
  const { origin, tab } = await browser(t)
  const one = await tab("one")
  one.keep(row(1, 1000))
  one.keeper.leaving(true)
  origin.quota = 1100
  const two = await tab("two")
  await settle()
  assert.deepEqual([two.rows(), origin.data.has(`${ROOT}one:0`), two.engine.failed], [[row(1, 1000)], true, 0])
  mock.timers.tick(MINUTE_MS)
  await settle()
  assert.deepEqual([two.rows().length, two.engine.adopted.length], [1, 1], "taken over once")
  two.deliver(0)
  mock.timers.tick(MINUTE_MS)
  await settle()
  assert.deepEqual([...origin.data.keys()].filter((key) => key.startsWith(`${ROOT}one`)), [])
})

test("a full outbox of a whole origin can be taken over, and no storage is taken for it", async (t) => {
  const { origin, tab, stored } = await browser(t)
  const one = await tab("one")
  for (let at = 0; one.engine.failed === 0; at++) {
    one.keep(row(at, 1000))
    await Promise.resolve()
  }
  const size = () => [...origin.data].reduce((sum, [key, text]) => sum + key.length + text.length, 0)
  assert.ok(size() > 235 * 1024 && size() <= 256 * 1024, `${size()}`)
  one.keeper.leaving(true)
  const left = stored("one").segments.flat()
  let most = 0
  origin.told = () => (most = Math.max(most, size()))
  const two = await tab("two")
  await settle()
  assert.deepEqual(two.rows(), left)
  assert.ok(most <= 256 * 1024, `${most}`)
  two.keep(row(0, 1000))
  await settle()
  assert.equal(two.engine.failed, 1, "there is no room")
  for (let minute = 0; minute < 10; minute++) mock.timers.tick(MINUTE_MS)
  assert.equal(two.engine.failed, 1, "what is tried again was counted")
  two.deliver(...two.engine.rows.keys())
  await settle()
  assert.deepEqual([stored("one"), stored("two").segments], [{ lease: undefined, segments: [] }, []])
})

test("ledgers take no more than the rest of the limit", async (t) => {
  const { origin, tab } = await browser(t)
  const size = () => [...origin.data].reduce((sum, [key, text]) => sum + key.length + text.length, 0)
  for (let number = 0; number < 40; number++) {
    const { keeper } = await tab(`tab-${number}`)
    keeper.keepLedgers(`[${"1,".repeat(5000)}1]`)
    await settle()
    assert.ok(size() <= 256 * 1024, `${size()}`)
  }
  assert.ok(size() > 240 * 1024, `${size()}`)
})

test("outboxes that nobody has looked after for a week give way when room is needed, in whichever namespace; others do not", async (t) => {
  const { origin, tab } = await browser(t)
  const dayMs = 24 * 60 * MINUTE_MS
  const fill = (namespace, id, lease, times) => {
    const at = `pennon1:${namespace}:q:${id}`
    if (lease) origin.data.set(at, lease)
    origin.data.set(`${at}:0`, times.map((ms) => `1|e{"ts_ms":${ms}}`).join("\n").padEnd(43_000, " "))
    return at
  }
  const gone = [
    fill("gone", "closed", `1|${NOW_MS - 8 * dayMs}|closed|`, [NOW_MS]),
    fill("gone", "none", undefined, [NOW_MS - 20 * dayMs, NOW_MS - 8 * dayMs]),
    fill("gone", "far", "1|99999999999999|open|", [NOW_MS - 8 * dayMs]),
  ]
  const here = [
    fill("other", "late", `1|${NOW_MS - 6 * dayMs}|open|`, [NOW_MS - 8 * dayMs]),
    fill("other", "young", undefined, [NOW_MS - 20 * dayMs, NOW_MS - 6 * dayMs]),
    fill("other", "silent", undefined, []),
  ]
  const keys = () => [...origin.data.keys()].filter((key) => key.endsWith(":0")).map((key) => key.slice(0, -2))
  const { keep, engine } = await tab("me")
  assert.deepEqual(keys(), [...gone, ...here], "as long as there is room")
  keep(row(1))
  await settle()
  assert.deepEqual([keys(), engine.failed], [[...here, `${ROOT}me`], 0])
  assert.deepEqual([...origin.data.keys()].filter((key) => key.startsWith("pennon1:gone")), [])
})

test("an outbox gives way after a week, however many rows it says it has", async (t) => {
  const { origin, tab } = await browser(t)
  origin.data.set("pennon1:gone:q:crafted:0", `1|e{"ts_ms":${NOW_MS - 8 * 24 * 60 * MINUTE_MS}}\n`.repeat(150_000).slice(0, 4_500_000))
  const { keep, engine } = await tab("me")
  keep(row(1))
  await settle()
  assert.deepEqual([[...origin.data.keys()].filter((key) => key.endsWith(":0")), engine.failed], [[`${ROOT}me:0`], 0])
})

test("what storage refuses is counted, does not stop later rows, and is stored when there is room again", async (t) => {
  const { origin, tab, stored } = await browser(t)
  const { keep, engine } = await tab("one")
  origin.quota = 80
  keep(row(1))
  await Promise.resolve()
  assert.deepEqual([stored("one").segments, engine.failed], [[], 1])
  origin.quota = 10_000
  keep(row(2))
  await Promise.resolve()
  assert.deepEqual(stored("one").segments, [[row(1), row(2)]])
})

test("after a trap the next engine takes over the last one's rows in the same task, stored or not", async (t) => {
  for (const persist of [true, false]) {
    const { tab, origin } = await browser(t)
    const { createArea } = await source("area")
    const { area, keeper, keep, engine, rows } = await tab("one", { area: createArea(PREFIX, persist, true) })
    numbered(3).forEach(keep)
    await Promise.resolve()
    keep(row(3))
    keeper.end()
    engine.rows.clear()
    keep("lagain")
    keeper.begin("two")
    keeper.takeOver()
    assert.deepEqual(rows(), ["lagain", ...numbered(4)])
    await Promise.resolve()
    assert.deepEqual(area.keys(ROOT).sort(), ["one", "one:0", "two", "two:0"].map((key) => ROOT + key))
    assert.equal(origin.data.size, persist ? 4 : 0)
  }
})

test("a segment over which the module traps twice is not given to it again", async (t) => {
  const { origin, tab } = await browser(t)
  const { hashOf } = await source("hash")
  for (const id of ["bad", "good"]) origin.data.set(`${ROOT}${id}:0`, `${hashOf(`e${id}`)}|e${id}`)
  const { keeper, engine, rows } = await tab("one", { room: 0 })
  let traps = 0
  engine.room = 600
  engine.onAdopt = ([line]) => {
    if (line !== "ebad") return false
    traps++
    keeper.end()
    return true
  }
  await settle()
  for (const id of ["two", "three", "four"]) {
    keeper.begin(id)
    keeper.takeOver()
    await settle()
  }
  assert.deepEqual([rows(), traps], [["egood"], 2])
})

test("a row that the page records while it goes leaves its outbox closed", async (t) => {
  const { tab, stored } = await browser(t)
  const one = await tab("one")
  one.keep(row(1))
  one.keeper.leaving(true)
  one.keep(row(2))
  await settle()
  assert.match(stored("one").lease, /\|closed\|/)
  const two = await tab("two")
  assert.deepEqual(two.atOnce, [row(1), row(2)])
  one.keeper.shown()
  assert.match(stored("one").lease, /\|open\|/, "it is there again")
})

test("what is recorded from within a request, while rows are taken over, is stored under the own name", async (t) => {
  const { tab, stored } = await browser(t)
  const { createArea, createKeeper } = await source("area", "keeper")
  const one = await tab("one")
  one.keep(row(1))
  one.keeper.leaving(true)
  const keeper = createKeeper(createArea(PREFIX, true, true), PREFIX, {
    adopt({ lines: [line] }) {
      keeper.keep(0, line)
      keeper.write() // As before each request,
      keeper.keep(1, row(2)) // in which the page reads a flag.
      return true
    },
    failed: () => assert.fail("there is room"),
  })
  keeper.begin("two")
  keeper.takeOver()
  await settle()
  assert.deepEqual([stored("one").segments, stored("two").segments], [[[row(1)]], [[row(2)]]])
})

test("what is given up from within a request, while rows are taken over, is not stored again", async (t) => {
  const { tab, stored } = await browser(t)
  const { createArea, createKeeper } = await source("area", "keeper")
  const one = await tab("one")
  one.keep(row(1))
  one.keep(row(2))
  one.keeper.leaving(true)
  const keeper = createKeeper(createArea(PREFIX, true, true), PREFIX, {
    adopt({ lines }) {
      lines.forEach((line, number) => keeper.keep(number, line))
      keeper.write() // As before each request,
      keeper.release([0]) // in which the person denies, say.
      return true
    },
    failed: () => assert.fail("there is room"),
  })
  keeper.begin("two")
  keeper.takeOver()
  await settle()
  assert.deepEqual([stored("one").segments, stored("two").segments], [[[row(2)]], []])
  keeper.release([1])
  await settle()
  assert.deepEqual(stored("one").segments, [])
})

test("a page that comes back after others may have taken its rows writes them again", async (t) => {
  const { tab, stored } = await browser(t)
  const one = await tab("one")
  one.keep(row(1))
  await Promise.resolve()
  one.keeper.shown()
  await settle()
  one.keeper.leaving(true)
  const two = await tab("two")
  await settle()
  assert.deepEqual([two.rows(), stored("one").lease], [[row(1)], `1|${NOW_MS}|>two|`])
  two.deliver(0)
  await settle()
  assert.deepEqual(stored("one"), { lease: undefined, segments: [] })
  one.keeper.shown()
  assert.deepEqual(stored("one").segments, [[row(1)]])
  assert.match(stored("one").lease, /\|open\|$/)
  one.keeper.leaving(true)
  assert.match(stored("one").lease, /\|closed\|$/, "a second time too")
})

test("what a page has closed is taken over before the next one reads anything, and without a lock", async (t) => {
  const { tab, stored } = await browser(t)
  const one = await tab("one")
  numbered(30, 300).forEach(one.keep)
  one.keeper.leaving(true)
  replace(t, "navigator", { value: { locks: { request: () => new Promise(() => undefined) } } })
  const two = await tab("two")
  assert.deepEqual([two.atOnce, stored("one").lease], [numbered(30, 300), `1|${NOW_MS}|>two|`])
})

for (const locks of ["Web Locks", "a claim"]) {
  test(`of two tabs that come together one takes the orphans over, with ${locks}`, async (t) => {
    const { origin, tab } = await browser(t)
    const one = await tab("one")
    one.keep(row(1))
    await Promise.resolve()
    mock.timers.reset()
    mock.timers.enable({ apis: ["Date", "setTimeout"], now: NOW_MS + 6 * MINUTE_MS })
    if (locks === "a claim") replace(t, "navigator", { value: {} })
    const tabs = await Promise.all([tab("two"), tab("three")])
    await settle()
    mock.timers.tick(500)
    await settle()
    assert.deepEqual(tabs.map(({ rows }) => rows().length).sort(), [0, 1])
    assert.deepEqual([...origin.data.keys()].filter((key) => !key.startsWith(ROOT)), [])
  })
}

test("what is cleared from storage is there again within a minute, and with it the lease within two", async (t) => {
  const { origin, tab, stored } = await browser(t)
  const { keep } = await tab("one")
  keep(row(1))
  await Promise.resolve()
  origin.data.clear()
  mock.timers.tick(MINUTE_MS)
  assert.deepEqual(stored("one").segments, [[row(1)]])
  mock.timers.tick(MINUTE_MS)
  assert.match(stored("one").lease, /\|open\|$/)
})

test("a segment that another tab has just taken is no lost row", async (t) => {
  const { origin } = await browser(t)
  const { createArea, readSegment } = await source("area", "outbox")
  const area = createArea(PREFIX, true, true)
  assert.deepEqual(readSegment(area, ROOT, `${ROOT}gone:0`), { key: `${ROOT}gone:0`, owner: "gone", ledgers: "", lines: [], corrupt: 0 })
  origin.data.set(`${ROOT}gone:0`, "")
  assert.equal(readSegment(area, ROOT, `${ROOT}gone:0`).corrupt, 1)
})
