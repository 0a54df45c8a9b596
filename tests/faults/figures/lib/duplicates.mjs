// Why rows came more than once to a server that had kept them: what became of the request that brought them the time before.

/**
 * `unacknowledged`: the server kept the row, and nobody could read that it had. `page gone`: it said so, and the page that had asked
 * was gone before it could hear it, or may have been: another sent the row. `recorded anew`: somebody saw the same once more before
 * the first row was acknowledged, so that there are two. `otherwise`: the page that sends it again was told that the server has it.
 */
export const CAUSES = ["unacknowledged", "page gone", "recorded anew", "otherwise"]

/**
 * How often each was the cause. `requests`: those of the server's ledger. `scripts`: the steps it was given, and when. `onOtherwise`:
 * told of the id and of both requests where none explains it.
 */
export function causesOfDuplicates(requests, scripts = [], onOtherwise = () => {}) {
  const count = Object.fromEntries(CAUSES.map((cause) => [cause, 0]))
  const known = new Set()
  /** By copy: an id may come of two who have seen the same, each of whom sends its own again. */
  const before = new Map()
  for (const request of requests.filter(({ kept }) => kept)) {
    for (const [place, id] of request.ids.entries()) {
      const copy = `${id} ${request.copies[place]}`
      const last = before.get(copy)
      if (known.has(id)) {
        const cause = last ? causeOf(last, request, scripts) : "recorded anew"
        count[cause]++
        if (cause === "otherwise") onOtherwise(id, last, request)
      }
      known.add(id)
      before.set(copy, request)
    }
  }
  return count
}

function causeOf(last, request, scripts) {
  if (!isAcknowledged(last, scripts)) return "unacknowledged"
  if (last.instance_id !== request.instance_id) return "page gone"
  // Who sends it again before the answer has given it up; so may have who has given up a request since.
  return request.at_ms < last.answered_ms || request.unreachable > last.unreachable ? "unacknowledged" : "otherwise"
}

/** Whether the page, if it is there, takes the answer for an acknowledgement. */
function isAcknowledged({ outcome, status, at_ms, step }, scripts) {
  const script = scripts.findLast(({ atMs }) => atMs <= at_ms)?.steps ?? []
  const { cors, body } = script[step] ?? {}
  return outcome === "answered" && [200, 201, 202, 204].includes(status) && cors !== false && body === undefined
}
