// Tabs of one shop, in which people see flags while a seed decides what happens to tabs and server. At the end one page comes back to
// a server that works. Then the server's ledger is compared with what the pages were told.

import { openScene } from "../../lib/scene.mjs"
import { sleep, within } from "../../lib/wait.mjs"
import { CAUSES, causesOfDuplicates } from "./duplicates.mjs"
import { counts, seeded, sum } from "./numbers.mjs"

/** How many flags a person can see: those of the site's ruleset that are experiments. */
const FLAGS = 700
/** Nothing is recorded while more than that waits, since the ring takes 600 rows and refuses what comes then. */
const MOST_WAITING = 560
/** Nor while the outboxes take more than that, in UTF-16 units: what storage has no room for is lost with its page, as it should be. */
const MOST_STORED = 240 * 1024
/** Of one row. */
const ROW_LENGTH = 700
/** How long it may take until the last exposure has come. */
const PATIENCE_MS = 120_000

/** What the server may do to a request instead of taking it. Only what cannot be meant for a row: those are dropped, as they should be. */
const FAULTS = [
  { status: 500 }, { status: 502 }, { status: 503 }, { status: 504 }, { status: 408 }, { status: 203 }, { retryAfter: "1" }, { reset: "before" },
  { reset: "upload" }, { commitThenCut: true }, { status: 500, commit: true }, { status: 200, body: "<html>", headers: { "content-type": "text/html" } },
  { drip: 4000 }, { neverEnd: true }, { truncate: true }, { blackhole: true }, { redirect: 302, to: "/elsewhere" }, { cors: false },
  { delayMs: 150 }, { status: 404, body: "?" },
]

/**
 * `tabs`: how many at the start. `exposures`: how many to record. `faultyShare`: of requests. `actions`: what happens how often, beside
 * the reads. `scale`: of the client's constants of time. `isPatient`: pages go once all is acknowledged. Gives counts: `recorded`, `lost`, `twice` (rows with other ids for the same), `rows`, `duplicates`, …
 */
export async function storm({ driver, browser, site, seed, tabs: tabCount, exposures, faultyShare, isPatient = false, scale, actions }) {
  const random = seeded(seed)
  const scene = await openScene({ driver, browser, site })
  const { chaos } = scene
  const recorded = []
  let people = 0
  const newPerson = () => ({ name: `person-${seed}-${people++}`, next: 0 })

  async function openTab(person = newPerson()) {
    const tab = { person, page: await scene.open() }
    await begin(tab)
    return tab
  }

  async function begin({ page, person }) {
    await scene.begin(page, { scale, identity: { distinctId: person.name } })
    await page.evaluate(() => {
      globalThis.noted = []
      client.on("exposure", ({ id, flag_key, variant, seq, instance_id, distinct_id }) => noted.push({ id, flag_key, variant, seq, instance_id, distinct_id }))
    })
  }

  async function read(tab, from, count) {
    const rows = await tab.page.evaluate(async (person, from, count, mostWaiting, mostStored) => {
      const outboxes = () => Object.entries(localStorage).filter(([key]) => key.includes(":q:")).flat().join("")
      if (client.stats().pending + count > mostWaiting || outboxes().length > mostStored) return undefined
      if (client.identity.distinctId !== person) client.identify(person)
      read("split", from, from + count)
      // Listeners are told from a microtask.
      for (let turn = 0; turn < 5; turn++) await null
      const stored = outboxes()
      return noted.splice(0).map((row) => ({ ...row, isStored: stored.includes(`"${row.id}"`) }))
    }, tab.person.name, from, count, MOST_WAITING, MOST_STORED - count * ROW_LENGTH)
    recorded.push(...(rows ?? []))
    return rows !== undefined
  }

  const acknowledged = ({ page }) => isPatient && scene.statsOnce(page, "all acknowledged", ({ pending }) => pending === 0)

  /** What the server was told, and when. */
  const scripts = []
  async function script(...steps) {
    await chaos.script(...steps)
    scripts.push({ atMs: Date.now(), steps })
  }

  const tabs = []
  const replace = async (tab) => tabs.splice(tabs.indexOf(tab), 1, await openTab(tab.person))
  const doings = {
    async reread(tab) {
      if (tab.person.next > 0) await read(tab, random.between(0, tab.person.next - 1), 1)
    },
    async reload(tab) {
      await acknowledged(tab)
      await tab.page.reload()
      await scene.ready(tab.page)
      await begin(tab)
    },
    async return(tab) {
      await acknowledged(tab)
      await scene.goto(tab.page, "/elsewhere.html")
      await sleep(random.between(0, 300))
      await scene.goto(tab.page)
      await begin(tab)
    },
    async close(tab) {
      await tab.page.close()
      await replace(tab)
    },
    async crash(tab) {
      // WebKit's driver does not outlive the process of a page.
      if (driver.name === "webkit") return doings.close(tab)
      await tab.page.crash()
      // Whatever else was in that process has gone with it.
      const dead = []
      for (const other of tabs) if (other === tab || !(await lives(other))) dead.push(other)
      for (const other of dead) {
        await within("closing a tab", other.page.close(), 5000).catch(() => {})
        await replace(other)
      }
    },
    async hide(tab) {
      const cover = await tab.page.hide()
      await sleep(random.between(0, 300))
      await cover.show()
      await cover.close()
    },
    async outage() {
      await chaos.down()
      await sleep(random.between(50, 800))
      await chaos.up()
    },
    script: () => script(...Array.from({ length: 40 }, () => (random.draw() < faultyShare ? random.oneOf(FAULTS) : {}))),
    pause: () => sleep(random.between(10, 300)),
  }
  const deck = Object.entries(actions).flatMap(([name, weight]) => Array(weight).fill(name))
  const lives = ({ page }) => within("a tab", page.evaluate(() => 1), 5000).then(() => true, () => false)

  try {
    for (let tab = 0; tab < tabCount; tab++) tabs.push(await openTab())
    if (faultyShare > 0) await doings.script()
    while (recorded.length < exposures) {
      const tab = random.oneOf(tabs)
      const doing = random.oneOf(deck)
      if (doing !== "read") {
        await doings[doing](tab)
        continue
      }
      if (tab.person.next >= FLAGS) tab.person = newPerson()
      const count = Math.min(random.between(1, Math.ceil(exposures / 16)), FLAGS - tab.person.next)
      if (await read(tab, tab.person.next, count)) tab.person.next += count
      else await sleep(50)
    }
    const [first, ...others] = tabs
    for (const { page } of others) await page.close()
    await acknowledged(first)
    await scene.goto(first.page, "/elsewhere.html")
    await chaos.up()
    await script({})
    await scene.goto(first.page)
    await begin(first)
    const ids = new Set(recorded.map(({ id }) => id))
    const ledger = await arrived(chaos, ids)
    const heard = await scene.checkPages().then(() => 0, (error) => {
      console.error(`seed ${seed}: ${error.message}`)
      return 1
    })
    return judge({ seed, recorded, ids, ledger, scripts, heard })
  } finally {
    await within("the end of a scene", scene.close(), 30_000).catch(() => {})
  }
}

/** The ledger, once all have come and nothing is under way; or when patience is over. */
async function arrived(chaos, ids) {
  const deadline = Date.now() + PATIENCE_MS
  for (let ledger; ; await sleep(200)) {
    const { ids: kept, waiting } = await chaos.totals()
    if ((kept < ids.size || waiting > 0) && Date.now() < deadline) continue
    ledger = await chaos.ledger()
    const isWhole = [...ids].every((id) => ledger.ids[id]) && Object.values(ledger.instances).every(({ lost }) => lost === 0)
    if (isWhole || Date.now() > deadline) return ledger
    await sleep(800)
  }
}

function judge({ seed, recorded, ids, ledger, scripts, heard }) {
  const kept = Object.entries(ledger.ids).filter(([, { is_link }]) => !is_link)
  const lost = [...ids].filter((id) => !ledger.ids[id])
  const said = new Map(recorded.map(({ id, variant }) => [id, variant]))
  const shown = counts(kept.map(([, { distinct_id, flag_key }]) => `${distinct_id} ${flag_key}`))
  // What the ledger says is missing of an instance, against which of its rows are.
  const seqs = new Map()
  for (const { instance_id, seq } of recorded) seqs.set(instance_id, [...(seqs.get(instance_id) ?? []), seq])
  const wrongLedgers = Object.entries(ledger.instances).filter(([id, { gaps, lost, dropped }]) => {
    const missing = (seqs.get(id) ?? []).filter((seq) => gaps.some(([first, last]) => seq >= first && seq <= last)).length
    return lost !== missing - dropped
  })
  const unexplained = []
  const causes = causesOfDuplicates(ledger.requests, scripts, (...pair) => unexplained.push(pair))
  for (const [id, before, again] of unexplained.slice(0, 3)) {
    const others = ledger.requests.filter(({ instance_id }) => instance_id === again.instance_id)
    console.error(`seed ${seed}: ${id} came again: ${sketch(before)}, then ${sketch(again)}; all of that instance: ${others.map(sketch).join(" ")}`)
  }
  for (const id of lost.slice(0, 3)) console.error(`seed ${seed}: lost ${JSON.stringify(recorded.find((row) => row.id === id))}`)
  for (const [id, instance] of wrongLedgers.slice(0, 3)) console.error(`seed ${seed}: ledger of ${id}: ${JSON.stringify(instance)}, recorded ${seqs.get(id)?.length}`)
  return {
    seed,
    recorded: ids.size,
    lost: lost.length,
    dropped: sum(Object.values(ledger.instances).map(({ dropped }) => dropped)),
    twice: kept.length - shown.size,
    unknown: kept.filter(([id]) => !ids.has(id)).length,
    rows: ledger.rows,
    duplicates: ledger.duplicates,
    causes,
    changed: ledger.changed_rows.length,
    preflights: ledger.options,
    requests: ledger.requests.length,
    instances: Object.keys(ledger.instances).length,
    wrongLedgers: wrongLedgers.length,
    heard,
    byVariant: counts([...said.values()]),
    lostByVariant: counts(lost.map((id) => said.get(id))),
  }
}

/** A request in few words, for somebody who looks for a mistake. */
const sketch = ({ ids, copies, ...request }) => JSON.stringify({ ...request, rows: ids.length })

/** Runs `work` for each of the seeds, some beside each other, each lane in a browser of its own. After `minutes` it begins no other. */
export async function overSeeds({ driver, seeds, jobs, minutes, work }) {
  const queue = [...seeds]
  const lastMs = Date.now() + 60_000 * minutes
  const results = []
  const failures = []
  await Promise.all(Array.from({ length: jobs }, async () => {
    let browser
    for (let seed = queue.shift(); seed !== undefined && Date.now() < lastMs; seed = queue.shift()) {
      try {
        if (!browser?.isAlive()) browser = await driver.launch()
        results.push(await within(`seed ${seed}`, work(browser, seed), 900_000))
        if (results.length % 10 === 0) console.error(`${results.length} of ${seeds.length} seeds`)
      } catch (error) {
        failures.push(`seed ${seed} did not end: ${error?.message ?? error}`)
        console.error(failures.at(-1))
        await within("closing a browser", browser?.close() ?? Promise.resolve(), 20_000).catch(() => {})
        browser = undefined
      }
    }
    await browser?.close()
  }))
  return { results, failures }
}

/** The counts of many seeds together. */
export function together(results) {
  const total = (name) => sum(results.map((result) => result[name]))
  const byVariant = (name) => ["control", "treatment"].map((variant) => sum(results.map((result) => result[name].get(variant) ?? 0)))
  const [shown, lost] = [byVariant("byVariant"), byVariant("lostByVariant")]
  const names = ["recorded", "lost", "dropped", "twice", "unknown", "rows", "duplicates", "changed", "preflights", "requests", "instances", "wrongLedgers", "heard"]
  return {
    ...Object.fromEntries(names.map((name) => [name, total(name)])),
    causes: Object.fromEntries(CAUSES.map((cause) => [cause, sum(results.map(({ causes }) => causes[cause]))])),
    shown,
    apartPoints: 100 * Math.abs(lost[0] / shown[0] - lost[1] / shown[1]),
  }
}

/** What is counted and may not be: a sentence each. */
export const mistakes = (total) =>
  [["lost", "exposures lost"], ["dropped", "rows dropped"], ["twice", "exposures counted twice"], ["unknown", "rows that no page was told of"],
    ["changed", "rows that were sent again and not as they were"], ["preflights", "preflights"], ["wrongLedgers", "ledgers that are wrong"],
    ["heard", "seeds with a page that threw or logged"]]
    .filter(([name]) => total[name] !== 0)
    .map(([name, words]) => `${total[name]} ${words}`)
