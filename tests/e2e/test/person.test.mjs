// One person on two hosts: ids and session in cookies of the domain above them.

import assert from "node:assert/strict"
import { eventually, flush, only, promise, start } from "../lib/scene.mjs"

const DOMAIN = "pennon.test"
const COOKIES = { storage: { cookieDomain: DOMAIN } }

/** The collector's site under another name. */
const on = (host, { origin }) => `http://${host}.${DOMAIN}:${new URL(origin).port}`
const person = (page) => page.evaluate(() => ({ ...client.identity, session: client.session.id }))
const show = (page) => page.evaluate(() => void dispatchEvent(new Event("pageshow")))

async function openBoth({ open, collector }) {
  const pages = [await open("/open.html", on("shop", collector)), await open("/open.html", on("pay", collector))]
  for (const page of pages) await start(page, COOKIES)
  return pages
}

promise("two hosts see one person and one session, and the rows say so", async (scene) => {
  const { collector, context } = scene
  const [shop, pay] = await openBoth(scene)
  assert.deepEqual(await person(pay), await person(shop))
  await shop.evaluate(() => [client.getFlag("greeting"), client.getFlag("new_checkout")])
  await pay.evaluate(() => [client.getFlag("greeting"), client.getFlag("banner")])
  for (const page of [shop, pay]) await flush(page)
  const { anonymousId, deviceId, session } = await person(shop)
  const rows = collector.rows().filter(({ source }) => source !== "handshake")
  assert.deepEqual(rows.map(({ flag_key }) => flag_key).sort(), ["banner", "greeting", "new_checkout"], "greeting once")
  const ids = { anon_id: anonymousId, device_id: deviceId, session_id: session }
  assert.deepEqual(only(rows, ...Object.keys(ids)), [ids, ids, ids])

  const cookies = await context.cookies()
  assert.deepEqual(cookies.map(({ name }) => name.slice(-2)).sort(), ["_d", "_s"])
  const yearS = 365 * 86_400
  for (const { name, domain, path, expires, sameSite, secure, httpOnly } of cookies) {
    assert.match(name, /^pennon1_[0-9a-z]+_[ds]$/)
    assert.deepEqual([domain, path, sameSite, secure, httpOnly], [`.${DOMAIN}`, "/", "Lax", false, false])
    const inS = expires - Date.now() / 1000
    assert.ok(inS > yearS - 300 && inS <= yearS, `${inS}`)
  }
  const kept = await shop.evaluate(() => Object.entries(localStorage).filter(([, text]) => text.includes("-7")))
  assert.deepEqual(kept.map(([key]) => key), [cookies.find(({ name }) => name.endsWith("_s")).name], "the session, for the host's other tabs")
})

promise("over https the cookies are for https alone", async ({ open, context, collector }) => {
  const origin = `https://shop.${DOMAIN}`
  const pass = async (route) => {
    const { pathname } = new URL(route.request().url())
    await route.fulfill({ response: await route.fetch({ url: collector.origin + pathname }) })
  }
  // The page may be gone before the answer: it asks for its ruleset again now and then.
  await context.route(`${origin}/**`, (route) => pass(route).catch(() => undefined))
  const page = await open("/open.html", origin)
  await start(page, COOKIES)
  const cookies = await context.cookies()
  assert.deepEqual(cookies.map(({ secure }) => secure), [true, true])
  const before = await person(page)
  await page.reload()
  await start(page, COOKIES)
  assert.deepEqual(await person(page), before)
})

promise("a reset on one host is seen on the other at its next load", async (scene) => {
  const [shop, pay] = await openBoth(scene)
  const before = await person(shop)
  await shop.evaluate(() => client.reset())
  const after = await person(shop)
  assert.notEqual(after.anonymousId, before.anonymousId)
  assert.equal(after.deviceId, before.deviceId)
  assert.notEqual(after.session, before.session)
  await pay.reload()
  await start(pay, COOKIES)
  assert.deepEqual(await person(pay), after)
  await shop.reload()
  await start(shop, COOKIES)
  assert.deepEqual(await person(shop), after, "and the other has written nothing over it")
})

promise("a session that is renewed on one host takes over on the other when that is shown or used", async (scene) => {
  const [shop, pay] = await openBoth(scene)
  const session = (page) => page.evaluate(() => client.session.id)
  const renewed = (page) => page.evaluate(() => (client.session.renew(), client.session.id))
  const first = await session(pay)

  const second = await renewed(shop)
  assert.equal(await session(pay), first)
  await show(pay)
  assert.equal(await session(pay), second)
  await show(shop)
  assert.equal(await session(shop), second, "and stays so in the first")

  const third = await renewed(shop)
  await pay.evaluate(() => {
    const realNow = Date.now
    Date.now = () => realNow() + 31_000
  })
  await pay.mouse.click(5, 5)
  await eventually(() => session(pay), (id) => id === third)
  await show(shop)
  assert.equal(await session(shop), third, "what the other stores every 30 seconds is not its old one")

  await renewed(shop)
  await renewed(shop)
  const last = await renewed(pay)
  await show(shop)
  assert.equal(await session(shop), last, "the last one counts, also when it did not know of those before")
})

promise("a session that is renewed in one tab is at once renewed in the host's other tab", async (scene) => {
  const { open, collector } = scene
  const [one] = await openBoth(scene)
  const other = await open("/open.html", on("shop", collector))
  await start(other, COOKIES)
  const renewed = await one.evaluate(() => (client.session.renew(), client.session.id))
  await eventually(() => other.evaluate(() => client.session.id), (id) => id === renewed)
  assert.equal(await one.evaluate(() => client.session.id), renewed)
})

promise("two clients of one page that share the cookie share the session, whatever their endpoints", async ({ open, collector }) => {
  const page = await open("/open.html", on("shop", collector))
  await start(page, COOKIES)
  const [one, other] = await page.evaluate(async (storage) => {
    const other = await createClient({ ruleset: "/ruleset.json", storage })
    client.session.renew()
    return [client.session.id, other.session.id]
  }, COOKIES.storage)
  assert.equal(one, other)
})

promise("ids in localStorage are taken over into the cookie, and where there is one it counts", async ({ open, collector }) => {
  const shop = await open("/open.html", on("shop", collector))
  const pay = await open("/open.html", on("pay", collector))
  const before = []
  for (const page of [shop, pay]) {
    await start(page)
    before.push(await person(page))
  }
  assert.notEqual(before[0].anonymousId, before[1].anonymousId)
  for (const page of [shop, pay, shop]) {
    await page.reload()
    await start(page, COOKIES)
    const { anonymousId, deviceId } = await person(page)
    assert.deepEqual([anonymousId, deviceId], [before[0].anonymousId, before[0].deviceId])
  }
  const keys = await pay.evaluate(() => Object.keys(localStorage))
  assert.ok(!keys.some((key) => key.startsWith("pennon1:") && key.endsWith(":d")), "and nothing is left to come back")
})

promise("where cookies are blocked localStorage has to do, and a problem says so once", async ({ open, context, collector }) => {
  await context.addInitScript(() => {
    Object.defineProperty(Document.prototype, "cookie", {
      get() { throw new DOMException("denied", "SecurityError") },
      set() { throw new DOMException("denied", "SecurityError") },
    })
  })
  const page = await open("/open.html", on("shop", collector))
  await start(page, COOKIES)
  const before = await person(page)
  await page.reload()
  await start(page, COOKIES)
  await show(page)
  assert.deepEqual(await person(page), before)
  const problems = await page.evaluate(() => client.problems().filter(({ code }) => code !== "FLAG_INVALID"))
  assert.deepEqual(problems.map(({ code, where }) => [code, where]), [["COOKIE_REFUSED", "storage.cookieDomain"]])
  await page.evaluate(() => client.getFlag("greeting"))
  await flush(page)
  assert.ok(collector.rows().length > 0)
})

promise("where cookies and localStorage are blocked, memory has to do", async ({ open, gate, collector }) => {
  const entry = await gate()
  const page = await open("/sandbox.html")
  const frame = await eventually(() => page.frames().find((frame) => frame !== page.mainFrame()), Boolean)
  await frame.goto(`${entry.origin}/open.html`)
  const found = await frame.evaluate(async ([ruleset, endpoint]) => {
    globalThis.client = await createClient({
      ruleset, storage: { cookieDomain: "127.0.0.1" }, exposures: { endpoint, flushIntervalMs: 100 },
    })
    return [client.getFlag("greeting"), client.problems().map(({ code }) => code).filter((code) => code !== "FLAG_INVALID")]
  }, [collector.ruleset(), entry.endpoint])
  assert.deepEqual(found, ["Hello", ["COOKIE_REFUSED"]])
})

promise("cookies of others are left as they are, and hostile ones of our names are nobody's ids", async ({ open, collector }) => {
  const page = await open("/open.html", on("shop", collector))
  await page.evaluate((domain) => {
    document.cookie = "theirs=a|b; Path=/"
    document.cookie = `wide=1|x|y; Path=/; Domain=${domain}`
    document.cookie = "nameless"
  }, DOMAIN)
  const others = () => page.evaluate(() => document.cookie.split("; ").filter((cookie) => !cookie.startsWith("pennon1_")).sort())
  const before = await others()
  await start(page, COOKIES)
  await page.evaluate(() => client.reset())
  assert.deepEqual(await others(), before)
  const names = await page.evaluate(() => document.cookie.match(/pennon1_\w+/g))
  assert.equal(names.length, 2)
  for (const text of ["", "1|", "1|x|y", "null", '{"__proto__":{"x":1}}', "=;=", "%00", "1|".repeat(1500)]) {
    await page.evaluate(([names, text, domain]) => {
      for (const name of names) document.cookie = `${name}=${text}; Path=/; Domain=${domain}`
    }, [names, text, DOMAIN])
    await page.reload()
    await start(page, COOKIES)
    const { anonymousId, deviceId, session } = await person(page)
    for (const id of [anonymousId, deviceId, session]) assert.match(id, /^[0-9a-f-]{36}$/, text)
    await page.reload()
    await start(page, COOKIES)
    assert.deepEqual(await person(page), { distinctId: anonymousId, anonymousId, deviceId, session }, "and new ones are kept")
  }
  assert.deepEqual(await others(), before)
})

promise("a domain that the page is not in is refused", async ({ open, collector }) => {
  const page = await open("/open.html", on("shop", collector))
  for (const cookieDomain of ["pay.pennon.test", "nnon.test", "hop.pennon.test", "www.shop.pennon.test", "shop.example"]) {
    const code = await page.evaluate((storage) => createClient({ storage }).then(() => "", ({ code }) => code), { cookieDomain })
    assert.equal(code, "INVALID_OPTION", cookieDomain)
  }
})
