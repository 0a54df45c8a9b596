// The smallest app: it fetches the flags, and reads one.

import * as sdk from "virtual:sdk"
import { personOf } from "../../sdks/parts.mjs"

const name = location.pathname.split("/")[2]
const [url, sink] = [`/flags/${name}`, `${location.origin}/sink/${name}`]
const client = sdk.load
  ? await sdk.load(url, personOf(), sink)
  : await sdk.create(await (await fetch(url)).text(), personOf(), sink)
globalThis.first = { value: client.read("feature-0-0"), atMs: performance.now() }
console.info("done")
