// What was decided, seen or not: which flags have a row, when, and how little of the page's time it takes.

import assert from "node:assert/strict"
import { test } from "node:test"
import { makeClient, network, settle } from "./lib/client.mjs"

const split = (experiment, control = 1) => ({
  variants: { control: false, treatment: true },
  default: "treatment",
  ...(experiment && { experiment }),
  rules: [{ id: "halves", serve: [{ variant: "control", weight: control }, { variant: "treatment", weight: 1 - control }] }],
})

const FLAGS = {
  tried: split("one-page"),
  treated: split("two-pages", 0),
  plain: split(),
  pro: {
    variants: { control: 0, treatment: 1 },
    default: "control",
    experiment: "pros",
    rules: [{ when: { attribute: "plan", op: "eq", value: "pro" }, serve: "treatment" }],
  },
  targeted: { ...split("qa"), targets: [{ variant: "treatment", ids: ["tester"] }] },
}
const RULESET = { schema: 1, version: 1, flags: FLAGS }

/** A client with these exposure options, and what it was told of rows. */
async function watched(exposures, { ruleset = RULESET, identity, net = network() } = {}) {
  const told = []
  const client = await makeClient({ net, ruleset, identity, exposures: { targeted: undefined, ...exposures } })
  client.on("exposure", ({ flag_key, variant, source, distinct_id, session_id }) => told.push({ flag_key, variant, source, distinct_id, session_id }))
  return { client, net, told, rows: () => told.map(({ flag_key, variant, source }) => [flag_key, variant, source]) }
}

/** Lets slices run until nothing more is recorded. */
async function rest(client) {
  for (let recorded = -1, quiet = 0; quiet < 3; ) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    await settle()
    const now = client.stats().recorded
    quiet = now === recorded ? quiet + 1 : 0
    recorded = now
  }
}

const TRIED = ["tried", "control", "handshake"]
const TREATED = ["treated", "treatment", "handshake"]
const PLAIN = ["plain", "control", "handshake"]
const TARGETED = ["targeted", "control", "handshake"]

test("what was decided of experiments has a row, the control arm too, and what was seen has another", async () => {
  const { client, net, rows } = await watched({})
  assert.equal(client.stats().recorded, 0, "not while createClient is awaited")
  await rest(client)
  assert.deepEqual(rows(), [TRIED, TREATED, TARGETED])
  client.getFlag("tried")
  await rest(client)
  assert.deepEqual(rows().at(-1), ["tried", "control", "call"])
  await client.flush()
  assert.deepEqual(net.batches[0].exposures.map(({ flag_key, source }) => [flag_key, source]), [
    ["tried", "handshake"], ["treated", "handshake"], ["targeted", "handshake"], ["tried", "call"],
  ])
  await client.close()
})

for (const [what, exposures, decided, reads, reports] of [
  ["targeted true: all flags that a rule answered", { targeted: true }, [TRIED, TREATED, PLAIN, TARGETED], true, true],
  ["targeted false: none", { targeted: false }, [], true, true],
  ["handshake mode: all flags, and no read", { mode: "handshake" }, [TRIED, TREATED, PLAIN, TARGETED], false, true],
  ["manual mode: none, and no read", { mode: "manual" }, [], false, true],
  ["manual mode with targeted true: all flags, and no read", { mode: "manual", targeted: true }, [TRIED, TREATED, PLAIN, TARGETED], false, true],
]) {
  test(`${what} has a row`, async () => {
    const { client, rows } = await watched(exposures)
    client.getFlag("plain")
    client.getVariant("tried")
    client.reportExposure("pro")
    await rest(client)
    assert.deepEqual(rows().filter(([, , source]) => source === "handshake"), decided)
    assert.deepEqual(rows().filter(([, , source]) => source === "call").map(([key]) => key), reads ? ["plain", "tried"] : [])
    assert.deepEqual(rows().filter(([, , source]) => source === "manual"), reports ? [["pro", "control", "manual"]] : [])
    await client.close()
  })
}

test("an individual target, an override and what no rule answered have no row", async () => {
  const { client, rows } = await watched({}, { identity: { distinctId: "tester" } })
  client.override("tried", "treatment")
  await rest(client)
  assert.deepEqual(rows(), [TREATED])
  client.clearOverrides()
  await rest(client)
  assert.deepEqual(rows(), [TREATED, TRIED])
  await client.close()
})

test("rows come again after what changes answers, once for each", async () => {
  const { client, told } = await watched({ dedup: "none" }, { ruleset: { ...RULESET, flags: { tried: FLAGS.tried, pro: FLAGS.pro } } })
  const since = async (action) => {
    told.length = 0
    await action?.()
    await rest(client)
    return told.map(({ flag_key }) => flag_key)
  }
  assert.deepEqual(await since(), ["tried"])
  assert.deepEqual(await since(() => client.setAttributes({ plan: "free" })), [], "the same answers")
  assert.deepEqual(await since(() => client.setAttributes({ plan: "pro" })), ["pro"])
  assert.deepEqual(await since(() => client.identify("person-1")), ["tried"])
  assert.equal(told[0].distinct_id, "person-1")
  assert.deepEqual(await since(() => client.session.renew()), ["tried"])
  assert.equal(told[0].session_id, client.session.id)
  assert.deepEqual(await since(() => client.setRuleset(RULESET)), ["treated", "targeted"])
  assert.deepEqual(await since(() => client.setRuleset(RULESET)), [])
  await client.close()
})

test("without exposures nobody is told of what was only decided", async () => {
  const client = await makeClient({ ruleset: RULESET })
  const told = []
  client.on("exposure", ({ source }) => told.push(source))
  client.getFlag("tried")
  await rest(client)
  assert.deepEqual(told, ["call"])
  await client.close()
})

/** So many flags with an experiment. */
const many = (count) => ({
  schema: 1, version: 1, flags: Object.fromEntries(Array.from({ length: count }, (_, at) => [`flag-${at}`, split("x")])),
})

test("a slice ends after 3 milliseconds of the page's time, and the rest follows in its own tasks", async (t) => {
  const slices = []
  const { setTimeout } = globalThis
  t.mock.method(globalThis, "setTimeout", (task, ms, ...rest) =>
    setTimeout(() => {
      const before = client?.stats().recorded
      task()
      if (client) slices.push(client.stats().recorded - before)
    }, ms, ...rest),
  )
  let nowMs = 1_790_000_000_000
  let client
  const watching = watched({ targeted: true }, { ruleset: many(40) })
  // Each look at the clock takes a millisecond.
  t.mock.method(Date, "now", () => nowMs++)
  client = (await watching).client
  while (client.stats().recorded < 40) await new Promise((resolve) => setTimeout(resolve, 1))
  const busy = slices.filter((rows) => rows > 0)
  assert.ok(busy.length >= 13 && busy.every((rows) => rows <= 3), busy.join())
  await client.close()
})

test("a clock that stands still makes no slice endless", async (t) => {
  t.mock.method(Date, "now", () => 1_790_000_000_000)
  const { client } = await watched({ targeted: true }, { ruleset: many(250) })
  let most = 0
  for (let recorded = 0; recorded < 250; ) {
    await new Promise((resolve) => setTimeout(resolve, 0))
    most = Math.max(most, client.stats().recorded - recorded)
    recorded = client.stats().recorded
  }
  assert.ok(most <= 200, `${most}`)
  await client.close()
})

test("what changes during a walk is decided anew, and nothing of before is added", async () => {
  const { client, told } = await watched({ targeted: true }, { ruleset: many(300), identity: { distinctId: "first" } })
  while (client.stats().recorded < 2) await new Promise((resolve) => setTimeout(resolve, 0))
  client.identify("second")
  await rest(client)
  for (let round = 0; round < 5; round++) await client.flush(), await rest(client)
  const people = told.map(({ distinct_id }) => distinct_id)
  assert.equal(people.filter((person) => person === "second").length, 300)
  assert.deepEqual(people, people.toSorted((one, other) => (one === other ? 0 : one === "first" ? -1 : 1)), "first, then second")
  await client.close()
})

test("more than half of the buffer is left to what is seen, and the rest has its turn when rows are delivered", async () => {
  const net = network(...Array.from({ length: 20 }, () => 500))
  const { client } = await watched({ targeted: true }, { ruleset: many(900), net })
  await rest(client)
  const { recorded, pending, refused, dropped } = client.stats()
  assert.ok(recorded >= 100 && recorded <= 300, `${recorded}`)
  assert.deepEqual([pending, refused, dropped], [recorded, 0, {}])
  client.getFlag("flag-899")
  assert.equal(client.stats().pending, pending + 1)
  net.answers.length = 0
  while (client.stats().recorded < 901) await client.flush(), await rest(client)
  await client.flush()
  const sent = net.batches.flatMap(({ exposures }) => exposures)
  assert.equal(new Set(sent.map(({ id }) => id)).size, 901)
  assert.equal(sent.filter(({ source }) => source === "call")[0].flag_key, "flag-899")
  assert.deepEqual([client.stats().delivered, client.stats().refused, client.stats().dropped], [901, 0, {}])
  await client.close()
})
