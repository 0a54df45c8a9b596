// What Node asks of this page, one figure at a time.

import * as sdk from "virtual:sdk"
import { keysOf, personOf } from "../../sdks/parts.mjs"
import { check, checkDecisions } from "./check.js"
import { readsOf } from "./loops.js"

const sink = `${location.origin}/sink/${location.pathname.split("/")[2]}`
const FLAGS = 100

/** Lets the page breathe, so that one measurement does not pay for another's garbage or for timers. */
const pause = (ms = 10) => new Promise((resolve) => setTimeout(resolve, ms))
/** Enough to send what one measurement has recorded to a server that is near. */
const SENDING_MS = 100

/** Some that cannot send wait for long. */
const close = (client) => Promise.race([client.close(), pause(SENDING_MS)])
const isAnswer = (value) => value === "one" || value === "two"

const open = (keys) => sdk.create(sdk.write(keys), personOf(), sink)

/** Nanoseconds for each read: of one flag, of 100 in turn, and of the first in each task; beside a Map's. */
async function reads() {
  const keys = keysOf(FLAGS)
  const client = await open(keys)
  const map = new Map(keys.map((key) => [key, client.read(key)]))
  for (const value of map.values()) check(isAnswer(value), `${value}`)
  const found = await readsOf({ sdk: (key) => client.read(key), map: (key) => map.get(key) }, keys, pause)
  await close(client)
  return found
}

const CLIENTS = 15
/** Clients after which the browser has optimized what it will. */
const WARMING = 30
const START_PATIENCE_MS = 2000
/** So few that no SDK has a batch to send in the middle. */
const FIRST_FLAGS = 40

/**
 * Nanoseconds for the first read of some of 100 flags in one task: of the page's first client, and of some clients after
 * many others.
 */
async function firstReads() {
  const warm = []
  let newNs
  for (let round = 0; round < WARMING + CLIENTS; round++) {
    const keys = keysOf(FLAGS, round)
    const few = keys.slice(0, FIRST_FLAGS)
    const client = await open(keys)
    await pause()
    let answers = 0
    const beganMs = performance.now()
    for (const key of few) if (isAnswer(client.read(key))) answers++
    const tookMs = performance.now() - beganMs
    check(answers === FIRST_FLAGS, `${answers} answers`)
    const ns = (tookMs * 1e6) / FIRST_FLAGS
    newNs ??= ns
    if (round >= WARMING) warm.push(ns)
    await close(client)
  }
  return { newNs, warm }
}

/**
 * Milliseconds from a text to the first decision, of so many clients, each with a text of its own; in a page that has had
 * others. Of an SDK that takes very long, of fewer.
 */
async function startUps(flags, clients) {
  const found = []
  const lastMs = performance.now() + START_PATIENCE_MS
  for (let round = 0; round < clients && (round < 1 || performance.now() < lastMs); round++) {
    const keys = keysOf(flags, round)
    const text = sdk.write(keys)
    await pause()
    const beganMs = performance.now()
    const client = await sdk.create(text, personOf(), sink)
    const value = client.read(keys[flags - 1])
    const tookMs = performance.now() - beganMs
    check(isAnswer(value), `${value}`)
    found.push(tookMs)
    await close(client)
  }
  return found
}

const PEOPLE = 15

/** Microseconds until another person is known and all of 100 flags are read. */
async function identities() {
  const keys = keysOf(FLAGS)
  const client = await open(keys)
  if (!client.identify) return undefined
  const found = []
  for (let number = -5; number < PEOPLE; number++) {
    await pause(SENDING_MS)
    const person = personOf(1000 + number)
    let answers = 0
    const beganMs = performance.now()
    const isKnown = client.identify(person)
    if (isKnown) await isKnown
    for (const key of keys) if (isAnswer(client.read(key))) answers++
    const tookMs = performance.now() - beganMs
    check(answers === FLAGS, `${answers} answers`)
    if (number >= 0) found.push(tookMs * 1000)
  }
  await close(client)
  return found
}

let kept

/** Starts a client that stays, of so many flags, and reads one. The text is not kept here. */
async function stay(flags) {
  const keys = keysOf(flags)
  kept = await open(keys)
  check(isAnswer(kept.read(keys[0])), "another value")
}

/** What `stay` needs once, so that it is not measured. */
const prepare = () => sdk.write(keysOf(10)).length

globalThis.measure = {
  about: sdk.about,
  write: (flags) => sdk.write(keysOf(flags)),
  checkDecisions: () => checkDecisions(sink),
  reads,
  firstReads,
  startUps,
  identities,
  prepare,
  stay,
}
