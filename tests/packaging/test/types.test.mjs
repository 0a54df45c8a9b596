// The package's types, as `tsc --strict` sees them from an app.

import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { before, test } from "node:test"
import { fileURLToPath } from "node:url"
import { installApp, run } from "../lib/app.mjs"

const TSC = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url))
const STRICT = [
  "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--skipLibCheck", "false",
  "--target", "es2022", "--lib", "es2022,dom,dom.iterable",
]
const FOR_BUNDLERS = [...STRICT, "--module", "es2022", "--moduleResolution", "bundler"]

let folder
before(async () => {
  folder = await installApp("apps/types")
})

const tsc = (...args) => run(folder, process.execPath, TSC, ...args)

test("a strict sample that types every flag passes, and so do the package's own declarations", async () => {
  assert.deepEqual(await tsc(...FOR_BUNDLERS, "right.ts"), { code: 0, stdout: "", stderr: "" })
})

test("the types are found under Node's resolution too", async () => {
  const found = await tsc(...STRICT, "--module", "nodenext", "right-in-node.mts")
  assert.deepEqual(found, { code: 0, stdout: "", stderr: "" })
})

test("what `pennon types` writes passes, however keys and values look, and says what each flag can be", async () => {
  assert.deepEqual(await tsc(...FOR_BUNDLERS, "use-flags.ts"), { code: 0, stdout: "", stderr: "" })
})

for (const [what, line, number, says] of [
  ["an unknown key", 'client.getFlag("new_chekout")', 2345, /"new_chekout"/],
  ["an unknown key to decide", 'client.decide("new_chekout")', 2345, /"new_chekout"/],
  ["a fallback of another type", 'client.getFlag("new_checkout", "no")', 2345, /string/],
  ["a value taken for another type", 'const text: string = client.getFlag("new_checkout", false)', 2322, /boolean/],
  ["a missing fallback taken for a value", 'const sure: boolean = client.getFlag("new_checkout")', 2322, /undefined/],
  ["an unknown option", 'await createClient<MyFlags>({ rulset: "/r.json" })', 2561, /rulset/],
  ["an option of another type", 'await createClient<MyFlags>({ exposures: { endpoint: "/e", flushIntervalMs: "5" } })', 2322, /string/],
  ["an unknown event", 'client.on("exposures", () => undefined)', 2345, /exposures/],
  ["a value that is written to", 'client.session.id = "mine"', 2540, /id/],
]) {
  test(`${what} is an error`, async () => {
    const name = `wrong-${what.replaceAll(" ", "-")}.ts`
    writeFileSync(join(folder, name), [
      'import { createClient } from "pennon"',
      "interface MyFlags { new_checkout: boolean; layout: { columns: number } }",
      "const client = await createClient<MyFlags>({})",
      line,
      "export {}",
    ].join("\n"))
    const { code, stdout } = await tsc(...FOR_BUNDLERS, name)
    assert.notEqual(code, 0)
    const errors = stdout.split("\n").filter((text) => /error TS/.test(text))
    assert.equal(errors.length, 1, stdout)
    assert.ok(errors[0].startsWith(`${name}(4,`), stdout)
    assert.match(errors[0], new RegExp(`error TS${number}:`))
    assert.match(stdout, says)
  })
}
