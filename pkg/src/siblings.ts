import { attempt } from "./boundary.js"

/** Is told that a text was stored under a key. */
export type Hear = (key: string, text: string) => void

/** The clients of a page that have not been closed: no `storage` event tells them of each other. */
export const siblings = new Set<Hear>()

/** Tells the others. One that fails keeps it from no other. */
export function tellSiblings(own: Hear, key: string, text: string): void {
  for (const hear of [...siblings]) if (hear !== own) attempt(() => hear(key, text), undefined)
}
