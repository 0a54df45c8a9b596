//! The form of an exposure's id. What it is made of is the engine's affair: `pennon::engine::exposure::id`.

/// An id's length in characters: 16 bytes as base64url without padding.
const LENGTH: usize = 22;

/// Whether `text` is an id: 22 characters of base64url that stand for exactly 16 bytes.
pub fn is_row_id(text: &str) -> bool {
    text.len() == LENGTH
        && text.bytes().all(|character| character.is_ascii_alphanumeric() || matches!(character, b'-' | b'_'))
        && text.ends_with(['A', 'Q', 'g', 'w'])
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
