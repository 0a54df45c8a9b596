import type { Client } from "pennon"
import { FALLBACKS, type Price, type ShopFlags } from "../flags.js"
import { euro, priceOf } from "./basket.js"
import { NIGHT_HERON, PRODUCTS, type Product } from "./catalogue.js"
import { Coast, Kite } from "./kites.js"

interface ShelfProps {
  readonly client: Client<ShopFlags>
  readonly onAdd: (product: Product) => void
}

export function Shelf({ client, onAdd }: ShelfProps) {
  const price = client.getFlag("autumn_price", FALLBACKS.autumn_price)
  const layout = client.getFlag("shelf_layout", FALLBACKS.shelf_layout)
  const banner = client.getFlag("pro_banner", FALLBACKS.pro_banner)
  const products = client.getFlag("night_heron", FALLBACKS.night_heron) ? [NIGHT_HERON, ...PRODUCTS] : PRODUCTS

  return (
    <>
      <section class="hero" aria-labelledby="shelf-title">
        <Coast />
        <div class="hero-text">
          <h1 id="shelf-title" tabIndex={-1}>
            Look up more often.
          </h1>
          <p>Kites sewn one at a time, in a boat shed by the sea.</p>
        </div>
      </section>
      {price.label !== "" && <p class="offer">{price.label}</p>}
      {banner && (
        <section class="banner" aria-label="For you">
          <h2>{banner.title}</h2>
          <p>{banner.text}</p>
        </section>
      )}
      <h2 class="shelf-heading">On the shelf</h2>
      <ul class={layout === "list" ? "shelf shelf-list" : "shelf shelf-grid"}>
        {products.map((product) => (
          <ProductCard key={product.id} product={product} price={price} onAdd={onAdd} />
        ))}
      </ul>
    </>
  )
}

function ProductCard({ product, price, onAdd }: { product: Product; price: Price; onAdd: (product: Product) => void }) {
  return (
    <li class="product">
      <Kite shape={product.shape} />
      <div class="product-text">
        <h3>
          {product.name}
          {product === NIGHT_HERON && <span class="tag">preview</span>}
        </h3>
        <p>{product.line}</p>
        <p class="wind">{product.wind}</p>
      </div>
      <div class="product-buy">
        <PriceLabel cents={product.cents} price={price} />
        <button type="button" class="button" onClick={() => onAdd(product)}>
          Add<span class="sr-only"> {product.name} to the basket</span>
        </button>
      </div>
    </li>
  )
}

function PriceLabel({ cents, price }: { cents: number; price: Price }) {
  const now = priceOf(cents, price)
  if (now === cents) return <p class="price">{euro(cents)}</p>
  return (
    <p class="price">
      <span class="sr-only">Was </span>
      <s>{euro(cents)}</s>
      <span class="sr-only">, now </span>
      <strong>{euro(now)}</strong>
    </p>
  )
}
