import { isForgotten, readLease } from "./lease.js"
import { wallClockMs } from "./natives.js"

/**
 * One client's part of localStorage, and a copy in memory of all that this page wrote there. The copy serves where storage
 * is blocked, full, was cleared, or may not be used. All keys are whole, with what the client's begin with.
 */
export interface Area {
  /** Whether other tabs and later pages read what is written here. */
  readonly isShared: boolean
  /** Whether anything may outlive the page: the options say so, and the person agrees. */
  readonly mayStore: boolean
  getItem(key: string): string | null
  /**
   * Keeps the text, in memory in any case. Throws when it should be in storage and is not: that is full, or the outboxes of
   * the origin would take more than `limit`, in UTF-16 units of keys and texts. Those that nobody has looked after for a week
   * give way.
   */
  setItem(key: string, text: string, limit?: number): void
  removeItem(key: string): void
  /** All of them that begin so. */
  keys(start: string): string[]
  /** Another tab has changed storage. */
  changed(event: StorageEvent): void
  /**
   * Whether storage may be used. When it may, what memory has is written, except over what another page has left: then true,
   * if that is another text for `key`.
   */
  allow(may: boolean, key: string): boolean
  /** Tells the other tabs, whether or not anything may be stored. Nothing of it stays. */
  tell(key: string, text: string): void
  /** Removes all that is the client's, from storage and from memory, and what storage has under `others`. */
  purge(others?: readonly string[]): void
  /** Whether something of the client's was put in storage, and there is nothing. */
  readonly isPurged: boolean
}

/** Where storage and its methods were before a page could replace them. On what only looks like storage they throw. */
const host = typeof Storage === "function" ? Storage.prototype : undefined
const getItem = host?.getItem
const setItem = host?.setItem
const removeItem = host?.removeItem
const nameAt = host?.key

/** What the outboxes of the origin take; NaN when it has to be counted. The clients of a page share it. */
let taken = NaN
const told = new WeakSet<StorageEvent>()

/** Below its limit by so much, what the outboxes take is counted before each write: what other tabs tell comes late. */
const NEAR = 32 * 1024

const isOutbox = (key: string | null): key is string => /^pennon1:.*:q:/.test(key ?? "")
const sizeOf = (key: string, text: string | null | undefined): number => (typeof text === "string" ? key.length + text.length : 0)

/** `start`: what all of the client's keys begin with. `persist`: false for memory alone. */
export function createArea(start: string, persist: boolean, mayStore: boolean): Area {
  const memory = new Map<string, string>()
  /** What is in memory alone, because storage refused it. */
  const refused = new Set<string>()
  const storage = persist ? open(start) : undefined
  let may = mayStore

  function stored(key: string): string | null {
    try {
      return storage ? getItem!.call(storage, key) : null
    } catch {
      return null
    }
  }

  function storedKeys(start: string): string[] {
    const keys: string[] = []
    try {
      for (let at = 0, key; storage && (key = nameAt!.call(storage, at)) !== null; at++) if (key.startsWith(start)) keys.push(key)
    } catch {
      // Then there are no more.
    }
    return keys
  }

  const outboxes = (): string[] => storedKeys("pennon1:").filter(isOutbox)

  /** The keys of those that nobody has looked after for a week, and of their leases. */
  function forgotten(): string[] {
    const nowMs = wallClockMs()
    return outboxes().flatMap((key) => {
      const lease = /^.*?:q:[^:]*/.exec(key)![0]
      return isForgotten(readLease(stored(lease)), stored(key) ?? "", nowMs) ? [key, lease] : []
    })
  }

  function store(key: string, text: string, limit = Infinity): void {
    let change = 0
    if (isOutbox(key)) {
      change = sizeOf(key, text) - sizeOf(key, stored(key))
      if (!(taken + change <= limit - NEAR)) taken = outboxes().reduce((sum, key) => sum + sizeOf(key, stored(key)), 0)
      if (change > 0 && taken + change > limit) forgotten().forEach(remove)
    } else if (stored(key) === text) {
      // To write it again would tell nobody, and takes three times as long.
      refused.delete(key)
      return
    }
    refused.add(key)
    if (change > 0 && taken + change > limit) throw new RangeError("no room for more")
    setItem!.call(storage, key, text)
    taken += change
    refused.delete(key)
  }

  function remove(key: string): void {
    if (isOutbox(key)) taken -= sizeOf(key, stored(key))
    try {
      if (storage) removeItem!.call(storage, key)
    } catch {
      // What cannot be removed could not be read.
    }
  }

  const area: Area = {
    get isShared() {
      return may && storage !== undefined
    },
    get mayStore() {
      return may && persist
    },
    getItem(key) {
      return (may && !refused.has(key) ? stored(key) : null) ?? memory.get(key) ?? null
    },
    setItem(key, text, limit) {
      memory.set(key, text)
      if (!area.isShared) return
      store(key, text, limit)
      // An outbox has its own copy, and what another tab takes out of it must not come back.
      if (isOutbox(key)) memory.delete(key)
    },
    removeItem(key) {
      memory.delete(key)
      refused.delete(key)
      if (may) remove(key)
    },
    keys(start) {
      const known = [...memory.keys()].filter((key) => key.startsWith(start))
      return [...new Set(may ? [...known, ...storedKeys(start)] : known)]
    },
    changed(event) {
      // Each client of a page is told.
      if (told.has(event)) return
      told.add(event)
      const { key, oldValue, newValue } = event
      if (key === null) taken = NaN
      else if (isOutbox(key)) taken += sizeOf(key, newValue) - sizeOf(key, oldValue)
    },
    allow(isAllowed, key) {
      const isNew = isAllowed && !may
      may = isAllowed
      if (!isNew || !storage) return false
      const isOther = memory.has(key) && ![null, memory.get(key)].includes(stored(key))
      for (const [key, text] of [...memory]) {
        memory.delete(key)
        if (!isOutbox(key) && stored(key) !== null) continue
        try {
          area.setItem(key, text)
        } catch {
          // In memory, then.
        }
      }
      return isOther
    },
    get isPurged() {
      return area.isShared && memory.size > refused.size && storedKeys(start).length === 0
    },
    tell(key, text) {
      try {
        setItem!.call(storage, key, text)
      } catch {
        // There is nobody to be told.
      }
      remove(key)
    },
    purge(others = []) {
      memory.clear()
      refused.clear()
      for (const key of [...storedKeys(start), ...others]) remove(key)
    },
  }
  return area
}

/** localStorage, if it is what it seems to be. */
function open(start: string): Storage | undefined {
  try {
    // The getter throws where storage is blocked, and gives null in some web views; a page may have put another in its place.
    if (typeof document !== "object" || !host) return undefined
    getItem!.call(localStorage, start)
    return localStorage
  } catch {
    return undefined
  }
}
