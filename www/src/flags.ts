/** The three parts of the checkout form. */
export type CheckoutPart = "address" | "delivery" | "payment"

/** The flags of the shop, as `ruleset.json` describes them. */
export interface ShopFlags {
  autumn_price: Price
  shelf_layout: "grid" | "list"
  /** Each step of the checkout names the parts it shows. */
  checkout_flow: { readonly steps: readonly (readonly CheckoutPart[])[] }
  delivery_promise: string
  pro_banner: { readonly title: string; readonly text: string } | null
  night_heron: boolean
  gift_wrap: boolean
}

export interface Price {
  /** 0..100 */
  readonly percentOff: number
  readonly freeDelivery: boolean
  /** Told to the customer; empty: nothing to tell. */
  readonly label: string
}

/** What the shop does when a flag cannot be decided. */
export const FALLBACKS: ShopFlags = {
  autumn_price: { percentOff: 0, freeDelivery: false, label: "" },
  shelf_layout: "grid",
  checkout_flow: { steps: [["address"], ["delivery"], ["payment"]] },
  delivery_promise: "Arrives in 3 to 5 days",
  pro_banner: null,
  night_heron: false,
  gift_wrap: false,
}
