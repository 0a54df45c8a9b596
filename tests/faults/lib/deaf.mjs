// A port that drops SYN packets, as a network does that has gone without a word: a server that takes no connection, and whose queue of
// those to be taken is full. Linux drops what comes then. That needs no rights, and changes nothing for anybody else.

import { connect } from "node:net"
import { startProgram } from "./process.mjs"
import { sleep } from "./wait.mjs"

/** Listens, and then does nothing any more: the queue stays as it is. */
const PROGRAM = `
  const server = require("node:net").createServer()
  server.listen({ port: Number(process.argv[1]), host: "127.0.0.1", backlog: 1 }, () => {
    require("node:fs").writeSync(1, "deaf\\n")
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`
/** A connection to this machine that is not there by then is in no queue. */
const DROPPED_MS = 500
/** The queue is longer than was asked for by one or two. */
const MOST_QUEUED = 16

/** Makes that port deaf; nobody else may listen on it. Gives what ends it. */
export async function deafen(port) {
  const program = await startProgram(process.execPath, ["-e", PROGRAM, String(port)], { lines: [/^(deaf)$/] })
  const queue = []
  const isTaken = () => new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" })
    queue.push(socket)
    socket.once("connect", () => resolve(true)).on("error", reject)
    void sleep(DROPPED_MS).then(() => resolve(false))
  })
  while (await isTaken()) if (queue.length > MOST_QUEUED) throw new Error(`port ${port} takes more than ${MOST_QUEUED} connections, expected that its queue is full`)
  return async () => {
    for (const socket of queue) socket.on("error", () => {}).destroy()
    await program.kill()
  }
}
