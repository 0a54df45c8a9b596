import type { Attributes } from "pennon"

/** Somebody whom the panel can sign in. */
export interface Person {
  readonly id: string
  readonly name: string
  readonly note: string
  readonly attributes: Attributes
}

export const PEOPLE: readonly Person[] = [
  { id: "ada-17", name: "Ada", note: "free, Netherlands", attributes: { plan: "free", country: "NL", orders: 1 } },
  { id: "ben-23", name: "Ben", note: "pro, Belgium", attributes: { plan: "pro", country: "BE", orders: 3 } },
  { id: "chidi-8", name: "Chidi", note: "team, 9 orders", attributes: { plan: "team", country: "KE", orders: 9 } },
  { id: "qa-1", name: "QA", note: "test id, Ireland", attributes: { plan: "free", country: "IE", orders: 0 } },
]

/** The attributes that the panel knows for `id`; nothing is known of a stranger. */
export function attributesOf(id: string): Attributes {
  return PEOPLE.find((person) => person.id === id)?.attributes ?? {}
}
