// Rows that tests of the engine or in Node hold: those tests are run once, and have to exist and pass.

import { spawn } from "node:child_process"
import { join } from "node:path"
import { ROOT } from "./parts.mjs"

/** Gives row id → why it failed, or `undefined`. */
export async function runHeld(rows) {
  const results = new Map()
  const outputs = new Map()
  for (const { id, tests } of rows) {
    const problems = []
    for (const test of tests) {
      const key = sourceOf(test)
      if (!outputs.has(key)) outputs.set(key, await outputOf(test))
      const found = outputs.get(key).filter(({ name }) => (test.name instanceof RegExp ? test.name.test(name) : name === test.name))
      if (found.length === 0) problems.push(`${key} has no test ${test.name}`)
      problems.push(...found.filter(({ passed }) => !passed).map(({ name }) => `${key}: ${name} failed`))
    }
    results.set(id, problems.length > 0 ? problems.join("; ") : undefined)
    console.log(`${id} ${problems.length > 0 ? `failed: ${problems.join("; ")}` : "survived"}`)
  }
  return results
}

const sourceOf = ({ kind, pkg, target, file }) => (kind === "cargo" ? `cargo test --package ${pkg} ${target}` : `node --test ${file}`)

/** The tests that ran, and whether each passed. */
async function outputOf(test) {
  const [program, ...args] = test.kind === "cargo"
    ? ["cargo", "test", "--package", test.pkg, "--target-dir", join(ROOT, "target"), ...test.target.split(" "), "--no-fail-fast"]
    : ["node", "--test", "--test-reporter=tap", test.file]
  const text = await new Promise((resolve, reject) => {
    let text = ""
    // The model checks run in full in `cargo xtask test`.
    const env = { PROPTEST_CASES: "1000", ...process.env }
    const child = spawn(program, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "ignore"] })
    child.stdout.on("data", (chunk) => (text += chunk))
    child.once("error", reject)
    child.once("exit", () => resolve(text))
  })
  const line = test.kind === "cargo" ? /^test (?<name>.+?)(?: - should panic)? \.\.\. (?<outcome>\w+)/ : /^\s*(?<outcome>not ok|ok) \d+ - (?<name>.+?)(?: # .*)?$/
  return text.split("\n").flatMap((text) => {
    const { name, outcome } = line.exec(text)?.groups ?? {}
    // TAP writes a # in a name as \#.
    return name ? [{ name: name.replaceAll("\\#", "#"), passed: outcome === "ok" }] : []
  })
}
