// Whether the SDK does what is measured.

import * as sdk from "virtual:sdk"
import { DEFAULT, keysOf, personOf, SPLIT } from "../../sdks/parts.mjs"

/** A measurement whose result is wrong measured something else. */
export function check(holds, what) {
  if (!holds) throw new Error(`${sdk.about.name} measured nothing: ${what}`)
}

/** A share of a half, as near as five standard deviations of that many throws: one in a million coins would fail. */
function checkHalves(values, what) {
  const [ones, twos] = SPLIT.map((variant) => values.filter((value) => value === variant).length)
  check(ones + twos === values.length, `${what}: ${values.length - ones - twos} of ${values.length} got no variant`)
  const allowed = (5 * Math.sqrt(values.length)) / 2
  check(Math.abs(ones - values.length / 2) <= allowed, `${what}: ${ones} of ${values.length} got "${SPLIT[0]}"`)
}

const PEOPLE = 1000
const FLAGS = 100

/** Throws unless people are halved by a flag, flags by a person, and each condition decides. Gives how the people were split. */
export async function checkDecisions(sink) {
  const keys = keysOf(FLAGS)
  const client = await sdk.create(sdk.write(keys), personOf(), sink)
  checkHalves(keys.map((key) => client.read(key)), `${FLAGS} flags`)
  if (!sdk.about.decides) {
    await client.close()
    return undefined
  }
  const values = []
  for (let number = 0; number < PEOPLE; number++) {
    await client.identify(personOf(number))
    values.push(client.read(keys[7]))
  }
  checkHalves(values, `${PEOPLE} people`)
  for (const change of [{ plan: "free" }, { country: "DE" }, { plan: "free", country: "DE" }]) {
    await client.identify({ ...personOf(), ...change })
    for (const key of keys) check(client.read(key) === DEFAULT, `${JSON.stringify(change)}: ${key} answered ${client.read(key)}`)
  }
  await client.close()
  return SPLIT.map((variant) => values.filter((value) => value === variant).length)
}
