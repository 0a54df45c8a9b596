// A server between the page and the collector, on an origin of its own. It counts what comes and misbehaves on request.

import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import { extname, join, normalize } from "node:path"

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" }
const OPEN = { "access-control-allow-origin": "*", "access-control-allow-headers": "*" }

/**
 * `target`: the endpoint that requests are passed on to. `folder`: files to serve to pages of any origin.
 *
 * `answers` is what the next requests get, one each, then "forward":
 * - "forward": what the collector answers
 * - "cut": nothing, the connection is reset; the collector gets nothing
 * - "lose": the collector gets it, and its answer is lost on the way back
 * - "hang": nothing for ever
 * - { status, type, body }
 */
export async function openGate({ target, folder }) {
  const requests = []
  const answers = []
  const server = createServer((request, response) => serve(request, response).catch(() => request.socket.destroy()))

  async function serve(request, response) {
    let body = ""
    for await (const chunk of request) body += chunk
    const { pathname } = new URL(request.url, "http://gate.invalid")
    if (request.method === "GET") return file(pathname, response)
    requests.push({ method: request.method, headers: request.headers, batch: body && JSON.parse(body) })
    if (request.method === "OPTIONS") return response.writeHead(204, OPEN).end()
    const answer = answers.shift() ?? "forward"
    if (answer === "hang") return
    if (answer === "cut") return request.socket.resetAndDestroy()
    if (answer === "forward" || answer === "lose") {
      const stored = await fetch(target, { method: "POST", body, headers: { "content-type": request.headers["content-type"] } })
      if (answer === "lose") return request.socket.resetAndDestroy()
      return response.writeHead(stored.status, OPEN).end()
    }
    response.writeHead(answer.status, { ...OPEN, "content-type": answer.type }).end(answer.body)
  }

  async function file(pathname, response) {
    try {
      const content = await readFile(join(folder, normalize(pathname)))
      response.writeHead(200, { ...OPEN, "content-type": TYPES[extname(pathname)] ?? "text/plain" }).end(content)
    } catch {
      response.writeHead(404, OPEN).end()
    }
  }

  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  const origin = `http://127.0.0.1:${server.address().port}`
  return {
    origin,
    endpoint: `${origin}/api/switch/exposures`,
    requests,
    answers,
    /** The batches that came, in order. */
    batches: () => requests.filter(({ method }) => method === "POST").map(({ batch }) => batch),
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}
