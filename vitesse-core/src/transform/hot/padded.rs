//! A record among the bytes that wide loads may touch beside it.

use std::ops::Range;

use super::PADDING;
use super::simd::{Portable, Simd, WIDTH};

/// What is kept for the next record at most.
const KEPT: usize = 1 << 20;

/// A place that records are copied to, one after the other, with [`PADDING`] bytes before and as many zeros behind.
#[derive(Default)]
pub(crate) struct Padded(Vec<u8>);

impl Padded {
    /// Copies a text; gives all of it and where the text is.
    #[inline]
    pub(crate) fn around(&mut self, text: &[u8]) -> (&[u8], Range<usize>) {
        let place = PADDING..PADDING + text.len();
        let all = place.end + PADDING;
        if self.0.len() < all || self.0.len() > all.max(KEPT) {
            self.0 = vec![0; all.next_power_of_two()];
        }
        copy(text, &mut self.0[place.clone()]);
        self.0[place.end..all].copy_from_slice(&[0; PADDING]);
        (&self.0[..all], place)
    }
}

/// Copies a text of any length. What musl has for this takes longer to begin than a short record to be copied.
fn copy(from: &[u8], to: &mut [u8]) {
    match from.len().min(to.len()).checked_sub(WIDTH) {
        // SAFETY: both have a vector from there on.
        Some(last) => unsafe { copy_up_to(last, from.as_ptr(), to.as_mut_ptr()) },
        None => to.copy_from_slice(from),
    }
}

/// Copies a vector from `last` on, and all before it. Not inlined, since a compiler that knows the slices would make one
/// call of `memcpy` of it.
///
/// # Safety
///
/// Both have `last` bytes and a vector more, readable and writable.
#[inline(never)]
unsafe fn copy_up_to(last: usize, from: *const u8, to: *mut u8) {
    let mut done = 0;
    // SAFETY: no step begins behind `last`.
    unsafe {
        while done < last {
            Portable::copy(from.add(done), to.add(done));
            done += WIDTH;
        }
        Portable::copy(from.add(last), to.add(last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_any_length_is_whole_and_has_zeros_behind_it() {
        let mut padded = Padded::default();
        let bytes: Vec<u8> = (0..600_u32).map(|at| (at % 251) as u8 + 1).collect();
        // Long and short in turns, so that what the one left would be seen behind the other.
        let step = if cfg!(miri) { 29 } else { 1 };
        for length in (0..300).step_by(step).flat_map(|length| [length, 600 - length]) {
            let text = &bytes[..length];
            let (all, place) = padded.around(text);
            assert_eq!((place.start, place.end + PADDING), (PADDING, all.len()));
            assert_eq!(&all[place.clone()], text);
            assert!(all[place.end..].iter().all(|byte| *byte == 0), "{length}");
        }
    }

    #[test]
    fn a_huge_text_is_not_kept_for_small_ones() {
        let mut padded = Padded::default();
        padded.around(&vec![b' '; 3 * KEPT]);
        padded.around(b"{}");
        assert!(padded.0.len() < KEPT);
    }
}
