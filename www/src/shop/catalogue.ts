import type { KiteShape } from "./kites.js"

export interface Product {
  readonly id: string
  readonly name: string
  readonly line: string
  /** Beaufort. */
  readonly wind: string
  readonly cents: number
  readonly shape: KiteShape
}

export const PRODUCTS: readonly Product[] = [
  { id: "curlew", name: "Curlew", line: "A first kite that forgives", wind: "2–4 Bft", cents: 3400, shape: "diamond" },
  { id: "gannet", name: "Gannet", line: "Soars on next to nothing", wind: "1–3 Bft", cents: 4600, shape: "delta" },
  { id: "lantern", name: "Lantern", line: "Two cells, steady as a shelf", wind: "3–5 Bft", cents: 6200, shape: "box" },
  { id: "rook", name: "Rook", line: "Six sides, lifts a camera", wind: "2–5 Bft", cents: 8900, shape: "rokkaku" },
  { id: "eider", name: "Eider", line: "No spars, packs into a cup", wind: "3–6 Bft", cents: 7400, shape: "foil" },
  { id: "tern", name: "Tern", line: "Four metres of pennon for the mast", wind: "1–7 Bft", cents: 2800, shape: "pennon" },
]

/** Not on the shelf yet: the flag `night_heron` shows it to those who test it. */
export const NIGHT_HERON: Product = {
  id: "night-heron",
  name: "Night Heron",
  line: "Glows for an hour after dusk",
  wind: "2–4 Bft",
  cents: 11800,
  shape: "sled",
}

export function productOf(id: string): Product | undefined {
  return [...PRODUCTS, NIGHT_HERON].find((product) => product.id === id)
}
