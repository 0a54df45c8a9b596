// Pages of a browser that WebDriver drives. A session has one current window, so each command first names its own, and
// commands wait for each other.

import { PATIENCE_MS, sleep } from "./wait.mjs"

/** A function that runs what it is given one after the other. */
export function createQueue() {
  let last = Promise.resolve()
  return (work) => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }
}

/** How long a page may hold up the others with one command, in milliseconds. */
const TURN_MS = 100

/** Runs in the page: starts `work`, and tells what it gave if it ends soon, else where to ask later. */
function begin(work, args, turnMs, done) {
  const slots = (globalThis.driverSlots ??= new Map())
  const slot = slots.size
  const outcome = { pending: slot }
  slots.set(slot, outcome)
  const end = (result) => {
    delete outcome.pending
    Object.assign(outcome, result)
  }
  let ended
  try {
    ended = Promise.resolve(work(...args))
  } catch (error) {
    ended = Promise.reject(error)
  }
  const settled = ended.then((value) => end({ value: value ?? null }), (error) => end({ error: `${error}\n${error?.stack ?? ""}` }))
  void Promise.race([settled, new Promise((resolve) => setTimeout(resolve, turnMs))]).then(() => done(outcome))
}

function ask(slot, turnMs, done) {
  const outcome = globalThis.driverSlots?.get(slot)
  if (!outcome) return done({ error: "the page has gone" })
  if (outcome.pending === undefined) return done(outcome)
  setTimeout(() => done(outcome), turnMs)
}

/**
 * `driver`: selenium's. `turn`: the session's queue. `handle`: the window. `heardBy`: what the browser itself heard in a
 * window.
 */
export function drivePage({ driver, turn, handle, heardBy, crash }) {
  let isClosed = false
  const here = (work) => turn(async () => {
    await driver.switchTo().window(handle)
    return work()
  })

  async function evaluate(work, ...args) {
    let outcome = await here(() => driver.executeAsyncScript(`return (${begin})(${work}, ...arguments)`, args, TURN_MS))
    for (const deadline = Date.now() + 4 * PATIENCE_MS; outcome.pending !== undefined; ) {
      if (Date.now() > deadline) throw new Error("the page did not end what it was given")
      await sleep(TURN_MS / 2)
      const slot = outcome.pending
      outcome = await here(() => driver.executeAsyncScript(ask, slot, TURN_MS))
    }
    if (outcome.error !== undefined) throw new Error(outcome.error)
    return outcome.value
  }

  return {
    async heard() {
      const own = isClosed ? [] : await evaluate(() => JSON.parse(globalThis.sessionStorage?.getItem("ear") ?? "[]")).catch(() => [])
      return [...heardBy(handle), ...own]
    },
    goto: (url) => here(() => driver.get(url)),
    evaluate,
    url: () => here(() => driver.getCurrentUrl()),
    reload: () => here(() => driver.navigate().refresh()),
    back: () => here(() => driver.executeScript(() => void setTimeout(() => history.back()))),
    async close() {
      isClosed = true
      await here(() => driver.close())
    },
    crash: () => crash(handle),
    /** Another tab comes to the front only by hand; a window that is minimized is hidden all the same. */
    async hide() {
      const minimize = () => here(() => driver.manage().window().minimize())
      await minimize()
      return {
        show: () => here(() => driver.manage().window().setRect({ x: 0, y: 0, width: 800, height: 600 })),
        uncover: minimize,
        close: async () => {},
      }
    },
    show: () => here(() => {}),
  }
}

/** Part of a session: its pages are closed together. Storage is kept apart by each row's own origin. */
export function openWorld({ driver, turn, base, heardBy, crash }) {
  const pages = []
  return {
    async page({ inTab = false } = {}) {
      const handle = await turn(async () => {
        await driver.switchTo().window(base)
        await driver.switchTo().newWindow(inTab ? "tab" : "window")
        return driver.getWindowHandle()
      })
      const page = drivePage({ driver, turn, handle, heardBy, crash })
      pages.push(page)
      return page
    },
    close: () => Promise.all(pages.map((page) => page.close().catch(() => {}))),
  }
}
