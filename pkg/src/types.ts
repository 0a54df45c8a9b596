/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** The flags of an application that has not described them: any key, any JSON value. */
export type AnyFlags = Record<string, Json>

/**
 * Why a flag answered what it answered. `TARGETING_MATCH`, `SPLIT`, `DEFAULT`, `DISABLED` and `ERROR` are
 * OpenFeature's names; the others say which step of the evaluation decided.
 */
export type Reason =
  | "TARGETING_MATCH"
  | "SPLIT"
  | "DEFAULT"
  | "DISABLED"
  | "PREREQUISITE_FAILED"
  | "HOLDOUT"
  | "NOT_IN_LAYER"
  | "NOT_IN_EXPOSURE"
  | "OVERRIDE"
  | "ERROR"

/** What went wrong, in OpenFeature's words. */
export type ErrorCode =
  | "FLAG_NOT_FOUND"
  | "PARSE_ERROR"
  | "TARGETING_KEY_MISSING"
  | "PROVIDER_NOT_READY"
  | "PROVIDER_FATAL"
  | "GENERAL"

/** One flag's answer for the current identity. Frozen. */
export interface Decision<Value = Json> {
  readonly key: string
  /** The variant's value, deep-frozen; `undefined` when no variant was decided. */
  readonly value: Value | undefined
  readonly variant: string | undefined
  readonly reason: Reason
  /** The rule that decided, or `$target` for an individual target. */
  readonly ruleId: string | undefined
  /** The unit's bucket in this flag's split, 0..99 999, when it was computed. */
  readonly bucket: number | undefined
  readonly flagVersion: number | undefined
  readonly errorCode?: ErrorCode
}

/** How a flag is decided, step by step. */
export interface Explanation {
  readonly flag: string
  /** In the order of the evaluation; the last one decided. None for a flag that is unknown or broken. */
  readonly steps: readonly ExplanationStep[]
  readonly decision: {
    readonly variant?: string
    readonly reason: Reason
    readonly ruleId?: string
    readonly bucket?: number
    readonly flagVersion?: number
    readonly errorCode?: ErrorCode
  }
}

/** One step. Which of its details are there depends on the step; `docs/ruleset.md` names them. */
export interface ExplanationStep {
  readonly step:
    | "override" | "enabled" | "requires" | "targets" | "holdout" | "layer" | "limitExposure" | "rule" | "split" | "default"
  readonly result: "passed" | "decided"
  readonly [detail: string]: unknown
}

/** Something that a page cannot fix and that was worked around. Listed once. */
export interface Problem {
  /** A stable code for programs, such as `RULESET_UNAVAILABLE`. */
  readonly code: string
  /** Where: a place in the ruleset (`flags.checkout.rules[0].when`), a URL or a call. */
  readonly where: string
  /** What was found and what was expected. */
  readonly message: string
}

/** A recorded exposure as it is sent. snake_case, because it is the wire's row. Fields without a value are absent. */
export interface Exposure {
  readonly id: string
  readonly flag_key: string
  readonly value: Json
  readonly variant: string
  readonly reason: Reason
  readonly session_id: string
  readonly distinct_id: string
  readonly ts_ms: number
  readonly mono_ms: number
  readonly seq: number
  readonly instance_id: string
  readonly anon_id: string
  readonly device_id: string
  readonly unit: string
  readonly unit_id?: string
  readonly flag_version: number
  /** Of a flag with `sticky`: its version when the unit was given the variant. */
  readonly assigned_version?: number
  readonly ruleset_version: number
  readonly rule_id?: string
  readonly experiment?: string
  readonly environment?: string
  /** What recorded it: a read, `reportExposure`, or only that the flag was decided. */
  readonly source: "call" | "manual" | "handshake"
  readonly dedup: Dedup
  readonly attributes?: { readonly [name: string]: string | number | boolean }
  readonly app_version?: string
  readonly sdk: string
  /** True when `value` or an attribute was too long and was cut. */
  readonly truncated?: true
}

/** Within what a repeated exposure is the same exposure. */
export type Dedup = "session" | "identity" | "none"

export interface RulesetSource {
  /** http(s), absolute or relative to the page. */
  readonly url: string | URL
  /** Sent with the request. Cross-origin they cost a preflight. */
  readonly headers?: Readonly<Record<string, string>>
  /** How long `createClient` waits for the ruleset, in milliseconds, 0..60 000. Default 3000. */
  readonly readyTimeoutMs?: number
  /**
   * How often it is asked for again while the page is visible, in milliseconds, 1000..86 400 000, a tenth more or less.
   * Also when the page becomes visible. 0: once, at the start. Default 60 000. The tabs of a browser ask in turn.
   */
  readonly refreshMs?: number
  /**
   * How long after it was last found to be the newest the last good ruleset may serve a page at its start, until the
   * server has answered, in milliseconds, 0..31 days. 0: it is not kept, and each tab asks by itself. Default 7 days.
   */
  readonly maxAgeMs?: number
}

export interface IdentityOptions {
  /** The signed-in person. Without it the person is known by a persisted anonymous id. */
  readonly distinctId?: string
  /** What targeting rules may look at. Copied when given: later changes to the object are not seen. */
  readonly attributes?: Attributes
}

export type Attributes = Readonly<Record<string, unknown>>

export interface ExposureOptions {
  /** Where exposures are sent: http(s), absolute or relative to the page. */
  readonly endpoint: string | URL
  /** Sent in the body as `key`, so that no header and no preflight is needed. */
  readonly key?: string
  /** Default `"session"`. */
  readonly dedup?: Dedup
  /**
   * `"call"` (default) records what is read; `"manual"` only what `reportExposure` names; `"handshake"` that and, for
   * every flag, what was decided.
   */
  readonly mode?: "call" | "manual" | "handshake"
  /**
   * Whether it is recorded which flags were decided, seen or not: a row with the source `"handshake"`, one per session and
   * flag that a rule answers. True: for all flags. Default: with `"call"` for flags with an `experiment`, with `"manual"`
   * for none, with `"handshake"` for all.
   */
  readonly targeted?: boolean
  /** Milliseconds between the first pending row and its flush, 100..3 600 000. Default 5000. */
  readonly flushIntervalMs?: number
  /** Names of attributes to send with each row: at most 16; scalars only, cut at 256 bytes each. */
  readonly attributes?: readonly string[]
  /** Sent with each request. Cross-origin they cost a preflight. */
  readonly headers?: Readonly<Record<string, string>>
  /** Instead of the page's `fetch`. */
  readonly fetch?: typeof fetch
}

export interface StorageOptions {
  /**
   * The page's host name, or a domain it is in: `"shop.example"`. Anonymous id, device id and session are kept in two
   * cookies that all hosts of the domain read, so that they see one person. Clients with the same domain and the same
   * `namespace`, or else the same `exposures.key`, share them. Where cookies are blocked, localStorage has to do.
   */
  readonly cookieDomain?: string
}

/**
 * Whether the person has agreed to be counted.
 *
 * `"granted"`: ids, session and rows are stored, and rows are sent. `"pending"`: all of it, the ids too, is in memory alone,
 * at most 200 rows, and nothing is sent. `"denied"`: nothing is recorded; what was, and everything stored under this client's
 * namespace, is gone. Flags are decided in each case. The package does not remember it: say it on each page.
 */
export type Consent = "granted" | "pending" | "denied"

export interface OverrideOptions {
  /**
   * Takes overrides from the URL that the page was loaded with, as `?pennon.new_checkout=treatment_a`, and keeps all
   * overrides for the tab, over navigations too. `?pennon.new_checkout=` takes one back. At most 100 in a URL. Such a
   * decision records no exposure. Anybody can write a URL: not for flags that protect something. Default false.
   */
  readonly fromUrl?: boolean
}

export interface ClientOptions {
  /** A URL, the ruleset's text, the ruleset itself, or a URL with settings. Without it: `setRuleset`. */
  readonly ruleset?: string | URL | object | RulesetSource
  readonly identity?: IdentityOptions
  /** Omitted or false: decides and fires `"exposure"` for what is read, sends nothing. */
  readonly exposures?: ExposureOptions | false
  /** In rows as `app_version`; for rules the attribute `app.version`, unless the person has one of that name. */
  readonly app?: { readonly version?: string }
  /**
   * `false`: ids, session, what was acknowledged and the last ruleset live in memory only. An object: they live in localStorage, and with
   * `cookieDomain` the ids and the session in cookies.
   */
  readonly storage?: false | StorageOptions
  /** Default `"granted"`. While it is another, the last ruleset is not kept either; `"denied"` removes it. */
  readonly consent?: Consent
  readonly overrides?: OverrideOptions
  /**
   * Separates this client's stored state from that of other clients on the origin. Any text without a colon. Default: from
   * endpoint and key.
   */
  readonly namespace?: string
  /** Log problems to the console. Default false. */
  readonly debug?: boolean
}

export interface Identity {
  /** The signed-in id, or before that the anonymous id. */
  readonly distinctId: string
  readonly anonymousId: string
  readonly deviceId: string
}

export interface Session {
  /** UUIDv7. */
  readonly id: string
  readonly startedAtMs: number
  /** Ends this session and begins a new one. */
  renew(): void
}

export interface FlushResult {
  /** Rows acknowledged by this flush. */
  readonly delivered: number
  /** Rows still waiting. */
  readonly pending: number
}

/**
 * Rows of exposures and links, counted since this client began. `recorded + adopted = delivered + pending + dropped`, all
 * reasons together. After a trap of the module the counts begin again, but for `traps`: the server keeps both ledgers.
 */
export interface Stats {
  readonly recorded: number
  /** Rows in the batches being sent now. A part of `pending`. */
  readonly sending: number
  /** Recorded and neither acknowledged nor given up. They are in the outbox too, where storage can be used. */
  readonly pending: number
  /** Acknowledged; without `exposures`: handed to the `"exposure"` listeners. */
  readonly delivered: number
  /** Not recorded because the ring was full; a later read records them. */
  readonly refused: number
  /**
   * Recorded and given up, by reason: `ring_full`, `too_large`, `rejected` (the server will never take it), `expired` (older
   * than 7 days), `wal_corrupt` (spoilt in storage), `consent`.
   */
  readonly dropped: Readonly<Record<string, number>>
  /** The same of flags with an experiment, by `flag/variant`; at most 32 of them. */
  readonly droppedBy: Readonly<Record<string, number>>
  /** Rows sent again after an attempt without acknowledgement. */
  readonly resent: number
  /** Rows taken over from earlier pages and other tabs. */
  readonly adopted: number
  /** How often the WebAssembly module has trapped on this page and was replaced. */
  readonly traps: number
  /**
   * Writes of new rows that storage refused: one for all that a task has recorded, however often it is tried again. Until
   * then the rows are in memory alone.
   */
  readonly persistFailed: number
  /** Attempts to send that no server answered. */
  readonly unreachable: number
  /** When the next flush is due, Unix milliseconds; `undefined` when none is. */
  readonly nextFlushAtMs: number | undefined
}

/** What became of an attempt to send. */
export interface Delivery {
  readonly status: "sending" | "acknowledged" | "failed"
  readonly batchId: string
  /** `id` of each row in the batch. */
  readonly ids: readonly string[]
  readonly pending: number
}

export interface Change {
  readonly cause: "ruleset" | "identity" | "attributes" | "override"
  /** Of the flags that this page has asked for, those that now answer another variant or value than it was last given. */
  readonly flags: readonly string[]
}

export interface ClientEvents {
  change: Change
  exposure: Exposure
  problem: Problem
  delivery: Delivery
}

/** After `createClient` settles nothing here throws: a flag that cannot be decided is its fallback, with a reason. */
export interface Client<Flags extends object = AnyFlags> {
  /** The variant's value, deep-frozen, or `undefined`. Records the exposure, once per dedup scope. */
  getFlag<K extends keyof Flags & string>(key: K): Flags[K] | undefined
  /** The variant's value, deep-frozen, or `fallback`, returned as given. Records the exposure, once per dedup scope. */
  getFlag<K extends keyof Flags & string>(key: K, fallback: Flags[K]): Flags[K]
  /** The variant's key. Records the exposure as `getFlag` does. */
  getVariant(key: keyof Flags & string): string | undefined
  /** The value `getFlag` would return. Records nothing. */
  peek<K extends keyof Flags & string>(key: K): Flags[K] | undefined
  /** The whole decision. Records nothing. */
  decide<K extends keyof Flags & string>(key: K): Decision<Flags[K]>
  /**
   * How the flag is decided for the current identity, step by step, for people who ask why. `null` when nothing can be
   * decided (closed, no module). `pennon explain --json` writes the same. Records nothing. It costs more than a decision.
   */
  explain(key: keyof Flags & string): Explanation | null
  /** Every flag's decision, in the ruleset's order. Records nothing. */
  allFlags(): readonly Decision[]
  /**
   * Records an exposure by hand. `value` picks the variant whose value deep-equals it; when none does, the decided
   * variant is recorded and a problem is listed.
   */
  reportExposure(key: keyof Flags & string, options?: { readonly value?: unknown }): void
  /** `{"$feature/new_checkout": "treatment_a"}` for every flag whose reason is `SPLIT`. */
  exposureProperties(): Record<string, string>
  /** Replaces identity and attributes, and links the person to the anonymous id, once. What is no id ("", "null", "undefined", "0", …) is refused as a problem. */
  identify(distinctId: string, attributes?: Attributes): void
  /** Merges the top level; `undefined` removes. */
  setAttributes(attributes: Attributes): void
  /** A new anonymous id and session; no distinct id, attributes or overrides. The device id stays unless asked. */
  reset(options?: { readonly device?: boolean }): void
  readonly identity: Identity
  readonly session: Session
  /**
   * A ruleset that cannot be read leaves the last good one in place and is a problem. Of a client with a URL it stays until
   * another ruleset than before is found there.
   */
  setRuleset(ruleset: object | string): void
  /**
   * For QA: serve this variant in this client, or with `overrides.fromUrl` in this tab. Decisions made with it, also of
   * flags that depend on this one, have the reason `OVERRIDE`. They record an exposure only where all the overrides they
   * used ask for it. What the ruleset does not have is passed over, and a problem.
   */
  override(key: keyof Flags & string, variant: string, options?: { readonly exposures?: boolean }): void
  /** Takes all overrides back, in the tab too. So does `reset`. */
  clearOverrides(): void
  /** Calls `listener` from a microtask. Returns the function that unsubscribes. */
  on<E extends keyof ClientEvents>(event: E, listener: (payload: ClientEvents[E]) => void): () => void
  /**
   * Changes what the person has agreed to, at once: what `"denied"` takes away is gone when this returns, a request under way
   * is aborted, and other tabs with this namespace follow. With `"granted"` what was recorded is stored and sent, and ids that
   * an earlier page has stored are in use again: answers may change.
   */
  setConsent(consent: Consent): void
  stats(): Stats
  /**
   * What went wrong so far, and all that is wrong with the ruleset. It compiles all flags and segments, which costs some
   * microseconds for each: ask when something looks wrong, not on every page.
   */
  problems(): readonly Problem[]
  /** Sends what is pending, one attempt for each batch. Calls made meanwhile join it. */
  flush(): Promise<FlushResult>
  /**
   * Sends what is pending, then frees the engine. Later calls answer fallbacks. It waits for the server for a second at most
   * where rows are stored (the next page or another tab sends them), else until the attempt has ended.
   */
  close(): Promise<void>
}

/** A mistake in the options of `createClient`: the only thing it rejects for. */
export interface PennonError extends Error {
  readonly name: "PennonError"
  readonly code: "UNKNOWN_OPTION" | "INVALID_OPTION" | "INVALID_URL" | "INVALID_NUMBER"
}

/** Settles when the flags can be read: with the ruleset, or at the latest after `readyTimeoutMs` with fallbacks. */
export type CreateClient = <Flags extends object = AnyFlags>(options: ClientOptions) => Promise<Client<Flags>>
