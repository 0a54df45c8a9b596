//! The id of an exposure or a link: its dedup key, made of what it says. Tabs, retries and restarts agree on it without
//! asking.

use serde::Deserialize;

use super::super::hash::xxh64;
use super::super::text::push_base64url;

/// Within what a repeated exposure is the same exposure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dedup {
    #[default]
    Session,
    Identity,
    None,
}

impl Dedup {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Identity => "identity",
            Self::None => "none",
        }
    }
}

/// What the id is made of. Absent ones are empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdFields<'a> {
    pub environment: &'a str,
    pub dedup: Dedup,
    /// The session id; empty for [`Dedup::Identity`]; instance id, `/` and seq for [`Dedup::None`].
    pub scope_id: &'a str,
    pub unit_id: &'a str,
    pub distinct_id: &'a str,
    pub flag_key: &'a str,
    /// A decimal integer.
    pub flag_version: &'a str,
    pub variant: &'a str,
    /// The value's JSON, as it is in the row.
    pub value_text: &'a str,
    pub reason: &'a str,
    pub experiment: &'a str,
    /// Whether the flag was decided beforehand rather than seen.
    pub decided: bool,
}

/// An exposure's or a link's id: 16 bytes, written as 22 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(u128);

impl Id {
    /// An exposure's id: [`Id::of_parts`] of `pennon1`, the fields and `seen` or `decided`. `tests/spec/exposure_id.json`
    /// pins it.
    pub fn of(fields: &IdFields<'_>) -> Self {
        Self::of_parts(&[
            "pennon1",
            fields.environment,
            fields.dedup.as_str(),
            fields.scope_id,
            fields.unit_id,
            fields.distinct_id,
            fields.flag_key,
            fields.flag_version,
            fields.variant,
            fields.value_text,
            fields.reason,
            fields.experiment,
            if fields.decided { "decided" } else { "seen" },
        ])
    }

    /// A link's id: that of a pair of ids, whenever and wherever it is seen. `tests/spec/link_id.json` pins it.
    pub fn of_link(anonymous_id: &str, distinct_id: &str) -> Self {
        Self::of_parts(&["pennon1", "link", anonymous_id, distinct_id])
    }

    /// XXH64 with seed 0, then XXH64 with seed 1, both big-endian, over the parts, each as UTF-8 with its length before it
    /// as little-endian u32.
    fn of_parts(parts: &[&str]) -> Self {
        let mut bytes: Vec<u8> = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        Self(u128::from(xxh64(&bytes, 0)) << 64 | u128::from(xxh64(&bytes, 1)))
    }

    /// 22 characters of base64url.
    pub fn to_text(self) -> String {
        let mut out = String::with_capacity(22);
        push_base64url(&mut out, &self.0.to_be_bytes());
        out
    }

    /// What is kept of it once it is acknowledged: the first half, whose last bit says whether it is a link's.
    pub fn short(self, link: bool) -> [u8; 8] {
        let half = (self.0 >> 64) as u64;
        (half & !1 | u64::from(link)).to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_counts() {
        let base = IdFields { flag_key: "checkout", distinct_id: "u1", ..IdFields::default() };
        let others = [
            IdFields { environment: "x", ..base },
            IdFields { dedup: Dedup::Identity, ..base },
            IdFields { dedup: Dedup::None, ..base },
            IdFields { scope_id: "x", ..base },
            IdFields { unit_id: "x", ..base },
            IdFields { distinct_id: "x", ..base },
            IdFields { flag_key: "x", ..base },
            IdFields { flag_version: "1", ..base },
            IdFields { variant: "x", ..base },
            IdFields { value_text: "x", ..base },
            IdFields { reason: "x", ..base },
            IdFields { experiment: "x", ..base },
            IdFields { decided: true, ..base },
        ];
        let mut ids: Vec<String> = others.iter().chain([&base]).map(|fields| Id::of(fields).to_text()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), others.len() + 1);
    }
}
