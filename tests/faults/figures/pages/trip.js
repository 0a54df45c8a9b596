// Visitors come one after the other in this tab. What is known of them is in its sessionStorage; each has a localStorage of their own,
// which goes with them.

import { createClient } from "/pennon/index.js"

/** `{ next, until, delayMs, exposes, stayMs, endpoint, flag, answers }`; `answers`: what each was given, as one character. */
export const trip = JSON.parse(sessionStorage.getItem("trip"))

export const save = () => sessionStorage.setItem("trip", JSON.stringify(trip))

/** The client as a shop would make it. */
export const enter = () =>
  createClient({
    ruleset: { schema: 1, version: 1, environment: "test", flags: { landing: trip.flag } },
    identity: { distinctId: `visitor-${trip.next}` },
    exposures: { endpoint: trip.endpoint, key: "pk_test", targeted: false },
  })

/** The visitor has gone for ever; the next one comes. */
export function leaveForEver() {
  localStorage.clear()
  trip.next++
  save()
  location.replace(trip.next < trip.until ? "/landing.html" : "/done.html")
}
