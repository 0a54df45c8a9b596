import { useLayoutEffect, useRef, useState } from "preact/hooks"
import { FALLBACKS } from "../flags.js"
import type { Live } from "../live.js"
import { useSignal } from "../signal.js"
import { euro, sumsOf, withMore, type Basket } from "./basket.js"
import { BasketPage } from "./basket-page.js"
import { Checkout } from "./checkout.js"
import type { Product } from "./catalogue.js"
import { Mark } from "./kites.js"
import { Shelf } from "./shelf.js"
import { Thanks } from "./thanks.js"

type Page = "shelf" | "basket" | "checkout" | "thanks"

/** The shop. Each flag is read where it shows, and nowhere else: that read is the exposure. */
export function Shop({ live }: { live: Live }) {
  useSignal(live.decided)
  const { client } = live
  const [page, setPage] = useState<Page>("shelf")
  const [basket, setBasket] = useState<Basket>(new Map())
  const [said, setSaid] = useState("")
  const main = useRef<HTMLElement>(null)
  const arrived = useRef<Page>("shelf")

  // A new page begins at its heading, for the eye and for the screen reader.
  useLayoutEffect(() => {
    if (arrived.current === page) return
    arrived.current = page
    const heading = main.current?.querySelector("h1")
    setSaid("")
    heading?.focus({ preventScroll: true })
    document.getElementById("shop")?.scrollIntoView({ block: "start" })
  }, [page])

  const more = (id: string, change: number) => setBasket((before) => withMore(before, id, change))
  const add = (product: Product) => {
    more(product.id, 1)
    setSaid(`${product.name} is in the basket, ${(basket.get(product.id) ?? 0) + 1} of them`)
  }
  const pieces = [...basket.values()].reduce((sum, count) => sum + count, 0)

  return (
    <div class="shop" id="shop">
      <header class="shop-header">
        <button type="button" class="brand" onClick={() => setPage("shelf")} aria-label="Leeward kites, to the shelf">
          <Mark />
          <span class="brand-name">Leeward</span>
          <span class="brand-line">kites for the wind you have</span>
        </button>
        <button type="button" class="basket-button" onClick={() => setPage("basket")}>
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M4 9h16l-1.6 10.2a1 1 0 0 1-1 .8H6.6a1 1 0 0 1-1-.8zM8 9l3-6M16 9l-3-6" />
          </svg>
          Basket
          <span class="count">{pieces}</span>
        </button>
        <p class="sr-only" role="status">
          {said}
        </p>
      </header>
      <main class="shop-main" ref={main}>
        {page === "shelf" && <Shelf client={client} onAdd={add} />}
        {page === "basket" && (
          <BasketPage client={client} basket={basket} onMore={more} onBack={() => setPage("shelf")} onCheckout={() => setPage("checkout")} />
        )}
        {page === "checkout" && (
          <Checkout
            client={client}
            total={euro(sumsOf(basket, client.getFlag("autumn_price", FALLBACKS.autumn_price)).totalCents)}
            onBack={() => setPage("basket")}
            onOrdered={() => {
              setBasket(new Map())
              setPage("thanks")
            }}
          />
        )}
        {page === "thanks" && <Thanks onBack={() => setPage("shelf")} />}
      </main>
      <footer class="shop-footer">
        <p>Leeward is invented, and so are its kites. Nothing is sold and no order leaves this page.</p>
      </footer>
    </div>
  )
}
