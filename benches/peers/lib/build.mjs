// Bundles one SDK with one page, as an app is bundled.

import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "vite"
import { OWN } from "./sdks.mjs"

const TARBALL = process.env.PENNON_TARBALL || fileURLToPath(new URL("../../../target/package/pennon.tgz", import.meta.url))
if (!existsSync(TARBALL)) throw new Error(`PENNON_TARBALL: found nothing at ${TARBALL}, expected what \`cargo xtask build\` makes`)

const folder = mkdtempSync(join(tmpdir(), "pennon-peers-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))

/** The unpacked tarball, as npm installs it. */
export const PENNON = join(folder, "package")
mkdirSync(PENNON)
execFileSync("tar", ["-xzf", TARBALL, "-C", folder])

/** The folder of `page` (a folder of `pages/`) with the SDK of that name, minified; its files are served under `base`. */
export async function bundle(page, name, base) {
  const outDir = join(folder, page, name)
  await build({
    root: join(OWN, "pages", page),
    base,
    configFile: false,
    logLevel: "error",
    resolve: {
      alias: {
        "virtual:sdk": join(OWN, "sdks", `${name}.mjs`),
        pennon: join(PENNON, "dist/index.js"),
      },
    },
    build: {
      outDir,
      emptyOutDir: true,
      target: "esnext",
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 10_000,
      rollupOptions: { onLog(level, log, handle) { if (level !== "warn" || !EXPECTED.has(log.code)) handle(level, log) } },
    },
  })
  return outDir
}

/** An SDK without `load` has none; the page asks. Packages bring their own annotations and evals. */
const EXPECTED = new Set(["IMPORT_IS_UNDEFINED", "MISSING_EXPORT", "INVALID_ANNOTATION", "EVAL"])
