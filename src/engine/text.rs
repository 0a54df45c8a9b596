//! Text written byte by byte. `format!` and its kin would cost more than everything in this file's callers.

use super::json::plain_length;

/// Appends a decimal integer.
pub fn push_integer(out: &mut String, number: u64) {
    if number >= 10 {
        push_integer(out, number / 10);
    }
    out.push(char::from(b'0' + (number % 10) as u8));
}

/// The whole number that 1 to 16 decimal digits stand for; `None` for anything else.
pub fn parse_integer(text: &str) -> Option<u64> {
    let digits = |number: u64, byte: u8| byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'));
    if matches!(text.len(), 1..=16) { text.bytes().try_fold(0, digits) } else { None }
}

/// What comes before the first of these ASCII characters, and what comes behind it, if one is there. (The standard library's
/// ways to split a text come with a search for long ones.)
#[inline(never)]
pub fn cut_at<'t>(text: &'t str, separators: &str) -> (&'t str, Option<&'t str>) {
    for (at, byte) in text.bytes().enumerate() {
        if separators.bytes().any(|separator| separator == byte) {
            return (text.get(..at).unwrap_or_default(), text.get(at + 1..));
        }
    }
    (text, None)
}

/// The parts of a text between these ASCII characters.
pub fn parts<'t>(text: &'t str, separators: &'static str) -> Parts<'t> {
    Parts { rest: Some(text), separators }
}

pub struct Parts<'t> {
    rest: Option<&'t str>,
    separators: &'static str,
}

impl<'t> Iterator for Parts<'t> {
    type Item = &'t str;

    #[inline(never)]
    fn next(&mut self) -> Option<&'t str> {
        let part;
        (part, self.rest) = cut_at(self.rest?, self.separators);
        Some(part)
    }
}

/// Appends a JSON string, quotes included. U+2028 and U+2029 stay as they are: JSON allows them.
pub fn push_json_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    loop {
        let length = plain_length(rest.as_bytes());
        out.push_str(rest.get(..length).unwrap_or_default());
        let Some(byte) = rest.as_bytes().get(length) else { break };
        if *byte < 0x20 {
            out.push_str("\\u00");
            push_hex(out, &[*byte]);
        } else {
            out.push('\\');
            out.push(char::from(*byte));
        }
        rest = rest.get(length + 1..).unwrap_or_default();
    }
    out.push('"');
}

/// Appends the two hexadecimal digits of each byte, in lower case.
pub fn push_hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        push_hex_digit(out, byte >> 4);
        push_hex_digit(out, byte & 15);
    }
}

fn push_hex_digit(out: &mut String, digit: u8) {
    out.push(char::from(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }));
}

/// Appends base64url without padding (RFC 4648, section 5).
pub fn push_base64url(out: &mut String, bytes: &[u8]) {
    for chunk in bytes.chunks(3) {
        let mut group: u32 = 0;
        for at in 0..3 {
            group = group << 8 | u32::from(chunk.get(at).copied().unwrap_or(0));
        }
        for at in 0..=chunk.len() as u32 {
            out.push(base64url_digit((group >> (18 - 6 * at) & 63) as u8));
        }
    }
}

fn base64url_digit(value: u8) -> char {
    char::from(match value {
        0..=25 => b'A' + value,
        26..=51 => b'a' + value - 26,
        52..=61 => b'0' + value - 52,
        62 => b'-',
        _ => b'_',
    })
}

/// The eight bytes that eleven base64url digits stand for; `None` for anything else.
pub fn eight_bytes_from_base64url(text: &[u8]) -> Option<[u8; 8]> {
    if text.len() != 11 {
        return None;
    }
    let mut bits: u64 = 0;
    for (place, digit) in text.iter().enumerate() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        // Of the last digit only four bits belong to the bytes.
        bits = if place < 10 { bits << 6 | u64::from(value) } else { bits << 4 | u64::from(value >> 2) };
    }
    Some(bits.to_be_bytes())
}

/// The longest beginning of `text` that has at most `max_bytes` bytes and ends between characters.
pub fn cut(text: &str, max_bytes: usize) -> &str {
    let mut end = text.len().min(max_bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    #[test]
    fn integers_are_written_whole() {
        for number in [0, 7, 10, 1_234_567_890, u64::MAX] {
            assert_eq!(written(|out| push_integer(out, number)), number.to_string());
        }
    }

    #[test]
    fn parts_are_those_that_the_standard_library_finds() {
        for text in ["", ".", "a", "a.b", ".a..é🦩.", "..", "a|b.c"] {
            assert!(parts(text, ".").eq(text.split('.')), "{text}");
            assert!(parts(text, ".|").eq(text.split(['.', '|'])), "{text}");
        }
    }

    #[test]
    fn only_digits_are_an_integer() {
        for (text, number) in [("0", Some(0)), ("0042", Some(42)), ("9007199254740991", Some((1 << 53) - 1))] {
            assert_eq!(parse_integer(text), number);
        }
        for text in ["", "-1", "1.5", "1e3", "12345678901234567", " 1"] {
            assert_eq!(parse_integer(text), None, "{text}");
        }
    }

    #[test]
    fn strings_read_back_as_they_were() {
        for text in ["", "plain", "a\"b\\c", "\u{0}\u{1}\n\u{1f}\u{7f}", "\u{2028}</script>", "é🦩\u{ffff}"] {
            let json = written(|out| push_json_string(out, text));
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }

    #[test]
    fn base64url_matches_rfc_4648() {
        for (bytes, text) in [(&b""[..], ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"\xfb\xff", "-_8")] {
            assert_eq!(written(|out| push_base64url(out, bytes)), text);
        }
    }

    #[test]
    fn eight_bytes_survive_base64url() {
        let bytes = [0xff, 0, 1, 2, 0x80, 0xfe, 9, 77];
        let text = written(|out| push_base64url(out, &bytes));
        assert_eq!(eight_bytes_from_base64url(text.as_bytes()), Some(bytes));
        assert_eq!(eight_bytes_from_base64url(b"short"), None);
        assert_eq!(eight_bytes_from_base64url(b"AAAAA AAAAA"), None);
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
        assert_eq!(cut("🦩", 3), "");
    }
}
