/** What the page remembers for this tab, as a real shop would by its login. Storage may be blocked. */
export function remembered(key: string): string | undefined {
  try {
    return sessionStorage.getItem(`demo:${key}`) ?? undefined
  } catch {
    return undefined
  }
}

/** `undefined` forgets. */
export function remember(key: string, value: string | undefined): void {
  try {
    if (value === undefined) sessionStorage.removeItem(`demo:${key}`)
    else sessionStorage.setItem(`demo:${key}`, value)
  } catch {
    // Not remembered, then.
  }
}
