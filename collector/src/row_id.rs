//! The id of an exposure. Equal exposures have equal ids, whoever sends them.

use xxhash_rust::xxh64::Xxh64;

/// An id's length in characters: 16 bytes as base64url without padding.
const LENGTH: usize = 22;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What an id is made of, absent ones empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdFields<'a> {
    pub environment: &'a str,
    /// `session`, `identity` or `none`.
    pub dedup: &'a str,
    /// The session id; empty for `identity`; instance id, `/` and seq for `none`.
    pub scope_id: &'a str,
    pub unit_id: &'a str,
    pub distinct_id: &'a str,
    pub flag_key: &'a str,
    /// A decimal integer.
    pub flag_version: &'a str,
    pub variant: &'a str,
    /// The value's JSON.
    pub value_text: &'a str,
    pub reason: &'a str,
    pub experiment: &'a str,
    /// Whether the flag was decided beforehand rather than seen.
    pub decided: bool,
}

/// XXH64 with seed 0, then XXH64 with seed 1, both big-endian, as 22 characters of base64url; over `pennon1`, the fields
/// and `seen` or `decided`, each as UTF-8 with its length before it as little-endian u32. The client makes its ids the
/// same way.
pub fn row_id(fields: &IdFields<'_>) -> String {
    let parts = [
        "pennon1",
        fields.environment,
        fields.dedup,
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
    ];
    let digest = |seed| {
        let mut hash = Xxh64::new(seed);
        for part in parts {
            hash.update(&(part.len() as u32).to_le_bytes());
            hash.update(part.as_bytes());
        }
        hash.digest()
    };
    to_base64url((u128::from(digest(0)) << 64) | u128::from(digest(1)))
}

fn to_base64url(number: u128) -> String {
    // 128 bits are 21 characters of 6 bits and one of 2, which stand at the top of the last character.
    let character = |place: usize| {
        let sextet = if place < LENGTH - 1 { (number >> (122 - 6 * place)) & 63 } else { (number & 3) << 4 };
        ALPHABET.get(sextet as usize).copied().map_or('A', char::from)
    };
    (0..LENGTH).map(character).collect()
}

/// Whether `text` is an id: 22 characters of base64url that stand for exactly 16 bytes.
pub fn is_row_id(text: &str) -> bool {
    text.len() == LENGTH
        && text.bytes().all(|character| ALPHABET.contains(&character))
        && text.ends_with(['A', 'Q', 'g', 'w'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_is_that_of_rfc_4648() {
        assert_eq!(to_base64url(0), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(to_base64url(u128::MAX), "_____________________w");
        // python3: base64.urlsafe_b64encode(bytes(range(16)))
        assert_eq!(to_base64url(0x0001_0203_0405_0607_0809_0A0B_0C0D_0E0F), "AAECAwQFBgcICQoLDA0ODw");
    }

    #[test]
    fn only_the_text_of_16_bytes_is_an_id() {
        assert!(is_row_id("AAECAwQFBgcICQoLDA0ODw"));
        assert!(is_row_id("-_AAAAAAAAAAAAAAAAAAAQ"));
        for wrong in
            ["", "AAECAwQFBgcICQoLDA0OD", "AAECAwQFBgcICQoLDA0ODwA", "AAECAwQFBgcICQoLDA0ODx", "AAECAwQFBgcICQoLDA0O+w"]
        {
            assert!(!is_row_id(wrong), "{wrong}");
        }
        assert!(!is_row_id("ééééééééééé"));
    }

    #[test]
    fn ids_are_those_of_the_vectors() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/spec/exposure_id.json")).unwrap();
        for vector in vectors["vectors"].as_array().unwrap() {
            let text = |name: &str| match &vector["fields"][name] {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Number(number) => number.to_string(),
                long => long["repeat"].as_str().unwrap().repeat(long["times"].as_u64().unwrap() as usize),
            };
            let id = row_id(&IdFields {
                environment: &text("environment"),
                dedup: &text("dedup"),
                scope_id: &text("scopeId"),
                unit_id: &text("unitId"),
                distinct_id: &text("distinctId"),
                flag_key: &text("flagKey"),
                flag_version: &text("flagVersion"),
                variant: &text("variant"),
                value_text: &text("valueText"),
                reason: &text("reason"),
                experiment: &text("experiment"),
                decided: false,
            });
            assert_eq!(id, vector["id"].as_str().unwrap(), "{vector}");
        }
    }

    #[test]
    fn each_field_counts() {
        let base = IdFields { flag_key: "checkout", distinct_id: "u1", ..IdFields::default() };
        let others = [
            IdFields { environment: "x", ..base },
            IdFields { dedup: "x", ..base },
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
        let mut ids: Vec<String> = others.iter().chain([&base]).map(row_id).collect();
        assert!(ids.iter().all(|id| is_row_id(id)));
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 13);
    }
}
