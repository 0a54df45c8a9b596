// The id of a row, computed from its own fields: an implementation apart from the engine's and the collector's.

import xxhash from "xxhash-wasm"

const { h64Raw } = await xxhash()

export function rowId(row, valueText = JSON.stringify(row.value)) {
  const scope = { session: row.session_id, identity: "", none: `${row.instance_id}/${row.seq}` }[row.dedup]
  const fields = [
    "pennon1", row.environment ?? "", row.dedup, scope, row.unit_id ?? row.distinct_id, row.distinct_id, row.flag_key,
    String(row.flag_version), row.variant, valueText, row.reason, row.experiment ?? "", "seen",
  ]
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
