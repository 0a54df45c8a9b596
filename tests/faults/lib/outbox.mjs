// What outboxes hold, read and changed from outside: `q:<instance>` is a lease, `q:<instance>:<n>` a segment of lines.

/** As the lines of an outbox are checked: FNV-1a over UTF-16 units. */
function hashOf(text) {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash >>> 0).toString(36)
}

const SEGMENT = /^pennon\d:[^:]+:q:[^:]+:\d+$/
const LEASE = /^pennon\d:[^:]+:q:[^:]+$/

export const sealed = (line) => `${hashOf(line)}|${line}`

/** All that storage has of ours on this page's origin: key → text. */
export const ours = (page) => page.evaluate(() => Object.fromEntries(Object.entries(localStorage).filter(([key]) => /^pennon\d:/.test(key))))

const some = async (page, pattern) => Object.fromEntries(Object.entries(await ours(page)).filter(([key]) => pattern.test(key)))

export const segments = (page) => some(page, SEGMENT)
export const leases = (page) => some(page, LEASE)

/** The lines of all segments. */
export const linesOf = async (page) => Object.values(await segments(page)).flatMap((text) => text.split("\n").filter(Boolean))

export const put = (page, entries) => page.evaluate((entries) => Object.entries(entries).forEach(([key, text]) => localStorage.setItem(key, text)), entries)

/** Changes rows as somebody would who knows how they are checked. `change`: a row's JSON, and its flag's key → the new JSON. */
export async function tamper(page, change) {
  const changed = {}
  for (const [key, text] of Object.entries(await segments(page))) {
    changed[key] = text.split("\n").map((sealedLine) => {
      const line = sealedLine.slice(sealedLine.indexOf("|") + 1)
      return sealed(line[0] + change(line.slice(1), JSON.parse(line.slice(1)).flag_key))
    }).join("\n")
  }
  await put(page, changed)
}

/**
 * Leaves flags `from` to before `to` in the storage of the shop's origin, none of which has reached a server, and gives the
 * page, which has gone on to one without a client. `prepare`: changes the page before the package is imported.
 */
export async function leaveUnsent(scene, kind, from, to, { options, prepare } = {}) {
  await scene.chaos.down()
  const page = prepare ? await scene.prepared(prepare) : await scene.open()
  await scene.begin(page, options)
  await scene.read(page, kind, from, to)
  await scene.statsOnce(page, "a failure", ({ pending, sending }) => pending === to - from && sending === 0)
  await scene.goto(page, "/elsewhere.html")
  await scene.chaos.up()
  return page
}
