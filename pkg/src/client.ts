import { createAnswers, decisionOf, type Answer } from "./answers.js"
import { createArea } from "./area.js"
import { attempt, guarded } from "./boundary.js"
import { createDelivery } from "./delivery.js"
import { shown } from "./errors.js"
import { createEvents } from "./events.js"
import { createHandshake } from "./handshake.js"
import { nameOf } from "./hash.js"
import { startInstance, type Instance, type LoadModule, type Member } from "./instance.js"
import { createKeeper } from "./keeper.js"
import { createLifeboat } from "./lifeboat.js"
import { cancel, hostFetch, later, parse, soon, stringify, unwatched, wallClockMs, whenOver } from "./natives.js"
import { readOptions, type Settings } from "./options.js"
import { addOverride, keepOverrides, MAX_KEY_LENGTH, tabOverrides, type Overrides } from "./overrides.js"
import { ACTIVITY, listen } from "./page.js"
import { deepEqual, plain, plainObject } from "./plain.js"
import { createPoller } from "./poller.js"
import { createProblems } from "./problems.js"
import { siblings, tellSiblings } from "./siblings.js"
import { NO_STATS, readStats } from "./stats.js"
import { timing } from "./timing.js"
import type {
  Change, Client, Consent, CreateClient, Decision, ErrorCode, Explanation, Exposure, FlushResult, Identity, Json, Problem, Session,
} from "./types.js"
import type { Engine, Host, IdentityIds, RulesetProblem } from "./wasm/pennon.js"

/** The most keys whose decisions are kept. A page that makes up keys must not fill its memory. */
const MAX_CACHED_KEYS = 10_000
/** Longer than the key of any flag. */
const NO_KEY = "-".repeat(MAX_KEY_LENGTH + 1)
/** The most calls that wait for the module to start. */
const MAX_EARLY_COMMANDS = 1000
/** The engine takes no ruleset of more bytes, nor then of more UTF-16 units. */
const MAX_RULESET_LENGTH = 8 * 1024 * 1024
/** How long `close` waits for a server where what is not delivered outlives the page, in milliseconds. */
const CLOSE_WITHIN_MS = 1000
/** How long the lifeboat waits for an answer, likewise. */
const ANSWER_WITHIN_MS = 10_000
/** Activity is passed on at most this often, in milliseconds: scrolling fires at every frame. */
const ACTIVITY_EVERY_MS = 1000

/** A kept answer. It holds while its epoch is the client's. */
interface Entry {
  answer: Answer
  /** Made of the answer when it is asked for. */
  decision: Decision | undefined
  /** The answer's value, one step nearer. */
  value: Json | undefined
  epoch: number
  /** The epoch in which its exposure was recorded, or found to be known; -1 before. */
  seen: number
}

export function createClientWith(load: LoadModule): CreateClient {
  return async (options) => {
    // The module is on its way while everything else is made.
    const starting = unwatched(() => startInstance(load))
    void whenOver(starting)
    const { client, ready } = buildClient(readOptions(options), starting)
    await ready
    return client as unknown as Client<never>
  }
}

function buildClient(settings: Settings, starting: Promise<Instance>): { client: Client; ready: Promise<void> } {
  const events = createEvents()
  const problems = createProblems((problem) => {
    events.emit("problem", problem)
    if (settings.debug) attempt(() => console.warn(`pennon: ${problem.code} at ${problem.where}: ${problem.message}`), undefined)
  })
  const prefix = `pennon1:${settings.namespace}:`
  let { consent } = settings
  const area = createArea(prefix, settings.persist, consent === "granted")

  let instance: Instance | undefined
  let engine: Engine | undefined
  /** Engines so far. What an earlier one has begun is nobody's. */
  let engines = 0
  /** Whether there is to be another one. */
  let awaited = true
  let deafen: (() => void) | undefined
  let timer: unknown
  let closing: Promise<void> | undefined
  let failedToStart = false
  const early: ((engine: Engine) => void)[] = []
  /** What a flag answers while no engine can be asked. */
  function unavailable(): ErrorCode {
    return closing ? "PROVIDER_NOT_READY" : failedToStart ? "PROVIDER_FATAL" : instance?.dead ? "GENERAL" : "PROVIDER_NOT_READY"
  }

  // The boundary: the one way into the module.

  function enter<T>(call: (engine: Engine) => T, otherwise: T): T {
    const entered = engine
    if (!entered) return otherwise
    try {
      return unwatched(() => call(entered))
    } catch (error) {
      hasTrapped(entered, error)
      return otherwise
    }
  }

  /** Whatever it is: what the module was at is half done. */
  function hasTrapped(entered: Engine, error: unknown): void {
    if (engine === entered) instance?.trapped()
    problems.add("ENGINE_FAILED", "wasm", `found ${shown(error)}, expected an answer`)
  }

  /** Enters the module, now or as soon as there is one: what a page does meanwhile is done then, in order. */
  function command(call: (engine: Engine) => void): void {
    const isDone = enter((engine) => {
      call(engine)
      return true
    }, false)
    if (!isDone && awaited && early.length < MAX_EARLY_COMMANDS) early.push(call)
  }

  const member: Member = {
    trapped() {
      stopTouching()
      awaited = true
      keeper?.end()
    },
    replaced() {
      if (instance?.dead) giveUp()
      else build()
    },
  }

  /** Another client of the page has stored a text under this key, or another tab. */
  function hear(key: string, text: string): void {
    if (key !== `${prefix}c`) enter((engine) => engine.storageEvent(key, text), undefined)
    else if (text === "denied") applyConsent(text)
  }

  /** Nothing of this engine is called from here on, and nothing calls it. */
  function stopTouching(): void {
    engine = undefined
    engines++
    cancel(timer)
    flights.clear()
    handshake?.stop()
  }

  /** There is no engine, and will be none. */
  function giveUp(): void {
    awaited = false
    early.length = 0
    epoch++
    poller?.stop()
    delivery.flushed(NOTHING_FLUSHED)
    if (consent === "granted") lifeboat?.begin()
  }

  // The cache: a repeated read is a Map lookup and two comparisons.

  const entries = new Map<string, Entry>()
  const answers = createAnswers()
  /** Kept decisions of an earlier epoch are made anew. */
  let epoch = 0
  /** Whether the clock was looked at in this task. (`Date.now()` at each read would cost 45 ns, this flag costs 1.) */
  let clockIsFresh = false
  /** Unix milliseconds until which decisions and session stay as they are. */
  let validUntilMs = -Infinity
  let lastLookMs = -Infinity
  const hasPage = typeof document === "object"

  function lookAtClock(): void {
    if (clockIsFresh) return
    clockIsFresh = true
    soon(() => (clockIsFresh = false))
    const nowMs = wallClockMs()
    if (!hasPage) enter((engine) => engine.activity(), undefined)
    // A clock that was set back may have left a flag's time again.
    if (nowMs < lastLookMs) epoch++
    if (nowMs < lastLookMs || !(nowMs < validUntilMs)) validUntilMs = enter((engine) => engine.lookAtClock(), Infinity)
    lastLookMs = nowMs
  }

  function entryOf(key: unknown): Entry {
    if (typeof key !== "string") {
      problems.add("INVALID_KEY", "key", `found ${shown(key)}, expected a string`)
      return failed(shown(key), "FLAG_NOT_FOUND")
    }
    if (closing) return failed(key, unavailable())
    lookAtClock()
    const known = entries.get(key)
    if (known?.epoch === epoch) return known
    if (key.length > MAX_KEY_LENGTH) return failed(key, "FLAG_NOT_FOUND")
    if (!known && entries.size >= MAX_CACHED_KEYS) {
      entries.clear()
      answers.forget()
    }
    const entry = enter((engine) => decideWith(engine, key), undefined)
    if (entry) entries.set(key, entry)
    return entry ?? failed(key, unavailable())
  }

  function decideWith(engine: Engine, key: string): Entry {
    const answer = answers.decide(engine, key, wallClockMs())
    const { errorCode, isMomentous, reason, value, variant } = answer
    if (errorCode === "PARSE_ERROR" || reason === "PREREQUISITE_FAILED") listBrokenFlag(engine, key)
    if (isMomentous) {
      storeKeptSoon()
      // It may end before the next look at the clock.
      validUntilMs = engine.validUntilMs()
    }
    const seen = variant === undefined || settings.manual ? epoch : -1
    return { answer, decision: undefined, value, epoch, seen }
  }

  function decisionFor(key: unknown): Decision {
    const entry = entryOf(key)
    return (entry.decision ??= decisionOf(entry.answer))
  }

  /** Whether the variants that units keep are about to be stored: once for all that a task decides. */
  let storesKept = false
  function storeKeptSoon(): void {
    if (storesKept) return
    storesKept = true
    soon(() => {
      storesKept = false
      enter((engine) => engine.storeKept(), undefined)
    })
  }

  function failed(key: string, errorCode: ErrorCode): Entry {
    const none = undefined
    const answer: Answer = {
      key, value: none, variant: none, reason: "ERROR", ruleId: none, bucket: none, flagVersion: none, errorCode,
      number: 0, isMomentous: false,
    }
    return { answer, decision: none, value: none, epoch, seen: epoch }
  }

  function listBrokenFlag(engine: Engine, key: string): void {
    const problem = engine.problem(key)
    if (problem) problems.addOfRuleset("FLAG_INVALID", parse(problem) as RulesetProblem)
  }

  // Exposures.

  /** A read that records: the decision, and its exposure unless it is known to be recorded. */
  function seenEntryOf(key: unknown): Entry {
    if (held) {
      hold(key, () => seenEntryOf(key))
      return entryOf(key)
    }
    for (let attempt = 1; ; attempt++) {
      const entry = entryOf(key)
      if (entry.seen === epoch) return entry
      const before = epoch
      const recorded = enter((engine) => recordWith(engine, entry.answer), false)
      if (!recorded && !engine && awaited) {
        // The page got its answer, so the next engine records it.
        if (entry.answer.variant !== undefined && early.length < MAX_EARLY_COMMANDS) early.push(() => seenEntryOf(key))
        return entry
      }
      if (recorded && epoch === before && settings.dedup !== "none") entry.seen = epoch
      // Recorded, and something changed meanwhile (a row was evicted, or the page acted from within `fetch`): the next read
      // looks again. Not recorded, and something changed: the flag's time began or ended between decision and record, and
      // what counts is what the page gets now.
      if (recorded || epoch === before || attempt === 2) return entry
    }
  }

  /** How many rows the engine has had kept. */
  let keptRows = 0

  /** Whether the exposure needs no other attempt. `manual`: the variant to record by hand. `decided`: it was not seen. */
  function recordWith(engine: Engine, answer: Answer, manual?: string, decided = false): boolean {
    if (answer.variant === undefined) return true
    const before = keptRows
    try {
      return answers.record(engine, answer, manual, decided)
    } catch (error) {
      // Once its row is kept the next engine sends it. To record it again would count it twice.
      if (keptRows === before) throw error
      hasTrapped(engine, error)
      return true
    }
  }

  let isRehearsed = false
  /**
   * Does what the first read of a flag does, for nothing: what a browser has called once it has compiled. In a new page that read
   * then takes 0.2 ms instead of 2.2.
   */
  function rehearse(): void {
    isRehearsed = true
    client.getFlag(NO_KEY)
    enter((engine) => {
      engine.rehearse()
      answers.record(engine, decideWith(engine, NO_KEY).answer, undefined, false)
    }, undefined)
  }

  const handshake = settings.targeted === "none" ? undefined : createHandshake((place) => {
    if (held) return false
    // Only browsers compile so; and where there is no page each read is activity.
    if (hasPage && !isRehearsed) rehearse()
    return enter((entered) => {
      const key = entered.targetedKey(place, settings.targeted === "all")
      if (!key) return key === "" || undefined
      const { answer } = entryOf(key)
      // It may have trapped just now: the next engine's walk does it.
      return engine === entered ? recordWith(entered, answer, undefined, true) : undefined
    }, undefined)
  })

  /** A page that is being prerendered has been seen by nobody. What is to be recorded of it waits until it is. */
  let held: Map<unknown, () => void> | undefined
  function hold(key: unknown, call: () => void): void {
    if (held && held.size < MAX_CACHED_KEYS) held.set(key, call)
  }
  if (hasPage && (document as { prerendering?: boolean }).prerendering) held = new Map()
  function activated(): void {
    const calls = held ?? []
    held = undefined
    clockIsFresh = false
    validUntilMs = -Infinity
    keeper?.takeOver()
    tellConsent()
    enter((engine) => engine.pageEvent("pageshow"), undefined)
    calls.forEach((call) => call())
    handshake?.begin()
  }

  const delivery = createDelivery(
    settings.endpoint,
    settings.exposureHeaders,
    settings.fetch ?? hostFetch,
    (found) => problems.add("DELIVERY_FAILED", settings.endpoint ?? "", `found ${found}, expected 204; the rows wait`),
  )

  // What is not delivered outlives the module, and the page.

  const keeper = settings.endpoint === undefined ? undefined : createKeeper(area, prefix, {
    adopt: ({ owner, ledgers, lines, corrupt }) => enter((engine) => engine.adopt(owner, ledgers, lines.map((line) => `${line}\n`).join(""), corrupt), false),
    failed: () => enter((engine) => engine.persistFailed(), undefined),
  })

  const lifeboat = keeper && createLifeboat(area, prefix, settings.key, (body) =>
    new Promise((resolve) => {
      const request = delivery.post(body, false, resolve)
      later(() => request?.abort(), ANSWER_WITHIN_MS)
    }))

  // Consent.

  function tellConsent(): void {
    enter((engine) => engine.setConsent(consent === "denied" ? 0 : consent === "granted" && !held ? 2 : 1), undefined)
  }

  function applyConsent(state: Consent): void {
    if (state === consent) return
    consent = state
    const isGranted = state === "granted"
    if (isGranted) keepForTab()
    if (!isGranted) {
      tellConsent()
      lifeboat?.stop()
      area.allow(false, "")
      if (state === "denied") {
        purge()
        delivery.abort()
      }
      return
    }
    const { cookie } = settings
    const hasCookie = cookie && hasPage && attempt(() => document.cookie.includes(`${cookie.prefix}d=`), false)
    if (area.allow(true, `${prefix}d`) || hasCookie) beKnown()
    else tellConsent()
    keeper?.shown()
    if (!engine && !awaited && !closing) lifeboat?.begin()
  }

  /** An earlier page has stored who this is. The next engine goes on with that, and with the rows of this one. */
  function beKnown(): void {
    const last = engine
    if (!last) return
    stopTouching()
    keeper?.end()
    attempt(() => last.free(), undefined)
    build()
    enter(() => changed("identity"), undefined)
  }

  function purge(): void {
    const { cookie } = settings
    area.purge(cookie ? [`${cookie.prefix}s`] : [])
    poller?.forget()
    if (settings.overridesFromUrl) keepOverrides(tabKey, new Map())
    if (!cookie || !hasPage) return
    for (const name of ["d", "s"]) attempt(() => (document.cookie = `${cookie.prefix}${name}=${cookie.attributes}; Max-Age=0`), "")
  }

  // What the engine calls.

  let lastActivityMs = -Infinity
  /** What can abort the requests of this engine. */
  const flights = new Map<number, AbortController>()
  const host: Host = {
    post(flight, body, keepalive) {
      // Denied from within the `fetch` of the batch before.
      if (consent !== "granted") return true
      // In storage before it is sent.
      keeper?.write()
      const own = engines
      const request = delivery.post(body, keepalive, ({ status, isAcknowledged, retryAfterMs, serverMs }) => {
        if (own !== engines) return
        flights.delete(flight)
        enter((engine) => engine.settled(flight, status, isAcknowledged, retryAfterMs, serverMs), undefined)
      })
      if (request) flights.set(flight, request)
      return request !== undefined
    },
    abort(flight) {
      attempt(() => flights.get(flight)?.abort(), undefined)
      flights.delete(flight)
    },
    area,
    keep(number, checksum, line, isNew) {
      keeper?.keep(number, `${nameOf(checksum)}|${line}`)
      keptRows++
      if (isNew && events.has("exposure")) events.emit("exposure", parse(line.slice(1)) as Exposure)
    },
    keepLedgers: (text) => keeper?.keepLedgers(text),
    release: (numbers) => keeper?.release(numbers),
    wakeIn(delayMs) {
      cancel(timer)
      timer = later(() => enter((engine) => engine.tick(), undefined), delayMs)
    },
    stale() {
      epoch++
      handshake?.begin()
    },
    sessionStored: (key, text) => tellSiblings(hear, key, text),
    delivery(status, batchId, ids, pending) {
      if (status === "acknowledged") handshake?.goOn()
      if (events.has("delivery")) events.emit("delivery", Object.freeze({ status, batchId, ids: parse(ids) as string[], pending }))
    },
    flushed: (delivered, pending) => delivery.flushed({ delivered, pending }),
  }

  /** Whether the page went away, maybe into the back/forward cache, where nobody is told anything. */
  let wasAway = false
  function pageEvent(event: Event): void {
    const { type } = event
    const isLeaving = type === "pagehide" || type === "freeze"
    const isShown = type === "pageshow" || type === "resume" || (type === "visibilitychange" && !document.hidden)
    if (type === "pagehide") wasAway = true
    else if (wasAway && !isLeaving && (isShown || type !== "visibilitychange")) {
      wasAway = false
      // Another tab may have denied. What this page holds must not come back, so that nothing is written before this.
      if (!settings.cookie && area.isPurged) applyConsent("denied")
    }
    poller?.pageEvent(event)
    if (type === "storage") {
      const { key, newValue } = event as StorageEvent
      area.changed(event as StorageEvent)
      if (typeof key === "string" && typeof newValue === "string") hear(key, newValue)
      return
    }
    if (ACTIVITY.includes(type)) {
      if (event.timeStamp - lastActivityMs < ACTIVITY_EVERY_MS) return
      lastActivityMs = event.timeStamp
    }
    if (type === "prerenderingchange") return activated()
    if (isLeaving) keeper?.leaving(type === "pagehide")
    else if (isShown) keeper?.shown()
    enter((engine) => engine.pageEvent(type), undefined)
    validUntilMs = -Infinity // The session's end has moved, with a clock that was set back also nearer.
  }

  // The ruleset and the person.

  /** Tells who listens what is different now. Only for them all flags that were asked for are decided at once. */
  function changed(cause: Change["cause"]): void {
    if (!events.has("change")) return
    const before = [...entries.values()]
    const flags = before.filter(({ answer: { key, variant }, value }) => {
      const now = entryOf(key)
      return now.answer.variant !== variant || !deepEqual(now.value, value)
    })
    events.emit("change", Object.freeze({ cause, flags: Object.freeze(flags.map(({ answer }) => answer.key)) }))
  }

  /** Puts a ruleset in place. `source` is where a problem with all of it is. */
  function applyRuleset(ruleset: unknown, source: string): void {
    let text: string
    try {
      text = typeof ruleset === "string" ? ruleset : stringify(ruleset)
      if (typeof text !== "string") throw new TypeError("no JSON")
    } catch {
      problems.add("RULESET_INVALID", source, `found ${shown(ruleset)}, expected a ruleset`)
      return
    }
    command((engine) => putRuleset(engine, text, source))
  }

  /** False when it is refused, and the last one stays. */
  function putRuleset(engine: Engine, text: string, source: string): boolean {
    const problem = place(engine, text)
    if (problem) {
      problems.addOfRuleset("RULESET_INVALID", parse(problem) as RulesetProblem, source)
      return false
    }
    lastGood = text
    checkOverrides(engine)
    changed("ruleset")
    return true
  }

  function place(engine: Engine, text: string): string | undefined {
    // Of a longer one as much as shows that it is: a module's memory never shrinks.
    instance?.handOver(engine, text.slice(0, MAX_RULESET_LENGTH + 1))
    const problem = engine.setRuleset()
    if (!problem) answers.forget()
    return problem
  }

  /** The text of the ruleset that is in place. */
  let lastGood: string | undefined
  const { ruleset } = settings
  const poller = ruleset.kind !== "url" ? undefined : createPoller(ruleset, area, `${prefix}p`, {
    take: (text) => enter((engine) => putRuleset(engine, text, ruleset.url), false),
    failed: (message) => problems.add("RULESET_UNAVAILABLE", ruleset.url, message),
  })

  // Overrides.

  const tabKey = `${prefix}o`
  const overrides: Overrides = settings.overridesFromUrl ? tabOverrides(tabKey) : new Map()
  /** As far as the person agrees: to forget them needs nobody's consent. */
  function keepForTab(): void {
    if (settings.overridesFromUrl && (consent === "granted" || overrides.size === 0)) keepOverrides(tabKey, overrides)
  }
  keepForTab()

  /** Lists the overrides that name nothing of the ruleset. The engine passes over them. */
  function checkOverrides(engine: Engine): void {
    if (lastGood === undefined) return
    overrides.forEach(({ variant }, key) => {
      const variants = parse(engine.variants(key)) as string[]
      if (variants.includes(variant)) return
      const expected = variants.join(", ").slice(0, 500) || "a flag that is there and works"
      problems.add("UNKNOWN_VARIANT", `override(${shown(key)})`, `found ${shown(variant)}, expected ${expected}`)
    })
  }

  function clearOverrides(): void {
    overrides.clear()
    keepForTab()
  }

  /** The engine holds its own copies; these are for the next engine, and for `setAttributes` to merge into. */
  let person = typeof settings.distinctId === "string" && settings.distinctId.length <= MAX_KEY_LENGTH ? settings.distinctId : undefined
  let attributes = plainObject(settings.attributes)

  /** What rules may look at: the person's attributes, and what the options say of the app unless the person's say it. */
  function readable(attributes: Record<string, unknown>): object {
    const own = (attributes.app as { readonly version?: unknown } | null | undefined)?.version
    const app = settings.appVersion && own === undefined ? { "app.version": settings.appVersion } : {}
    return Object.assign(plainObject({}), app, attributes)
  }

  const nobody: Identity = Object.freeze({ distinctId: "", anonymousId: "", deviceId: "" })

  const client: Client = {
    getFlag: ((key: string, fallback?: Json) => {
      try {
        const entry = entries.get(key)
        const { value } = entry && entry.seen === epoch && clockIsFresh ? entry : seenEntryOf(key)
        return value === undefined ? fallback : value
      } catch {
        return fallback // As `guarded` does for the others, which are not asked a million times.
      }
    }) as Client["getFlag"],
    getVariant: (key) => seenEntryOf(key).answer.variant,
    peek: (key) => entryOf(key).value,
    decide: decisionFor,
    explain(key) {
      const name = typeof key === "string" ? key : shown(key)
      return parse(enter((engine) => engine.explain(name), "null")) as Explanation | null
    },
    allFlags: () => (parse(enter((engine) => engine.flagKeys(), "[]")) as string[]).map(decisionFor),
    reportExposure(key, options) {
      const given = memberOf(options, "value")
      const value = plain(given)
      if (held) return hold({}, () => client.reportExposure(key, { value }))
      const { answer } = entryOf(key)
      if (answer.variant === undefined) return
      command((engine) => {
        let variant = answer.variant
        if (given !== undefined) {
          const named = answers.variantWith(engine, key, (known) => deepEqual(known, value))
          if (named === undefined) {
            problems.add("UNKNOWN_VALUE", `reportExposure(${shown(key)})`,
              `found ${shown(given)}, expected the value of one of the flag's variants`)
          }
          variant = named ?? variant
        }
        recordWith(engine, answer, variant)
      })
    },
    exposureProperties() {
      const properties: Record<string, string> = {}
      for (const { key, variant, reason } of client.allFlags()) {
        if (reason === "SPLIT" && variant !== undefined) properties[`$feature/${key}`] = variant
      }
      return properties
    },
    identify(distinctId, newAttributes = {}) {
      if (closing) return
      if (typeof distinctId !== "string" || distinctId.length > MAX_KEY_LENGTH) return refuseId(distinctId)
      const copy = plainObject(newAttributes)
      command((engine) => {
        if (!engine.identify(distinctId, stringify(readable(copy)))) return refuseId(distinctId)
        person = distinctId
        attributes = copy
        changed("identity")
      })
    },
    setAttributes(newAttributes) {
      if (closing) return
      const copy = plainObject(newAttributes)
      const removed = undefinedNames(newAttributes)
      command((engine) => {
        // Bounded as one object is: many small calls are no way around it.
        attributes = plainObject(Object.assign(plainObject({}), attributes, copy))
        for (const name of removed) delete attributes[name]
        engine.identify(undefined, stringify(readable(attributes)))
        changed("attributes")
      })
    },
    reset(options) {
      const deviceToo = memberOf(options, "device") === true
      clearOverrides()
      command((engine) => {
        person = undefined
        attributes = plainObject({})
        engine.reset(deviceToo)
        engine.identify(undefined, stringify(readable(attributes)))
        changed("identity")
      })
    },
    get identity() {
      return enter((engine) => Object.freeze(identityOf(engine)), nobody)
    },
    get session(): Session {
      lookAtClock()
      return Object.freeze({
        id: enter((engine) => engine.sessionId(), ""),
        startedAtMs: enter((engine) => engine.sessionStartedAtMs(), 0),
        renew: () => attempt(() => command((engine) => engine.renewSession()), undefined),
      })
    },
    setRuleset: (ruleset) => applyRuleset(ruleset, "setRuleset"),
    override(key, variant, options) {
      if (closing) return
      const exposures = memberOf(options, "exposures") === true
      if (!addOverride(overrides, key, variant, exposures)) {
        problems.add("INVALID_KEY", "override", `found ${shown(key)}, ${shown(variant)}, expected two keys`)
        return
      }
      keepForTab()
      command((engine) => {
        engine.overrideFlag(key, variant, exposures)
        checkOverrides(engine)
        changed("override")
      })
    },
    clearOverrides() {
      clearOverrides()
      command((engine) => {
        engine.clearOverrides()
        changed("override")
      })
    },
    on: events.on,
    setConsent(state) {
      if (closing) return
      if (!CONSENTS.includes(state)) {
        problems.add("INVALID_CONSENT", "setConsent", `found ${shown(state)}, expected ${CONSENTS.join(", ")}`)
        return
      }
      if (state === consent) return
      applyConsent(state)
      if (state !== "denied") return
      // There is room for it now.
      area.tell(`${prefix}c`, state)
      tellSiblings(hear, `${prefix}c`, state)
    },
    stats: () => enter(readStats, NO_STATS),
    problems() {
      // What the ruleset says is compiled when it is asked for; here all of it is.
      const found = parse(enter((engine) => engine.problems(), "[]")) as RulesetProblem[]
      found.forEach((problem) => problems.addOfRuleset("FLAG_INVALID", problem))
      return Object.freeze(problems.list.slice()) as readonly Problem[]
    },
    flush() {
      // Before the first one there is nothing to send. After a trap it waits for the next one.
      if (!engine && !(awaited && engines > 0)) return Promise.resolve(NOTHING_FLUSHED)
      return delivery.flush(() => enter((engine) => engine.flush(), undefined))
    },
    close() {
      closing ??= close()
      entries.clear()
      return closing
    },
  }

  async function close(): Promise<void> {
    try {
      const flushed = client.flush()
      await (area.isShared ? waitAtMost(CLOSE_WITHIN_MS, flushed, () => undefined) : flushed)
      instance?.members.delete(member)
      awaited = false
      keeper?.end()
      engine?.free()
    } catch {
      // Borrowed by a call that never came back: the garbage collector's affair. Or the page has broken something.
    }
    stopTouching()
    siblings.delete(hear)
    deafen?.()
    poller?.stop()
    lifeboat?.stop()
    delivery.flushed(NOTHING_FLUSHED)
    epoch++
  }

  function refuseId(id: unknown): void {
    problems.add("INVALID_ID", `identify(${shown(id)})`, "found no id of one person, expected 1 to 256 bytes, and none that many share, such as null")
  }

  // Start.

  async function startEngine(): Promise<void> {
    try {
      instance = await starting
      if (instance.spent) throw new Error("a module that failed before")
      if (closing) return
      instance.members.add(member)
      if (!instance.dead) build()
    } catch (error) {
      if (closing) return
      failedToStart = true
      problems.add("WASM_UNAVAILABLE", "wasm", `found ${shown(error)}, expected the module to start`)
      giveUp()
    }
  }

  /** Makes an engine that goes on where the last one was. */
  function build(): void {
    try {
      engine = unwatched(createEngine)
    } catch (error) {
      problems.add("ENGINE_FAILED", "wasm", `found ${shown(error)}, expected an engine`)
      instance?.trapped()
      return
    }
    awaited = false
    epoch++
    enter((engine) => {
      checkIdentity(engine)
      keeper?.begin(engine.instanceId())
      // What nobody sees may never come to send it.
      if (!held) keeper?.takeOver()
      overrides.forEach(({ variant, exposures }, key) => engine.overrideFlag(key, variant, exposures))
      if (lastGood !== undefined) place(engine, lastGood)
      if (delivery.isFlushing) engine.flush()
    }, undefined)
    // After what others have left was taken over, which may hold what is recorded now.
    tellConsent()
    // One that traps is not tried again; the others wait for the next engine.
    while (engine && early.length > 0) enter(early.shift()!, undefined)
  }

  function createEngine(): Engine {
    return instance!.createEngine(
      {
        endpoint: settings.endpoint,
        key: settings.key,
        dedup: settings.dedup,
        flushIntervalMs: settings.flushIntervalMs,
        attributeNames: plain(settings.attributeNames) as string[],
        appVersion: settings.appVersion,
        namespace: settings.namespace,
        cookiePrefix: settings.cookie?.prefix,
        cookieAttributes: settings.cookie?.attributes,
        identified: person,
        attributes: readable(attributes),
        timeScale: timing.scale,
        consent: consent === "granted" && !held,
        traps: instance!.traps,
      },
      host,
    )
  }

  /** Lists what was asked for and is not there. */
  function checkIdentity(engine: Engine): void {
    if (settings.cookie && hasPage && consent === "granted" && !engine.hasCookie()) {
      problems.add("COOKIE_REFUSED", "storage.cookieDomain",
        "found no cookie after setting one, expected one; ids and session stay on this host")
    }
    const { distinctId, anonymousId } = identityOf(engine)
    if (person === undefined || distinctId !== anonymousId) return
    refuseId(person)
    person = undefined
  }

  async function start(): Promise<void> {
    const { endpointProblem, readyTimeoutMs } = settings
    if (consent === "denied") purge()
    siblings.add(hear)
    const started = startEngine()
    // Before all that has time: the answer takes longest.
    const asked = poller?.start(started)
    if (endpointProblem) problems.add("ENDPOINT_UNREACHABLE", "exposures.endpoint", endpointProblem)
    if (settings.endpoint && !(settings.fetch ?? hostFetch)) {
      problems.add("ENDPOINT_UNREACHABLE", "exposures.endpoint", "found no fetch, expected one to send exposures with")
    }
    if (ruleset.kind === "unreachable") problems.add("RULESET_UNAVAILABLE", ruleset.url, ruleset.why)
    if (settings.distinctId !== undefined && person === undefined) refuseId(settings.distinctId)
    deafen = listen(pageEvent)
    if (ruleset.kind === "given") applyRuleset(ruleset.ruleset, "ruleset")
    await waitAtMost(readyTimeoutMs, asked ?? started, () => {
      if (!instance && awaited) problems.add("WASM_UNAVAILABLE", "wasm", `found no module after ${readyTimeoutMs} ms, expected one`)
      else if (ruleset.kind === "url") {
        problems.add("RULESET_UNAVAILABLE", ruleset.url, `found no ruleset after ${readyTimeoutMs} ms, expected one`)
      }
    })
  }

  const ready = unwatched(start)
  const safe = guarded(client, [
    ["getVariant", undefined], ["peek", undefined], ["decide", decisionOf(failed("", "GENERAL").answer)], ["explain", null],
    ["allFlags", []], ["reportExposure", undefined], ["exposureProperties", {}], ["identify", undefined],
    ["setAttributes", undefined], ["reset", undefined], ["identity", nobody],
    ["session", { id: "", startedAtMs: 0, renew: () => undefined }], ["setRuleset", undefined], ["override", undefined],
    ["clearOverrides", undefined], ["on", () => undefined], ["setConsent", undefined], ["stats", NO_STATS], ["problems", []],
    ["flush", Promise.resolve(NOTHING_FLUSHED)], ["close", Promise.resolve()],
  ])
  return { client: safe, ready }
}

const NOTHING_FLUSHED: FlushResult = Object.freeze({ delivered: 0, pending: 0 })
const CONSENTS: readonly Consent[] = ["granted", "pending", "denied"]

function identityOf(engine: Engine): IdentityIds {
  return parse(engine.identity()) as IdentityIds
}

/** Settles with `work`, or after that many milliseconds, when `late` is called. */
function waitAtMost(timeoutMs: number, work: Promise<unknown>, late: () => void): Promise<void> {
  return new Promise((resolve) => {
    // Where a page has broken timers, for as long as it takes.
    const timer = attempt(() => setTimeout(() => {
      late()
      resolve()
    }, timeoutMs), undefined)
    void whenOver(work, () => {
      cancel(timer)
      resolve()
    })
  })
}

/** What a page passed under this name; undefined when looking at it throws. (Within `enter` that would pass for a trap.) */
function memberOf(object: unknown, name: string): unknown {
  try {
    return (object as Record<string, unknown> | null | undefined)?.[name]
  } catch {
    return undefined
  }
}

function undefinedNames(object: object): string[] {
  try {
    return Object.keys(object).filter((name) => (object as Record<string, unknown>)[name] === undefined)
  } catch {
    return []
  }
}
