/** A name for a text, of 1 to 7 characters: FNV-1a over its UTF-16 units, 32 bits. Two texts may have the same one. */
export function hashOf(text: string): string {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return nameOf(hash)
}

/** The name that these 32 bits make. */
export const nameOf = (hash: number): string => (hash >>> 0).toString(36)
