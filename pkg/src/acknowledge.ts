import { whenOver } from "./natives.js"

/**
 * Whether a response acknowledges the rows that were sent: 204; or 200 to 202 with a JSON content type, or without a
 * body. Anything else (a captive portal's page, a proxy's 203, a partial answer) does not. The body is never parsed, and
 * never left unread: an undrained one would hold the page's keepalive quota.
 */
export async function isAcknowledged(response: Response): Promise<boolean> {
  const { status } = response
  const isJson = /\bjson\b/i.test(response.headers.get("content-type") ?? "")
  let acknowledged = status === 204 || (status >= 200 && status <= 202 && isJson)
  if (!acknowledged && status >= 200 && status <= 202) {
    acknowledged = response.headers.get("content-length") === "0" || !response.body || (await isEmpty(response.body))
  }
  // It has no body. But at its end the browser gives back the request's share of the keepalive quota, which the next batch
  // needs: Chromium refuses most batches that are sent as soon as the status of the last one is there.
  if (status === 204) await whenOver(response.text())
  else drop(response)
  return acknowledged
}

/** Whether the first read of a body ends at once. */
async function isEmpty(body: ReadableStream<Uint8Array>): Promise<boolean> {
  const reader = body.getReader()
  try {
    return (await reader.read()).done
  } finally {
    void whenOver(reader.cancel())
    reader.releaseLock()
  }
}

function drop(response: Response): void {
  if (response.body && !response.bodyUsed) void whenOver(response.body.cancel())
}
