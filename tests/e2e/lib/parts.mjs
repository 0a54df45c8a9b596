// The built parts that are under test, and the folder of pages made of them.

import { execFileSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../../", import.meta.url))
const own = fileURLToPath(new URL("../", import.meta.url))

export const COLLECTOR = built("PENNON_COLLECTOR", "target/release/pennon-collector")
export const TARBALL = built("PENNON_TARBALL", "target/package/pennon.tgz")
export const CHROMIUM = process.env.PENNON_CHROMIUM || "/usr/bin/chromium"
export const RULESET = join(own, "ruleset.json")

function built(variable, path) {
  const found = process.env[variable] || join(root, path)
  if (!existsSync(found)) throw new Error(`${variable}: found nothing at ${found}, expected what \`cargo xtask build\` makes`)
  return found
}

const temporary = []
process.on("exit", () => temporary.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

/** A new folder that is removed when the process ends. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "pennon-e2e-"))
  temporary.push(folder)
  return folder
}

/** A folder to serve: the pages, and the unpacked package under /pennon. Gives the package's version too. */
export function assembleSite() {
  const folder = temporaryFolder()
  const unpacked = join(folder, "unpacked")
  mkdirSync(unpacked)
  execFileSync("tar", ["-xzf", TARBALL, "-C", unpacked])
  const { version } = JSON.parse(readFileSync(join(unpacked, "package/package.json"), "utf8"))
  renameSync(join(unpacked, "package/dist"), join(folder, "pennon"))
  rmSync(unpacked, { recursive: true })
  cpSync(join(own, "pages"), folder, { recursive: true })
  return { folder, version }
}
