//! JSON as text, kept as it was sent where a parse and a write would change it (`1.0`, the order of an object's keys).

/// Well-formed JSON made tidy.
#[derive(Debug, PartialEq, Eq)]
pub struct Tidy {
    /// Without spaces between its tokens, and with U+FFFD for each lone surrogate: `\ud800` is JSON, but no text.
    pub text: String,
    /// How deeply arrays and objects are nested: 0 for a scalar, 1 for `[1]`.
    pub depth: usize,
}

/// Tidies `json`, which is well-formed.
pub fn tidy(json: &str) -> Tidy {
    let mut text = String::with_capacity(json.len());
    let (mut depth, mut deepest, mut in_string) = (0_usize, 0_usize, false);
    let mut rest = json;
    while let Some(found) = rest.chars().next() {
        let mut taken = found.len_utf8();
        match found {
            '\\' if in_string => {
                let (escape, length) = escape(rest);
                text.push_str(escape);
                taken = length;
            }
            '"' => {
                in_string = !in_string;
                text.push('"');
            }
            ' ' | '\t' | '\n' | '\r' if !in_string => {}
            other => {
                if !in_string {
                    match other {
                        '[' | '{' => depth += 1,
                        ']' | '}' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    deepest = deepest.max(depth);
                }
                text.push(other);
            }
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    Tidy { text, depth: deepest }
}

/// The escape that `rest` begins with, as it is to be written, and the bytes it takes in `rest`.
fn escape(rest: &str) -> (&str, usize) {
    let Some(first) = unit(rest) else {
        return (rest.get(..2).unwrap_or_default(), 2);
    };
    let is_pair = matches!(first, 0xD800..=0xDBFF)
        && rest.get(6..).and_then(unit).is_some_and(|second| matches!(second, 0xDC00..=0xDFFF));
    match first {
        _ if is_pair => (rest.get(..12).unwrap_or_default(), 12),
        0xD800..=0xDFFF => ("\\ufffd", 6),
        _ => (rest.get(..6).unwrap_or_default(), 6),
    }
}

/// The UTF-16 unit of the `\uXXXX` that `rest` begins with.
fn unit(rest: &str) -> Option<u16> {
    u16::from_str_radix(rest.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, text: &str, depth: usize) {
        assert_eq!(tidy(json), Tidy { text: text.to_owned(), depth });
    }

    #[test]
    fn spaces_go_between_tokens_and_stay_in_strings() {
        check(" { \"a b\" :\n[ 1 , \"c\\\" d\" ] } ", "{\"a b\":[1,\"c\\\" d\"]}", 2);
        check("\"[[[{\"", "\"[[[{\"", 0);
        check("\"\\\\\"", "\"\\\\\"", 0);
    }

    #[test]
    fn a_lone_surrogate_becomes_the_replacement_character() {
        check(r#""a\ud800b""#, r#""a\ufffdb""#, 0);
        check(r#""\uDFFF\uD83D""#, r#""\ufffd\ufffd""#, 0);
        check(r#""\ud83d\ude00""#, r#""\ud83d\ude00""#, 0);
        check(r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#, 0);
        check(r#""\\ud800""#, r#""\\ud800""#, 0);
    }

    #[test]
    fn numbers_and_escapes_stay_as_they_were_sent() {
        check("[1.0,1e21,\"\\u0000\\n é\u{1F600}\"]", "[1.0,1e21,\"\\u0000\\n é\u{1F600}\"]", 1);
    }
}
