//! A batch, as JSON for the wire.

use super::super::text::{push_integer, push_json_string};
use super::super::time::Now;
use super::ring::Waiting;

/// Counters that only grow, per client instance. The collector keeps the largest of each, so that a lost or repeated
/// batch does no harm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The largest sequence number given to a row.
    pub seq_max: u32,
    /// Rows evicted from a full ring.
    pub dropped_ring_full: u32,
    /// Exposures and links not recorded because the ring was full, once per flush and id.
    pub refused: u32,
    /// Rows sent again after an attempt without acknowledgement.
    pub resent: u32,
    /// Writes to storage that failed.
    pub persist_failed: u32,
    /// Attempts that no server answered.
    pub unreachable: u32,
}

/// What is the same for all rows of a batch.
pub struct Envelope<'a> {
    pub key: &'a str,
    pub batch_id: &'a str,
    /// 1 for rows that were never sent before.
    pub attempt: u32,
    pub instance_id: &'a str,
    pub now: Now,
    pub ledger: Ledger,
}

/// The request's body. Rows go in as they were recorded; all else is stamped for this attempt.
pub fn write(envelope: &Envelope<'_>, rows: &[&Waiting]) -> String {
    let mut out = String::with_capacity(4096);
    out.push_str("{\"v\":1,");
    if !envelope.key.is_empty() {
        out.push_str("\"key\":");
        push_json_string(&mut out, envelope.key);
        out.push(',');
    }
    out.push_str("\"batch_id\":");
    push_json_string(&mut out, envelope.batch_id);
    push_field(&mut out, ",\"attempt\":", envelope.attempt.into());
    out.push_str(",\"instance_id\":");
    push_json_string(&mut out, envelope.instance_id);
    push_field(&mut out, ",\"sent_at_ms\":", envelope.now.wall_ms as u64);
    push_field(&mut out, ",\"sent_mono_ms\":", envelope.now.mono_ms as u64);
    let ledger = envelope.ledger;
    push_field(&mut out, ",\"ledger\":{\"seq_max\":", ledger.seq_max.into());
    out.push_str(",\"dropped\":{");
    if ledger.dropped_ring_full > 0 {
        push_field(&mut out, "\"ring_full\":", ledger.dropped_ring_full.into());
    }
    // A row of an experiment is never dropped, so there is nothing to list by variant; and without an outbox nothing is
    // adopted and no trap is survived.
    push_field(&mut out, "},\"dropped_by\":{},\"refused\":", ledger.refused.into());
    push_field(&mut out, ",\"resent\":", ledger.resent.into());
    push_field(&mut out, ",\"adopted\":0,\"traps\":0,\"persist_failed\":", ledger.persist_failed.into());
    push_field(&mut out, ",\"unreachable\":", ledger.unreachable.into());
    out.push('}');
    push_rows(&mut out, ",\"exposures\":", rows, false);
    push_rows(&mut out, ",\"links\":", rows, true);
    out.push_str(",\"events\":[]}");
    out
}

/// The links among the rows, or the exposures.
fn push_rows(out: &mut String, name: &str, rows: &[&Waiting], link: bool) {
    out.push_str(name);
    let mut separator = '[';
    for waiting in rows.iter().filter(|waiting| waiting.link == link) {
        out.push(separator);
        separator = ',';
        out.push_str(&waiting.row);
    }
    out.push_str(if separator == '[' { "[]" } else { "]" });
}

fn push_field(out: &mut String, name: &str, number: u64) {
    out.push_str(name);
    push_integer(out, number);
}
