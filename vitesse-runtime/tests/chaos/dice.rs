//! Numbers that look random, and are the same again for the same seed.

use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) struct Dice(AtomicU64);

impl Dice {
    /// One of several dice of a proof: `which` tells them apart.
    pub(crate) fn new(seed: u64, which: u64) -> Self {
        Self(AtomicU64::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(which << 48)))
    }

    /// From 0 up to `sides` - 1.
    pub(crate) fn roll(&self, sides: u64) -> u64 {
        let mut x = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % sides.max(1)
    }
}
