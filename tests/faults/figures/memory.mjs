// G6: whether the module's memory grows with use.

import { watchMemories } from "../lib/memories.mjs"
import { withScene } from "./lib/one-scene.mjs"
import { table } from "./lib/table.mjs"

export const title = "The module's memory after much use (G6)"
export const target = "as many bytes as when it was warm; the ring 256 KiB at most"
export const options = { evaluations: { type: "string", default: "1000000" }, exposures: { type: "string", default: "100000" } }

const FLAGS = 700
/** Of what one round records. */
const EACH = 400

export async function measure({ driver, site, chosen }) {
  const rounds = Math.ceil(Number(chosen.exposures) / EACH)
  const epochs = Math.ceil(Number(chosen.evaluations) / (2 * FLAGS))
  return withScene({ driver, site }, async (scene) => {
    const page = await scene.prepared(watchMemories)
    await scene.begin(page, { identity: { distinctId: "p" } })
    const bytes = () => page.evaluate(() => memories.map(({ buffer }) => buffer.byteLength).join())
    const row = table("", "evaluations", "exposures", "memory")
    let recorded = 0
    let evaluated = 0
    const tell = async (when) => {
      const found = await bytes()
      row(when, evaluated, recorded, `${found} bytes`)
      return found
    }

    await tell("after the start")
    await use(1, 1)
    // All that the memory can be asked to hold at once: a full ring, and as many acknowledged ids as are kept.
    await scene.chaos.down()
    const ring = await page.evaluate(async (flags) => {
      let bytes = 0
      const stop = client.on("exposure", (row) => (bytes += new TextEncoder().encode(JSON.stringify(row)).length))
      client.session.renew()
      read("split", 0, flags)
      await new Promise((resolve) => setTimeout(resolve))
      stop()
      return { pending: client.stats().pending, bytes }
    }, FLAGS)
    await scene.chaos.up()
    await page.evaluate(() => new Promise((resolve) => {
      const look = () => (client.stats().pending === 0 ? resolve() : void client.flush().then(() => setTimeout(look, 50)))
      look()
    }))
    recorded += ring.pending
    await use(10, Math.ceil(10 * epochs / rounds))
    const warm = await tell("warm")
    await use(rounds, epochs)
    const end = await tell("at the end")
    console.log(`\nfull ring: ${ring.pending} rows, ${ring.bytes} bytes`)

    async function use(rounds, epochs) {
      for (let round = 0, epoch = 0; round < rounds; round++) {
        const until = Math.ceil((epochs * (round + 1)) / rounds)
        evaluated += 2 * FLAGS * (until - epoch)
        await page.evaluate(async (epoch, until, flags, each) => {
          for (; epoch < until; epoch++) {
            client.setAttributes({ turn: epoch })
            for (let place = 0; place < flags; place++) {
              client.peek(`split${place}`)
              client.peek(`plain${place}`)
            }
          }
          client.session.renew()
          const answered = read("split", 0, each)
          if (answered !== each) throw new Error(`${answered} flags answered`)
          while (client.stats().pending > 0) await client.flush()
        }, epoch, until, FLAGS, EACH)
        epoch = until
        recorded += EACH
      }
    }

    const { recorded: told } = await scene.stats(page)
    const missed = []
    if (end !== warm) missed.push(`memory: ${end} bytes at the end, ${warm} when warm`)
    if (ring.bytes > 256 * 1024) missed.push(`ring: ${ring.bytes} bytes`)
    // And the link of the person, who was nobody before.
    if (told !== recorded + 1) missed.push(`recorded: ${told}, expected ${recorded + 1}`)
    return missed
  })
}
