/** Collects the memory of every module in `memories`. Runs in a page, before anything else does. */
export function watchMemories() {
  globalThis.memories = []
  WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
    construct(Instance, given) {
      const instance = new Instance(...given)
      memories.push(...Object.values(instance.exports).filter((found) => found instanceof WebAssembly.Memory))
      return instance
    },
  })
}
