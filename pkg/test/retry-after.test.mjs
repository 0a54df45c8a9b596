// What a response says about time.

import assert from "node:assert/strict"
import { test } from "node:test"
import { source } from "./lib/source.mjs"

const { timesTold } = await source("retry-after")
const NOW_MS = Date.UTC(2026, 9, 1, 12)
const told = (headers) => timesTold(new Headers(headers), NOW_MS)
const wait = (text, date) => told({ "retry-after": text, ...(date && { date }) }).retryAfterMs

test("seconds are milliseconds, as they are told", () => {
  assert.deepEqual([wait("30"), wait(" 30 "), wait("0"), wait("1000000000000")], [30_000, 30_000, 0, 1e15])
})

test("a date is measured against the server's clock, and without one against ours", () => {
  assert.equal(wait("Thu, 01 Oct 2026 12:00:30 GMT"), 30_000)
  assert.equal(wait("Wed, 01 Oct 2031 00:00:45 GMT", "Wed, 01 Oct 2031 00:00:00 GMT"), 45_000)
  assert.equal(wait("Thu, 01 Oct 2026 11:00:00 GMT"), 0, "a date that has passed")
})

test("nonsense is nothing", () => {
  for (const text of ["-5", "abc", "abc 5", "1e12", "5 seconds", "", "0x10", "1.5", "2026-10-01", "Thu, 99 Foo 2026 12:00:30 GMT"]) {
    assert.ok(Number.isNaN(wait(text)), text)
  }
  const { retryAfterMs, serverMs } = told({})
  assert.deepEqual([retryAfterMs, serverMs], [NaN, NaN])
})

test("the server's clock is the Date", () => {
  assert.equal(told({ date: "Thu, 01 Oct 2026 12:00:30 GMT" }).serverMs, NOW_MS + 30_000)
  assert.ok(Number.isNaN(told({ date: "5" }).serverMs))
})
