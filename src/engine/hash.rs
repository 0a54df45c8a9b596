//! XXH32, XXH64 and SHA-256, each of one text at once: the crates that stream them take 3 kB more of the module.
//!
//! Sources: the xxHash specification 0.1.1; FIPS 180-4, sections 4 to 6. The tests compare each with its crate.

/// How far each lane of an XXH is turned. Borrowed: optimized for size, an array that is moved calls a function for each item, which
/// took half of the time.
const TURNS: &[u32; 4] = &[1, 7, 12, 18];

/// XXH32 with seed 0.
pub fn xxh32(bytes: &[u8]) -> u32 {
    const PRIME: [u32; 5] = [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x27d4_eb2f, 0x1656_67b1];
    let [one, two, three, four, five] = PRIME;
    let mut rest = bytes;
    let mut hash = five;
    let mut lanes = [one.wrapping_add(two), two, 0, one.wrapping_neg()];
    while rest.len() >= 16 {
        hash = 0;
        for (lane, turn) in lanes.iter_mut().zip(TURNS) {
            let word = u32::from_le_bytes(take(&mut rest));
            *lane = lane.wrapping_add(word.wrapping_mul(two)).rotate_left(13).wrapping_mul(one);
            hash = hash.wrapping_add(lane.rotate_left(*turn));
        }
    }
    hash = hash.wrapping_add(bytes.len() as u32);
    while rest.len() >= 4 {
        let word = u32::from_le_bytes(take(&mut rest));
        hash = hash.wrapping_add(word.wrapping_mul(three)).rotate_left(17).wrapping_mul(four);
    }
    for byte in rest {
        hash = hash.wrapping_add(u32::from(*byte).wrapping_mul(five)).rotate_left(11).wrapping_mul(one);
    }
    hash = (hash ^ hash >> 15).wrapping_mul(two);
    hash = (hash ^ hash >> 13).wrapping_mul(three);
    hash ^ hash >> 16
}

/// XXH64.
pub fn xxh64(bytes: &[u8], seed: u64) -> u64 {
    const PRIME: [u64; 5] = [
        0x9e37_79b1_85eb_ca87,
        0xc2b2_ae3d_27d4_eb4f,
        0x1656_67b1_9e37_79f9,
        0x85eb_ca77_c2b2_ae63,
        0x27d4_eb2f_1656_67c5,
    ];
    let [one, two, three, four, five] = PRIME;
    let round = |lane: u64, word: u64| lane.wrapping_add(word.wrapping_mul(two)).rotate_left(31).wrapping_mul(one);
    let mut rest = bytes;
    let mut hash = seed.wrapping_add(five);
    let mut lanes = [seed.wrapping_add(one).wrapping_add(two), seed.wrapping_add(two), seed, seed.wrapping_sub(one)];
    while rest.len() >= 32 {
        hash = 0;
        for (lane, turn) in lanes.iter_mut().zip(TURNS) {
            *lane = round(*lane, u64::from_le_bytes(take(&mut rest)));
            hash = hash.wrapping_add(lane.rotate_left(*turn));
        }
    }
    if bytes.len() >= 32 {
        for lane in &lanes {
            hash = (hash ^ round(0, *lane)).wrapping_mul(one).wrapping_add(four);
        }
    }
    hash = hash.wrapping_add(bytes.len() as u64);
    while rest.len() >= 8 {
        let word = u64::from_le_bytes(take(&mut rest));
        hash = (hash ^ round(0, word)).rotate_left(27).wrapping_mul(one).wrapping_add(four);
    }
    if rest.len() >= 4 {
        let word = u64::from(u32::from_le_bytes(take(&mut rest)));
        hash = (hash ^ word.wrapping_mul(one)).rotate_left(23).wrapping_mul(two).wrapping_add(three);
    }
    for byte in rest {
        hash = (hash ^ u64::from(*byte).wrapping_mul(five)).rotate_left(11).wrapping_mul(one);
    }
    hash = (hash ^ hash >> 33).wrapping_mul(two);
    hash = (hash ^ hash >> 29).wrapping_mul(three);
    hash ^ hash >> 32
}

/// The first bytes, which are taken away; zeros when there are not so many.
fn take<const COUNT: usize>(rest: &mut &[u8]) -> [u8; COUNT] {
    let Some((first, behind)) = rest.split_first_chunk() else { return [0; COUNT] };
    *rest = behind;
    *first
}

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
const ROUNDS: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];

/// SHA-256, as lower case hexadecimal digits. `message`: it is padded in place.
pub fn sha256_hex(mut message: Vec<u8>) -> String {
    let bits = message.len() as u64 * 8;
    message.push(0x80);
    message.resize((message.len() + 8).next_multiple_of(64) - 8, 0);
    message.extend(bits.to_be_bytes());
    // The first 32 bits of the fractional parts of the square roots of the first 8 primes.
    let mut state: [u32; 8] =
        [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
    let mut rest: &[u8] = &message;
    while !rest.is_empty() {
        let mut words: Vec<u32> = Vec::with_capacity(ROUNDS.len());
        for _ in 0..16 {
            words.push(u32::from_be_bytes(take(&mut rest)));
        }
        while words.len() < ROUNDS.len()
            && let Some([word, next, _, _, _, _, _, _, _, ninth, _, _, _, _, last, _]) = words.last_chunk()
        {
            words.push(
                word.wrapping_add(next.rotate_right(7) ^ next.rotate_right(18) ^ next >> 3)
                    .wrapping_add(*ninth)
                    .wrapping_add(last.rotate_right(17) ^ last.rotate_right(19) ^ last >> 10),
            );
        }
        let before = state;
        for (round, word) in ROUNDS.iter().zip(words) {
            let [a, b, c, d, e, f, g, h] = state;
            let one = h
                .wrapping_add(e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25))
                .wrapping_add(g ^ (e & (f ^ g)))
                .wrapping_add(*round)
                .wrapping_add(word);
            let two =
                (a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22)).wrapping_add((a & b) | (c & (a | b)));
            state = [one.wrapping_add(two), a, b, c, d.wrapping_add(one), e, f, g];
        }
        for (word, before) in state.iter_mut().zip(before) {
            *word = word.wrapping_add(before);
        }
    }
    let mut hex = String::new();
    for word in state {
        super::text::push_hex(&mut hex, &word.to_be_bytes());
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    proptest! {
        #[test]
        fn hashes_are_those_of_the_crates(bytes in prop::collection::vec(any::<u8>(), 0..200), seed in 0..3u64) {
            prop_assert_eq!(xxh32(&bytes), xxhash_rust::xxh32::xxh32(&bytes, 0));
            prop_assert_eq!(xxh64(&bytes, seed), xxhash_rust::xxh64::xxh64(&bytes, seed));
            let hash = Sha256::digest(&bytes);
            let expected: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assert_eq!(sha256_hex(bytes), expected);
        }
    }
}
