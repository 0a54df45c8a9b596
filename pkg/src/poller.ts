import type { Area } from "./area.js"
import { readClaim, writeClaim, type Claim } from "./claim.js"
import { hashOf } from "./hash.js"
import { createKept } from "./kept.js"
import { cancel, later, random, wallClockMs, whenOver } from "./natives.js"
import { fetchRuleset, type RulesetText } from "./ruleset.js"

/** While there is no ruleset at all it is asked for sooner: after twice, four times, … so many milliseconds. */
const FIRST_RETRY_MS = 5000
/** The longest wait after failures, in milliseconds, unless the usual one is longer. */
const MAX_BACKOFF_MS = 300_000
/** A page that becomes visible asks at once, but this long after the last time, in milliseconds. */
const SHOWN_AFTER_MS = 10_000
/** A request that has taken so long, in milliseconds, is given up when the next one is due. */
const REQUEST_LIMIT_MS = 120_000
/** Pages that were opened together do not ask together: a wait is from 0.9 to 1.1 of what it should be. */
const JITTER = 0.2

/** What may end a time in which nobody asked, or begin one. */
const OF_PAGE = ["visibilitychange", "pageshow", "online"]

/** A ruleset by URL, and how it is kept up to date. */
export interface UrlSource {
  readonly url: string
  readonly headers: Readonly<Record<string, string>> | undefined
  /** 0: it is asked for once. */
  readonly refreshMs: number
  /** 0: it is not kept. */
  readonly maxAgeMs: number
}

/** What becomes of a ruleset. */
export interface Taker {
  /** Puts it in place. False when it is refused; then the last one stays. */
  take(text: string): boolean
  /** There was none to be had: what was found and what was expected. */
  failed(message: string): void
}

export interface Poller {
  /** Settles when a ruleset was taken, or none is to be had now. `engineStarted`: before that none is taken. */
  start(engineStarted: Promise<void>): Promise<void>
  /** The page was shown, hidden or reconnected, or another tab has stored something. */
  pageEvent(event: Event): void
  /** Removes what is kept. */
  forget(): void
  stop(): void
}

/**
 * Fetches the ruleset and asks for it again while the page is visible, or where there is no page.
 *
 * The tabs of a browser ask in turn: the one that asks says so under `claimKey` in storage, and says when it has kept
 * another ruleset, which the others then read. Where nothing can be kept, each asks by itself.
 */
export function createPoller(source: UrlSource, area: Area, claimKey: string, taker: Taker): Poller {
  const { url, headers, refreshMs, maxAgeMs } = source
  const id = hashOf(`${url} ${JSON.stringify(headers)}`)
  const kept = createKept(`https://pennon.invalid/${id}?${url}`, maxAgeMs, () => area.mayStore)
  const longestMs = Math.max(refreshMs, MAX_BACKOFF_MS)
  const hasPage = typeof document === "object"
  /** What came last, be it good or not. */
  let known: RulesetText | undefined
  let isGood = false
  let own: Claim = { askedMs: NaN, nextMs: NaN, keptAtMs: 0 }
  let failures = 0
  /** How often the server has given a good ruleset, or said that it is the last one. */
  let given = 0
  let request: AbortController | undefined
  let timer: unknown
  let begun = false
  let stopped = false
  let started: Promise<void>

  const isShared = (): boolean => hasPage && kept.works
  const isIdle = (): boolean => !refreshMs || !begun || stopped || (hasPage && document.hidden)
  /** Whether it can be believed: another program may have written it, or the clock may have been set back. */
  const isSound = ({ askedMs, nextMs }: Claim, nowMs: number): boolean => askedMs <= nowMs && nextMs - askedMs <= longestMs

  /** Says when the next request is due. */
  function claim(askedMs: number, keptAtMs = own.keptAtMs): void {
    const usualMs = known ? refreshMs : Math.min(refreshMs, FIRST_RETRY_MS)
    const waitMs = Math.min(usualMs * 2 ** failures, longestMs) * (1 - JITTER / 2)
    own = { askedMs, nextMs: askedMs + waitMs, keptAtMs }
    if ((refreshMs || keptAtMs) && isShared()) writeClaim(area, claimKey, id, own)
  }

  /** Looks again at that time. */
  function plan(atMs: number): void {
    cancel(timer)
    if (isIdle()) return
    const waitMs = atMs - wallClockMs()
    timer = later(() => void look(), (waitMs > 0 ? Math.min(waitMs, longestMs) : refreshMs) + random() * JITTER * refreshMs)
  }

  /** Asks if it is time to. `isShown`: the page has become visible, or is online again. */
  async function look(isShown?: boolean): Promise<void> {
    cancel(timer)
    if (isIdle()) return
    const told = isShared() ? readClaim(area, claimKey, id) : undefined
    if (told && told.keptAtMs > own.keptAtMs) await takeKept()
    const nowMs = wallClockMs()
    // Storage that takes nothing more holds an old claim.
    const last = told && isSound(told, nowMs) && !(told.askedMs < own.askedMs) ? told : own
    const dueMs = isShown ? last.askedMs + Math.min(refreshMs, SHOWN_AFTER_MS) : last.nextMs
    const isUnderWay = request && !(Math.abs(nowMs - own.askedMs) >= REQUEST_LIMIT_MS)
    if (isUnderWay || (isSound(last, nowMs) && nowMs < dueMs)) plan(last.nextMs)
    else if (!isIdle()) void ask()
  }

  async function ask(): Promise<void> {
    request?.abort()
    const controller = (request = new AbortController())
    const askedMs = wallClockMs()
    claim(askedMs)
    plan(own.nextMs)
    let problem: Error | undefined
    let answer: RulesetText | undefined
    try {
      answer = await fetchRuleset(url, headers, known, controller.signal)
    } catch (error) {
      problem = error as Error
    }
    await started
    if (request !== controller) return
    request = undefined
    const isNew = answer !== undefined && accept(answer)
    if (!problem && isGood) given++
    if (problem) {
      taker.failed(problem.message)
      // The tag may be why there was no answer: a redirect to another origin costs a preflight with it.
      if (known) known = { text: known.text, tag: null }
    }
    failures = problem || !isGood ? failures + 1 : 0
    // What is kept counts from when it was last found to be the newest; to write it each time would cost more than it tells.
    const keptAtMs = wallClockMs()
    if (known && !failures && (isNew || keptAtMs - own.keptAtMs > maxAgeMs / 24)) {
      void whenOver(kept.write({ ...known, keptAtMs }), () => goOn(askedMs, keptAtMs))
    } else goOn(askedMs)
  }

  function goOn(askedMs: number, keptAtMs?: number): void {
    if (stopped) return
    claim(askedMs, keptAtMs)
    plan(own.nextMs)
  }

  /** Whether it is another one than came before. */
  function accept(answer: RulesetText): boolean {
    const isNew = answer.text !== known?.text
    if (isNew) isGood = taker.take(answer.text)
    known = answer
    return isNew
  }

  /** Takes what another page has kept, unless the server has given a good one meanwhile. */
  async function takeKept(): Promise<void> {
    const before = given
    const copy = await kept.read()
    if (!copy) return
    await started
    if (stopped) return
    own = { ...own, keptAtMs: Math.max(own.keptAtMs, copy.keptAtMs) }
    if (given === before) accept(copy)
  }

  /** Waits for the one, and then, unless there is a good ruleset, for the other. */
  async function goodAfter(one: Promise<void>, other: Promise<void>): Promise<void> {
    await one
    if (!isGood) await other
  }

  return {
    async start(engineStarted) {
      started = engineStarted
      // Where no page has told that it kept one there is hardly any, and nobody waits for the disk to say so: a new visitor's
      // ruleset is asked for 100 to 400 ms sooner (Chromium on a processor slowed down 4 times).
      if (isShared() && area.isShared && !(readClaim(area, claimKey, id)?.keptAtMs! > 0)) {
        begun = true
        const asked = ask()
        const looked = takeKept()
        await Promise.race([goodAfter(asked, looked), goodAfter(looked, asked)])
        return
      }
      await takeKept()
      if (stopped) return
      // What was kept may have been spoilt: it is asked for as if it had not been there.
      if (!isGood) known = undefined
      begun = true
      const asking = ask()
      if (!isGood) await asking
    },
    pageEvent(event) {
      if (event.type === "storage") {
        if ((event as StorageEvent).key === claimKey) void look()
      } else if (OF_PAGE.includes(event.type)) void look(true)
    },
    forget: kept.forget,
    stop() {
      stopped = true
      cancel(timer)
      request?.abort()
      request = undefined
    },
  }
}
