import type { Price } from "../flags.js"
import { productOf } from "./catalogue.js"

/** How many of each product, by id. */
export type Basket = ReadonlyMap<string, number>

export const DELIVERY_CENTS = 495
export const MAX_OF_ONE = 9

export interface Sums {
  readonly count: number
  readonly goodsCents: number
  readonly deliveryCents: number
  readonly totalCents: number
}

/** `basket` with `change` more of `id`, at least 0 and at most 9. */
export function withMore(basket: Basket, id: string, change: number): Basket {
  const next = new Map(basket)
  const count = Math.min(MAX_OF_ONE, (basket.get(id) ?? 0) + change)
  if (count > 0) next.set(id, count)
  else next.delete(id)
  return next
}

/** What one piece costs, in whole cents. */
export function priceOf(cents: number, price: Price): number {
  return Math.round((cents * (100 - price.percentOff)) / 100)
}

export function sumsOf(basket: Basket, price: Price): Sums {
  let count = 0
  let goodsCents = 0
  for (const [id, pieces] of basket) {
    count += pieces
    goodsCents += pieces * priceOf(productOf(id)?.cents ?? 0, price)
  }
  const deliveryCents = price.freeDelivery || count === 0 ? 0 : DELIVERY_CENTS
  return { count, goodsCents, deliveryCents, totalCents: goodsCents + deliveryCents }
}

const EURO = new Intl.NumberFormat("en-IE", { style: "currency", currency: "EUR" })

export function euro(cents: number): string {
  return EURO.format(cents / 100)
}
