//! The few wide operations the scanner is made of, once for AVX2 and once for every machine.

/// How many bytes each operation looks at. Buffers carry this much readable padding on both sides.
pub(crate) const WIDTH: usize = 32;

/// The set of wide operations. Every mask has one bit for each of 32 bytes, the first byte lowest.
///
/// # Safety
///
/// Every method needs 32 readable bytes behind each pointer it is given (`copy` 32 writable ones at `to`),
/// and a processor that has what the implementation is named after.
pub(crate) trait Simd: Copy {
    /// Where a quote, a backslash or a control byte stands.
    unsafe fn string_stops(at: *const u8) -> u32;
    /// Where something else than a digit stands.
    unsafe fn non_digits(at: *const u8) -> u32;
    /// Where something else than JSON whitespace stands.
    unsafe fn non_spaces(at: *const u8) -> u32;
    /// Where the bytes of `at` and `pattern` are equal.
    unsafe fn equal(at: *const u8, pattern: *const u8) -> u32;
    /// Where a line feed or carriage return stands.
    unsafe fn line_ends(at: *const u8) -> u32;
    /// Whether one stands in the first `len` bytes.
    ///
    /// `at` has that many readable bytes and 32 more.
    #[inline(always)]
    unsafe fn has_line_feed(at: *const u8, len: usize) -> bool {
        let mut done = 0;
        while done < len {
            // SAFETY: each step starts inside the text.
            let mut mask = unsafe { Self::line_ends(at.add(done)) };
            if len - done < WIDTH {
                mask &= (1 << (len - done)) - 1;
            }
            if mask != 0 {
                return true;
            }
            done += WIDTH;
        }
        false
    }
    /// Copies 32 bytes.
    unsafe fn copy(from: *const u8, to: *mut u8);
    /// Transforms a record.
    unsafe fn transform(
        fast: &super::Fast,
        state: &mut super::State,
        text: super::scan::Text,
        out: &mut Vec<u8>,
    ) -> super::Outcome;
    /// Walks an object; a function of its own for each implementation, so that recursion stays inside it.
    unsafe fn object(
        walk: &mut super::walk::Walk<'_>,
        call: super::walk::Call,
    ) -> Result<usize, super::Fault>;
    /// Walks an object that has no order.
    unsafe fn unordered(
        walk: &mut super::walk::Walk<'_>,
        call: super::walk::Call,
    ) -> Result<usize, super::Fault>;
    /// Walks an array, likewise.
    unsafe fn array(walk: &mut super::walk::Walk<'_>, call: super::walk::Call)
    -> Result<usize, super::Fault>;
    /// Finds out which member stands there when the learned one doesn't.
    unsafe fn resolve(
        walk: &mut super::walk::Walk<'_>,
        miss: super::walk::Miss,
    ) -> Result<super::walk::Found, super::Fault>;
    /// Writes the steps of an array's element.
    unsafe fn write(
        program: &super::program::Program,
        from: super::program::Material<'_>,
        ops: &[super::program::Op],
        frame: *const super::shape::Span,
        groups: &[super::walk::Group],
        to: *mut u8,
    ) -> Option<*mut u8>;

    /// [`super::program::Program::sparse_body`], compiled for this processor.
    unsafe fn sparse(
        program: &super::program::Program,
        from: super::program::Material<'_>,
        tree: &super::sparse::Tree,
        frame: *const super::shape::Span,
        groups: &[super::walk::Group],
        to: *mut u8,
        always: bool,
    ) -> super::sparse::Part;
    /// Skips a container; not inlined into the walk, whose hot loop stays small.
    unsafe fn skip(text: super::scan::Text, at: usize, depth: u32) -> Result<usize, super::Fault>;
}

/// Works on any machine, eight bytes at a time.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The high bit of each byte that is zero; exact, without the usual false neighbours.
#[inline(always)]
const fn zeros(x: u64) -> u64 {
    !(((x & !HIGHS) + !HIGHS) | x) & HIGHS
}

#[inline(always)]
const fn is(x: u64, byte: u8) -> u64 {
    zeros(x ^ (ONES * byte as u64))
}

/// Eight high bits become eight neighbouring ones.
#[inline(always)]
const fn gather(highs: u64) -> u32 {
    ((highs >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}

/// # Safety
///
/// Eight readable bytes at `at`.
#[inline(always)]
unsafe fn word(at: *const u8) -> u64 {
    // SAFETY: the caller's promise; the read needs no alignment.
    u64::from_le(unsafe { at.cast::<u64>().read_unaligned() })
}

/// # Safety
///
/// 32 readable bytes at `at`.
#[inline(always)]
unsafe fn each_word(at: *const u8, highs: impl Fn(u64) -> u64) -> u32 {
    let mut mask = 0;
    for lane in 0..4 {
        // SAFETY: four words are the 32 bytes the caller promised.
        mask |= gather(highs(unsafe { word(at.add(lane * 8)) })) << (lane * 8);
    }
    mask
}

impl Simd for Portable {
    #[inline(always)]
    unsafe fn string_stops(at: *const u8) -> u32 {
        // SAFETY: the trait's contract.
        unsafe { each_word(at, |x| is(x, b'"') | is(x, b'\\') | zeros(x & (ONES * 0xe0))) }
    }

    #[inline(always)]
    unsafe fn non_digits(at: *const u8) -> u32 {
        let highs = |x: u64| {
            // A digit is 0x30..=0x39: its high half is 3 and its low half plus 6 does not carry.
            let high_half = zeros((x & (ONES * 0xf0)) ^ (ONES * 0x30));
            let carries = ((x & (ONES * 0x0f)) + ONES * 6) & (ONES * 0x10);
            HIGHS & !(high_half & !(carries << 3))
        };
        // SAFETY: the trait's contract.
        unsafe { each_word(at, highs) }
    }

    #[inline(always)]
    unsafe fn non_spaces(at: *const u8) -> u32 {
        let highs = |x| HIGHS & !(is(x, b' ') | is(x, b'\n') | is(x, b'\t') | is(x, b'\r'));
        // SAFETY: the trait's contract.
        unsafe { each_word(at, highs) }
    }

    #[inline(always)]
    unsafe fn line_ends(at: *const u8) -> u32 {
        // SAFETY: the trait's contract.
        unsafe { each_word(at, |x| is(x, b'\n') | is(x, b'\r')) }
    }

    #[inline(always)]
    unsafe fn equal(at: *const u8, pattern: *const u8) -> u32 {
        let mut mask = 0;
        for lane in 0..4 {
            // SAFETY: the trait's contract, for both pointers.
            let different = unsafe { word(at.add(lane * 8)) ^ word(pattern.add(lane * 8)) };
            mask |= gather(zeros(different)) << (lane * 8);
        }
        mask
    }

    #[inline(always)]
    unsafe fn copy(from: *const u8, to: *mut u8) {
        // SAFETY: the trait's contract; input and output never overlap.
        unsafe { to.copy_from_nonoverlapping(from, WIDTH) }
    }

    unsafe fn transform(
        fast: &super::Fast,
        state: &mut super::State,
        text: super::scan::Text,
        out: &mut Vec<u8>,
    ) -> super::Outcome {
        // SAFETY: handed on from the caller.
        unsafe { super::transform::<Self>(fast, state, text, out) }
    }

    unsafe fn object(
        walk: &mut super::walk::Walk<'_>,
        call: super::walk::Call,
    ) -> Result<usize, super::Fault> {
        // SAFETY: handed on from the caller.
        unsafe { super::walk::object::<Self>(walk, call) }
    }

    unsafe fn write(
        program: &super::program::Program,
        from: super::program::Material<'_>,
        ops: &[super::program::Op],
        frame: *const super::shape::Span,
        groups: &[super::walk::Group],
        to: *mut u8,
    ) -> Option<*mut u8> {
        // SAFETY: handed on from the caller.
        unsafe { program.write_body::<Self>(from, ops, frame, groups, to) }
    }

    unsafe fn sparse(
        program: &super::program::Program,
        from: super::program::Material<'_>,
        tree: &super::sparse::Tree,
        frame: *const super::shape::Span,
        groups: &[super::walk::Group],
        to: *mut u8,
        always: bool,
    ) -> super::sparse::Part {
        // SAFETY: handed on from the caller.
        unsafe { program.sparse_body::<Self>(from, tree, frame, groups, to, always) }
    }

    #[inline(never)]
    unsafe fn unordered(
        walk: &mut super::walk::Walk<'_>,
        call: super::walk::Call,
    ) -> Result<usize, super::Fault> {
        // SAFETY: handed on from the caller.
        unsafe { super::walk::unordered::<Self>(walk, call) }
    }

    unsafe fn array(
        walk: &mut super::walk::Walk<'_>,
        call: super::walk::Call,
    ) -> Result<usize, super::Fault> {
        // SAFETY: handed on from the caller.
        unsafe { super::walk::array::<Self>(walk, call) }
    }

    #[inline(never)]
    unsafe fn resolve(
        walk: &mut super::walk::Walk<'_>,
        miss: super::walk::Miss,
    ) -> Result<super::walk::Found, super::Fault> {
        // SAFETY: handed on from the caller.
        unsafe { super::walk::resolve::<Self>(walk, miss) }
    }

    #[inline(never)]
    unsafe fn skip(text: super::scan::Text, at: usize, depth: u32) -> Result<usize, super::Fault> {
        // SAFETY: handed on from the caller.
        unsafe { super::scan::skip_container::<Self>(text, at, depth) }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::Simd;
    use crate::transform::hot::{Fault, scan, walk};

    /// 32 bytes at once, chosen at run time on processors that have AVX2 and BMI.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2;

    impl Avx2 {
        /// Whether this processor can.
        pub(crate) fn available() -> bool {
            is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt")
        }
    }

    impl Simd for Avx2 {
        #[inline(always)]
        unsafe fn string_stops(at: *const u8) -> u32 {
            // SAFETY: the trait's contract: 32 readable bytes and AVX2.
            unsafe {
                let x = _mm256_loadu_si256(at.cast());
                let quote = _mm256_cmpeq_epi8(x, _mm256_set1_epi8(b'"' as i8));
                let slash = _mm256_cmpeq_epi8(x, _mm256_set1_epi8(b'\\' as i8));
                let control = _mm256_cmpeq_epi8(x, _mm256_min_epu8(x, _mm256_set1_epi8(0x1f)));
                _mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(quote, slash), control)) as u32
            }
        }

        #[inline(always)]
        unsafe fn non_digits(at: *const u8) -> u32 {
            // SAFETY: the trait's contract.
            unsafe {
                let x = _mm256_sub_epi8(_mm256_loadu_si256(at.cast()), _mm256_set1_epi8(b'0' as i8));
                let digit = _mm256_cmpeq_epi8(x, _mm256_min_epu8(x, _mm256_set1_epi8(9)));
                !(_mm256_movemask_epi8(digit) as u32)
            }
        }

        #[inline(always)]
        unsafe fn non_spaces(at: *const u8) -> u32 {
            // SAFETY: the trait's contract.
            unsafe {
                let x = _mm256_loadu_si256(at.cast());
                let is = |byte: u8| _mm256_cmpeq_epi8(x, _mm256_set1_epi8(byte as i8));
                let space = _mm256_or_si256(
                    _mm256_or_si256(is(b' '), is(b'\n')),
                    _mm256_or_si256(is(b'\t'), is(b'\r')),
                );
                !(_mm256_movemask_epi8(space) as u32)
            }
        }

        #[inline(always)]
        unsafe fn line_ends(at: *const u8) -> u32 {
            // SAFETY: the trait's contract.
            unsafe {
                let x = _mm256_loadu_si256(at.cast());
                let feed = _mm256_cmpeq_epi8(x, _mm256_set1_epi8(b'\n' as i8));
                let end = _mm256_cmpeq_epi8(x, _mm256_set1_epi8(b'\r' as i8));
                _mm256_movemask_epi8(_mm256_or_si256(feed, end)) as u32
            }
        }

        #[inline(always)]
        unsafe fn equal(at: *const u8, pattern: *const u8) -> u32 {
            // SAFETY: the trait's contract, for both pointers.
            unsafe {
                let equal =
                    _mm256_cmpeq_epi8(_mm256_loadu_si256(at.cast()), _mm256_loadu_si256(pattern.cast()));
                _mm256_movemask_epi8(equal) as u32
            }
        }

        #[inline(always)]
        unsafe fn copy(from: *const u8, to: *mut u8) {
            // SAFETY: the trait's contract.
            unsafe { _mm256_storeu_si256(to.cast(), _mm256_loadu_si256(from.cast())) }
        }

        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        unsafe fn transform(
            fast: &crate::transform::hot::Fast,
            state: &mut crate::transform::hot::State,
            text: scan::Text,
            out: &mut Vec<u8>,
        ) -> crate::transform::hot::Outcome {
            // SAFETY: handed on from the caller.
            unsafe { crate::transform::hot::transform::<Self>(fast, state, text, out) }
        }

        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        unsafe fn object(walk: &mut walk::Walk<'_>, call: walk::Call) -> Result<usize, Fault> {
            // SAFETY: handed on from the caller.
            unsafe { walk::object::<Self>(walk, call) }
        }

        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        unsafe fn write(
            program: &crate::transform::hot::program::Program,
            from: crate::transform::hot::program::Material<'_>,
            ops: &[crate::transform::hot::program::Op],
            frame: *const crate::transform::hot::shape::Span,
            groups: &[walk::Group],
            to: *mut u8,
        ) -> Option<*mut u8> {
            // SAFETY: handed on from the caller.
            unsafe { program.write_body::<Self>(from, ops, frame, groups, to) }
        }

        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        unsafe fn sparse(
            program: &crate::transform::hot::program::Program,
            from: crate::transform::hot::program::Material<'_>,
            tree: &crate::transform::hot::sparse::Tree,
            frame: *const crate::transform::hot::shape::Span,
            groups: &[walk::Group],
            to: *mut u8,
            always: bool,
        ) -> crate::transform::hot::sparse::Part {
            // SAFETY: handed on from the caller.
            unsafe { program.sparse_body::<Self>(from, tree, frame, groups, to, always) }
        }

        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        #[inline(never)]
        unsafe fn unordered(walk: &mut walk::Walk<'_>, call: walk::Call) -> Result<usize, Fault> {
            // SAFETY: handed on from the caller.
            unsafe { walk::unordered::<Self>(walk, call) }
        }

        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        unsafe fn array(walk: &mut walk::Walk<'_>, call: walk::Call) -> Result<usize, Fault> {
            // SAFETY: handed on from the caller.
            unsafe { walk::array::<Self>(walk, call) }
        }

        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        #[inline(never)]
        unsafe fn resolve(walk: &mut walk::Walk<'_>, miss: walk::Miss) -> Result<walk::Found, Fault> {
            // SAFETY: handed on from the caller.
            unsafe { walk::resolve::<Self>(walk, miss) }
        }

        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        #[inline(never)]
        unsafe fn skip(text: scan::Text, at: usize, depth: u32) -> Result<usize, Fault> {
            // SAFETY: handed on from the caller.
            unsafe { scan::skip_container::<Self>(text, at, depth) }
        }
    }
}
