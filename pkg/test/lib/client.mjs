// A client of the built package in Node, and a network that does as it is told.

import { createClient } from "pennon"

export const RULESET = {
  schema: 1,
  version: 3,
  environment: "test",
  flags: {
    checkout: {
      version: 2,
      experiment: "one-page",
      variants: { control: false, treatment: { layout: "one-page", steps: [1, 2, { last: true }] } },
      default: "control",
      rules: [
        { id: "pros", when: { attribute: "plan", op: "eq", value: "pro" }, serve: "treatment" },
        { id: "halves", serve: [{ variant: "control", weight: 1 }, { variant: "treatment", weight: 1 }] },
      ],
    },
    greeting: { variants: { plain: "Hello", warm: "Good to see you" }, default: "plain" },
    price: { variants: { low: 9.9, zero: 0, none: null, no: false, empty: "" }, default: "low" },
    broken: { variants: { on: true }, default: "gone" },
  },
}

/** A `fetch` that remembers what was sent. `answers`: what the next requests get, then 204; a function is called. */
export function network(...answers) {
  const batches = []
  async function fetch(url, init) {
    batches.push({ url, init, ...JSON.parse(init.body) })
    const answer = answers.shift() ?? 204
    return typeof answer === "function" ? answer(init) : new Response(null, { status: answer })
  }
  return { fetch, answers, batches }
}

/**
 * A client for person-1 with the ruleset above. With `net` it sends there, of an anonymous person, who has no links, and
 * what is seen alone.
 */
export function makeClient({ net, exposures, identity, ...options } = {}) {
  return createClient({
    ruleset: RULESET,
    identity: { ...(!net && { distinctId: "person-1" }), ...identity },
    ...(net && { exposures: { endpoint: "http://collector.example/e", fetch: net.fetch, targeted: false, ...exposures } }),
    ...options,
  })
}

/** Lets everything happen that does not wait for a timer. */
export const settle = () => new Promise((resolve) => setImmediate(resolve))
