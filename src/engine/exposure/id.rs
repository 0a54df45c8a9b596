//! The id of an exposure: its dedup key, made of what it says. Tabs, retries and restarts agree on it without asking.

use xxhash_rust::xxh64::Xxh64;

use super::super::text::{push_base64url, push_integer};

/// Within what a repeated exposure is the same exposure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug)]
pub struct IdFields<'a> {
    pub environment: &'a str,
    pub dedup: Dedup,
    /// The session id; empty for [`Dedup::Identity`]; instance id, `/` and seq for [`Dedup::None`].
    pub scope_id: &'a str,
    pub unit_id: &'a str,
    pub distinct_id: &'a str,
    pub flag_key: &'a str,
    pub flag_version: u64,
    pub variant: &'a str,
    /// The value's JSON, as it is in the row.
    pub value_text: &'a str,
    pub reason: &'a str,
    pub experiment: &'a str,
}

/// An exposure's id: 16 bytes, written as 22 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id([u8; 16]);

impl Id {
    /// XXH64 with seed 0, then XXH64 with seed 1, both big-endian, over `pennon1`, the fields and `seen`, each as UTF-8
    /// with its length before it as little-endian u32. `tests/spec/exposure_id.json` pins it.
    pub fn of(fields: &IdFields<'_>) -> Self {
        let mut version = String::new();
        push_integer(&mut version, fields.flag_version);
        let parts = [
            "pennon1",
            fields.environment,
            fields.dedup.as_str(),
            fields.scope_id,
            fields.unit_id,
            fields.distinct_id,
            fields.flag_key,
            &version,
            fields.variant,
            fields.value_text,
            fields.reason,
            fields.experiment,
            "seen",
        ];
        let digest = |seed| {
            let mut hash = Xxh64::new(seed);
            for part in parts {
                hash.update(&(part.len() as u32).to_le_bytes());
                hash.update(part.as_bytes());
            }
            hash.digest()
        };
        Self((u128::from(digest(0)) << 64 | u128::from(digest(1))).to_be_bytes())
    }

    /// 22 characters of base64url.
    pub fn to_text(self) -> String {
        let mut out = String::with_capacity(22);
        push_base64url(&mut out, &self.0);
        out
    }

    /// What is kept of it once it is acknowledged: the first half.
    pub fn short(self) -> [u8; 8] {
        ((u128::from_be_bytes(self.0) >> 64) as u64).to_be_bytes()
    }
}
