import { defineConfig, type Plugin } from "vite"

/** What the page may load. Only in the build: the dev server injects styles inline. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'"

const contentSecurityPolicy: Plugin = {
  name: "content-security-policy",
  apply: "build",
  transformIndexHtml: () => [
    { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" },
  ],
}

/** For `npm run dev`: the collector that answers the page's requests. */
const COLLECTOR = "http://127.0.0.1:8787"

export default defineConfig({
  plugins: [contentSecurityPolicy],
  // A data: URL would be against the policy above.
  build: { assetsInlineLimit: 0 },
  server: { proxy: { "/api": COLLECTOR, "/ruleset.json": COLLECTOR } },
})
