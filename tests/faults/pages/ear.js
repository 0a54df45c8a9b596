// The first script of every page: notes what goes wrong on it, before anything else has run. What was noted outlives a
// navigation of the tab.
{
  const noted = []
  const store = (() => {
    try {
      return sessionStorage
    } catch {
      return undefined
    }
  })()
  const [getItem, setItem, text] = [store?.getItem, store?.setItem, JSON.stringify]
  try {
    noted.push(...JSON.parse(getItem?.call(store, "ear") ?? "[]"))
  } catch {}
  const note = (what) => {
    if (noted.push(String(what).slice(0, 500)) > 50) noted.pop()
    try {
      setItem?.call(store, "ear", text(noted))
    } catch {}
  }
  addEventListener("error", ({ message, filename, lineno }) => message && note(`error: ${message} (${filename}:${lineno})`))
  addEventListener("unhandledrejection", ({ reason }) => note(`unhandled rejection: ${reason?.stack ?? reason}`))
  for (const level of ["debug", "log", "info", "warn", "error"]) {
    const original = console[level]
    console[level] = (...words) => {
      note(`console.${level}: ${words.map(String).join(" ")}`)
      original.apply(console, words)
    }
  }
  Object.defineProperty(globalThis, "ear", { value: { noted } })
}
