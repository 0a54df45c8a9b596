//! A batch, as JSON for the wire.

use super::super::text::{push_integer, push_json_string};
use super::super::time::Now;
use super::ledger::Ledger;
use super::ring::Waiting;

/// What is the same for all rows of a batch.
pub struct Envelope<'a> {
    pub key: &'a str,
    pub batch_id: &'a str,
    /// 1 for rows that were never sent before.
    pub attempt: u32,
    pub now: Now,
    /// Of the client that sends.
    pub ledger: &'a Ledger,
    /// Of those whose rows it adopted.
    pub adopted: &'a [&'a Ledger],
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
    push_json_string(&mut out, &envelope.ledger.instance_id);
    push_field(&mut out, ",\"sent_at_ms\":", envelope.now.wall_ms as u64);
    push_field(&mut out, ",\"sent_mono_ms\":", envelope.now.mono_ms as u64);
    out.push_str(",\"ledger\":");
    envelope.ledger.write(&mut out, false);
    if !envelope.adopted.is_empty() {
        out.push_str(",\"ledgers\":");
        write_ledgers(&mut out, envelope.adopted);
    }
    push_rows(&mut out, ",\"exposures\":", rows, false);
    push_rows(&mut out, ",\"links\":", rows, true);
    out.push_str(",\"events\":[]}");
    out
}

/// Appends a list of ledgers, each with its instance.
pub fn write_ledgers(out: &mut String, ledgers: &[&Ledger]) {
    let mut separator = '[';
    for ledger in ledgers {
        out.push(separator);
        separator = ',';
        ledger.write(out, true);
    }
    out.push_str(if separator == '[' { "[]" } else { "]" });
}

/// The links among the rows, or the exposures.
fn push_rows(out: &mut String, name: &str, rows: &[&Waiting], link: bool) {
    out.push_str(name);
    let mut separator = '[';
    for waiting in rows.iter().filter(|waiting| waiting.link == link) {
        out.push(separator);
        separator = ',';
        out.push_str(waiting.row());
    }
    out.push_str(if separator == '[' { "[]" } else { "]" });
}

fn push_field(out: &mut String, name: &str, number: u64) {
    out.push_str(name);
    push_integer(out, number);
}
