// A server over TLS, with a certificate that nobody vouches for: HTTP/2 where the browser asks for it.

import { readFile } from "node:fs/promises"
import { createSecureServer } from "node:http2"
import { extname, join, normalize } from "node:path"
import selfsigned from "selfsigned"

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" }
const OPEN = { "access-control-allow-origin": "*" }

/**
 * Serves `folder`, and takes exposures. `answers`: what the next of them meet, one each: "goaway" ends the connection as
 * HTTP/2 does, without an answer. `keys`: the flags of the rows that were acknowledged.
 */
export async function startTls({ folder, answers = [] }) {
  const { private: key, cert } = await selfsigned.generate([{ name: "commonName", value: "localhost" }], { keyType: "ec" })
  const keys = []
  const versions = new Set()
  const sessions = new Set()
  const server = createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => {
    serve(request, response).catch(() => response.stream?.destroy?.())
  })
  server.on("session", (session) => sessions.add(session))
  server.on("tlsClientError", () => {})
  server.on("sessionError", () => {})

  async function serve(request, response) {
    const { pathname } = new URL(request.url, "https://server.invalid")
    if (request.method === "GET") return file(pathname, response)
    versions.add(request.httpVersion)
    let body = ""
    for await (const chunk of request) body += chunk
    if (answers.shift() === "goaway" && request.stream) {
      const { session } = request.stream
      session.goaway(0)
      return session.destroy()
    }
    for (const { flag_key } of JSON.parse(body).exposures) keys.push(flag_key)
    response.writeHead(204, OPEN).end()
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
  const origin = `https://127.0.0.1:${server.address().port}`
  return {
    origin,
    endpoint: `${origin}/exposures`,
    keys,
    versions,
    close() {
      for (const session of sessions) session.destroy()
      server.close()
    },
  }
}
