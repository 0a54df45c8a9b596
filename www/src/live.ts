import { createClient, type Client, type Dedup, type Problem } from "pennon"
import { createExposureLog, type ExposureLog } from "./exposure-log.js"
import type { ShopFlags } from "./flags.js"
import { attributesOf } from "./people.js"
import { remember, remembered } from "./remember.js"
import { RULESET_URL, limitOf, loadRuleset, withLimit, type Ruleset } from "./ruleset.js"
import { createSignal, type Signal } from "./signal.js"

/** The experiment whose limit the slider moves. */
export const LIMITED_FLAG = "autumn_price"

export const DEDUP_SCOPES: readonly Dedup[] = ["session", "identity", "none"]

/** The shop's client and all that the panel may do to it. */
export interface Live {
  readonly client: Client<ShopFlags>
  readonly log: ExposureLog
  /** The ruleset as served; `undefined` when it could not be had. */
  readonly served: Ruleset | undefined
  /** A flag may answer differently now, or the client is another one. */
  readonly decided: Signal
  /** The panel's own state changed. */
  readonly changed: Signal
  readonly dedup: Dedup
  readonly offline: boolean
  /** The limit of `LIMITED_FLAG` in this page, percent. */
  readonly limitPercent: number
  readonly lastProblem: Problem | undefined
  identify(id: string): void
  reset(options: { device: boolean }): void
  renewSession(): void
  setDedup(dedup: Dedup): Promise<void>
  setOffline(offline: boolean): void
  setLimit(percent: number): void
}

export async function startLive(): Promise<Live> {
  const log = createExposureLog()
  const decided = createSignal()
  const changed = createSignal()
  let dedup = DEDUP_SCOPES.find((scope) => scope === remembered("dedup")) ?? "session"
  let personId = remembered("person")
  let offline = false
  let lastProblem: Problem | undefined
  let stopFollowing = () => {}
  let switching = Promise.resolve()

  /** The client's way to the collector, which the panel can cut. */
  const exposuresFetch: typeof fetch = (input, init) =>
    offline ? Promise.reject(new TypeError("the panel simulates being offline")) : fetch(input, init)

  async function openClient(): Promise<Client<ShopFlags>> {
    const opened = await createClient<ShopFlags>({
      ruleset: RULESET_URL,
      ...(personId !== undefined && { identity: { distinctId: personId, attributes: attributesOf(personId) } }),
      exposures: { endpoint: "/api/switch/exposures", dedup, attributes: ["plan", "country"], fetch: exposuresFetch },
      app: { version: "1.0.0" },
    })
    const stops = [
      log.follow(opened),
      opened.on("change", decided.fire),
      opened.on("problem", (problem) => {
        lastProblem = problem
        changed.fire()
      }),
    ]
    // What went wrong before anybody could listen.
    lastProblem = opened.problems().at(-1)
    stopFollowing = () => stops.forEach((stop) => stop())
    return opened
  }

  const [served, first] = await Promise.all([loadRuleset(), openClient()])
  let client = first
  let limitPercent = served ? limitOf(served, LIMITED_FLAG) : 100

  function applyLimit(): void {
    if (served) client.setRuleset(withLimit(served, LIMITED_FLAG, limitPercent))
  }

  /** The scope is an option of the client, so that another scope takes another client. */
  async function replaceClient(): Promise<void> {
    const [closing, stopFollowingIt] = [client, stopFollowing]
    client = await openClient()
    if (served && limitPercent !== limitOf(served, LIMITED_FLAG)) applyLimit()
    decided.fire()
    changed.fire()
    await closing.close()
    stopFollowingIt()
  }

  return {
    log,
    served,
    decided,
    changed,
    get client() {
      return client
    },
    get dedup() {
      return dedup
    },
    get offline() {
      return offline
    },
    get limitPercent() {
      return limitPercent
    },
    get lastProblem() {
      return lastProblem
    },
    identify(id) {
      lastProblem = undefined
      client.identify(id, attributesOf(id))
      // What the client refuses as an id is not remembered either.
      if (client.identity.distinctId === id) remember("person", (personId = id))
      changed.fire()
    },
    reset(options) {
      lastProblem = undefined
      remember("person", (personId = undefined))
      client.reset(options)
      changed.fire()
    },
    renewSession() {
      client.session.renew()
      // No answer changed, so the client says nothing; the new session is to see what is on show, though.
      decided.fire()
      changed.fire()
    },
    setDedup(scope) {
      remember("dedup", (dedup = scope))
      changed.fire()
      // One after the other, or the scope of a quick second choice could lose to that of the first.
      switching = switching.then(replaceClient)
      return switching
    },
    setOffline(on) {
      offline = on
      if (!on) void client.flush() // As the client does when the browser comes back online.
      changed.fire()
    },
    setLimit(percent) {
      limitPercent = percent
      applyLimit()
      changed.fire()
    },
  }
}
