import { useLayoutEffect, useReducer } from "preact/hooks"

/** Something that happened, for whoever listens. */
export interface Signal {
  fire(): void
  /** Returns the function that unsubscribes. */
  listen(listener: () => void): () => void
}

export function createSignal(): Signal {
  const listeners = new Set<() => void>()
  return {
    fire: () => listeners.forEach((listener) => listener()),
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** Renders the component again whenever `signal` fires, from the first microtask after it was shown. */
export function useSignal(signal: Signal): void {
  const [, render] = useReducer<number, void>((count) => count + 1, 0)
  useLayoutEffect(() => signal.listen(render), [signal])
}
