// What the SDKs share: the flags, in no SDK's format, the people, and a way to send exposures.

/** What a flag answers those whom its conditions leave out; and what it answers the others, half of them each. */
export const DEFAULT = "none"
export const SPLIT = ["one", "two"]

/** The two conditions of each flag: both must hold. */
export const PLANS = ["pro", "team"]
export const COUNTRY = "NO"

/** So many keys of flags. Another `round` has others, so that nothing can be known from an earlier one. */
export const keysOf = (count, round = 0) => Array.from({ length: count }, (_, number) => `feature-${round}-${number}`)

/** A person whom each flag splits. */
export const personOf = (number = 1) => ({ id: `person-${number}`, plan: "pro", country: "NO" })

export const toObject = (keys, valueOf) => Object.fromEntries(keys.map((key, place) => [key, valueOf(key, place)]))

/** As long as a page may wait with what it has to say. */
const WAIT_MS = 1000

/** For SDKs that hand exposures to the page: sends each flag's variant once for a person, a second after the first. */
export function createSender(url) {
  let seen = new Map()
  let waiting = []
  let timer
  const send = () => {
    timer = undefined
    if (waiting.length > 0) fetch(url, { method: "POST", keepalive: true, body: JSON.stringify(waiting.splice(0)) }).catch(() => {})
  }
  return {
    expose(key, variant, person) {
      if (seen.get(key) === variant) return
      seen.set(key, variant)
      waiting.push({ key, variant, person })
      timer ??= setTimeout(send, WAIT_MS)
    },
    /** Another person sees each variant for the first time. */
    forget: () => (seen = new Map()),
    close() {
      clearTimeout(timer)
      send()
    },
  }
}
