// A server in front of the collector, on an origin of its own: it counts who asks for a ruleset, and can answer in its place.

import { createServer } from "node:http"

/** What a page of another origin needs; harmless to those of the same. */
const OPEN = { "access-control-allow-origin": "*", "access-control-expose-headers": "etag" }

/** `target`: the collector's origin. Everything is passed on to it. */
export async function openPublisher(target) {
  const requests = []
  /**
   * Path and query of a ruleset → what is answered instead:
   * - "hang": nothing for ever
   * - "cut": nothing, the connection is reset
   * - "half": it breaks off
   * - "endless": white space without an end
   * - { status, headers, body }
   */
  const answers = new Map()
  const server = createServer((request, response) => serve(request, response).catch(() => request.socket.destroy()))

  async function serve(request, response) {
    const { url, method, headers } = request
    const isRuleset = new URL(url, target).pathname === "/ruleset.json"
    const asked = { url, method, headers, status: undefined }
    if (isRuleset) requests.push(asked)
    const end = (status, headers, body) => {
      asked.status = status
      response.writeHead(status, { ...OPEN, ...headers }).end(body)
    }
    const answer = answers.get(url)
    if (answer === "hang") return
    if (answer === "cut") return request.socket.resetAndDestroy()
    if (answer === "half") {
      response.writeHead(200, { ...OPEN, "content-length": 100 })
      return response.write("{", () => request.socket.destroy())
    }
    if (answer === "endless") {
      response.writeHead(200, OPEN)
      asked.status = 200
      asked.closed = new Promise((resolve) => response.once("close", resolve))
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(1 << 16, " ")));
      }
      response.on("drain", more)
      return more()
    }
    if (answer) return end(answer.status ?? 200, answer.headers, answer.body)
    if (method !== "GET") return end(405)
    const found = await fetch(target + url, { headers: pick(headers, "if-none-match") })
    const body = found.status === 304 ? undefined : Buffer.from(await found.arrayBuffer())
    end(found.status, pick(Object.fromEntries(found.headers), "content-type", "etag", "cache-control"), body)
  }

  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address()
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    /** Every request for a ruleset that came: url, method, headers, and the status of the answer. */
    requests,
    answers,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

function pick(object, ...names) {
  return Object.fromEntries(names.filter((name) => object[name] !== undefined).map((name) => [name, object[name]]))
}
