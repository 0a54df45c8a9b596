// The real collector, in a process of its own.

import { execFileSync, spawn } from "node:child_process"
import { cpSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { COLLECTOR, RULESET, temporaryFolder } from "./parts.mjs"

/** Starts a collector that serves `www` and a ruleset of its own, and stores into a file of its own. */
export async function startCollector(www) {
  const folder = temporaryFolder()
  const data = join(folder, "exposures.db")
  const ruleset = join(folder, "ruleset.json")
  cpSync(RULESET, ruleset)
  let running = await run(0)
  const { origin, port } = running

  async function run(port) {
    const child = spawn(COLLECTOR, ["--port", String(port), "--data", data, "--ruleset", ruleset, "--www", www], {
      stdio: ["ignore", "pipe", "pipe"],
    })
    let complaint = ""
    child.stderr.on("data", (text) => (complaint += text))
    const ended = new Promise((resolve) => child.once("exit", resolve))
    const origin = await new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        const [, found] = /^listening on (http:\S+)$/.exec(line) ?? []
        if (found) resolve(found)
      })
      void ended.then((code) => reject(new Error(`the collector ended with ${code}: ${complaint}`)))
    })
    return { child, ended, origin, port: Number(new URL(origin).port) }
  }

  function printed(what) {
    const lines = execFileSync(COLLECTOR, [what, "--data", data], { encoding: "utf8", maxBuffer: 1 << 26 })
    return lines.split("\n").filter(Boolean).map((line) => JSON.parse(line))
  }

  return {
    origin,
    endpoint: `${origin}/api/switch/exposures`,
    /** The ruleset that is served, to be changed with `publish`. */
    ruleset: () => JSON.parse(readFileSync(ruleset, "utf8")),
    publish: (text) => writeFileSync(ruleset, text),
    /** Every stored exposure, oldest first, read from the file. */
    rows: () => printed("rows"),
    /** Every stored link, likewise. */
    links: () => printed("links"),
    /** What the collector itself has counted: `rows_stored`, `rows_duplicate` and so on. */
    async counts() {
      return (await (await fetch(`${origin}/healthz`)).json()).counts
    },
    async stop() {
      running.child.kill("SIGTERM")
      return running.ended
    },
    /** Starts it again after `stop`, on the same port and file. */
    async restart() {
      running = await run(port)
    },
  }
}
