// One chaos server: pages, the endpoint that fails as it is told, and the ledger of what came.

import { chaosProgram } from "./parts.mjs"
import { startProgram } from "./process.mjs"

/**
 * `folders` are served; `headers` go with each of their files, as "name: value". `tls`: also over HTTP/2, with a
 * certificate that nobody vouches for.
 */
export async function startChaos({ folders = [], headers = [], seed = 1, tls = false } = {}) {
  const args = [...folders.flatMap((folder) => ["--www", folder]), ...headers.flatMap((text) => ["--header", text]), "--seed", String(seed), ...(tls ? ["--tls"] : [])]
  const lines = [/^listening on (http:\S+)/, /^control on (http:\S+)/, ...(tls ? [/^secure on (https:\S+)/] : [])]
  const program = await startProgram(chaosProgram(), args, { lines })
  const [origin, control, secure] = program.found

  async function ask(path, body) {
    const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }
    const response = await fetch(control + path, options)
    const text = await response.text()
    if (!response.ok) throw new Error(`chaos ${path}: ${response.status} ${text}`)
    return text && JSON.parse(text)
  }

  return {
    /** Pages and endpoint; may be down. */
    origin,
    /** The same pages, always up. To pages from here the endpoint is on another origin. */
    shop: control,
    endpoint: `${origin}/exposures`,
    secure,
    /** What the next requests meet, one step each; the last stays. */
    script: (...steps) => ask("/script", steps),
    ledger: () => ask("/ledger"),
    /** How many there are of each: to be asked often while the ledger is long. */
    totals: () => ask("/totals"),
    down: () => ask("/down", {}),
    up: () => ask("/up", {}),
    stop: () => program.kill(),
  }
}
