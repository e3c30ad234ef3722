//! Chance that is the same on every machine: a number made from a seed and what it is for.

/// Mixes two numbers into one (splitmix64).
pub(super) fn mix(seed: u64, with: u64) -> u64 {
    let mut z = seed.wrapping_add(with.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Mixes a text in.
pub(super) fn mix_text(seed: u64, text: &str) -> u64 {
    mix(
        seed,
        text.bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)),
    )
}

/// From 0 up to 1.
pub(super) fn share(number: u64) -> f64 {
    (number >> 11) as f64 / (1_u64 << 53) as f64
}

/// `count` letters and digits.
pub(super) fn word(seed: u64, count: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
    (0..count as u64).map(|at| char::from(LETTERS[(mix(seed, at) % LETTERS.len() as u64) as usize])).collect()
}

/// A UUID of version 4.
pub(super) fn uuid(seed: u64) -> String {
    let (a, b) = (mix(seed, 1), mix(seed, 2));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 48 & 0x3fff | 0x8000,
        b & 0xffff_ffff_ffff
    )
}
