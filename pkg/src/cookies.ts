import { hashOf } from "./hash.js"

/** What every cookie of a client shares: the beginning of its name, and all that follows its text. */
export interface CookieSettings {
  readonly prefix: string
  readonly attributes: string
}

/** A year; Safari keeps what a script sets for at most 7 days, whatever is asked. */
const ATTRIBUTES = "; Path=/; Max-Age=31536000; SameSite=Lax"

/**
 * Cookies for a domain: a host name in lower case, the page's own or one above it. Undefined when it is none.
 *
 * `app` keeps apart what shares the domain. It cannot be the endpoint: where that is relative, each host has its own.
 */
export function cookieSettings(domain: string, app: string): CookieSettings | undefined {
  const page: Partial<Location> = typeof location === "object" ? location : {}
  const isPages = !page.hostname || `.${page.hostname}`.endsWith(`.${domain}`)
  // It ends up in a cookie, so it may have no other characters.
  if (!isPages || domain.length > 253 || !/^[a-z\d-]+(\.[a-z\d-]+)*$/.test(domain)) return undefined
  return {
    prefix: `pennon1_${hashOf(`${domain} ${app}`)}_`,
    attributes: `; Domain=${domain}${ATTRIBUTES}${page.protocol === "https:" ? "; Secure" : ""}`,
  }
}
