import { attempt } from "./boundary.js"
import { unwatched } from "./natives.js"

/** What tells that somebody is there. */
export const ACTIVITY: readonly string[] = ["pointerdown", "keydown", "scroll"]

const EVENTS = [
  ...ACTIVITY, "pagehide", "pageshow", "online", "storage", "visibilitychange", "freeze", "resume", "prerenderingchange",
]

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
  function each(what: "addEventListener" | "removeEventListener"): void {
    if (typeof document !== "object") return
    unwatched(() => EVENTS.forEach((type) => attempt(() => globalThis[what](type, hear, { capture: true, passive: true }), undefined)))
  }
  each("addEventListener")
  return () => each("removeEventListener")
}
