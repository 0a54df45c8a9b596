// The module's own shape.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import binaryen from "binaryen"

const module = binaryen.readBinary(readFileSync(new URL("../dist/pennon.wasm", import.meta.url)))

test("no export returns a reference, which would end a process on V8 as Node 20 has it", () => {
  const returning = []
  let functions = 0
  for (let place = 0; place < module.getNumExports(); place++) {
    const { name, kind, value } = binaryen.getExportInfo(module.getExportByIndex(place))
    if (kind !== binaryen.ExternalFunction) continue
    functions++
    const { results } = binaryen.getFunctionInfo(module.getFunction(value))
    if (binaryen.expandType(results).length === 1 && ![binaryen.i32, binaryen.i64, binaryen.f32, binaryen.f64].includes(results)) {
      returning.push(name)
    }
  }
  assert.ok(functions > 20, `${functions} functions`)
  assert.deepEqual(returning, [])
})
