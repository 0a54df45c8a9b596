// S: what a browser's storage can do.

import assert from "node:assert/strict"
import { row } from "../lib/registry.mjs"
import { SCALE } from "../lib/scene.mjs"

row("S1", "QuotaExceededError on write", async (scene) => {
  const page = await scene.prepared(() => {
    for (let length = 1 << 22; length >= 1; length >>= 1) {
      for (let place = 0; ; place++) {
        try {
          localStorage.setItem(`host-${length}-${place}`, "x".repeat(length))
        } catch {
          break
        }
      }
    }
    globalThis.hostKeys = () => Object.keys(localStorage).filter((key) => key.startsWith("host-")).map((key) => [key, localStorage[key].length])
    globalThis.before = JSON.stringify(hostKeys())
  })
  await scene.chaos.script({ status: 503 }, {})
  await scene.begin(page)
  await scene.read(page, "plain", 0, 10)
  await scene.arrived()
  const { persistFailed } = await scene.stats(page)
  assert.ok(persistFailed >= 1, `persistFailed is ${persistFailed}`)
  assert.ok(await page.evaluate(() => before === JSON.stringify(hostKeys())), "the host's keys")
  await scene.check()
})

row("S2", "SecurityError on the getter", async (scene) => {
  const page = await scene.prepared(() => {
    globalThis.asked = 0
    Object.defineProperty(globalThis, "localStorage", {
      get() {
        asked++
        throw new DOMException("denied", "SecurityError")
      },
    })
  })
  await scene.begin(page)
  const atStart = await page.evaluate(() => asked)
  await scene.read(page, "plain", 0, 10)
  await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  assert.equal(await page.evaluate(() => asked), atStart, "how often the getter was asked")
  await scene.check()
})

row("S3", "localStorage is null, is overridden by the page, is a Proxy", async (scene) => {
  for (const [round, kind] of ["null", "an object", "a Proxy"].entries()) {
    const page = await scene.prepared((kind) => {
      const found = {
        "null": () => null,
        "an object": () => ({ getItem: 1, length: "many" }),
        "a Proxy": () => new Proxy({}, { get: () => () => ({}), set: () => false }),
      }[kind]()
      Object.defineProperty(globalThis, "localStorage", { value: found })
    }, kind)
    await scene.begin(page)
    await scene.read(page, "plain", 3 * round, 3 * round + 3)
    await scene.statsOnce(page, `all delivered with ${kind}`, ({ pending }) => pending === 0)
  }
  await scene.check()
})

/** What an outbox's keys are called on this page, with what they hold. */
const outbox = (page) => page.evaluate(() => Object.entries(localStorage).filter(([key]) => /^pennon1:[^:]+:q:[^:]+:/.test(key)))
const put = (page, entries) => page.evaluate((entries) => entries.forEach(([key, text]) => localStorage.setItem(key, text)), entries)

row("S4", "the outbox holds nothing, null, {}, half a record, binary, 5 MB", async (scene) => {
  const page = await scene.leaveBehind("plain", 0, 20)
  const [[key, text]] = await outbox(page)
  const [, space] = key.split(":")
  const lines = text.split("\n")
  const half = lines.slice(0, 2).join("\n").slice(0, -40)
  const bad = ["", "null", "{}", half, String.fromCharCode(...Array.from({ length: 300 }, (_, code) => code * 211 % 65536)), "5".repeat(2_500_000)]
  await put(page, bad.map((text, place) => [`pennon1:${space}:q:dead${place}:1`, text]))
  const next = await scene.visit()
  await scene.arrived()
  await scene.eventually("the bad ones gone", async () => (await outbox(next)).filter(([key]) => key.includes(":dead")), (left) => left.length === 0)
  const corrupt = (await scene.stats(next)).dropped.wal_corrupt
  assert.ok(corrupt >= 1, `wal_corrupt is ${corrupt}`)
  scene.allow({ lost: true }) // What was in a record that cannot be read, nobody knows.
  await scene.check()
})

row("S5", "one bad record among 100", async (scene) => {
  const page = await scene.leaveBehind("plain", 0, 100)
  const changed = await page.evaluate(() => {
    for (const key of Object.keys(localStorage).filter((key) => /^pennon1:[^:]+:q:[^:]+:/.test(key))) {
      const lines = localStorage[key].split("\n")
      const place = lines.findIndex((line) => line.includes('"plain50"'))
      if (place < 0) continue
      lines[place] = lines[place].replace('"plain50"', '"plain51"')
      localStorage[key] = lines.join("\n")
      return 1
    }
    return 0
  })
  assert.equal(changed, 1)
  scene.expectNot("plain50")
  const next = await scene.visit()
  await scene.arrived()
  await scene.statsOnce(next, "all delivered", ({ pending }) => pending === 0)
  const { dropped } = await scene.stats(next)
  assert.deepEqual(dropped, { wal_corrupt: 1 })
  scene.allow({ lost: true })
  await scene.check()
})

/** `hashOf` of the package, written again: a name for a text, FNV-1a over its UTF-16 units. */
function fnv(text) {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash >>> 0).toString(36)
}
const record = (row) => {
  const line = `e${JSON.stringify(row)}`
  return `${fnv(line)}|${line}`
}

row("S6", "tampered: extra fields, __proto__, huge strings, a wrong id", async (scene) => {
  const page = await scene.leaveBehind("plain", 0, 10)
  const [[key, text]] = await outbox(page)
  const [ledgers, ...lines] = text.split("\n")
  const rows = lines.map((line) => JSON.parse(line.slice(line.indexOf("|") + 2)))
  const tampered = [
    { ...rows[0], extra: { deep: [1] } },
    JSON.parse(JSON.stringify(rows[1]).replace("{", '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},')),
    { ...rows[2], flag_key: "x".repeat(100_000) },
    { ...rows[3], id: rows[4].id.replace(/.$/, "_") },
    { ...rows[5], variant: 7 },
  ]
  await put(page, [[key, [ledgers, ...tampered.map(record), ...rows.slice(6).map(record)].join("\n")]])
  for (const place of [2, 3, 4, 5]) scene.expectNot(`plain${place}`)
  const next = await scene.visit()
  await scene.arrived()
  await scene.statsOnce(next, "all delivered", ({ pending }) => pending === 0)
  assert.equal(await next.evaluate(() => ({}).polluted ?? "none"), "none")
  const { wal_corrupt } = (await scene.stats(next)).dropped
  assert.equal(wal_corrupt, 3, "rows that are none")
  scene.allow({ lost: true }) // The fifth is nowhere.
  await scene.check()
})

row("S7", "storage cleared during the session", async (scene) => {
  await scene.chaos.script({ status: 503 })
  const page = await scene.visit()
  await scene.read(page, "plain", 0, 5)
  await page.evaluate(() => localStorage.clear())
  await scene.read(page, "plain", 5, 6)
  await scene.eventually("written again", () => outbox(page), (segments) => segments.some(([, text]) => text.includes('"plain5"')))
  await scene.chaos.script({})
  await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  await scene.check()
})

row("S8", "an outbox of another major version", async (scene) => {
  const page = await scene.leaveBehind("plain", 0, 5)
  const [[key]] = await outbox(page)
  const [, space] = key.split(":")
  const newer = [
    [`pennon1:${space}:q:newer`, `2|${await page.evaluate(() => Date.now())}|closed`],
    [`pennon1:${space}:q:newer:0`, "what a later version writes"],
  ]
  await put(page, newer)
  const next = await scene.visit()
  await scene.arrived()
  await scene.sleep(8 * 60_000 * SCALE)
  assert.deepEqual(await next.evaluate((keys) => keys.map((key) => [key, localStorage.getItem(key)]), newer.map(([key]) => key)), newer)
  await scene.check()
})

row("S9", "downgraded and upgraded", async (scene) => {
  // A later minor version may say more in its lease and its ledgers.
  const page = await scene.leaveBehind("plain", 0, 5)
  const [[key, text]] = await outbox(page)
  const lease = key.slice(0, key.lastIndexOf(":"))
  const [ledgers, ...lines] = text.split("\n")
  const more = JSON.stringify(JSON.parse(ledgers).map((ledger) => ({ ...ledger, later: { a: [1] } })))
  await put(page, [[key, [more, ...lines].join("\n")], [lease, `${await page.evaluate((lease) => localStorage[lease], lease)}|more`]])
  await scene.visit()
  await scene.check()
})

row("S10", "two clients, of the same and of another environment", async (scene) => {
  const other = await scene.server()
  const page = await scene.visit()
  await page.evaluate(async (options) => {
    globalThis.same = await pennon.createClient(options)
  }, { ...scene.options(), scale: undefined })
  const options = scene.options({ exposures: { endpoint: other.endpoint, key: "pk_other" } })
  await page.evaluate(async ({ scale, ...options }) => {
    globalThis.different = await pennon.createClient(options)
    for (const [one, from] of [[client, 0], [same, 0], [different, 20]]) for (let place = from; place < from + 10; place++) one.getFlag(`plain${place}`)
  }, options)
  scene.expect("plain", 0, 10)
  await scene.arrived()
  const { ids } = await scene.eventually("the other's rows", other.ledger, ({ ids }) => Object.keys(ids).length >= 10)
  assert.deepEqual(scene.keptKeys({ ids }).sort(), Array.from({ length: 10 }, (_, place) => `plain${20 + place}`).sort())
  await scene.check()
})

row("S11", "a frame of a third party", async (scene) => {
  const { shop } = scene.chaos
  const page = await scene.open("/elsewhere.html", { at: shop.replace("127.0.0.1", "localhost") })
  const script = `await begin(${JSON.stringify(scene.options())}); read("split", 0, 5); parent.postMessage(ear.noted, "*")`
  const noted = await page.evaluate(async (url) => {
    const frame = document.createElement("iframe")
    frame.src = url
    const said = new Promise((resolve) => addEventListener("message", ({ data }) => resolve(data), { once: true }))
    document.body.append(frame)
    return said
  }, `${shop}/open.html?run=${encodeURIComponent(script)}`)
  assert.deepEqual(noted, [])
  scene.expect("split", 0, 5)
  await scene.check()
})

row("S12", "a private window", async (scene) => {
  // Chromium's contexts are private, and so is WebKit while it is driven.
  const world = scene.name === "firefox" ? await scene.worldOf(await scene.launch({ isPrivate: true })) : undefined
  await scene.chaos.script({ status: 503 })
  const page = await scene.visit({}, { from: world })
  await scene.read(page, "plain", 0, 5)
  await scene.requestsOnce(1)
  await page.reload()
  await scene.ready(page)
  await scene.chaos.script({})
  await scene.begin(page)
  await scene.check()
})

row("S13", "setItem takes 200 ms", async (scene) => {
  const page = await scene.prepared(() => {
    globalThis.written = []
    const { setItem } = Storage.prototype
    Storage.prototype.setItem = function (key, text) {
      written.push(key)
      for (const end = performance.now() + 200; performance.now() < end; );
      return setItem.call(this, key, text)
    }
  })
  await scene.begin(page, { scale: 1, exposures: { flushIntervalMs: 3_600_000 } })
  for (let round = 0; round < 3; round++) {
    await page.evaluate(() => (written.length = 0))
    await scene.read(page, "plain", 20 * round, 20 * round + 20)
    await scene.sleep(300)
    const segments = (await page.evaluate(() => written)).filter((key) => /:q:[^:]+:/.test(key))
    assert.equal(segments.length, 1, `writes of 20 rows: ${segments}`)
  }
  await scene.flush(page)
  await scene.check()
})

row("S14", "a row older than 7 days", async (scene) => {
  await scene.chaos.script({ status: 503 })
  const page = await scene.prepared(() => {
    const now = Date.now.bind(Date)
    Date.now = () => now() - 8 * 86_400_000
  })
  await scene.begin(page)
  assert.equal(await page.evaluate(() => read("plain", 0, 5)), 5)
  await scene.requestsOnce(1)
  await scene.goto(page, "/elsewhere.html")
  // The first answer tells the server's time: without it no row is believed to be old.
  await scene.chaos.script({ status: 503 }, {})
  const next = await scene.visit()
  await scene.read(next, "plain", 10, 12)
  await scene.arrived()
  const { dropped } = await scene.statsOnce(next, "an end", ({ pending }) => pending === 0)
  assert.deepEqual(dropped, { expired: 5 })
  await scene.read(next, "plain", 12, 13)
  await scene.check()
})

row("S15", "consent denied with rows pending", async (scene) => {
  await scene.chaos.script({ status: 503 })
  const [page, sibling] = [await scene.visit(), await scene.visit()]
  for (const [place, tab] of [page, sibling].entries()) await tab.evaluate((from) => read("plain", from, from + 5), 5 * place)
  await scene.requestsOnce(2)
  const left = await page.evaluate(() => {
    client.setConsent("denied")
    return ownKeys()
  })
  assert.deepEqual(left, [], "keys in the task of the denial")
  assert.equal((await scene.stats(page)).pending, 0)
  await scene.statsOnce(sibling, "the other tab's end", ({ pending }) => pending === 0)
  const { length } = await scene.requests()
  await scene.chaos.script({})
  for (const tab of [page, sibling]) await tab.evaluate(() => read("split", 0, 5))
  await scene.sleep(120_000 * SCALE)
  assert.equal((await scene.requests()).length, length, "requests after the denial")
  assert.deepEqual(await sibling.evaluate(() => ownKeys()), [])
  await scene.check()
})
