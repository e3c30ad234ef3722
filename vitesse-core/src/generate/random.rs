/// A sequence of numbers that follow from a seed: SplitMix64, which is four lines, has no platform, and whose
/// sequence will never change under our feet.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The sequence of that number under a seed.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        random.next();
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to below `end`; 0 if there is none.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// A number from `low` to `high`, both among them.
    pub(super) fn between(&mut self, low: i128, high: i128) -> i128 {
        let span = high.saturating_sub(low).saturating_add(1);
        if span <= 1 {
            return low;
        }
        let span = span.unsigned_abs();
        if let Ok(span) = u64::try_from(span) {
            return low + i128::from(self.below(span));
        }
        let wide = u128::from(self.next()) << 64 | u128::from(self.next());
        low + (wide % span) as i128
    }

    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of several; the type's default of none.
    pub(super) fn pick<T: Copy + Default>(&mut self, of: &[T]) -> T {
        of.get(self.below(of.len() as u64) as usize).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_sequence_never_changes() {
        let mut random = Random::new(1, 2);
        let first: Vec<_> = (0..4).map(|_| random.below(1000)).collect();
        assert_eq!(first, [769, 251, 376, 881]);
        assert!((0..1000).all(|_| (-5..=5).contains(&random.between(-5, 5))));
        assert_eq!(random.between(i128::MAX, i128::MIN), i128::MAX);
    }
}
