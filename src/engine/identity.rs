//! Whom we decide for.

use super::text;

/// The longest id that is taken, in UTF-8 bytes. It is in every row; 600 rows share 247 KiB.
pub const MAX_ID_BYTES: usize = 256;

/// The three ids of a person on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The id given by `identify`, if any.
    pub identified: Option<String>,
    pub anonymous_id: String,
    /// Survives `identify` and `reset`.
    pub device_id: String,
}

impl Identity {
    /// The identified id or, before that, the anonymous one.
    pub fn distinct_id(&self) -> &str {
        self.identified.as_deref().unwrap_or(&self.anonymous_id)
    }

    /// How the device's two ids are stored.
    pub fn to_stored(&self) -> String {
        let mut out = String::from("1|");
        out.push_str(&self.device_id);
        out.push('|');
        out.push_str(&self.anonymous_id);
        out
    }
}

/// Device and anonymous id as stored by [`Identity::to_stored`]. `None` for anything else, whoever wrote it.
pub fn from_stored(stored: &str) -> Option<(String, String)> {
    let (device_id, anonymous_id) = text::cut_at(stored.strip_prefix("1|")?, "|");
    let anonymous_id = anonymous_id?;
    (is_uuid(device_id) && is_uuid(anonymous_id)).then(|| (device_id.to_owned(), anonymous_id.to_owned()))
}

/// Whether a text can be somebody's id. What many people would share by mistake, and what is too long, cannot.
pub fn is_acceptable(id: &str) -> bool {
    const NO_IDS: [&str; 11] =
        ["", "undefined", "null", "none", "nan", "true", "false", "guest", "anonymous", "0", "[object object]"];
    id.len() <= MAX_ID_BYTES && !NO_IDS.iter().any(|no_id| id.trim().eq_ignore_ascii_case(no_id))
}

/// A UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 random bits.
pub fn uuid_v7(now_ms: f64, random: [u8; 10]) -> String {
    let mut bytes = [0; 16];
    let time = (now_ms as u64).to_be_bytes();
    for (byte, source) in bytes.iter_mut().zip(time.iter().skip(2).chain(random.iter())) {
        *byte = *source;
    }
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = *version & 0x0f | 0x70;
    *variant = *variant & 0x3f | 0x80;
    let mut out = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        text::push_hex(&mut out, &[*byte]);
    }
    out
}

/// Whether this is a UUID as [`uuid_v7`] writes it.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uuid_of_rfc_9562_appendix_a6() {
        // 017F22E2-79B0-7CC3-98C4-DC0C0C07398F, Unix time 0x017F22E279B0.
        let random = [0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f];
        let uuid = uuid_v7(0x017f_22e2_79b0_u64 as f64, random);
        assert_eq!(uuid, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
        assert!(is_uuid(&uuid));
    }

    #[test]
    fn uuids_sort_by_their_time() {
        assert!(uuid_v7(1_000.0, [255; 10]) < uuid_v7(1_001.0, [0; 10]));
    }

    #[test]
    fn what_many_would_share_is_no_id() {
        for id in
            ["", " ", "undefined", "NULL", "None", "NaN", "true", "False", "guest", "Anonymous", "0", "[object Object]"]
        {
            assert!(!is_acceptable(id), "{id}");
        }
        for id in ["u1", "00", "nullable", "ⅷ", "true story"] {
            assert!(is_acceptable(id), "{id}");
        }
        assert!(is_acceptable(&"x".repeat(MAX_ID_BYTES)));
        assert!(!is_acceptable(&"x".repeat(MAX_ID_BYTES + 1)));
    }

    #[test]
    fn stored_ids_are_read_back_and_anything_else_is_not() {
        let identity = Identity {
            identified: Some("u1".into()),
            anonymous_id: uuid_v7(1.0, [1; 10]),
            device_id: uuid_v7(2.0, [2; 10]),
        };
        let stored = identity.to_stored();
        assert_eq!(from_stored(&stored), Some((identity.device_id, identity.anonymous_id)));
        for broken in ["", "null", "1|", "1|a|b", "2|x", &stored[..stored.len() - 1], &stored.replace('0', "<")] {
            assert_eq!(from_stored(broken), None, "{broken}");
        }
    }
}
