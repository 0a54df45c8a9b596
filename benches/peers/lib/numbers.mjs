export function median(figures) {
  const sorted = [...figures].sort((one, other) => one - other)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** A copy in random order. */
export function shuffled(list) {
  const rest = [...list]
  for (let last = rest.length - 1; last > 0; last--) {
    const at = Math.floor(Math.random() * (last + 1))
    ;[rest[last], rest[at]] = [rest[at], rest[last]]
  }
  return rest
}
