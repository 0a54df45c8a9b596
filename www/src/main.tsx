import { render } from "preact"
import { startLive } from "./live.js"
import { Panel } from "./panel/panel.js"
import { Shop } from "./shop/shop.js"
import "./styles/tokens.css"
import "./styles/base.css"
import "./styles/shop.css"
import "./styles/checkout.css"
import "./styles/panel.css"
import "./styles/exposures.css"
import "./styles/crowd.css"

const live = await startLive()
const app = document.getElementById("app")
if (app) {
  render(
    <>
      <a class="skip" href="#panel">
        Skip to the flags panel
      </a>
      <Shop live={live} />
      <Panel live={live} />
      <nav class="jump" aria-label="Parts of the page">
        <a href="#shop">Shop</a>
        <a href="#panel">Flags panel</a>
      </nav>
    </>,
    app,
  )
}
