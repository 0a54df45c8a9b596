// Programs that are started here, each in a process group of its own, and folders that go when this process ends.

import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { within } from "./wait.mjs"

const folders = []
const groups = new Set()

process.on("exit", () => {
  for (const group of groups) signal(-group, "SIGKILL")
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
})
for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => process.exit(1))

export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "pennon-faults-"))
  folders.push(folder)
  return folder
}

function signal(pid, name) {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended already.
  }
}

/** Starts a program; `lines` are patterns whose first groups are waited for, on stdout or stderr, in any order. */
export async function startProgram(program, args, { lines = [], env, patienceMs } = {}) {
  const child = spawn(program, args, { detached: true, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } })
  const started = { pid: child.pid, output: "", found: lines.map(() => undefined) }
  const ended = new Promise((resolve) => child.once("exit", resolve))
  if (child.pid) groups.add(child.pid)
  const heard = new Promise((resolve, reject) => {
    const look = (line) => {
      started.output = `${started.output}${line}\n`.slice(-4000)
      lines.forEach((pattern, place) => (started.found[place] ??= pattern.exec(line)?.[1]))
      if (started.found.every((found) => found !== undefined)) resolve()
    }
    if (lines.length === 0) resolve()
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", look)
    child.once("error", reject)
    void ended.then((code) => reject(new Error(`${program} ended with ${code}: ${started.output}`)))
  })
  heard.catch(() => {})
  await within(program, heard, patienceMs)
  return {
    ...started,
    ended,
    /** Ends the program and all that it started, at once. */
    async kill() {
      signal(-child.pid, "SIGKILL")
      groups.delete(child.pid)
      await ended
    },
  }
}

/** The processes that `pid` started, and those that these started. */
export function descendants(pid) {
  const children = new Map()
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const stat = readFirst(`/proc/${entry}/stat`)
    const parent = Number(stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[1])
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)])
  }
  const found = []
  for (const queue = [pid]; queue.length > 0; ) {
    const own = children.get(queue.shift()) ?? []
    found.push(...own)
    queue.push(...own)
  }
  return found
}

/** The command line of a process, its words parted by blanks; "" when it has ended. */
export const commandLine = (pid) => (readFirst(`/proc/${pid}/cmdline`) ?? "").replaceAll("\0", " ")

/** Kills one process that a program of ours started, at once. */
export const killProcess = (pid) => signal(pid, "SIGKILL")

export const isRunning = (pid) => existsSync(`/proc/${pid}`) && !/\) Z /.test(readFirst(`/proc/${pid}/stat`) ?? ") Z ")

function readFirst(path) {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return undefined
  }
}
