// A ruleset that is refreshed: who asks, how often, what is kept, and what never replaces it.

import assert from "node:assert/strict"
import { test } from "node:test"
import { chromium } from "playwright-core"
import { startCollector } from "../lib/collector.mjs"
import { FLAGS } from "../lib/flags.mjs"
import { assembleSite, CHROMIUM } from "../lib/parts.mjs"
import { openPublisher } from "../lib/publisher.mjs"
import { eventually, promise, start } from "../lib/scene.mjs"

const URL = "/ruleset.json"

/** A ruleset whose greeting says this. */
const saying = (greeting, version = 1) => JSON.stringify({
  schema: 1,
  version,
  flags: {
    greeting: { variants: { on: greeting }, default: "on" },
    other: { variants: { on: "the same" }, default: "on" },
  },
})

/** Creates `client`, which keeps up with the ruleset, and `changes`, what it told. Gives the greeting at once. */
async function follow(page, { url = URL, ...source } = {}, options = {}) {
  await start(page, { ruleset: { url, refreshMs: 1000, ...source }, exposures: undefined, ...options })
  return page.evaluate(() => {
    globalThis.changes = []
    client.on("change", (change) => changes.push(change))
    client.peek("other")
    return client.peek("greeting") ?? "fallback"
  })
}

const greeting = (page) => page.evaluate(() => client.peek("greeting") ?? "fallback")
const problems = (page) => page.evaluate(() => client.problems().map(({ code, where, message }) => [code, where, message]))
/** The text that is kept for pages to come, once it is this one. */
const keptOnce = (page, text) =>
  eventually(
    () => page.evaluate(async () => {
      const cache = await caches.open("pennon1")
      return Promise.all((await cache.keys()).map(async (key) => (await cache.match(key)).text()))
    }),
    (texts) => texts.includes(text),
  )

promise("the page's own server is asked with the ETag, and an unchanged ruleset is no change", async ({ open, collector, publisher }) => {
  const { origin, requests } = await publisher()
  collector.publish(saying("hello"))
  const page = await open("/open.html", origin)
  assert.equal(await follow(page), "hello")
  const answered = () => requests.filter(({ status }) => status !== undefined)
  const [first, ...later] = await eventually(answered, ({ length }) => length >= 4)
  assert.equal(first.status, 200)
  assert.equal(first.headers["if-none-match"], undefined)
  for (const request of later.slice(0, 3)) assert.equal(request.status, 304)
  assert.deepEqual(await page.evaluate(() => changes), [])

  collector.publish(saying("good day", 2))
  const [change, ...others] = await eventually(() => page.evaluate(() => changes), ({ length }) => length > 0)
  assert.deepEqual([change, others], [{ cause: "ruleset", flags: ["greeting"] }, []], "of what was asked for, what is different")
  assert.equal(await greeting(page), "good day")
  assert.deepEqual(await problems(page), [])
})

promise("another origin is asked without a preflight, and an unchanged ruleset is no change", async ({ open, collector, publisher }) => {
  const { origin, requests } = await publisher()
  collector.publish(saying("hello"))
  const page = await open()
  assert.equal(await follow(page, { url: origin + URL }), "hello")
  await eventually(() => requests, ({ length }) => length >= 4)
  assert.deepEqual(await page.evaluate(() => changes), [])
  collector.publish(saying("good day", 2))
  await eventually(() => greeting(page), (text) => text === "good day")
  assert.deepEqual(requests.filter(({ method }) => method !== "GET"), [])
  assert.deepEqual(await problems(page), [])
})

promise("headers are sent with each request, and what is kept is kept for these headers alone", async ({ open, collector, publisher }) => {
  const { origin, requests, answers } = await publisher()
  collector.publish(saying("hello"))
  const page = await open("/open.html", origin)
  await follow(page, { headers: { "x-environment": "staging" } })
  await eventually(() => requests, ({ length }) => length >= 2)
  for (const { headers } of requests) assert.equal(headers["x-environment"], "staging")
  await keptOnce(page, saying("hello"))
  answers.set(URL, "hang")
  await page.reload()
  assert.equal(await follow(page, { headers: { "x-environment": "staging" } }), "hello")
  await page.reload()
  assert.equal(await follow(page, { readyTimeoutMs: 200, headers: { "x-environment": "production" } }), "fallback")
})

promise("the tabs of a browser share one poll, and each gets what one of them was given", async ({ open, collector, publisher }) => {
  const { origin, requests } = await publisher()
  collector.publish(saying("hello"))
  const tabs = []
  for (const tab of ["a", "b", "c"]) {
    const page = await open(`/open.html?${tab}`, origin)
    await follow(page, { refreshMs: 2000 })
    tabs.push(page)
  }
  const sinceMs = Date.now()
  const before = requests.length
  await eventually(() => requests.length - before, (count) => count >= 5)
  // Three tabs that each asked would have asked three times as often. One time too many is two that woke at once.
  const most = (Date.now() - sinceMs) / 1800 + 2
  assert.ok(requests.length - before <= most, `${requests.length - before} requests, expected at most ${most}`)

  requests.length = 0
  collector.publish(saying("good day", 2))
  for (const page of tabs) {
    await eventually(() => greeting(page), (text) => text === "good day")
    assert.deepEqual(await page.evaluate(() => changes.map(({ flags }) => flags)), [["greeting"]])
  }
  const bodies = requests.filter(({ status }) => status === 200)
  assert.ok(bodies.length < tabs.length, `${bodies.length} of ${tabs.length} tabs were sent it, expected one`)
})

promise("the tab that asks may be closed: another one goes on", async ({ open, collector, publisher }) => {
  const { origin, requests } = await publisher()
  collector.publish(saying("hello"))
  const first = await open("/open.html?first", origin)
  await follow(first)
  const second = await open("/open.html?second", origin)
  await follow(second)
  await first.close()
  collector.publish(saying("good day", 2))
  await eventually(() => greeting(second), (text) => text === "good day")
  assert.match(requests.at(-1).headers.referer, /second$/)
})

promise("the last good ruleset serves the next page at once while its server is down, and localStorage holds none of it", async ({ open, collector, publisher }) => {
  const { origin, requests, answers } = await publisher()
  collector.publish(saying("hello"))
  const page = await open("/open.html", origin)
  await follow(page)
  await keptOnce(page, saying("hello"))
  assert.equal((await page.evaluate(() => JSON.stringify(localStorage))).includes("hello"), false)

  answers.set(URL, "hang")
  await page.reload()
  requests.length = 0
  assert.equal(await follow(page), "hello")
  assert.deepEqual(await problems(page), [])
  const [{ headers }] = await eventually(() => requests, ({ length }) => length > 0)
  assert.ok(headers["if-none-match"], "it is asked for all the same")
})

promise("a page that was served what was kept is told what has changed since", async ({ open, collector, publisher }) => {
  const { origin } = await publisher()
  collector.publish(saying("hello"))
  const page = await open("/open.html", origin)
  await follow(page)
  await keptOnce(page, saying("hello"))
  collector.publish(saying("good day", 2))
  await page.goto(`${origin}/open.html?again`)
  await follow(page, { refreshMs: 0 })
  await eventually(() => greeting(page), (text) => text === "good day")
})

promise("what was kept serves no page after its age limit, nor where it is not to be kept", async ({ open, collector, publisher }) => {
  const { origin, answers } = await publisher()
  collector.publish(saying("hello"))
  const page = await open("/open.html", origin)
  await follow(page)
  await keptOnce(page, saying("hello"))
  answers.set(URL, "hang")
  const next = async (source, options) => {
    await page.reload()
    return follow(page, { readyTimeoutMs: 200, ...source }, options)
  }
  assert.equal(await next({}), "hello")
  assert.equal(await next({ maxAgeMs: 0 }), "fallback")
  assert.equal(await next({}, { storage: false }), "fallback")
  await page.waitForTimeout(50)
  assert.equal(await next({ maxAgeMs: 50 }), "fallback")
  assert.equal(await next({}), "hello", "it is still there for who allows it to be older")
})

for (const [what, answer, code, says] of [
  ["D1 a ruleset of 20 MB", { body: Buffer.alloc(20_000_000, " ") }, "RULESET_UNAVAILABLE", /^found more than 8388608 bytes/],
  ["D1 a ruleset without an end", "endless", "RULESET_UNAVAILABLE", /^found more than 8388608 bytes/],
  ["D3 a ruleset that is not JSON", { body: "{ flags: nonsense" }, "RULESET_INVALID"],
  ["D3 a ruleset that is truncated", { body: saying("good day", 2).slice(0, -20) }, "RULESET_INVALID"],
  ["D3 a ruleset that breaks off", "half", "RULESET_UNAVAILABLE", /^found half an answer/],
  ["D3 a ruleset in UTF-16", { body: Buffer.from(`\ufeff${saying("good day", 2)}`, "utf16le") }, "RULESET_UNAVAILABLE", /not UTF-8/],
  ["D3 a ruleset in UTF-16 without a mark", { body: Buffer.from(saying("good day", 2), "utf16le") }, "RULESET_INVALID"],
  ["D3 a ruleset in Latin-1", { body: Buffer.from(saying("größer", 2), "latin1") }, "RULESET_UNAVAILABLE", /not UTF-8/],
  ["D14 a ruleset of a schema to come", { body: '{"schema":2,"flags":{}}' }, "RULESET_INVALID"],
  ["D16 a ruleset that is empty", { body: "" }, "RULESET_INVALID"],
  ["D16 a ruleset that is null", { body: "null" }, "RULESET_INVALID"],
  ["D16 a ruleset that is a list", { body: "[]" }, "RULESET_INVALID"],
  ["D16 a ruleset without flags", { body: "{}" }, "RULESET_INVALID"],
  ["a page of HTML", { body: "<!doctype html><title>Sign in</title>" }, "RULESET_INVALID"],
]) {
  promise(`${what} never replaces a good one, in memory or in what is kept, and is one problem`, async ({ open, collector, publisher, expectLog }) => {
    if (answer === "half") expectLog(/net::ERR_/)
    const { origin, answers, requests } = await publisher()
    collector.publish(saying("hello"))
    const page = await open("/open.html", origin)
    assert.equal(await follow(page), "hello")
    await keptOnce(page, saying("hello"))
    answers.set(URL, answer)
    await eventually(() => problems(page), ({ length }) => length > 0)
    if (answer === "endless") await requests.at(-1).closed
    const [problem, ...others] = await problems(page)
    assert.deepEqual(others, [])
    assert.equal(problem[0], code)
    assert.ok(problem[1].startsWith(origin + URL))
    assert.match(problem[2], says ?? /^found .+, expected .+/)
    assert.equal(await greeting(page), "hello")
    assert.deepEqual(await page.evaluate(() => changes), [])
    await page.reload()
    answers.set(URL, "hang")
    assert.equal(await follow(page), "hello", "the next page")
  })
}

promise("D3 a ruleset with a byte order mark is taken", async ({ open, publisher }) => {
  const { origin, answers } = await publisher()
  answers.set(URL, { body: `\ufeff${saying("hello")}` })
  assert.equal(await follow(await open("/open.html", origin)), "hello")
})

promise("after a bad ruleset fetching goes on, and the next good one is taken", async ({ open, collector, publisher, expectLog }) => {
  expectLog(/status of 500/)
  expectLog(/net::ERR_/)
  const { origin, answers } = await publisher()
  collector.publish(saying("hello"))
  const page = await open("/open.html", origin)
  await follow(page)
  answers.set(URL, { body: "{ nonsense" })
  await eventually(() => problems(page), ({ length }) => length === 1)
  answers.set(URL, { status: 500, body: "no" })
  await eventually(() => problems(page), ({ length }) => length === 2)
  answers.set(URL, "cut")
  collector.publish(saying("good day", 2))
  // Not the request: Chromium asks once more where a connection that it had used before is cut.
  const cut = page.waitForEvent("console", (message) => message.text().includes("net::ERR_"))
  await page.evaluate(() => dispatchEvent(new Event("online")))
  await cut
  answers.delete(URL)
  await eventually(() => greeting(page), (text) => text === "good day")
  assert.deepEqual((await problems(page)).map(([code]) => code), ["RULESET_INVALID", "RULESET_UNAVAILABLE"], "each is listed once")
})

promise("a page that is spoilt in storage starts, asks, and keeps up", async ({ open, collector, publisher }) => {
  const { origin } = await publisher()
  const page = await open("/open.html", origin)
  collector.publish(saying("hello 0"))
  await follow(page, {}, { namespace: "test" })
  await keptOnce(page, saying("hello 0"))
  const id = (await page.evaluate(() => localStorage.getItem("pennon1:test:p"))).split(" ")[0]
  const future = Date.now() + 1e12
  const claims = [`${id} 0 ${future} 0`, `${id} ${future} ${future} ${future}`, `${id} NaN Infinity -1`, `${id}`, "", "\u0000", "9".repeat(100_000)]
  for (const [at, claim] of claims.entries()) {
    collector.publish(saying(`hello ${at + 1}`, at + 2))
    await page.evaluate((claim) => localStorage.setItem("pennon1:test:p", claim), claim)
    await eventually(() => greeting(page), (text) => text === `hello ${at + 1}`)
  }
  for (const body of ["{ nonsense", "", "[]"]) {
    await page.evaluate(async (body) => {
      await client.close()
      const cache = await caches.open("pennon1")
      for (const key of await cache.keys()) {
        const { headers } = await cache.match(key)
        await cache.put(key, new Response(body, { headers }))
      }
    }, body)
    await page.reload()
    assert.equal(await follow(page, {}, { namespace: "test" }), "hello 7", "what was kept is no ruleset: the server is waited for")
    await keptOnce(page, saying("hello 7", 8))
  }
})

for (const [what, spoil] of [
  ["is blocked", () => (caches.open = () => Promise.reject(new DOMException("denied", "SecurityError")))],
  ["throws when it is looked at", () => {
    Object.defineProperty(globalThis, "caches", { get() { throw new DOMException("denied", "SecurityError") } })
  }],
  ["is full", () => (Cache.prototype.put = () => Promise.reject(new DOMException("full", "QuotaExceededError")))],
  ["never answers", () => (caches.open = () => new Promise(() => undefined))],
]) {
  promise(`where the Cache API ${what}, each tab starts and is kept up to date`, async ({ open, collector, publisher, context }) => {
    // The empty page that a tab begins with has no Cache API.
    await context.addInitScript(`if (location.protocol === "http:") (${spoil})()`)
    const { origin, requests } = await publisher()
    collector.publish(saying("hello"))
    const tabs = [await open("/open.html?a", origin), await open("/open.html?b", origin)]
    for (const page of tabs) assert.equal(await follow(page), "hello")
    collector.publish(saying("good day", 2))
    for (const page of tabs) {
      await eventually(() => greeting(page), (text) => text === "good day")
      assert.deepEqual(await problems(page), [])
    }
    if (what === "never answers") return
    const claims = () => tabs[0].evaluate(() => JSON.stringify(Object.entries(localStorage).filter(([key]) => key.endsWith(":p"))))
    const before = await claims()
    const count = requests.length
    await eventually(() => requests.length, (length) => length >= count + 3)
    assert.equal(await claims(), before, "who cannot hand on what it is given tells nobody to wait for it")
  })
}

/** On pages whose URL says so, the browser does not open what it has kept before `goOn` is called. */
const slowToOpen = (context) => context.addInitScript(() => {
  if (location.search !== "?slow") return
  const open = caches.open.bind(caches)
  caches.open = async (name) => {
    await new Promise((resolve) => (globalThis.goOn = resolve))
    return open(name)
  }
})

/** Creates a client that looks for what was kept. When the module runs, which has stored the ids then, the page is told of its life. */
async function look(page) {
  await page.evaluate(() => void (globalThis.starting = createClient({ ruleset: "/ruleset.json" })))
  await page.waitForFunction(() => Object.keys(localStorage).some((key) => key.endsWith(":d")))
  await page.evaluate(() => {
    for (const type of ["online", "pageshow"]) dispatchEvent(new Event(type))
  })
}

/** The tabs were told that a ruleset was kept. */
const toldOfKept = (page) =>
  eventually(
    () => page.evaluate(() => Object.keys(localStorage).filter((key) => key.endsWith(":p")).map((key) => localStorage[key])),
    (claims) => claims.some((claim) => Number(claim.split(" ").at(-1)) > 0),
  )

promise("what happens to a page that still looks for what was kept asks nobody twice", async ({ open, collector, publisher, context }) => {
  await slowToOpen(context)
  const { origin, requests } = await publisher()
  collector.publish(saying("hello"))
  const page = await open("/open.html", origin)
  await page.evaluate(() => createClient({ ruleset: "/ruleset.json" }).then(() => undefined))
  await toldOfKept(page)
  await page.goto(`${origin}/open.html?slow`)
  await page.evaluate(() => Object.keys(localStorage).forEach((key) => key.endsWith(":d") && localStorage.removeItem(key)))
  requests.length = 0
  await look(page)
  assert.deepEqual(requests, [])
  await page.evaluate(() => (goOn(), starting))
  await eventually(() => requests, ({ length }) => length > 0)
  assert.deepEqual(requests.map(({ headers }) => headers["if-none-match"] !== undefined), [true])
})

promise("a page that nobody has told of a kept ruleset asks before it has looked for one, and nobody twice", async ({ open, collector, publisher, context }) => {
  await slowToOpen(context)
  const { origin, requests } = await publisher()
  collector.publish(saying("hello"))
  const page = await open("/open.html?slow", origin)
  await look(page)
  await page.evaluate(() => starting)
  assert.equal(requests.length, 1)
  await page.evaluate(() => goOn())
  await toldOfKept(page)
  assert.equal(requests.length, 1)
})

for (const answer of ["hang", "cut"]) {
  promise(`what was kept serves a page whose localStorage was cleared, while its server is down (${answer})`, async ({ open, collector, publisher, expectLog }) => {
    if (answer === "cut") expectLog(/net::ERR_/)
    const { origin, answers } = await publisher()
    collector.publish(saying("hello"))
    const page = await open("/open.html", origin)
    await follow(page)
    await keptOnce(page, saying("hello"))
    answers.set(URL, answer)
    await page.goto(`${origin}/open.html?again`)
    await page.evaluate(() => localStorage.clear())
    assert.equal(await follow(page, { refreshMs: 60_000 }), "hello")
    answers.delete(URL)
    collector.publish(saying("good day", 2))
    await page.evaluate(() => localStorage.clear())
    await page.goto(`${origin}/open.html?later`)
    await page.evaluate(() => localStorage.clear())
    await follow(page)
    await eventually(() => greeting(page), (text) => text === "good day")
  })
}

promise("of rulesets whose URL changes with each deployment a few are kept", async ({ open, collector, publisher }) => {
  const { origin } = await publisher()
  collector.publish(saying("hello"))
  const page = await open("/open.html", origin)
  const keys = () => page.evaluate(async () => (await (await caches.open("pennon1")).keys()).map(({ url }) => url))
  for (let build = 1; build <= 6; build++) {
    await follow(page, { url: `${URL}?build=${build}`, refreshMs: 0 })
    await eventually(keys, (urls) => urls.some((url) => url.endsWith(`build=${build}`)))
  }
  await eventually(keys, ({ length }) => length === 4)
})

promise("a hidden page asks nobody, and one that is shown again asks at once", async ({ hidePage, collector, publisher }) => {
  const { origin, requests } = await publisher()
  collector.publish(saying("hello"))
  const page = await hidePage("/refresh.html", origin)
  await eventually(() => page.title(), (title) => title === "visible: hello")
  await eventually(() => requests, ({ length }) => length >= 2)
  await page.hide()
  await eventually(() => page.title(), (title) => title === "hidden: hello")
  const before = requests.length
  await new Promise((resolve) => setTimeout(resolve, 3000))
  // One may have been under way when the page was hidden.
  assert.ok(requests.length <= before + 1, `${requests.length - before} requests while hidden`)
  collector.publish(saying("good day", 2))
  await page.show()
  await eventually(() => page.title(), (title) => title === "visible: good day")
})

promise("a client that is closed, or asked never to refresh, asks no more", async ({ open, collector, publisher }) => {
  const { origin, requests } = await publisher()
  collector.publish(saying("hello"))
  const page = await open("/open.html", origin)
  await follow(page, { url: `${URL}?closed` })
  await page.evaluate(() => client.close())
  await follow(page, { url: `${URL}?never`, refreshMs: 0 })
  await page.evaluate(() => dispatchEvent(new Event("online")))
  await follow(page, { url: `${URL}?often` })
  const before = requests.length
  await eventually(() => requests.length, (length) => length >= before + 3)
  const asked = (what) => requests.filter(({ url }) => url === `${URL}?${what}`).length
  assert.deepEqual([asked("closed"), asked("never")], [1, 1])
})

test("a page on plain http, which has no Cache API, is kept up to date in each tab", { timeout: 120_000 }, async () => {
  const args = [...FLAGS, "--host-resolver-rules=MAP shop.example 127.0.0.1"]
  const browser = await chromium.launch({ executablePath: CHROMIUM, args, chromiumSandbox: process.getuid() !== 0 })
  const collector = await startCollector(assembleSite().folder)
  const { port, requests, close } = await openPublisher(collector.origin)
  try {
    const context = await browser.newContext()
    const heard = []
    context.on("weberror", (error) => heard.push(String(error.error())))
    context.on("console", (message) => heard.push(message.text()))
    collector.publish(saying("hello"))
    const tabs = []
    for (const tab of ["a", "b"]) {
      const page = await context.newPage()
      await page.goto(`http://shop.example:${port}/open.html?${tab}`)
      assert.deepEqual(await page.evaluate(() => [isSecureContext, typeof caches]), [false, "undefined"])
      assert.equal(await follow(page), "hello")
      tabs.push(page)
    }
    for (const tab of ["a", "b"]) {
      const unchanged = ({ status, headers }) => status === 304 && headers.referer.endsWith(tab)
      await eventually(() => requests, (requests) => requests.some(unchanged))
    }
    collector.publish(saying("good day", 2))
    for (const page of tabs) {
      await eventually(() => greeting(page), (text) => text === "good day")
      assert.deepEqual(await problems(page), [])
    }
    assert.deepEqual(heard, [])
  } finally {
    await browser.close()
    await collector.stop()
    await close()
  }
})
