// The fault rows of docs/delivery.md, each with one test.

/** Every row, by its id, in the order in which they are run. */
export const rows = new Map()

/**
 * A row that is run in browsers. `body` takes a scene. `cannot`: browser → why it cannot show this row, as the table in
 * docs/delivery.md says too. `alone`: it needs the machine's attention, so that nothing else runs beside it.
 * `ownSite`: it changes the files that pages are served from. `once`: it need not run but in Chromium. `tests`: these
 * hold a part of it, and have to pass too.
 */
export function row(id, fault, body, { cannot = {}, limitMs = 300_000, alone = false, ownSite = false, once = false, tests } = {}) {
  add({ id, fault, body, cannot, limitMs, alone, ownSite, once, tests })
}

/** A row that needs no browser: tests of the engine or in Node hold it. `tests`: from `cargo` and `node`. */
export function held(id, fault, ...tests) {
  add({ id, fault, tests })
}

/** A test of a Rust package, by its whole name. `target`: such as `--test engine` or `--lib`. */
export const cargo = (target, name, pkg = "pennon") => ({ kind: "cargo", pkg, target, name })

/** A test in a file of `node --test`, by its whole name, or by a pattern that its name has to match. */
export const node = (file, name) => ({ kind: "node", file, name })

function add(entry) {
  if (rows.has(entry.id)) throw new Error(`row ${entry.id} is there twice`)
  rows.set(entry.id, entry)
}

/** The rows that CI runs on every browser; all the others on Chromium alone. */
export const EVERYWHERE = [
  "L1", "L2", "L3", "L4", "L5", "L7", "N1", "N7", "N14", "N18", "N24", "S1", "S2", "S3", "S4", "S5", "C1", "C2", "C4", "W1", "W2",
]
