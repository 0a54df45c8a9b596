import type { RulesetProblem } from "./wasm/pennon.js"
import type { Problem } from "./types.js"

/** The most problems that are kept. Whatever goes wrong on a page for days must not fill its memory. */
const MAX_PROBLEMS = 100

export interface Problems {
  readonly list: readonly Problem[]
  /** Adds a problem unless one with this code is listed for this place. */
  add(code: string, where: string, message: string): void
  /** Adds what is wrong with a ruleset. `source`: where the ruleset is from. */
  addOfRuleset(code: string, problem: RulesetProblem, source?: string): void
}

/** A list of problems, each once. `added` is called with each new one. */
export function createProblems(added: (problem: Problem) => void): Problems {
  const list: Problem[] = []
  function add(code: string, where: string, message: string): void {
    if (list.length >= MAX_PROBLEMS || list.some((known) => known.code === code && known.where === where)) return
    const problem = Object.freeze({ code, where, message })
    list.push(problem)
    added(problem)
  }
  return {
    list,
    add,
    addOfRuleset(code, { place, found, expected }, source = "") {
      add(code, source && place ? `${source}: ${place}` : source || place, `found ${found || "nothing"}, expected ${expected}`)
    },
  }
}
