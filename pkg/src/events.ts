import { attempt } from "./boundary.js"
import { soon, whenOver } from "./natives.js"
import type { ClientEvents } from "./types.js"

type Listener = (payload: never) => unknown

export interface Events {
  on<E extends keyof ClientEvents>(event: E, listener: (payload: ClientEvents[E]) => void): () => void
  /** Whether anybody listens. */
  has(event: keyof ClientEvents): boolean
  /** Calls the listeners from a microtask. */
  emit<E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]): void
}

/** Listeners are called one by one; what one throws, or rejects with, reaches neither the others nor the page. */
export function createEvents(): Events {
  const listeners = new Map<string, Set<Listener>>()
  return {
    on(event, listener) {
      const known = listeners.get(event) ?? new Set()
      listeners.set(event, known)
      // Its own function for each call, so that a listener given twice can be taken back once.
      const own = (payload: never): unknown => (listener as Listener)(payload)
      known.add(own)
      return () => void attempt(() => known.delete(own), false)
    },
    has: (event) => (listeners.get(event)?.size ?? 0) > 0,
    emit(event, payload) {
      const known = listeners.get(event)
      if (!known?.size) return
      soon(() => {
        for (const listener of [...known]) {
          try {
            // A promise may be another frame's, or a library's: whatever has a `then` may reject.
            void whenOver(listener(payload as never))
          } catch {
            // The listener's own affair.
          }
        }
      })
    },
  }
}
