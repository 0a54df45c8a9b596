// A folder with an app in it that has installed the packed tarball, as an app does.

import { execFile } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const root = fileURLToPath(new URL("../../../", import.meta.url))
const own = fileURLToPath(new URL("../", import.meta.url))

export const TARBALL = process.env.PENNON_TARBALL || join(root, "target/package/pennon.tgz")
if (!existsSync(TARBALL)) throw new Error(`PENNON_TARBALL: found nothing at ${TARBALL}, expected what \`cargo xtask build\` makes`)
export const CHROMIUM = process.env.PENNON_CHROMIUM || "/usr/bin/chromium"

const temporary = []
process.on("exit", () => temporary.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

/** Runs a program to its end; gives `{ code, stdout, stderr }`. */
export async function run(folder, program, ...args) {
  try {
    return { code: 0, ...(await promisify(execFile)(program, args, { cwd: folder, maxBuffer: 1 << 26 })) }
  } catch (error) {
    if (typeof error.code !== "number") throw error
    return { code: error.code, stdout: error.stdout, stderr: error.stderr }
  }
}

/** Runs a program that has to succeed. */
export async function succeed(folder, program, ...args) {
  const { code, stdout, stderr } = await run(folder, program, ...args)
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}\n${stdout}\n${stderr}`)
  return stdout
}

/** A copy of one of the folders here, with the tarball installed, and `others`, beside what its package.json names. */
export async function installApp(source, ...others) {
  const folder = mkdtempSync(join(tmpdir(), "pennon-app-"))
  temporary.push(folder)
  cpSync(join(own, source), folder, { recursive: true })
  if (!existsSync(join(folder, "package.json"))) writeFileSync(join(folder, "package.json"), '{"private":true,"type":"module"}')
  await succeed(folder, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", TARBALL, ...others)
  return folder
}
