// L: what becomes of pages.

import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { row } from "../lib/registry.mjs"
import { temporaryFolder } from "../lib/process.mjs"
import { SCALE } from "../lib/scene.mjs"
import { openAlone } from "../lib/webkit.mjs"

const HOUR_MS = 3_600_000
/** Nothing is sent but when the page goes, or is asked to. */
const AT_EXIT = { exposures: { flushIntervalMs: HOUR_MS } }

row("L1", "reload during a flush", async (scene) => {
  const page = await scene.visit()
  for (let round = 0; round < 4; round++) {
    const { length } = await scene.requests()
    await scene.chaos.script({ delayMs: [0, 20, 80, 200][round] }, {})
    await scene.read(page, "plain", 10 * round, 10 * round + 10)
    await scene.requestsOnce(length + 1)
    await page.reload()
    await scene.ready(page)
    await scene.begin(page)
  }
  await scene.check()
})

row("L2", "location.replace in the task of the exposure", async (scene) => {
  const page = await scene.open()
  for (let visit = 0; visit < 6; visit++) {
    if (visit > 0) await scene.goto(page)
    await scene.begin(page, AT_EXIT)
    const to = `${[scene.chaos.shop, scene.chaos.origin][visit % 2]}/elsewhere.html`
    await scene.afterwards(page, (key, to) => {
      client.getFlag(key)
      location.replace(to)
    }, `split${visit}`, to)
    scene.expect("split", visit, visit + 1)
    await scene.eventually("the next page", page.url, (url) => url === to)
    // Before the next visit, which would send what this one left.
    await scene.arrived()
  }
  await scene.check()
})

row("L3", "tab closed at once after the exposure", async (scene) => {
  const first = await scene.visit(AT_EXIT)
  await scene.read(first, "plain", 0, 3)
  await first.close()
  const second = await scene.visit(AT_EXIT)
  await scene.chaos.down()
  await scene.read(second, "plain", 3, 6)
  await second.close()
  await scene.chaos.up()
  await scene.visit()
  await scene.check()
})

/** Flags with the shortest rows there can be: `p0`… and, with an experiment, `s0`…. */
function shortRuleset() {
  const serve = ["o", "p"].map((variant) => ({ variant, weight: 1 }))
  const flags = {}
  for (let place = 0; place < SHORT_ROWS; place++) {
    flags[`p${place}`] = { variants: { o: 1 }, default: "o" }
    flags[`s${place}`] = { variants: { o: 1, p: 2 }, default: "o", experiment: "e", rules: [{ id: "r", serve }] }
  }
  return { schema: 1, version: 1, flags }
}

/** About as many of the shortest rows as a ring holds: an id alone has 36 bytes, and a row has four. */
const SHORT_ROWS = 500
const SHORT_SPLITS = 20

row("L4", `a link to another origin is clicked with ${SHORT_ROWS} exposures pending`, async (scene) => {
  const { chaos } = scene
  await chaos.script({ status: 503, repeat: 3 }, {})
  const options = { scale: 1, identity: { distinctId: "p" }, ruleset: shortRuleset(), exposures: { flushIntervalMs: HOUR_MS } }
  const page = await scene.visit(options)
  const to = `${chaos.origin}/elsewhere.html`
  // A hundred rows are sent at once, and fail, until the next attempt is 2 s away. Meanwhile the others join them, and the page goes.
  await scene.afterwards(page, (to, plain, splits) => {
    const link = document.querySelector("a")
    link.href = to
    let failures = 0
    client.on("delivery", ({ status }) => {
      if (status !== "failed" || ++failures !== 3) return
      read("p", 100, plain)
      read("s", 0, splits)
      setTimeout(() => {
        const { pending, persistFailed } = client.stats()
        sessionStorage.setItem("waited", JSON.stringify({ pending, persistFailed }))
        link.click()
      })
    })
    read("p", 0, 100)
  }, to, SHORT_ROWS - SHORT_SPLITS, SHORT_SPLITS)
  scene.expect("p", 0, SHORT_ROWS - SHORT_SPLITS)
  scene.expect("s", 0, SHORT_SPLITS)
  await scene.eventually("the next page", page.url, (url) => url === to, 90_000)
  // Those of the exit go at once, over several connections: they may come in another order.
  const isFirst = ({ batch_id }) => batch_id.endsWith(".4")
  const { ids: firstIds } = (await scene.eventually("the first of the exit", scene.requests, (all) => all.some(isFirst))).find(isFirst)
  const kept = (await scene.ledgerOnce("its rows", ({ ids }) => firstIds.every((id) => ids[id]))).ids
  const first = firstIds.filter((id) => kept[id].flag_key.startsWith("s"))
  assert.equal(first.length, SHORT_SPLITS, "experiments in the first request, though read last")
  await scene.goto(page)
  const atExit = (await scene.requests()).slice(3)
  assert.ok(atExit.length <= 3, `${atExit.length} requests at the exit`)
  for (const { body_bytes } of atExit) assert.ok(body_bytes <= 16 * 1024, `a body of ${body_bytes} bytes, expected 15 KiB of rows`)
  const waited = JSON.parse(await page.evaluate(() => sessionStorage.getItem("waited")))
  // One row says that the device's id and the person are one.
  assert.deepEqual(waited, { pending: SHORT_ROWS + 1, persistFailed: 0 })
  await scene.begin(page, options)
  await scene.check()
})

row("L5", "the renderer crashes right after getFlag", async (scene) => {
  if (scene.name === "webkit") return crashAlone(scene)
  await scene.chaos.script({ status: 503 })
  const page = await scene.visit()
  await scene.read(page, "split", 0, 5)
  await page.crash()
  await scene.chaos.script({})
  await scene.visit()
  await scene.check()
}, { ownSite: true })

/** The address of a page that begins a client by itself and then runs `script`. */
const byItself = (scene, script) =>
  `${scene.chaos.shop}/open.html?run=${encodeURIComponent(`await begin(${JSON.stringify(scene.options())}); ${script}`)}`

/** As L5, where pages have to run by themselves: one tab records, and another begins when it is told to. */
async function crashAlone(scene) {
  await scene.chaos.script({ status: 503 })
  scene.expect("split", 0, 5)
  const next = `${scene.chaos.shop}/open.html?run=${encodeURIComponent(`
    while (!(await fetch("/go.txt")).ok) await new Promise((resolve) => setTimeout(resolve, 100))
    await begin(${JSON.stringify(scene.options())})`)}`
  const browser = scene.use(await openAlone({ profile: temporaryFolder(), urls: [next, byItself(scene, 'read("split", 0, 5)')] }))
  await scene.ledgerOnce("the rows, refused", ({ not_kept }) => Object.keys(not_kept).length === 5)
  await browser.crashLast()
  const { length } = await scene.requests()
  await scene.sleep(180_000 * SCALE)
  assert.equal((await scene.requests()).length, length, "requests of the tab that was to crash")
  await scene.chaos.script({})
  writeFileSync(join(scene.site, "go.txt"), "go")
  await scene.check()
}

/** Leaves for a page of the same origin so that the browser stores the one that is left. */
const leaveStored = (page, at) =>
  // Firefox decides it when the next page's answer begins, by what it has heard of the requests under way until then. An answer
  // from the same machine comes so early that it may count the navigation itself among them.
  page.goto(`${at}/elsewhere.html?delay_ms=500`)

row("L7", "stored in the back-forward cache and restored, twice", async (scene) => {
  // Pages of the control port forbid it.
  const at = scene.chaos.origin
  // At full scale: a flight is not to be given up because its page was away.
  const page = await scene.visit({ ...AT_EXIT, scale: 1 }, { at })
  await page.evaluate(() => (globalThis.mark = "kept"))
  for (let round = 0; round < 2; round++) {
    await scene.read(page, "plain", 4 * round, 4 * round + 2)
    await leaveStored(page, at)
    await scene.arrived()
    await page.back()
    await scene.eventually("the page, back", () => page.evaluate(() => globalThis.mark).catch(() => undefined), (mark) => mark === "kept")
    // Read before: known. Then new ones, which a timer sends.
    assert.equal(await page.evaluate(() => read("plain", 0, 2)), 2)
    await scene.read(page, "plain", 4 * round + 2, 4 * round + 4)
    await scene.flush(page)
    await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  }
  const { duplicates } = await scene.arrived()
  // Firefox keeps from a stored page what was answered meanwhile: what went with the exit goes once more.
  const most = scene.name === "firefox" ? 4 : 0
  assert.ok(duplicates <= most, `${duplicates} rows were sent twice, expected at most ${most}`)
  await scene.check()
})

row("L6", "SIGKILL of the whole browser, online and offline", async (scene) => {
  if (scene.name === "webkit") return killAlone(scene)
  const profile = temporaryFolder()
  const open = async () => {
    const browser = await scene.launch({ profile })
    const world = await scene.worldOf(browser, { isPersistent: true })
    return { browser, page: await scene.visit({}, { from: world }) }
  }
  const { browser, page } = await open()
  await scene.read(page, "plain", 0, 10)
  // Online: sent within the interval, so that all that is older has arrived.
  await scene.arrived()
  await scene.chaos.down()
  await scene.read(page, "plain", 10, 20)
  // Offline: Chromium writes to disk within 5 s at first, and then at most 60 times an hour.
  await scene.sleep(75_000)
  await browser.kill()
  await scene.chaos.up()
  await open()
  await scene.check()
})

/** As L6, where pages have to run by themselves. */
async function killAlone(scene) {
  const profile = temporaryFolder()
  const open = async (script) => scene.use(await openAlone({ profile, urls: [byItself(scene, script)] }))
  scene.expect("plain", 0, 10)
  const online = await open('read("plain", 0, 10)')
  await scene.arrived()
  await online.kill()
  await scene.chaos.script({ status: 503 })
  scene.expect("plain", 10, 20)
  const offline = await open('read("plain", 10, 20)')
  await scene.ledgerOnce("the rows, refused", ({ not_kept }) => Object.keys(not_kept).length === 10)
  await scene.sleep(75_000)
  await offline.kill()
  await scene.chaos.script({})
  await open("")
  await scene.check()
}

row("L8", "restored after another tab adopted its outbox", async (scene) => {
  const at = scene.chaos.origin
  await scene.chaos.script({ status: 503 })
  const page = await scene.visit(AT_EXIT, { at })
  await page.evaluate(() => (globalThis.mark = "kept"))
  await scene.read(page, "plain", 0, 20)
  await leaveStored(page, at)
  await scene.requestsOnce(1)
  await scene.chaos.script({})
  await scene.visit({}, { at })
  await scene.arrived()
  await page.back()
  await scene.eventually("the page, back", () => page.evaluate(() => globalThis.mark).catch(() => undefined), (mark) => mark === "kept")
  await scene.read(page, "plain", 20, 22)
  await scene.flush(page)
  await scene.statsOnce(page, "all delivered", ({ pending }) => pending === 0)
  await scene.check()
})

row("L9", "frozen for an hour and resumed", async (scene) => {
  const page = await scene.prepared(() => {
    const now = Date.now.bind(Date)
    globalThis.laterMs = 0
    Date.now = () => now() + laterMs
  })
  // What goes with the freeze is refused, so that something is left to be sent afterwards.
  await scene.chaos.script({ status: 503 }, {})
  await scene.begin(page, AT_EXIT)
  await scene.read(page, "plain", 0, 5)
  const before = await page.evaluate(() => client.session.id)
  const resume = await page.freeze()
  await scene.requestsOnce(1)
  await scene.sleep(HOUR_MS * SCALE)
  assert.equal((await scene.requests()).length, 1, "requests until the resumption")
  // A session ends after so long, whatever the scale.
  await page.evaluate((ms) => (laterMs = ms), HOUR_MS * (1 - SCALE))
  await resume()
  await scene.statsOnce(page, "all delivered", ({ pending, sending }) => pending === 0 && sending === 0)
  assert.equal((await scene.requests()).length - (await scene.failures(page)), 1, "flushes after the resumption")
  await scene.read(page, "plain", 5, 8)
  assert.notEqual(await page.evaluate(() => client.session.id), before, "an hour later it is another session")
  assert.equal((await scene.flush(page)).pending, 0)
  await scene.check()
}, { cannot: { firefox: "Firefox freezes no pages.", webkit: "WebKit freezes no pages that a driver could ask it to." } })

row("L10", "hidden for 10 minutes", async (scene) => {
  const minuteMs = 60_000 * SCALE
  const waiting = await scene.visit(AT_EXIT)
  await scene.read(waiting, "plain", 0, 10)
  assert.equal((await scene.requests()).length, 0)
  await waiting.hide()
  await scene.arrived()
  assert.equal((await scene.requests()).length - (await scene.failures(waiting)), 1, "flushes when it was hidden")
  const { length } = await scene.requests()
  // Another one records on, once a minute, which is how often a browser lets it.
  const busy = await scene.visit()
  await busy.hide()
  const read = await busy.evaluate(async (minuteMs) => {
    const endsMs = Date.now() + 10 * minuteMs
    let place = 0
    while (Date.now() < endsMs) {
      client.getFlag(`split${place++}`)
      await new Promise((resolve) => setTimeout(resolve, minuteMs))
    }
    return place
  }, minuteMs)
  scene.expect("split", 0, read)
  await scene.arrived()
  const requests = (await scene.requests()).length - length - (await scene.failures(busy))
  assert.ok(requests >= 1 && requests <= read, `${requests} requests in ${read} minutes`)
  assert.equal(await scene.sendings(waiting), length, "requests of the one that records nothing more")
  await scene.check()
})

row("L11", "the tab is discarded and opened again", async (scene) => {
  const { chaos } = scene
  await chaos.script({ status: 503 })
  // A tab that is watched is not discarded: it runs by itself, and when it is there again it only begins.
  const address = byItself(scene, `
    if (sessionStorage.getItem("recorded")) return
    sessionStorage.setItem("recorded", "yes")
    read("plain", 0, 10)`)
  const tab = scene.use(await (await import(`../lib/${scene.name}.mjs`)).openDiscardable(address))
  const [{ instance_id: before }] = await scene.requestsOnce(1)
  await tab.discard()
  // By then a page that lives would have tried again, and what was under way has come.
  await scene.sleep(180_000 * SCALE)
  await chaos.script({})
  scene.expect("plain", 0, 10)
  await tab.reopen()
  const { requests } = await scene.arrived()
  const senders = requests.filter(({ kept }) => kept).map(({ instance_id }) => instance_id)
  assert.ok(!senders.includes(before), "the page that was discarded has sent them, so that nothing is shown")
  await scene.check()
}, { cannot: { webkit: "WebKit discards no tab that it shows again." } })

row("L12", "prerendered, then activated or never", async (scene) => {
  const { chaos } = scene
  // Who drives the browser does not see a page before it is activated: it leaves word.
  const script = (kind) => `
    globalThis.told = []
    await begin(${JSON.stringify(scene.options({ scale: 1 }))})
    client.on("exposure", ({ flag_key, ts_ms, session_id }) => told.push({ flag_key, ts_ms, session_id }))
    globalThis.sessionRead = client.session.id
    read("${kind}", 0, 3)
    const word = () => localStorage.setItem("word-${kind}", [document.prerendering, client.stats().recorded, told.length].join())
    document.addEventListener("prerenderingchange", word)
    setTimeout(word, 500)`
  const address = (kind) => `${chaos.origin}/open.html?run=${encodeURIComponent(script(kind))}`
  const page = await scene.open("/open.html", { at: chaos.origin })
  await page.evaluate((urls) => {
    const rules = document.createElement("script")
    rules.type = "speculationrules"
    rules.textContent = JSON.stringify({ prerender: [{ urls }] })
    document.head.append(rules)
  }, [address("plain"), address("split")])
  for (const kind of ["plain", "split"]) {
    const word = await scene.eventually("the page that is prerendered", () => page.evaluate((kind) => localStorage.getItem(`word-${kind}`), kind))
    assert.equal(word, "true,0,0", "prerendered, recorded and told of in it")
  }
  assert.equal((await scene.requests()).length, 0, "requests while it was prerendered")
  // Meanwhile the visit goes on, and becomes another session.
  await scene.begin(page, { scale: 1 })
  await page.evaluate(() => client.session.renew())
  const session = await page.evaluate(() => client.session.id)
  await scene.sleep(1000)
  await scene.afterwards(page, (url) => void (location.href = url), address("plain"))
  scene.expect("plain", 0, 3)
  await scene.arrived()
  const activated = await page.successor(address("plain"))
  const { activation, origin, told, read } = await activated.evaluate(() => ({
    activation: performance.getEntriesByType("navigation")[0].activationStart, origin: performance.timeOrigin, told, read: sessionRead,
  }))
  assert.ok(activation > 0, "the page was not prerendered, so that nothing is shown")
  assert.notEqual(read, session, "the session has not changed meanwhile, so that nothing is shown")
  assert.deepEqual(told.map(({ flag_key, session_id }) => [flag_key, session_id]), [0, 1, 2].map((place) => [`plain${place}`, session]))
  // Two clocks of a browser agree to within some milliseconds.
  for (const { ts_ms } of told) assert.ok(ts_ms >= origin + activation - 100, `recorded ${origin + activation - ts_ms} ms before it was activated`)
  assert.equal(await activated.evaluate(() => localStorage.getItem("word-split")), "true,0,0", "recorded of the page that nobody has seen")
  await scene.check()
}, { cannot: { firefox: "Firefox does not prerender.", webkit: "WebKit does not prerender." } })

row("L13", "an iframe is removed during a flush; document.open", async (scene) => {
  await scene.chaos.script({ status: 503 })
  const page = await scene.open()
  const options = scene.options()
  await page.evaluate(async (options) => {
    const frame = document.createElement("iframe")
    frame.src = "/open.html"
    document.body.append(frame)
    await new Promise((resolve) => (frame.onload = resolve))
    while (!frame.contentWindow.pageIsReady) await new Promise((resolve) => setTimeout(resolve, 20))
    await frame.contentWindow.begin(options)
    frame.contentWindow.read("plain", 0, 10)
    // The removed frame's client is held on to, and called.
    globalThis.orphan = frame.contentWindow.client
    globalThis.flushed = orphan.flush()
    frame.remove()
    orphan.getFlag("plain0", "fallback")
    void orphan.flush()
  }, options)
  scene.expect("plain", 0, 10)
  // The page that it was in reads what it has left.
  await scene.begin(page)
  await scene.chaos.script({})
  await scene.arrived()
  await scene.statsOnce(page, "the frame's rows, taken over", ({ adopted }) => adopted === 10)
  await scene.chaos.script({ status: 503 })
  await scene.read(page, "split", 0, 10)
  await page.evaluate(() => {
    void client.flush()
    document.open()
    document.write("<p>Another document</p>")
    document.close()
    if (client.getFlag("split0", "fallback") === "fallback") throw new Error("found no answer, expected the flag's")
    void client.flush()
  })
  // Nothing tells the client any more that the page goes: another tab finds its rows.
  const sibling = await scene.visit()
  await scene.goto(page, "/elsewhere.html")
  await scene.chaos.script({})
  await scene.arrived()
  await scene.statsOnce(sibling, "all delivered", ({ pending }) => pending === 0)
  await scene.check()
})

row("L14", "hidden and visible 50 times", async (scene) => {
  await scene.chaos.script({ delayMs: 2000 }, {})
  const page = await scene.visit({ scale: 1, exposures: { flushIntervalMs: HOUR_MS } })
  await scene.read(page, "plain", 0, 5)
  const cover = await page.hide()
  for (let time = 0; time < 50; time++) {
    await cover.show()
    if (time === 25) await scene.read(page, "plain", 5, 10)
    await cover.uncover()
  }
  const { length } = await scene.requests()
  assert.ok(length >= 1 && length <= 2, `${length} requests, expected 1 or 2`)
  await cover.show()
  await scene.check()
})

row("L15", "a sandboxed frame, an opaque origin, about:srcdoc", async (scene) => {
  const page = await scene.open("/elsewhere.html")
  const { shop } = scene.chaos
  const options = scene.options({ ruleset: { url: `${shop}/ruleset.json`, refreshMs: 0 } })
  const said = await page.evaluate(async (shop, options) => {
    const frame = document.createElement("iframe")
    frame.sandbox = "allow-scripts"
    frame.srcdoc = `<!doctype html><link rel="icon" href="data:,"><script src="${shop}/ear.js"></script>
      <script type="importmap">{ "imports": { "pennon": "${shop}/testing/testing.js" } }</script>
      <script type="module">
        await import("${shop}/page.js")
        await begin(${JSON.stringify(options)})
        const answered = read("split", 0, 5)
        await client.flush()
        parent.postMessage({ answered, origin, noted: ear.noted, pending: client.stats().pending }, "*")
      </script>`
    const said = new Promise((resolve) => addEventListener("message", ({ data }) => resolve(data), { once: true }))
    document.body.append(frame)
    return said
  }, shop, options)
  assert.deepEqual(said, { answered: 5, origin: "null", noted: [], pending: 0 })
  scene.expect("split", 0, 5)
  await scene.check()
})
