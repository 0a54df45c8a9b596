// The module in Node answers what the native engine answers. `PENNON_DIFFERENTIAL` names the program that makes the cases,
// `PENNON_CASES` how many; `PENNON_SEED` repeats the cases of an earlier run.

import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { test } from "node:test"
import { fileURLToPath } from "node:url"

import { createClient } from "../../pkg/dist/node.js"

const PROGRAM = process.env.PENNON_DIFFERENTIAL ?? fileURLToPath(new URL("../../target/debug/differential", import.meta.url))
const COUNT = Number(process.env.PENNON_CASES ?? 10_000)
const SEED = Number(process.env.PENNON_SEED ?? Math.floor(Math.random() * 2 ** 48))
/** The most differences that are shown. */
const MAX_SHOWN = 3

/** The time, and which step draws random bytes: the native engine draws the same. */
let nowMs = 0
let place = 0
let drawn = 0
Date.now = () => nowMs
crypto.getRandomValues = (bytes) => {
  bytes.fill(0)
  bytes[0] = place
  bytes[1] = ++drawn
  return bytes
}

/** U+FFFD is what half a character becomes on its way into the module: every other case passes halves. */
function halved(value) {
  return JSON.parse(JSON.stringify(value).replaceAll("\ufffd", "\\ud83d"))
}

/** Plays one case to the package; gives the answers in the shape of the native ones. */
async function play({ number, steps }) {
  const given = number % 2 === 0 ? halved : (value) => value
  const answers = []
  let client
  let known = 0
  for (const step of steps) {
    nowMs = step.nowMs
    place = answers.length
    drawn = 0
    await null // The client looks at the clock once in a task.
    switch (step.do) {
      case "start":
        client = await createClient({
          ruleset: step.ruleset,
          identity: { distinctId: given(step.id) ?? undefined, attributes: given(step.attributes) },
        })
        break
      case "identify":
        client.identify(given(step.id), given(step.attributes))
        break
      case "ruleset":
        client.setRuleset(step.ruleset)
        break
      case "override":
        client.override(step.flag, step.variant)
        break
      case "clearOverrides":
        client.clearOverrides()
        break
      case "reset":
        client.reset()
    }
    const { distinctId, anonymousId, deviceId } = client.identity
    const decisions = client.allFlags()
    const problems = client.problems().filter(({ code }) => code === "FLAG_INVALID" || code === "RULESET_INVALID")
    answers.push({
      ids: [distinctId, anonymousId, deviceId],
      decisions: decisions.map(({ ...decision }) => decision),
      // Those of an earlier ruleset are listed before.
      problems: sorted(problems.slice(known).map(({ where, message }) => [where.replace(/^(setR|r)uleset(: |$)/, ""), message])),
    })
    known = problems.length
  }
  await client.close()
  return answers
}

/** The native answers to one case, as the package gives them. */
function expected({ steps, answers }) {
  const listed = new Set()
  return answers.map(({ ids, decisions, problems, isRefused }, step) => ({
    ids,
    decisions: decisions.map(({ valueJson, errorCode, ...decision }) => ({
      ...Object.fromEntries(Object.entries(decision).map(([name, value]) => [name, value ?? undefined])),
      value: valueJson === null ? undefined : JSON.parse(valueJson),
      ...(errorCode && { errorCode }),
    })),
    // The package lists each place once; one in a ruleset that is refused has the way by which it came before it.
    problems: sorted(
      problems
        .filter(([place]) => isNew(isRefused ? `${steps[step].do} ${place}` : place, listed))
        .map(([place, found, expected]) => [place, `found ${found || "nothing"}, expected ${expected}`]),
    ),
  }))
}

function isNew(name, known) {
  return !known.has(name) && Boolean(known.add(name))
}

const sorted = (problems) => problems.map((problem) => problem.join("\n")).sort()

/** The first step that the two answer differently, with both answers; undefined where there is none. */
function difference(one, other) {
  for (const [step, answer] of one.entries()) {
    try {
      assert.deepEqual(answer, other[step])
    } catch (error) {
      return { step, message: error.message }
    }
  }
}

test(`${COUNT} generated rulesets and people are decided alike, natively and in the module (PENNON_SEED=${SEED})`, async () => {
  const program = spawn(PROGRAM, [SEED, COUNT], { stdio: ["ignore", "pipe", "inherit"] })
  const ended = new Promise((resolve, reject) => program.on("error", reject).on("close", resolve))
  const different = []
  let played = 0
  for await (const line of createInterface({ input: program.stdout })) {
    const generated = JSON.parse(line)
    const found = difference(await play(generated), expected(generated))
    played++
    if (!found) continue
    const { step, message } = found
    different.push(`case ${generated.number}, step ${step}: ${message}\n${JSON.stringify(generated.steps.slice(0, step + 1))}`)
  }
  assert.equal(await ended, 0)
  assert.equal(played, COUNT)
  assert.equal(different.length, 0, `${different.length} are not:\n${different.slice(0, MAX_SHOWN).join("\n\n")}`)
})
