//! What a stored line is known to be whole by.

/// FNV-1a over a line's UTF-16 units, 32 bits. It is `hashOf` in the package, where it took a quarter of a new page's first
/// reads: JavaScript is interpreted at first.
pub fn checksum(line: &str) -> u32 {
    let add = |hash: u32, unit: u32| (hash ^ unit).wrapping_mul(0x0100_0193);
    if line.is_ascii() {
        return line.bytes().map(u32::from).fold(0x811c_9dc5, add);
    }
    line.encode_utf16().map(u32::from).fold(0x811c_9dc5, add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_that_of_the_package() {
        for (line, expected) in
            [("", 2_166_136_261), ("e{\"flag_key\":\"a\"}", 3_586_041_915), ("lé🦩\u{2028}", 4_065_070_369)]
        {
            assert_eq!(checksum(line), expected, "{line}");
        }
    }
}
