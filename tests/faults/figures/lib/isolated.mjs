// Pages whose clock is as fine as the browser has one: only those that no other origin can look into get it.

const ISOLATED = ["Cross-Origin-Opener-Policy: same-origin", "Cross-Origin-Embedder-Policy: require-corp"]

/** The origin of such pages, with those of the site. */
export const isolatedOrigin = async (scene) => (await scene.server({ headers: ISOLATED })).origin

/** Goes to a page, runs `prepare` on it, and only then imports the package. */
export async function prepare(scene, page, at, prepare, ...args) {
  await scene.goto(page, "/bare.html", { at })
  await page.evaluate(prepare, ...args)
  await page.evaluate(() => import("/page.js").then(() => true))
}
