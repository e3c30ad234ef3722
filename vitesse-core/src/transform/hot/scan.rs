//! Validating JSON values without building them: each function takes the place where something starts and
//! gives the place behind it.

use super::fault::{Fault, FaultKind};
use super::simd::{Simd, WIDTH};

/// How deep containers may nest, the record itself included.
pub(crate) const MAX_DEPTH: u32 = crate::mapping::value::MAX_DEPTH as u32;

/// Text in memory that has [`WIDTH`] bytes of zeros behind it.
///
/// The zeros end every scan: a zero is no digit, no space, no closing quote, and not allowed in a string.
/// So nothing here compares a position with the end, and a fault *at* the end means that text is missing.
#[derive(Clone, Copy)]
pub(crate) struct Text {
    base: *const u8,
    len: usize,
}

impl Text {
    /// # Safety
    ///
    /// `base` has [`WIDTH`] readable bytes before it, and behind its `len` bytes twice [`WIDTH`] zeros, for
    /// as long as the text is used.
    #[inline(always)]
    pub(crate) unsafe fn new(base: *const u8, len: usize) -> Self {
        Self { base, len }
    }

    #[inline(always)]
    pub(crate) fn len(self) -> usize {
        self.len
    }

    /// # Safety
    ///
    /// `at` is at most [`WIDTH`] behind the end, as for all that follow.
    #[inline(always)]
    pub(crate) unsafe fn at(self, at: usize) -> *const u8 {
        debug_assert!(at <= self.len + WIDTH);
        // SAFETY: inside the text or its padding.
        unsafe { self.base.add(at) }
    }

    #[inline(always)]
    pub(crate) unsafe fn byte(self, at: usize) -> u8 {
        // SAFETY: as above.
        unsafe { *self.at(at) }
    }

    #[inline(always)]
    unsafe fn four(self, at: usize) -> [u8; 4] {
        // SAFETY: as above, and the padding is twice as long as any scan stands behind the end.
        unsafe { self.at(at).cast::<[u8; 4]>().read_unaligned() }
    }
}

/// Passes whitespace.
#[inline(always)]
pub(crate) unsafe fn spaces<S: Simd>(text: Text, mut at: usize) -> usize {
    // SAFETY: the padding stops the scan, so `at` stays inside the text.
    unsafe {
        if text.byte(at) > b' ' {
            return at;
        }
        loop {
            let mask = S::non_spaces(text.at(at));
            if mask != 0 {
                return at + mask.trailing_zeros() as usize;
            }
            at += WIDTH;
        }
    }
}

/// Passes a string whose opening quote is just before `at`.
#[inline(always)]
pub(crate) unsafe fn string<S: Simd>(text: Text, mut at: usize) -> Result<usize, Fault> {
    // SAFETY: the padding stops the scan.
    unsafe {
        loop {
            let mask = S::string_stops(text.at(at));
            if mask == 0 {
                at += WIDTH;
                continue;
            }
            at += mask.trailing_zeros() as usize;
            if text.byte(at) == b'"' {
                return Ok(at + 1);
            }
            at = escape(text, at)?;
        }
    }
}

/// Passes one escape; what stands at `at` is no plain character and no quote.
#[cold]
#[inline(never)]
unsafe fn escape(text: Text, at: usize) -> Result<usize, Fault> {
    // SAFETY: at most twelve bytes behind `at` are read, and each only when those before were in the text.
    unsafe {
        if text.byte(at) != b'\\' {
            return Err(Fault::new(FaultKind::Control, at));
        }
        match text.byte(at + 1) {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 2),
            b'u' => match hex4(text, at + 2)? {
                0xd800..=0xdbff => {
                    // The padding is zeros: text that ends here is cut off, not a lone surrogate.
                    for (offset, expected) in [(6, b'\\'), (7, b'u')] {
                        if text.byte(at + offset) != expected {
                            let kind =
                                if at + offset >= text.len() { FaultKind::Cut } else { FaultKind::Surrogate };
                            return Err(Fault::new(
                                kind,
                                if kind == FaultKind::Cut { at + offset } else { at },
                            ));
                        }
                    }
                    match hex4(text, at + 8)? {
                        0xdc00..=0xdfff => Ok(at + 12),
                        _ => Err(Fault::new(FaultKind::Surrogate, at)),
                    }
                }
                0xdc00..=0xdfff => Err(Fault::new(FaultKind::Surrogate, at)),
                _ => Ok(at + 6),
            },
            _ => Err(Fault::new(FaultKind::Escape, at + 1)),
        }
    }
}

unsafe fn hex4(text: Text, at: usize) -> Result<u16, Fault> {
    let mut unit = 0;
    for offset in 0..4 {
        // SAFETY: a digit is never padding, so the next byte is readable too.
        let Some(digit) = (unsafe { text.byte(at + offset) } as char).to_digit(16) else {
            return Err(Fault::new(FaultKind::Escape, at + offset));
        };
        unit = unit << 4 | digit as u16;
    }
    Ok(unit)
}

/// Passes a number, whose first byte is `-` or a digit.
#[inline(always)]
pub(crate) unsafe fn number<S: Simd>(text: Text, at: usize) -> Result<usize, Fault> {
    // SAFETY: the padding is no digit and stops every scan.
    unsafe {
        let digits = at + usize::from(text.byte(at) == b'-');
        let mask = S::non_digits(text.at(digits));
        let count = mask.trailing_zeros() as usize;
        let end = digits + count;
        // One digit is right whichever it is; more may not start with a zero.
        if count.wrapping_sub(1) >= WIDTH - 1 || (count > 1 && text.byte(digits) == b'0') {
            return long_number::<S>(text, digits);
        }
        let next = text.byte(end);
        if next == b'.' {
            let rest = mask & (mask - 1);
            let fraction_end = digits + rest.trailing_zeros() as usize;
            if rest == 0 || fraction_end == end + 1 || text.byte(fraction_end) | 0x20 == b'e' {
                return long_number::<S>(text, digits);
            }
            return Ok(fraction_end);
        }
        if next | 0x20 == b'e' {
            return long_number::<S>(text, digits);
        }
        Ok(end)
    }
}

/// Numbers longer than a vector, with an exponent, or wrong; `at` is behind the sign.
#[cold]
#[inline(never)]
unsafe fn long_number<S: Simd>(text: Text, at: usize) -> Result<usize, Fault> {
    // SAFETY: the padding is no digit and stops every scan.
    unsafe {
        let digits = |mut at: usize| -> Result<usize, Fault> {
            let start = at;
            while text.byte(at).is_ascii_digit() {
                at += 1;
            }
            if at == start { Err(Fault::new(FaultKind::Number, at)) } else { Ok(at) }
        };
        let mut end = digits(at)?;
        if end > at + 1 && text.byte(at) == b'0' {
            return Err(Fault::new(FaultKind::Number, at + 1));
        }
        if text.byte(end) == b'.' {
            end = digits(end + 1)?;
        }
        if text.byte(end) | 0x20 == b'e' {
            end += 1;
            if matches!(text.byte(end), b'+' | b'-') {
                end += 1;
            }
            end = digits(end)?;
        }
        Ok(end)
    }
}

/// Passes `true`, `false` or `null`.
#[inline(always)]
pub(crate) unsafe fn literal(text: Text, at: usize) -> Result<usize, Fault> {
    // SAFETY: four bytes are readable anywhere in the text; a fifth because four of `false` were there.
    unsafe {
        match &text.four(at) {
            b"true" | b"null" => Ok(at + 4),
            b"fals" if text.byte(at + 4) == b'e' => Ok(at + 5),
            _ => Err(broken_literal(text, at)),
        }
    }
}

#[cold]
#[inline(never)]
unsafe fn broken_literal(text: Text, at: usize) -> Fault {
    // SAFETY: each byte is read only when the one before it was in the text.
    unsafe {
        for word in [&b"true"[..], b"false", b"null"] {
            if text.byte(at) == word[0] {
                let same = (0..word.len()).take_while(|i| text.byte(at + i) == word[*i]).count();
                return Fault::new(FaultKind::Value, at + same);
            }
        }
        Fault::new(FaultKind::Value, at)
    }
}

/// Passes an object or array with everything in it, without recursion. `depth` is how deep it stands: what
/// it holds stands one deeper.
#[inline(always)]
pub(crate) unsafe fn skip_container<S: Simd>(text: Text, start: usize, depth: u32) -> Result<usize, Fault> {
    // One bit for each open container, set for objects.
    let mut objects = [0u64; (MAX_DEPTH as usize).div_ceil(64) + 1];
    let mut level = 0u32;
    let mut at = start;
    let limit = MAX_DEPTH.saturating_sub(depth);
    // SAFETY: the padding stops every scan; `level` never exceeds `limit`, which the bits have room for.
    unsafe {
        'open: loop {
            // At an opening bracket.
            if level >= limit {
                return Err(Fault::new(FaultKind::Depth, at));
            }
            let mut in_object = text.byte(at) == b'{';
            let (word, bit) = ((level / 64) as usize, level % 64);
            objects[word] = objects[word] & !(1 << bit) | u64::from(in_object) << bit;
            level += 1;
            at = spaces::<S>(text, at + 1);
            let mut first = text.byte(at) != if in_object { b'}' } else { b']' };
            loop {
                if first {
                    // At a member or an element.
                    first = false;
                    if in_object {
                        if text.byte(at) != b'"' {
                            return Err(Fault::new(FaultKind::Key, at));
                        }
                        at = spaces::<S>(text, string::<S>(text, at + 1)?);
                        if text.byte(at) != b':' {
                            return Err(Fault::new(FaultKind::Colon, at));
                        }
                        at = spaces::<S>(text, at + 1);
                    }
                    at = match text.byte(at) {
                        b'"' => string::<S>(text, at + 1)?,
                        b'-' | b'0'..=b'9' => number::<S>(text, at)?,
                        b'{' | b'[' => continue 'open,
                        _ => literal(text, at)?,
                    };
                    at = spaces::<S>(text, at);
                }
                let byte = text.byte(at);
                if byte == b',' {
                    at = spaces::<S>(text, at + 1);
                    first = true;
                    continue;
                }
                if byte != if in_object { b'}' } else { b']' } {
                    return Err(Fault::new(
                        if in_object { FaultKind::InObject } else { FaultKind::InArray },
                        at,
                    ));
                }
                at += 1;
                level -= 1;
                if level == 0 {
                    return Ok(at);
                }
                in_object = objects[((level - 1) / 64) as usize] >> ((level - 1) % 64) & 1 == 1;
                at = spaces::<S>(text, at);
            }
        }
    }
}
