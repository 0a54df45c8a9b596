/** What `call` gives; `otherwise` when it throws. */
export function attempt<T>(call: () => T, otherwise: T): T {
  try {
    return call()
  } catch {
    return otherwise
  }
}

/**
 * The same members, of which none throws: what a page passes is checked and copied, but it may also have replaced what these
 * are made of. `otherwise`: what the others give when they fail; these are passed on as they are.
 */
export function guarded<T extends object>(inner: T, otherwise: readonly (readonly [keyof T, unknown])[]): T {
  const outer = Object.getOwnPropertyDescriptors(inner) as Record<keyof T, PropertyDescriptor>
  for (const [name, instead] of otherwise) {
    const property = outer[name]
    const { get, value } = property
    if (get) property.get = () => attempt(get, instead)
    else property.value = (...given: unknown[]) => attempt(() => (value as (...given: unknown[]) => unknown)(...given), instead)
  }
  return Object.defineProperties({}, outer) as T
}
