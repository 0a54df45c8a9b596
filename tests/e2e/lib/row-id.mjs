// The id of a row or a link, computed from its own fields: an implementation apart from the engine's and the collector's.

import xxhash from "xxhash-wasm"

const { h64Raw } = await xxhash()

export function rowId(row, valueText = JSON.stringify(row.value)) {
  const scope = { session: row.session_id, identity: "", none: `${row.instance_id}/${row.seq}` }[row.dedup]
  return idOf([
    "pennon1", row.environment ?? "", row.dedup, scope, row.unit_id ?? row.distinct_id, row.distinct_id, row.flag_key,
    String(row.flag_version), row.variant, valueText, row.reason, row.experiment ?? "", row.source === "handshake" ? "decided" : "seen",
  ])
}

export function linkId({ anon_id, distinct_id }) {
  return idOf(["pennon1", "link", anon_id, distinct_id])
}

function idOf(fields) {
  const bytes = Buffer.concat(
    fields.flatMap((field) => {
      const text = Buffer.from(field, "utf8")
      const length = Buffer.alloc(4)
      length.writeUInt32LE(text.length)
      return [length, text]
    }),
  )
  const digest = Buffer.alloc(16)
  digest.writeBigUInt64BE(h64Raw(bytes, 0n), 0)
  digest.writeBigUInt64BE(h64Raw(bytes, 1n), 8)
  return digest.toString("base64url")
}
