import type { Client } from "pennon"
import { FALLBACKS, type ShopFlags } from "../flags.js"
import { MAX_OF_ONE, euro, priceOf, sumsOf, type Basket } from "./basket.js"
import { productOf } from "./catalogue.js"
import { Kite } from "./kites.js"

interface BasketPageProps {
  readonly client: Client<ShopFlags>
  readonly basket: Basket
  readonly onMore: (productId: string, change: number) => void
  readonly onBack: () => void
  readonly onCheckout: () => void
}

export function BasketPage(props: BasketPageProps) {
  return (
    <section class="sheet" aria-labelledby="basket-title">
      <button type="button" class="link back" onClick={props.onBack}>
        Back to the shelf
      </button>
      <h1 id="basket-title" tabIndex={-1}>
        Your basket
      </h1>
      {props.basket.size === 0 ? <p class="empty">Nothing in it yet. The wind is waiting.</p> : <FullBasket {...props} />}
    </section>
  )
}

function FullBasket({ client, basket, onMore, onCheckout }: BasketPageProps) {
  const price = client.getFlag("autumn_price", FALLBACKS.autumn_price)
  const promise = client.getFlag("delivery_promise", FALLBACKS.delivery_promise)
  const giftWrap = client.getFlag("gift_wrap", FALLBACKS.gift_wrap)
  const sums = sumsOf(basket, price)

  const less = (id: string, count: number) => {
    // The line goes, and its button with it: the keyboard goes on from the heading.
    if (count === 1) document.getElementById("basket-title")?.focus()
    onMore(id, -1)
  }

  return (
    <>
      <ul class="basket-lines">
        {[...basket].map(([id, count]) => {
          const product = productOf(id)
          if (!product) return null
          return (
            <li key={id}>
              <Kite shape={product.shape} />
              <span class="basket-name">{product.name}</span>
              <span class="stepper">
                <button type="button" onClick={() => less(id, count)} aria-label={`One ${product.name} less`}>
                  −
                </button>
                <span>
                  {count}
                  <span class="sr-only"> of it</span>
                </span>
                <button type="button" onClick={() => onMore(id, 1)} disabled={count >= MAX_OF_ONE} aria-label={`One ${product.name} more`}>
                  +
                </button>
              </span>
              <span class="basket-price">{euro(count * priceOf(product.cents, price))}</span>
            </li>
          )
        })}
      </ul>
      {giftWrap && (
        <label class="choice">
          <input type="checkbox" name="gift-wrap" />
          <span>Wrap it as a gift</span>
        </label>
      )}
      <dl class="sums">
        <div>
          <dt>Kites</dt>
          <dd>{euro(sums.goodsCents)}</dd>
        </div>
        <div>
          <dt>
            Delivery <span class="promise">{promise}</span>
          </dt>
          <dd>{sums.deliveryCents === 0 ? "free" : euro(sums.deliveryCents)}</dd>
        </div>
        <div class="total">
          <dt>Together</dt>
          <dd>{euro(sums.totalCents)}</dd>
        </div>
      </dl>
      <button type="button" class="button button-wide" onClick={onCheckout}>
        To the checkout
      </button>
    </>
  )
}
