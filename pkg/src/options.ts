import { cookieSettings, type CookieSettings } from "./cookies.js"
import { optionError, shown } from "./errors.js"
import { hashOf } from "./hash.js"
import { baseUrl } from "./natives.js"
import type { UrlSource } from "./poller.js"
import type { ClientOptions, Consent, Dedup } from "./types.js"

/** What the options say, checked, with every default filled in. */
export interface Settings {
  readonly ruleset: RulesetSetting
  readonly readyTimeoutMs: number
  readonly distinctId: unknown
  readonly attributes: object
  /** Absolute; undefined when nothing is to be sent. */
  readonly endpoint: string | undefined
  /** Why an endpoint that was given is not used. */
  readonly endpointProblem: string | undefined
  readonly key: string
  readonly dedup: Dedup
  /** Whether a read records nothing. */
  readonly manual: boolean
  /** Of which flags it is recorded that they were decided. */
  readonly targeted: "none" | "experiments" | "all"
  readonly flushIntervalMs: number
  readonly attributeNames: readonly string[]
  readonly exposureHeaders: Readonly<Record<string, string>> | undefined
  readonly fetch: typeof fetch | undefined
  readonly appVersion: string
  readonly persist: boolean
  readonly consent: Consent
  /** Undefined: there are none. */
  readonly cookie: CookieSettings | undefined
  readonly overridesFromUrl: boolean
  readonly namespace: string
  readonly debug: boolean
}

export type RulesetSetting =
  | { readonly kind: "none" }
  | { readonly kind: "given"; readonly ruleset: unknown }
  | ({ readonly kind: "url" } & UrlSource)
  | { readonly kind: "unreachable"; readonly url: string; readonly why: string }

const DAY_MS = 86_400_000

type Fields = Readonly<Record<string, unknown>>

/** Checks the options. Throws a `PennonError` for what the caller can fix. */
export function readOptions(options: ClientOptions): Settings {
  const top = fields(options, "options", [
    "ruleset", "identity", "exposures", "app", "storage", "consent", "overrides", "namespace", "debug",
  ])
  const identity = fields(top.identity ?? {}, "identity", ["distinctId", "attributes"])
  const sends = top.exposures !== undefined && top.exposures !== false
  const exposures = fields(sends ? top.exposures : {}, "exposures", [
    "endpoint", "key", "dedup", "mode", "targeted", "flushIntervalMs", "attributes", "headers", "fetch",
  ])
  const app = fields(top.app ?? {}, "app", ["version"])
  const storage = fields(top.storage === false ? {} : (top.storage ?? {}), "storage", ["cookieDomain"])
  const overrides = fields(top.overrides ?? {}, "overrides", ["fromUrl"])
  const endpoint = sends ? resolve(exposures.endpoint, "exposures.endpoint") : undefined
  const key = text(exposures.key ?? "", "exposures.key")
  const mode = oneOf(exposures.mode ?? "call", "exposures.mode", ["call", "manual", "handshake"])
  const targeted = ofType<boolean>(exposures.targeted, "exposures.targeted", "boolean") ?? mode === "handshake"
  const persist = top.storage !== false
  const namespace = text(top.namespace ?? hashOf(`${endpoint?.url ?? ""} ${key}`), "namespace")
  // Keys of another namespace might begin like its own.
  if (namespace.includes(":")) throw invalid("namespace", namespace, "a string without a colon")
  const consent = oneOf(top.consent ?? "granted", "consent", ["granted", "pending", "denied"])
  return {
    ...rulesetSettings(top.ruleset, persist),
    distinctId: identity.distinctId,
    attributes: object(identity.attributes ?? {}, "identity.attributes"),
    endpoint: endpoint?.url,
    endpointProblem: endpoint?.why,
    key,
    dedup: oneOf(exposures.dedup ?? "session", "exposures.dedup", ["session", "identity", "none"]),
    manual: mode !== "call",
    targeted: targeted ? "all" : sends && mode === "call" && exposures.targeted === undefined ? "experiments" : "none",
    flushIntervalMs: number(exposures.flushIntervalMs ?? 5000, "exposures.flushIntervalMs", 100, 3_600_000),
    attributeNames: names(exposures.attributes ?? [], "exposures.attributes"),
    exposureHeaders: headers(exposures.headers, "exposures.headers"),
    fetch: ofType<typeof fetch>(exposures.fetch, "exposures.fetch", "function"),
    appVersion: text(app.version ?? "", "app.version"),
    persist,
    consent,
    cookie: cookie(storage.cookieDomain, (top.namespace as string | undefined) ?? key),
    overridesFromUrl: ofType<boolean>(overrides.fromUrl, "overrides.fromUrl", "boolean") ?? false,
    namespace,
    debug: ofType<boolean>(top.debug, "debug", "boolean") ?? false,
  }
}

function rulesetSettings(ruleset: unknown, persist: boolean): { ruleset: RulesetSetting; readyTimeoutMs: number } {
  const isSource = typeof ruleset === "object" && ruleset !== null && "url" in ruleset && !("flags" in ruleset)
  const source = fields(isSource ? ruleset : {}, "ruleset", ["url", "headers", "readyTimeoutMs", "refreshMs", "maxAgeMs"])
  const readyTimeoutMs = number(source.readyTimeoutMs ?? 3000, "ruleset.readyTimeoutMs", 0, 60_000)
  const refreshMs = source.refreshMs ?? 60_000
  const maxAgeMs = number(source.maxAgeMs ?? 7 * DAY_MS, "ruleset.maxAgeMs", 0, 31 * DAY_MS)
  const refresh = {
    headers: headers(source.headers, "ruleset.headers"),
    refreshMs: refreshMs === 0 ? 0 : number(refreshMs, "ruleset.refreshMs", 1000, DAY_MS),
    maxAgeMs: persist ? maxAgeMs : 0,
  }
  if (ruleset === undefined) return { ruleset: { kind: "none" }, readyTimeoutMs }
  const isUrl = isSource || ruleset instanceof URL || (typeof ruleset === "string" && !/^\s*[{[]/.test(ruleset))
  if (!isUrl) return { ruleset: { kind: "given", ruleset }, readyTimeoutMs }
  const given = isSource ? source.url : ruleset
  const { url, why } = resolve(given, isSource ? "ruleset.url" : "ruleset")
  return url === undefined
    ? { ruleset: { kind: "unreachable", url: shown(given), why: why ?? "" }, readyTimeoutMs }
    : { ruleset: { kind: "url", url, ...refresh }, readyTimeoutMs }
}

/** An absolute http(s) URL; or, for one that is right but cannot be reached from this page, why not. */
function resolve(given: unknown, where: string): { url?: string; why?: string } {
  const expected = "an http(s) URL, absolute or relative to the page"
  const value = given instanceof URL ? given.href : given
  if (typeof value !== "string" || value === "") throw optionError("INVALID_URL", where, given, expected)
  const isHttp = (url: URL | undefined): url is URL => url?.protocol === "http:" || url?.protocol === "https:"
  // To find out by trying costs a page that gives a path 1.5 ms, for where the error came from.
  const absolute = value.includes(":") ? parse(value) : undefined
  if (absolute && !isHttp(absolute)) throw optionError("INVALID_URL", where, given, expected)
  if (!absolute && !parse(value, "http://page.invalid")) throw optionError("INVALID_URL", where, given, expected)
  const base = baseUrl()
  const url = absolute ?? parse(value, base)
  if (!isHttp(url)) return { why: `found ${base === undefined ? "no page" : `a page at ${shown(base)}`}, expected an http(s) page or an absolute URL` }
  const isLocal = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  if (url.protocol === "http:" && !isLocal && parse(base ?? "")?.protocol === "https:") {
    return { why: `found ${shown(url.href)}, expected https, as the page's own URL` }
  }
  return { url: url.href }
}

function parse(url: string, base?: string): URL | undefined {
  try {
    return new URL(url, base)
  } catch {
    return undefined
  }
}

function cookie(domain: unknown, app: string): CookieSettings | undefined {
  if (domain === undefined) return undefined
  const where = "storage.cookieDomain"
  const settings = cookieSettings(text(domain, where).toLowerCase(), app)
  if (!settings) throw invalid(where, domain, "the page's host name, or a domain that it is in")
  return settings
}

function invalid(where: string, found: unknown, expected: string): Error {
  return optionError("INVALID_OPTION", where, found, expected)
}

function object(value: unknown, where: string): object {
  if (typeof value !== "object" || value === null) throw invalid(where, value, "an object")
  return value
}

function fields(value: unknown, where: string, known: readonly string[]): Fields {
  const given = object(value, where) as Fields
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw optionError("UNKNOWN_OPTION", where === "options" ? unknown : `${where}.${unknown}`, unknown, `one of ${known.join(", ")}`)
  }
  return given
}

function text(value: unknown, where: string): string {
  if (typeof value !== "string") throw invalid(where, value, "a string")
  return value
}

function ofType<T>(value: unknown, where: string, type: "function" | "boolean"): T | undefined {
  if (value !== undefined && typeof value !== type) throw invalid(where, value, `a ${type}`)
  return value as T | undefined
}

function oneOf<T extends string>(value: unknown, where: string, known: readonly T[]): T {
  const found = known.find((name) => name === value)
  if (found === undefined) throw invalid(where, value, known.join(", "))
  return found
}

function number(value: unknown, where: string, min: number, max: number): number {
  if (typeof value !== "number" || !(value >= min && value <= max)) {
    throw optionError("INVALID_NUMBER", where, value, `a number from ${min} to ${max}`)
  }
  return value
}

function names(value: unknown, where: string): readonly string[] {
  if (!Array.isArray(value) || value.length > 16 || value.some((name) => typeof name !== "string" || name === "")) {
    throw invalid(where, value, "at most 16 names of attributes")
  }
  return [...(value as string[])]
}

function headers(value: unknown, where: string): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return undefined
  for (const content of Object.values(object(value, where))) text(content, where)
  return { ...(value as Record<string, string>) }
}
