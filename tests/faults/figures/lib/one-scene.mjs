import { openScene } from "../../lib/scene.mjs"
import { within } from "../../lib/wait.mjs"

/** Runs `work` with a scene in a browser of its own. */
export async function withScene({ driver, site }, work) {
  const browser = await driver.launch()
  const scene = await openScene({ driver, browser, site })
  try {
    return await work(scene)
  } finally {
    await within("the end of a scene", scene.close(), 30_000).catch(() => {})
    await browser.close()
  }
}
