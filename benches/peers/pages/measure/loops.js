// Loops around one call, long enough for a clock that ticks every 5 µs.

const SAMPLES = 7
const SAMPLE_MS = 25
const FEWEST = 2000

/**
 * A loop of its own for each function: one that is shared would know several targets, and call what a page's own loop has
 * inlined. What it counts keeps the compiler from leaving the reads out.
 */
const loops = {
  oneFlag: () => new Function("read", "keys", "count", `
    const key = keys[0]
    let length = 0
    for (let turn = 0; turn < count; turn++) length += read(key).length
    return length`),
  allFlags: () => new Function("read", "keys", "count", `
    let length = 0
    for (let turn = 0, at = 0; turn < count; turn++) {
      length += read(keys[at]).length
      at = at === keys.length - 1 ? 0 : at + 1
    }
    return length`),
  firstOfTask: () => new Function("read", "keys", "count", `return (async () => {
    const key = keys[0]
    let length = 0
    for (let turn = 0; turn < count; turn++) {
      length += read(key).length
      await undefined
    }
    return length
  })()`),
}

/** Nanoseconds of each loop for each function, in turn, of several samples. */
export async function readsOf(functions, keys, pause) {
  const found = {}
  for (const [name, make] of Object.entries(loops)) {
    found[name] = {}
    const running = []
    for (const [who, read] of Object.entries(functions)) {
      const loop = make()
      let count = FEWEST
      for (;;) {
        const tookMs = await time(loop, read, keys, count)
        if (tookMs >= SAMPLE_MS) break
        count = Math.ceil(count * Math.min(8, Math.max(1.5, (1.2 * SAMPLE_MS) / Math.max(tookMs, 0.1))))
      }
      found[name][who] = []
      running.push({ who, loop, read, count })
    }
    for (let sample = 0; sample < SAMPLES; sample++) {
      for (const { who, loop, read, count } of running) {
        await pause()
        found[name][who].push(((await time(loop, read, keys, count)) * 1e6) / count)
      }
    }
  }
  return found
}

async function time(loop, read, keys, count) {
  const beganMs = performance.now()
  const length = loop(read, keys, count)
  const summed = typeof length === "number" ? length : await length
  const tookMs = performance.now() - beganMs
  if (summed !== 3 * count) throw new Error(`measured nothing: answers of ${summed} letters, expected ${3 * count}`)
  return tookMs
}
