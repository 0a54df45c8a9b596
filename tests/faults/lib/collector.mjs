// The real collector, in a process of its own.

import { execFile } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { collectorProgram } from "./parts.mjs"
import { startProgram, temporaryFolder } from "./process.mjs"

/** Takes exposures from pages of any origin into a file of its own. */
export async function startCollector() {
  const folder = temporaryFolder()
  const data = join(folder, "exposures.db")
  const ruleset = join(folder, "ruleset.json")
  writeFileSync(ruleset, JSON.stringify({ schema: 1, flags: {} }))
  const run = (port) => startProgram(collectorProgram(), ["--port", String(port), "--data", data, "--ruleset", ruleset, "--cors-origin", "*"], { lines: [/^listening on (http:\S+)/] })
  let running = await run(0)
  const [origin] = running.found
  return {
    endpoint: `${origin}/api/switch/exposures`,
    /** The stored rows, oldest first. */
    async rows() {
      const { stdout } = await promisify(execFile)(collectorProgram(), ["rows", "--data", data], { maxBuffer: 1 << 26 })
      return stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line))
    },
    stop: () => running.kill(),
    /** Starts it again after `stop`, on the same port and file. */
    async restart() {
      running = await run(new URL(origin).port)
    },
  }
}
