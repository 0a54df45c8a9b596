import { hostFetch } from "./natives.js"

/**
 * The text at a URL. Rejects, with a message that says what was found and what was expected, when there is none.
 */
export async function fetchRuleset(
  url: string,
  headers: Readonly<Record<string, string>> | undefined,
  signal: AbortSignal,
): Promise<string> {
  if (!hostFetch) throw new Error("found no fetch, expected one to load the ruleset with")
  let response: Response
  try {
    response = await hostFetch(url, headers ? { headers, signal } : { signal })
  } catch {
    throw new Error("found no answer, expected a ruleset")
  }
  if (!response.ok) {
    response.body?.cancel().catch(() => undefined)
    throw new Error(`found status ${response.status}, expected 200 with a ruleset`)
  }
  return response.text()
}
