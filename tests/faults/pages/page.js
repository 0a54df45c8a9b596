// What rows do on a page. `createClient` is that of the testing entry, which is the shipped package and a few handles more.

import * as pennon from "pennon"

globalThis.pennon = pennon
globalThis.deliveries = []
globalThis.problems = []
globalThis.recorded = []

/** Creates `client`, a global of the page. `scale`: of all the client's constants of time. */
globalThis.begin = async ({ scale, ...options }) => {
  pennon.setTimeScale?.(scale)
  globalThis.client = watch(await pennon.createClient(options))
}

/** Notes what a client tells. */
globalThis.watch = (client) => {
  client.on("delivery", ({ status, ids, pending }) => {
    const { nextFlushAtMs } = client.stats()
    deliveries.push({ status, rows: ids.length, pending, at: Date.now(), waitMs: nextFlushAtMs === undefined ? undefined : nextFlushAtMs - Date.now() })
  })
  client.on("problem", ({ code, message }) => problems.push(`${code}: ${message}`))
  client.on("exposure", ({ flag_key, id }) => recorded.push({ flag_key, id }))
  return client
}

/** Reads flags `from` to before `to` of one kind; gives how many did not answer the fallback. */
globalThis.read = (kind, from, to) => {
  let answered = 0
  for (let place = from; place < to; place++) answered += client.getFlag(kind + place, "fallback") !== "fallback"
  return answered
}

/** What is in localStorage of a person and of what was recorded. Other keys tell tabs whose turn it is, or that consent was revoked. */
globalThis.ownKeys = () => Object.keys(localStorage).filter((key) => /^pennon1:[^:]+:[dsiktrq]/.test(key))

// A page whose visitor does something at once says so in its address: ?run=… is a script, run when all is there.
const script = new URLSearchParams(location.search).get("run")
globalThis.pageIsReady = true
if (script) await new (Object.getPrototypeOf(async () => {}).constructor)(script)()
