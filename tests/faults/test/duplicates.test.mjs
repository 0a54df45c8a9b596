// The causes that the figures count for what comes to the server once more.

import assert from "node:assert/strict"
import { test } from "node:test"
import { CAUSES, causesOfDuplicates } from "../figures/lib/duplicates.mjs"

/** A request of `instance_id` that brought one row, the copy of `recorder`; kept and acknowledged unless said otherwise. */
const brought = (instance_id, recorder, atMs, more = {}) =>
  ({ instance_id, ids: ["id"], copies: [`${recorder} 1`], at_ms: atMs, answered_ms: atMs + 1, step: 0, kept: true, unreachable: 0, status: 204, outcome: "answered", ...more })

const found = (requests) => {
  const counts = causesOfDuplicates(requests)
  return CAUSES.flatMap((cause) => Array(counts[cause]).fill(cause))
}

test("what was sent once is no duplicate", () => {
  assert.deepEqual(found([brought("a", "a", 0)]), [])
  assert.deepEqual(found([brought("a", "a", 0, { kept: false, status: 500 }), brought("a", "a", 10)]), [])
})

test("who sends again what was acknowledged has no excuse", () => {
  assert.deepEqual(found([brought("a", "a", 0), brought("a", "a", 10)]), ["otherwise"])
})

test("an answer that nobody could read, and a page that was gone, are causes", () => {
  assert.deepEqual(found([brought("a", "a", 0, { outcome: "cut", status: undefined }), brought("a", "a", 10)]), ["unacknowledged"])
  assert.deepEqual(found([brought("a", "a", 0, { answered_ms: 20 }), brought("a", "a", 10)]), ["unacknowledged"])
  assert.deepEqual(found([brought("a", "a", 0), brought("b", "a", 10)]), ["page gone"])
})

test("of two who have seen the same each copy has its own causes", () => {
  // The first page was gone. The next one records the same, and takes the first one's row over later.
  assert.deepEqual(found([brought("a", "a", 0), brought("b", "b", 10), brought("b", "a", 20)]), ["page gone", "recorded anew"])
})
