// A file of src/ on its own, without the module.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { build } from "esbuild"

const folder = mkdtempSync(join(tmpdir(), "pennon-source-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
let loads = 0

/** What `src/<name>.ts` exports. Each call loads it anew, as another page would. */
export async function source(...names) {
  const { outputFiles } = await build({
    stdin: {
      contents: names.map((name) => `export * from "./${name}.js"`).join("\n"),
      resolveDir: fileURLToPath(new URL("../../src", import.meta.url)),
    },
    bundle: true,
    format: "esm",
    write: false,
  })
  const file = join(folder, `${names.join("-")}-${loads++}.mjs`)
  writeFileSync(file, outputFiles[0].text)
  return import(pathToFileURL(file).href)
}
