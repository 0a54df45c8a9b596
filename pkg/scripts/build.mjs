// Builds dist/: each entry bundled to one file, the module beside it, the types. And dist-testing/, which is not published:
// the same module with an entry for tests.

import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { minify } from "terser"

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const entries = ["index", "inline", "node"]
const compiled = readFileSync(at("src/wasm/pennon_bg.wasm"))
// What belongs together says so, because a cache may serve the JavaScript of one version with the module of another: a
// custom section of the module, and a constant of the JavaScript.
const stamp = createHash("sha256").update(compiled).update(readFileSync(at("src/wasm/pennon.js"))).digest("hex").slice(0, 8)
const section = Buffer.from(`\x06pennon${stamp}`)
const module = Buffer.concat([compiled, Buffer.of(0, section.length), section])

for (const folder of ["dist", "dist-testing"]) {
  rmSync(at(folder), { recursive: true, force: true })
  mkdirSync(at(folder))
}

/**
 * What is unsafe of them is so for functions that are called with `new`: of ours, none is. They take 0.1 kB less of brotli; terser's
 * choice of names, and what it leaves out, 1 kB less than esbuild's own.
 */
const COMPRESS = { passes: 3, unsafe_arrows: true, unsafe_methods: true }

async function bundle(folder, entries) {
  const { outputFiles } = await build({
    entryPoints: entries.map((entry) => at(`src/${entry}.ts`)),
    outdir: at(folder),
    write: false,
    bundle: true,
    format: "esm",
    target: "es2022",
    minifySyntax: true,
    external: ["node:*"],
    legalComments: "none",
    define: { STAMP: JSON.stringify(stamp) },
    plugins: [
      {
        name: "wasm-as-base64",
        setup(build) {
          build.onResolve({ filter: /^pennon\.wasm\?base64$/ }, ({ path }) => ({ path, namespace: "base64" }))
          build.onLoad({ filter: /.*/, namespace: "base64" }, () => ({
            contents: module.toString("base64"),
            loader: "text",
          }))
        },
      },
    ],
  })
  for (const { path, text } of outputFiles) {
    const { code } = await minify(text, { module: true, ecma: 2020, compress: COMPRESS })
    writeFileSync(path, code)
  }
}
await bundle("dist", entries)
await bundle("dist-testing", ["testing"])
for (const folder of ["dist", "dist-testing"]) writeFileSync(at(`${folder}/pennon.wasm`), module)
execFileSync(at("node_modules/.bin/tsc"), ["--project", at("tsconfig.json")], { stdio: "inherit" })
// Users see the entries and their types; what is inside is nobody's to import.
const published = [...entries, "types"].map((name) => `${name}.d.ts`)
for (const name of readdirSync(at("dist"))) {
  if (name.endsWith(".d.ts") && !published.includes(name)) rmSync(at(`dist/${name}`))
}
for (const name of ["LICENSE-MIT", "LICENSE-APACHE", "docs/ruleset.md"]) cpSync(at(`../${name}`), at(name))
cpSync(at("../docs/ruleset.schema.json"), at("ruleset.schema.json"))
// Links lead to files that the package has, or nowhere.
const readme = readFileSync(at("../README.md"), "utf8")
writeFileSync(at("README.md"), readme.replace(/\[([^\]]+)\]\((?!docs\/ruleset\.md)[^)]+\)/g, "$1"))
