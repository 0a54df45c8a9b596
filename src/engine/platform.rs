//! What the host does better, or in fewer bytes, than code of ours.

/// Functions of the host. Plain function pointers, so that the engine needs no generic parameter for them.
#[derive(Clone, Copy)]
pub struct Platform {
    /// The number that a JSON number's text stands for, correctly rounded. Out of range gives an infinity.
    pub parse_number: fn(&str) -> f64,
    /// The shortest decimal text that reads back as this finite number, as JavaScript's `String(number)` writes it.
    pub number_text: fn(f64) -> String,
    /// The text in lower case, by Unicode's rules and without a locale.
    pub lower_case: fn(&str) -> String,
    /// Whether a pattern that [`super::pattern::is_allowed`] allows is found in a text, as JavaScript's `RegExp` with the
    /// flag `u`, and with the flag `i` when the second argument is true, finds it.
    pub matches: fn(&str, bool, &str) -> bool,
}

/// The standard library's, for native tools and tests.
#[cfg(not(target_arch = "wasm32"))]
pub const NATIVE: Platform = Platform {
    parse_number: |text| text.parse().unwrap_or(f64::NAN),
    number_text: |number| number.to_string(),
    lower_case: str::to_lowercase,
    matches: super::pattern::native::is_match,
};

/// Powers of ten that an `f64` holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

impl Platform {
    /// The number that valid JSON number text stands for.
    ///
    /// At most 15 digits and a power of ten in ±22 are computed here, with one correctly rounded operation; the rest
    /// is the host's. (The standard library's parser would cost 14.6 kB of brotli in the module.)
    pub fn number(&self, text: &str) -> f64 {
        exact_number(text).unwrap_or_else(|| (self.parse_number)(text))
    }
}

fn exact_number(text: &str) -> Option<f64> {
    let mut digits: u32 = 0;
    let mut mantissa: u64 = 0;
    let mut scale: i32 = 0;
    let mut in_fraction = false;
    let mut bytes = text.bytes();
    let negative = text.starts_with("-");
    if negative {
        bytes.next();
    }
    for byte in bytes {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                if digits > 15 {
                    return None;
                }
                mantissa = mantissa * 10 + u64::from(byte - b'0');
                scale -= i32::from(in_fraction);
            }
            b'.' => in_fraction = true,
            _ => return None,
        }
    }
    let power = EXACT_POWERS.get(scale.unsigned_abs() as usize)?;
    let number = mantissa as f64 / power;
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_reads_what_the_standard_library_reads() {
        for text in ["0", "-0", "1", "33.333", "0.1", "-12.5", "123456789012345", "0.00000000000001", "99.999"] {
            let expected: f64 = text.parse().unwrap();
            assert_eq!(exact_number(text).map(f64::to_bits), Some(expected.to_bits()), "{text}");
        }
        for text in ["1e3", "1234567890123456", "1E-7"] {
            assert_eq!(exact_number(text), None, "{text}");
            assert_eq!(NATIVE.number(text), text.parse::<f64>().unwrap(), "{text}");
        }
    }
}
