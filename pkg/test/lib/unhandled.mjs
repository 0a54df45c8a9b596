/** Whatever comes to nobody's hands while a test runs: a list that grows. */
export function watch(t) {
  const unhandled = []
  const remember = (reason) => unhandled.push(reason)
  for (const event of ["unhandledRejection", "uncaughtException"]) {
    process.on(event, remember)
    t.after(() => process.off(event, remember))
  }
  return unhandled
}
