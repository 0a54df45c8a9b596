// A page with <script type="module"> and an import map; and Node.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { before, test } from "node:test"
import { installApp, run, succeed, TARBALL } from "../lib/app.mjs"
import { visit } from "../lib/browser.mjs"
import { serveFolder } from "../lib/servers.mjs"

let page
let node
before(async () => {
  page = await installApp("apps/plain")
  node = await installApp("apps/node")
})

test("a page with an import map decides, and loads two files", async (t) => {
  const { answer, trouble } = await visit(`${await serveFolder(t, page)}/index.html`)
  assert.deepEqual(answer, {
    greeting: "Hello",
    problems: [],
    loaded: ["/node_modules/pennon/dist/index.js", "/node_modules/pennon/dist/pennon.wasm"],
  })
  assert.deepEqual(trouble, [])
})

test("a server that calls the module by another type does no harm", async (t) => {
  const origin = await serveFolder(t, page, { types: { ".wasm": "application/octet-stream" } })
  const { answer, trouble } = await visit(`${origin}/index.html`)
  assert.deepEqual([answer.greeting, answer.problems], ["Hello", []])
  assert.deepEqual(trouble, [])
})

test("the inline entry decides from one file, under a policy that forbids to fetch anything", async (t) => {
  const policy = "default-src 'none'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; img-src data:; connect-src 'none'"
  const origin = await serveFolder(t, page, { headers: { "content-security-policy": policy } })
  const { answer, trouble } = await visit(`${origin}/inline.html`)
  assert.deepEqual(answer, {
    greeting: "Hello",
    problems: [],
    loaded: ["/node_modules/pennon/dist/inline.js"],
    fetchOfData: "forbidden",
  })
  assert.ok(trouble.every((line) => line.includes("data:,x")), trouble.join("\n"))
})

for (const entry of ["pennon", "pennon/inline"]) {
  test(`Node evaluates a ruleset with ${entry}, without a network, and ends by itself`, async () => {
    const answer = JSON.parse(await succeed(node, process.execPath, "evaluate.mjs", entry))
    // XXH32 of "checkout", a NUL and "person-1", times 100 000, divided by 2³²: computed with PyPI's xxhash.
    assert.deepEqual(answer, { value: false, variant: "control", reason: "SPLIT", bucket: 8477, problems: [] })
  })
}

test("an exposure that waits keeps no Node process alive", async () => {
  const { code, stdout } = await run(node, process.execPath, "pending.mjs")
  assert.deepEqual([code, stdout], [0, "Hello 1\n"])
})

test("the module is an entry of its own", async () => {
  assert.equal(await succeed(node, process.execPath, "module.mjs"), "true\n")
})

test("nothing else can be imported", async () => {
  const { code, stderr } = await run(node, process.execPath, "--input-type=module", "-e", 'await import("pennon/dist/index.js")')
  assert.notEqual(code, 0)
  assert.match(stderr, /ERR_PACKAGE_PATH_NOT_EXPORTED/)
})

test("the tarball holds what is published, and nothing else", async () => {
  const files = (await succeed(".", "tar", "-tzf", TARBALL)).trim().split("\n").sort()
  assert.deepEqual(files, [
    "LICENSE-APACHE", "LICENSE-MIT", "README.md", "dist/index.d.ts", "dist/index.js", "dist/inline.d.ts", "dist/inline.js",
    "dist/node.d.ts", "dist/node.js", "dist/pennon.wasm", "dist/types.d.ts", "docs/ruleset.md", "package.json", "ruleset.schema.json",
  ].map((name) => `package/${name}`))
  const manifest = JSON.parse(readFileSync(join(node, "node_modules/pennon/package.json"), "utf8"))
  assert.equal(manifest.dependencies, undefined)
  assert.equal(manifest.scripts?.postinstall ?? manifest.scripts?.install, undefined)
})
