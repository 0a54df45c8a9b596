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
    await page.evaluate((key, to) => {
      setTimeout(() => {
        client.getFlag(key)
        location.replace(to)
      }, 200) // When the driver has its answer.
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

row("L4", "a link to another origin is clicked with 450 exposures pending", async (scene) => {
  const { chaos } = scene
  await chaos.script({ status: 503, repeat: 3 }, {})
  const options = { scale: 1, exposures: { flushIntervalMs: HOUR_MS } }
  const page = await scene.visit(options)
  const to = `${chaos.origin}/elsewhere.html`
  // A hundred rows are sent at once, and fail, until the next attempt is 2 s away. Meanwhile the others join them, about as
  // many as the ring's 256 KiB hold of rows like these, and the page goes.
  await page.evaluate((to) => {
    const link = document.querySelector("a")
    link.href = to
    let failures = 0
    client.on("delivery", ({ status }) => {
      if (status !== "failed" || ++failures !== 3) return
      read("plain", 100, 430)
      read("split", 0, 20)
      setTimeout(() => link.click())
    })
    read("plain", 0, 100)
  }, to)
  scene.expect("plain", 0, 430)
  scene.expect("split", 0, 20)
  await scene.eventually("the next page", page.url, (url) => url === to, 90_000)
  await scene.requestsOnce(4)
  const atExit = (await scene.requests()).slice(3)
  assert.ok(atExit.length <= 3, `${atExit.length} requests at the exit`)
  for (const { body_bytes } of atExit) assert.ok(body_bytes <= 16 * 1024, `a body of ${body_bytes} bytes, expected 15 KiB of rows`)
  const kept = (await scene.ledgerOnce("the first of the exit", ({ ids }) => atExit[0].ids.every((id) => ids[id]))).ids
  const first = atExit[0].ids.filter((id) => kept[id].flag_key.startsWith("split"))
  assert.equal(first.length, 20, "experiments in the first request, though read last")
  await scene.goto(page)
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

row("L7", "stored in the back-forward cache and restored, twice", async (scene) => {
  // Pages of the control port forbid it.
  const at = scene.chaos.origin
  // At full scale: a flight is not to be given up because its page was away.
  const page = await scene.visit({ ...AT_EXIT, scale: 1 }, { at })
  await page.evaluate(() => (globalThis.mark = "kept"))
  for (let round = 0; round < 2; round++) {
    await scene.read(page, "plain", 4 * round, 4 * round + 2)
    await page.goto(`${at}/elsewhere.html`)
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
}, { limitMs: 240_000 })

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
  await page.goto(`${at}/elsewhere.html`)
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
  await scene.begin(page, AT_EXIT)
  await scene.read(page, "plain", 0, 5)
  const before = await page.evaluate(() => client.session.id)
  const resume = await page.freeze()
  await scene.arrived() // It is told before it is frozen, or right after.
  const { length } = await scene.requests()
  await scene.sleep(2000)
  await resume()
  await page.evaluate(() => (laterMs = 3_600_000))
  assert.equal(length, 1, "flushes")
  assert.equal((await scene.requests()).length, 1, "flushes, with those after the resumption")
  await scene.read(page, "plain", 5, 8)
  assert.notEqual(await page.evaluate(() => client.session.id), before, "an hour later it is another session")
  assert.equal((await scene.flush(page)).pending, 0)
  await scene.check()
}, { cannot: { firefox: "Firefox freezes no pages.", webkit: "WebKit freezes no pages that a driver could ask it to." } })

row("L10", "hidden for 10 minutes", async (scene) => {
  const page = await scene.visit({ exposures: { flushIntervalMs: 3_600_000 } })
  await scene.read(page, "plain", 0, 10)
  assert.equal((await scene.requests()).length, 0)
  await page.hide()
  await scene.arrived()
  await scene.sleep(600_000 * SCALE)
  assert.equal((await scene.requests()).length, 1, "requests while it was hidden")
  await scene.check()
})

row("L11", "the tab is discarded and opened again", async (scene) => {
  await scene.chaos.script({ status: 503 })
  const page = await scene.visit(AT_EXIT)
  await scene.read(page, "plain", 0, 10)
  await page.hide()
  await scene.requestsOnce(1)
  await page.crash() // A discarded page ends like this: no event, and the process is gone.
  await scene.chaos.script({})
  await scene.visit()
  await scene.check()
}, { cannot: { webkit: "The driver's session ends with the process of a page." } })

row("L12", "prerendered, then activated or never", async (scene) => {
  const { chaos } = scene
  const script = (kind) => `
    await begin(${JSON.stringify(scene.options({ scale: 1 }))})
    globalThis.readAt = Date.now()
    read("${kind}", 0, 3)`
  const address = (kind) => `${chaos.origin}/open.html?run=${encodeURIComponent(script(kind))}`
  const page = await scene.open("/elsewhere.html", { at: chaos.origin })
  await page.evaluate((urls) => {
    const rules = document.createElement("script")
    rules.type = "speculationrules"
    rules.textContent = JSON.stringify({ prerender: [{ urls }] })
    document.head.append(rules)
  }, [address("plain"), address("split")])
  await scene.sleep(3000)
  assert.equal((await scene.requests()).length, 0, "requests while it was prerendered")
  const activatedMs = Date.now()
  await page.evaluate((url) => void setTimeout(() => (location.href = url)), address("plain"))
  scene.expect("plain", 0, 3)
  await scene.arrived()
  const activated = await page.successor(address("plain"))
  const activation = await activated.evaluate(() => performance.getEntriesByType("navigation")[0].activationStart)
  assert.ok(activation > 0, "the page was not prerendered, so that nothing is shown")
  const { ids } = await chaos.ledger()
  for (const { first_ms } of Object.values(ids)) assert.ok(first_ms >= activatedMs - 1000)
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
    const flushed = frame.contentWindow.client.flush()
    frame.remove()
    void flushed
  }, options)
  scene.expect("plain", 0, 10)
  await scene.begin(page)
  await scene.read(page, "split", 0, 10)
  await page.evaluate(() => {
    void client.flush()
    document.open()
    document.write("<p>Another document</p>")
    document.close()
  })
  await scene.goto(page, "/elsewhere.html")
  await scene.chaos.script({})
  await scene.visit()
  await scene.check()
})

row("L14", "hidden and visible 50 times", async (scene) => {
  await scene.chaos.script({ delayMs: 5000 }, {})
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
