// Where a client keeps its things.

import assert from "node:assert/strict"
import { test } from "node:test"
import { source } from "./lib/source.mjs"
import { browserWithStorage, replace } from "./lib/storage.mjs"

const START = "pennon1:app:"

async function areaIn(t, { persist = true, mayStore = true, ...browser } = {}) {
  const origin = browserWithStorage(t, browser)
  const { createArea } = await source("area")
  return { origin, createArea, area: createArea(START, persist, mayStore) }
}

test("what is written is in storage, and is read back", async (t) => {
  const { area, origin } = await areaIn(t)
  area.setItem(`${START}d`, "me")
  assert.equal(origin.data.get(`${START}d`), "me")
  origin.data.set(`${START}d`, "another tab's")
  assert.deepEqual([area.getItem(`${START}d`), area.getItem(`${START}x`), area.isShared], ["another tab's", null, true])
  area.removeItem(`${START}d`)
  assert.deepEqual([area.getItem(`${START}d`), origin.data.size], [null, 0])
})

test("what another program clears from storage is still known, and written with the next change", async (t) => {
  const { area, origin } = await areaIn(t)
  area.setItem(`${START}d`, "me")
  origin.data.clear()
  assert.equal(area.getItem(`${START}d`), "me")
  assert.deepEqual(area.keys(START), [`${START}d`])
  area.setItem(`${START}d`, "me too")
  assert.equal(origin.data.get(`${START}d`), "me too")
})

test("what storage refuses throws, is in memory, and the page's own data stays", async (t) => {
  const { area, origin } = await areaIn(t, { quota: 100 })
  origin.data.set("own", "x".repeat(60))
  area.setItem(`${START}d`, "short")
  assert.throws(() => area.setItem(`${START}d`, "x".repeat(40)), { name: "QuotaExceededError" })
  assert.equal(area.getItem(`${START}d`), "x".repeat(40), "and not what storage still has")
  assert.equal(origin.data.get("own").length, 60)
  area.setItem(`${START}d`, "shorter")
  assert.deepEqual([area.getItem(`${START}d`), origin.data.get(`${START}d`)], ["shorter", "shorter"])
})

const impostor = { getItem: () => "impostor", setItem() {}, removeItem() {}, key: () => null, length: 0 }
for (const [what, property] of [
  ["is blocked", { get() { throw new DOMException("denied", "SecurityError") } }],
  ["is null", { value: null }],
  ["is missing", { value: undefined }],
  ["is the page's own object", { value: impostor }],
  ["is a Proxy", { get: () => new Proxy(Object.create(Storage.prototype), {}) }],
]) {
  test(`where localStorage ${what}, memory has to do`, async (t) => {
    browserWithStorage(t)
    replace(t, "localStorage", property)
    const { createArea } = await source("area")
    const area = createArea(START, true, true)
    area.setItem(`${START}d`, "me")
    assert.deepEqual([area.isShared, area.getItem(`${START}d`), area.keys(START)], [false, "me", [`${START}d`]])
    area.removeItem(`${START}d`)
    assert.equal(area.getItem(`${START}d`), null)
    area.purge()
    assert.equal(area.allow(true, `${START}d`), false)
  })
}

test("without a page, or with storage: false, nothing is stored", async (t) => {
  const { area, origin } = await areaIn(t, { persist: false })
  area.setItem(`${START}d`, "me")
  assert.deepEqual([origin.data.size, area.isShared, area.getItem(`${START}d`)], [0, false, "me"])
  replace(t, "document", { value: undefined })
  const { createArea } = await source("area")
  assert.equal(createArea(START, true, true).isShared, false)
})

test("until it may, storage is neither read nor written; then memory is written, but not over what is there", async (t) => {
  const { area, origin } = await areaIn(t, { mayStore: false })
  origin.data.set(`${START}d`, "of an earlier page")
  area.setItem(`${START}d`, "of this page")
  area.setItem(`${START}s`, "session")
  area.setItem(`${START}q:me:0`, "rows")
  assert.deepEqual([area.getItem(`${START}d`), origin.writes, area.isShared], ["of this page", 0, false])
  assert.equal(area.allow(true, `${START}d`), true, "the earlier page's is another")
  assert.deepEqual([...origin.data], [[`${START}d`, "of an earlier page"], [`${START}s`, "session"], [`${START}q:me:0`, "rows"]])
  assert.deepEqual([area.getItem(`${START}d`), area.isShared], ["of an earlier page", true])
  area.allow(false, "")
  area.setItem(`${START}s`, "another")
  assert.deepEqual([area.getItem(`${START}s`), origin.data.get(`${START}s`)], ["another", "session"])
  assert.deepEqual([area.allow(true, `${START}d`), area.mayStore], [false, true])
})

test("a purge removes all of the client's, and nothing else", async (t) => {
  const { area, origin } = await areaIn(t)
  for (const key of ["own", "pennon1:other:d", `${START}d`, `${START}q:me`, `${START}q:me:0`]) origin.data.set(key, "x")
  area.setItem(`${START}s`, "session")
  area.purge()
  assert.deepEqual([...origin.data.keys()], ["own", "pennon1:other:d"])
  assert.deepEqual([area.keys(START), area.getItem(`${START}s`)], [[], null])
})

test("outboxes take no more than their limit, whoever of the origin writes them, in whichever tab", async (t) => {
  const { area, origin, createArea } = await areaIn(t)
  const other = createArea("pennon1:other:", true, true)
  const put = (area, key, length, limit = 1000) => area.setItem(key, "x".repeat(length - key.length), limit)
  origin.data.set("pennon1:third:q:a:0", "x".repeat(400 - "pennon1:third:q:a:0".length))
  put(area, `${START}q:me:0`, 300)
  put(other, "pennon1:other:q:it:0", 300)
  assert.throws(() => put(area, `${START}q:me:1`, 40), RangeError)
  assert.equal(area.getItem(`${START}q:me:1`).length + `${START}q:me:1`.length, 40)
  assert.equal(origin.data.has(`${START}q:me:1`), false)
  put(area, `${START}d`, 5000)
  put(area, `${START}q:me:0`, 260)
  put(area, `${START}q:me:1`, 40)
  other.removeItem("pennon1:other:q:it:0")
  put(area, `${START}q:me:2`, 300)
  assert.throws(() => put(area, `${START}q:me:3`, 40), RangeError)
  // Another tab tells what it has done.
  const third = origin.data.get("pennon1:third:q:a:0")
  origin.data.delete("pennon1:third:q:a:0")
  area.changed({ key: "pennon1:third:q:a:0", oldValue: third, newValue: null })
  put(area, `${START}q:me:3`, 400)
  origin.data.clear()
  area.changed({ key: null, oldValue: null, newValue: null })
  put(area, `${START}q:me:4`, 1000)
})

test("what other tabs' outboxes take is counted once, however many clients are told, and again before anything is refused", async (t) => {
  const { area, createArea, origin } = await areaIn(t)
  const second = createArea("pennon1:second:", true, true)
  const [own, other] = [`${START}q:own:0`, `${START}q:other:0`]
  area.setItem(own, "x".repeat(100), 1000)
  origin.data.set(other, "x".repeat(500))
  const event = { key: other, oldValue: null, newValue: "x".repeat(500) }
  for (const each of [area, second]) each.changed(event)
  area.setItem(own, "x".repeat(300), 1000)
  assert.equal(origin.data.get(own).length, 300)
  // Nobody tells that it is gone.
  origin.data.delete(other)
  area.setItem(own, "x".repeat(800), 1000)
  assert.equal(origin.data.get(own).length, 800)
  assert.throws(() => area.setItem(own, "x".repeat(1000), 1000), RangeError)
  origin.data.set(other, "x".repeat(900))
  area.changed({ key: null })
  area.setItem(own, "x".repeat(200), 1000)
  assert.equal(origin.data.get(own).length, 200, "what takes less is never refused")
})
