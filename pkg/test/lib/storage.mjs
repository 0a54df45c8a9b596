// localStorage as a browser has it: one for all tabs of an origin, in the order of its keys, which refuses what goes over its
// quota, tells the other tabs of each change, and cannot be used by what is none.

/** Puts a `Storage` and a document in the place of a page's. `quota`: in UTF-16 units of keys and texts. */
export function browserWithStorage(t, { quota = 5 * 1024 * 1024 } = {}) {
  const data = new Map()
  const origin = { data, quota, writes: 0, told: () => undefined }
  class Storage {
    #origin = origin
    get length() {
      return this.#origin.data.size
    }
    key(at) {
      return [...this.#origin.data.keys()][at] ?? null
    }
    getItem(key) {
      return this.#origin.data.get(String(key)) ?? null
    }
    setItem(key, text) {
      const { data } = this.#origin
      const oldValue = data.get(String(key)) ?? null
      const used = [...data].reduce((sum, [key, text]) => sum + key.length + text.length, 0)
      const change = String(text).length + (oldValue === null ? String(key).length : -oldValue.length)
      if (used + change > this.#origin.quota) throw new DOMException("no room", "QuotaExceededError")
      this.#origin.writes++
      data.set(String(key), String(text))
      this.#origin.told({ key, oldValue, newValue: String(text) })
    }
    removeItem(key) {
      const oldValue = this.#origin.data.get(String(key)) ?? null
      if (!this.#origin.data.delete(String(key))) return
      this.#origin.told({ key, oldValue, newValue: null })
    }
  }
  replace(t, "Storage", { value: Storage })
  replace(t, "localStorage", { value: new Storage() })
  replace(t, "document", { value: { hidden: false } })
  replace(t, "navigator", { value: { locks: createLocks() } })
  return origin
}

/** Web Locks, as far as they are asked for only if they are free. */
function createLocks() {
  const held = new Set()
  return {
    async request(name, { ifAvailable }, work) {
      if (!ifAvailable) throw new TypeError("expected ifAvailable")
      await undefined
      if (held.has(name)) return work(null)
      held.add(name)
      try {
        return await work({ name })
      } finally {
        held.delete(name)
      }
    },
  }
}

/** Puts something in the place of a global for the rest of a test. */
export function replace(t, name, property) {
  const before = Object.getOwnPropertyDescriptor(globalThis, name)
  Object.defineProperty(globalThis, name, { configurable: true, ...property })
  t.after(() => (before ? Object.defineProperty(globalThis, name, before) : delete globalThis[name]))
}
