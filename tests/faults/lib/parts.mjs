// What is under test and what it is tested with, as `cargo xtask faults` built and found it.

import { existsSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url))
export const OWN = fileURLToPath(new URL("../", import.meta.url))

/** The folder that `npm run build` fills for users, and the one with the testing entry. */
export const PACKAGE = join(ROOT, "pkg/dist")
export const TESTING = join(ROOT, "pkg/dist-testing")

export const chaosProgram = () => program("PENNON_CHAOS", join(ROOT, "target/release/pennon-chaos"))
export const collectorProgram = () => program("PENNON_COLLECTOR", join(ROOT, "target/release/pennon-collector"))
export const chromium = () => program("PENNON_CHROMIUM", "/usr/bin/chromium")
export const firefox = () => program("PENNON_FIREFOX", "/usr/bin/firefox-esr")
export const geckodriver = () => program("PENNON_GECKODRIVER", join(homedir(), ".cargo/bin/geckodriver"))
export const webkitDriver = () => program("PENNON_WEBKIT_DRIVER", "/usr/bin/WebKitWebDriver")
export const miniBrowser = () => program("PENNON_MINI_BROWSER", "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser")

function program(variable, usual) {
  const found = process.env[variable] || usual
  if (!existsSync(found)) throw new Error(`${variable}: found nothing at ${found}, expected the program; cargo xtask faults finds it`)
  return found
}
