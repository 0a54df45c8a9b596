import { replace } from "./storage.mjs"

/** What the pages that are opened from now on listen to, by what they are told; `events` are told to all of them. */
export function window(t) {
  const heard = new Map()
  replace(t, "addEventListener", { value: (type, listener) => heard.set(type, [...(heard.get(type) ?? []), listener]) })
  replace(t, "removeEventListener", { value: (type, listener) => heard.set(type, heard.get(type).filter((each) => each !== listener)) })
  const tell = (type, event = {}) => (heard.get(type) ?? []).forEach((listener) => listener(Object.assign(new Event(type), event)))
  return { heard, tell }
}
