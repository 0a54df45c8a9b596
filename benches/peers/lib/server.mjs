// Serves the bundles, the flags' texts, and takes what the SDKs send. On 127.0.0.1 alone.

import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import { extname, join } from "node:path"

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm", ".css": "text/css", ".json": "application/json" }

/** What SDKs ask a server for, beside flags, and need an answer to: none has any news. */
const ANSWERS = [
  [/\/splitChanges/, { ff: { d: [], s: 1, t: 1 }, rbs: { d: [], s: -1, t: -1 } }],
  [/\/memberships\//, { ms: { k: [] }, ls: { k: [] } }],
]

const EMPTY = '<!doctype html><link rel="icon" href="data:,">'

/** A cross-origin isolated page has a clock of 5 µs instead of 100. */
const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cache-Control": "no-store",
}

/**
 * Gives the origin, `serve(path, folder)` and `put(path, text)`, and `received`: for each path under /sink/ the bodies that
 * came, as text.
 */
export async function startServer() {
  const folders = new Map()
  const texts = new Map()
  const received = new Map()

  async function answer(request, response) {
    const { pathname } = new URL(request.url, "http://127.0.0.1")
    if (pathname.startsWith("/sink/")) {
      const name = pathname.split("/")[2]
      const chunks = []
      for await (const chunk of request) chunks.push(chunk)
      if (!received.has(name)) received.set(name, [])
      if (chunks.length > 0) received.get(name).push(Buffer.concat(chunks))
      const found = ANSWERS.find(([path]) => path.test(request.url))?.[1] ?? {}
      return send(response, 200, "application/json", JSON.stringify(found))
    }
    if (pathname === "/empty.html") return send(response, 200, "text/html", EMPTY)
    if (texts.has(pathname)) return send(response, 200, "application/json", texts.get(pathname))
    const base = [...folders.keys()].find((base) => pathname.startsWith(base))
    if (base === undefined) return send(response, 404, "text/plain", "")
    const file = join(folders.get(base), pathname.slice(base.length) || "index.html")
    const body = await readFile(file).catch(() => undefined)
    if (body === undefined) return send(response, 404, "text/plain", "")
    send(response, 200, TYPES[extname(file)] ?? "application/octet-stream", body)
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => response.destroy(error))
  })
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    received,
    serve: (base, folder) => folders.set(base, folder),
    put: (path, text) => texts.set(path, text),
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function send(response, status, type, body) {
  response.writeHead(status, { ...ISOLATED, "Content-Type": type, "Content-Length": Buffer.byteLength(body) })
  response.end(body)
}
