/** Quiet and the same everywhere: no graphics card, no traffic of the browser's own. */
export const FLAGS = [
  "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
]
