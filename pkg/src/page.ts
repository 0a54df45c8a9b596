import { attempt } from "./boundary.js"
import { cancel, later, unwatched } from "./natives.js"

/** What tells that somebody is there. */
export const ACTIVITY: readonly string[] = ["pointerdown", "keydown", "scroll"]

const LIFE = ["pagehide", "pageshow", "online", "storage", "visibilitychange", "freeze", "resume", "prerenderingchange"]

/**
 * Calls `listener` with each event of the page's life, until the function that it gives is called. Nothing happens where there
 * is no page.
 *
 * They are caught on their way down, which leads those of the document through the window, so that a page that stops an event
 * hides it from nobody; and passive, so that scrolling waits for nobody. Neither `unload` nor `beforeunload`: they would cost
 * the page its place in the back/forward cache.
 */
export function listen(listener: (event: Event) => void): () => void {
  const hear = (event: Event): void => attempt(() => listener(event), undefined)
  function each(what: "addEventListener" | "removeEventListener", types: readonly string[]): void {
    if (typeof document !== "object") return
    unwatched(() => types.forEach((type) => attempt(() => globalThis[what](type, hear, { capture: true, passive: true }), undefined)))
  }
  each("addEventListener", LIFE)
  // Behind the first decision: where nobody else does, to listen for pointers takes longer than for all the rest (0.2 ms in Chromium).
  const timer = later(() => each("addEventListener", ACTIVITY), 0)
  return () => {
    cancel(timer)
    each("removeEventListener", [...LIFE, ...ACTIVITY])
  }
}
