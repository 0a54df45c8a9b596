// What serves an app to the browser.

import { spawn } from "node:child_process"
import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import { extname, join, normalize } from "node:path"
import { createInterface } from "node:readline"

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" }

/** Serves the files of a folder, with these headers. `types` replaces content types by extension. Ends with the test. */
export async function serveFolder(t, folder, { headers = {}, types = {} } = {}) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://app.invalid")
    try {
      const content = await readFile(join(folder, normalize(pathname)))
      const type = { ...TYPES, ...types }[extname(pathname)] ?? "application/octet-stream"
      response.writeHead(200, { ...headers, "content-type": type }).end(content)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${server.address().port}`
}

/** Runs Vite in an app's folder until the end of the test; gives the address that it prints. */
export async function runVite(t, folder, ...args) {
  const child = spawn(process.execPath, ["node_modules/vite/bin/vite.js", ...args, "--host", "127.0.0.1", "--port", String(await freePort()), "--strictPort"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  })
  const ended = new Promise((resolve) => child.once("exit", resolve))
  t.after(() => {
    child.kill("SIGTERM")
    return ended
  })
  let output = ""
  child.stderr.on("data", (text) => (output += text))
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      output += `${line}\n`
      const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? []
      if (address) resolve(address)
    })
    void ended.then((code) => reject(new Error(`vite ended with ${code}\n${output}`)))
  })
}

async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}
