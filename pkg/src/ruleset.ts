import { hostFetch, whenOver } from "./natives.js"

/** The longest ruleset that is read, in bytes. The engine refuses longer ones too. */
const MAX_BYTES = 8 * 1024 * 1024

/** A ruleset as it came. */
export interface RulesetText {
  readonly text: string
  /** Its ETag; null where it may not be asked with, or there is none. */
  readonly tag: string | null
}

/**
 * The ruleset at a URL; undefined when it is still `known`. Rejects, with a message that says what was found and what was
 * expected, when there is none.
 *
 * Only the page's own origin is asked with If-None-Match: of another origin the header would cost a preflight. There the
 * browser asks with what its HTTP cache knows, and `known` may come again.
 */
export async function fetchRuleset(
  url: string,
  headers: Readonly<Record<string, string>> | undefined,
  known: RulesetText | undefined,
  signal: AbortSignal,
): Promise<RulesetText | undefined> {
  if (!hostFetch) throw new Error("found no fetch, expected one to load the ruleset with")
  const tag = known?.tag
  let response: Response
  try {
    response = await hostFetch(url, {
      headers: tag ? { ...headers, "if-none-match": tag } : { ...headers },
      // The first answer may come from the HTTP cache, as long as the server allows it.
      cache: known && !tag ? "no-cache" : "default",
      signal,
    })
  } catch {
    throw new Error("found no answer, expected a ruleset")
  }
  if (tag && response.status === 304) return undefined
  if (!response.ok) {
    void whenOver(response.body?.cancel())
    throw new Error(`found status ${response.status}, expected 200 with a ruleset`)
  }
  return { text: await textOf(response), tag: response.type === "basic" ? response.headers.get("etag") : null }
}

/** The body as text, without a byte order mark. No more of it is read than a ruleset may have. */
async function textOf(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder("utf-8", { fatal: true })
  let text = ""
  let bytes = 0
  for (;;) {
    let chunk: Uint8Array | undefined
    try {
      chunk = (await reader?.read())?.value
    } catch {
      throw new Error("found half an answer, expected a ruleset")
    }
    bytes += chunk?.length ?? 0
    if (bytes > MAX_BYTES) {
      void whenOver(reader?.cancel())
      throw new Error(`found more than ${MAX_BYTES} bytes, expected at most ${MAX_BYTES}`)
    }
    try {
      text += decoder.decode(chunk, { stream: chunk !== undefined })
    } catch {
      void whenOver(reader?.cancel())
      throw new Error("found bytes that are not UTF-8, expected a ruleset")
    }
    if (!chunk) return text
  }
}
