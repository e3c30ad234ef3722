//! What is known of one object: which of its keys are wanted, and the order in which they have come so far.

use super::simd::{Simd, WIDTH};

/// A value's place in the text of the record. All zeros: the value is missing.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The slot of values nobody wants.
pub(crate) const UNWANTED: u32 = 0;
/// The target of values that are only passed.
pub(crate) const NOTHING: u32 = 0;
/// The target of the entry that closes the object.
pub(crate) const CLOSE: u32 = u32::MAX;
const NOWHERE: u32 = u32::MAX;
/// A bit that no mask of 32 bytes has.
const NEVER: u64 = 1 << 40;
/// How many keys beyond the wanted ones are learned, so that objects used as maps can't fill the memory.
const LEARNED_KEYS: u32 = 1024;
/// After so many objects without order none is expected.
const PATIENCE: u32 = 16;
/// How many places of the table there are for each key, at least: few keys then share one.
const SPARSE: usize = 8;
const FACTORS: [u64; 8] = [
    0x9e37_79b9_7f4a_7c15,
    0xbf58_476d_1ce4_e5b9,
    0x94d0_49bb_1331_11eb,
    0xd6e8_feb8_6659_fd93,
    0xff51_afd7_ed55_8ccd,
    0xc4ce_b9fe_1a85_ec53,
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
];

/// One member in learned order: the very bytes between the value before it and its own value.
#[derive(Clone)]
#[repr(C, align(64))]
pub(crate) struct Entry {
    pub(crate) pattern: [u8; WIDTH],
    /// The bits of the pattern's bytes in a mask of equal bytes.
    pub(crate) mask: u64,
    pub(crate) len: u32,
    pub(crate) slot: u32,
    pub(crate) target: u32,
    /// Which of the shape's keys this is.
    key: u32,
    /// Which of the shape's long patterns continues this one; each is filled up to whole vectors.
    tail: u32,
}

/// A known key.
struct Key {
    head: [u8; WIDTH],
    len: u32,
    /// The whole key, when it doesn't fit the head.
    long: Box<[u8]>,
    slot: u32,
    target: u32,
    /// Where in the learned order it stands.
    position: u32,
}

/// The wanted and the learned keys of one object.
pub(crate) struct Shape {
    /// In learned order, the closing one last.
    entries: Vec<Entry>,
    keys: Vec<Key>,
    /// Open addressing: the number of a key plus one, or zero.
    table: Vec<u16>,
    tails: Vec<Box<[u8]>>,
    /// How many more times this shape may change; it is never endless, since learning costs.
    budget: u32,
    misses: u32,
    relearn_at: u32,
    /// How many objects in a row kept no order.
    disorder: u32,
    /// What the keys are hashed with, chosen so that few of them collide.
    factor: u64,
}

/// A key that was looked up.
#[derive(Clone, Copy)]
pub(crate) struct Hit {
    pub(crate) slot: u32,
    pub(crate) target: u32,
    key: u32,
}

impl Shape {
    /// A shape that knows the wanted keys, each with its slot and target, and no order yet.
    pub(crate) fn new<'a>(wanted: impl IntoIterator<Item = (&'a str, u32, u32)>) -> Self {
        let mut shape = Self {
            entries: vec![Entry::closing()],
            keys: Vec::new(),
            table: vec![0; 64],
            tails: Vec::new(),
            budget: 4 * LEARNED_KEYS,
            misses: 0,
            relearn_at: 1024,
            disorder: 0,
            factor: FACTORS[0],
        };
        for (name, slot, target) in wanted {
            shape.add(name.as_bytes(), slot, target);
        }
        shape
    }

    #[inline(always)]
    pub(crate) fn entries(&self) -> *const Entry {
        self.entries.as_ptr()
    }

    /// Whether what a long pattern's entry says beyond its first bytes stands in the text too.
    ///
    /// # Safety
    ///
    /// The first bytes were found equal, and behind the text are [`WIDTH`] readable bytes of padding.
    #[inline(always)]
    pub(crate) unsafe fn tail_matches<S: Simd>(&self, entry: &Entry, at: *const u8) -> bool {
        let tail = &self.tails[entry.tail as usize];
        let mut left = entry.len as usize - WIDTH;
        tail.chunks_exact(WIDTH).enumerate().all(|(chunk, pattern)| {
            // SAFETY: everything before this chunk was equal to the pattern, so it is text, not padding.
            let equal = unsafe { S::equal(at.add((chunk + 1) * WIDTH), pattern.as_ptr()) };
            let mask = if left >= WIDTH { u32::MAX } else { (1 << left) - 1 };
            left = left.saturating_sub(WIDTH);
            equal & mask == mask
        })
    }

    /// Looks a key up by its bytes.
    ///
    /// # Safety
    ///
    /// `at` has `len` readable bytes and [`WIDTH`] more.
    #[inline(always)]
    pub(crate) unsafe fn find<S: Simd>(&self, at: *const u8, len: usize) -> Option<Hit> {
        let wrap = self.table.len() - 1;
        // SAFETY: the caller's promise.
        let mut place = unsafe { hash(at, len, self.factor) } & wrap;
        loop {
            // The table is never full and `place` is wrapped to its length.
            let number = *self.table.get(place)? as usize;
            let key = self.keys.get(number.wrapping_sub(1))?;
            // SAFETY: the head is as long as a vector, and so is what follows `at`.
            let equal = unsafe { S::equal(at, key.head.as_ptr()) };
            let mask = if len >= WIDTH { u32::MAX } else { (1 << len) - 1 };
            if key.len as usize == len
                && equal & mask == mask
                // SAFETY: the key's bytes are readable.
                && (len <= WIDTH || *key.long == *unsafe { std::slice::from_raw_parts(at, len) })
            {
                return Some(Hit { slot: key.slot, target: key.target, key: number as u32 - 1 });
            }
            place = (place + 1) & wrap;
        }
    }

    /// Remembers a key nobody asked for, while there is room.
    pub(crate) fn remember(&mut self, name: &[u8]) -> Option<Hit> {
        let learned = self.keys.len() < usize::from(u16::MAX) / 2 && self.budget > 0;
        learned.then(|| {
            self.budget -= 1;
            let key = self.add(name, UNWANTED, NOTHING);
            Hit { slot: UNWANTED, target: NOTHING, key }
        })
    }

    /// Where the order goes on after a key that stands where `index` was expected, and whether the order was
    /// kept so far.
    pub(crate) fn follow(&mut self, hit: Hit, index: u32, lead: &[u8], ordered: bool) -> (u32, bool) {
        let position = self.keys[hit.key as usize].position;
        if position == NOWHERE {
            if !ordered || self.budget == 0 {
                return (index, false);
            }
            self.budget -= 1;
            self.insert(hit, index, lead);
            return (index + 1, true);
        }
        self.misses += 1;
        if position == index && self.budget > 0 {
            self.budget -= 1;
            self.set_pattern(index as usize, lead);
        }
        (position + 1, ordered && position >= index)
    }

    /// Learns how the object closes.
    pub(crate) fn learn_closing(&mut self, lead: &[u8]) {
        if self.budget > 0 {
            self.budget -= 1;
            self.set_pattern(self.entries.len() - 1, lead);
        }
    }

    /// Whether objects have come in no order for so long that it isn't worth expecting one. Now and then it
    /// says no all the same, to see whether order has come back.
    #[inline(always)]
    pub(crate) fn has_no_order(&mut self) -> bool {
        if self.disorder < PATIENCE {
            return false;
        }
        self.disorder = self.disorder % (1 << 30) + 1;
        !self.disorder.is_multiple_of(64)
    }

    /// Tells whether an object kept the order.
    #[inline(always)]
    pub(crate) fn came_in_order(&mut self, ordered: bool) {
        self.disorder = if ordered { 0 } else { self.disorder.max(1) % (1 << 30) + 1 };
    }

    /// Forgets an order that no longer holds. Each time it waits longer, so that records without any order
    /// don't pay for it.
    #[inline(always)]
    pub(crate) fn relearn_if_stale(&mut self) {
        if self.misses >= self.relearn_at {
            self.relearn();
        }
    }

    #[cold]
    fn relearn(&mut self) {
        self.misses = 0;
        self.relearn_at = self.relearn_at.saturating_mul(16);
        self.budget = self.budget.saturating_add(self.keys.len() as u32 + 1).min(4 * LEARNED_KEYS);
        self.entries = vec![Entry::closing()];
        self.tails.clear();
        for key in &mut self.keys {
            key.position = NOWHERE;
        }
    }

    fn insert(&mut self, hit: Hit, index: u32, lead: &[u8]) {
        for key in &mut self.keys {
            if key.position != NOWHERE && key.position >= index {
                key.position += 1;
            }
        }
        self.keys[hit.key as usize].position = index;
        let entry = Entry { slot: hit.slot, target: hit.target, key: hit.key, ..Entry::closing() };
        self.entries.insert(index as usize, entry);
        self.set_pattern(index as usize, lead);
    }

    fn set_pattern(&mut self, index: usize, lead: &[u8]) {
        let entry = &mut self.entries[index];
        let head = lead.len().min(WIDTH);
        entry.pattern = [0; WIDTH];
        entry.pattern[..head].copy_from_slice(&lead[..head]);
        entry.mask = if head == WIDTH { u64::from(u32::MAX) } else { (1 << head) - 1 };
        entry.len = lead.len() as u32;
        if lead.len() > WIDTH {
            entry.tail = self.tails.len() as u32;
            let mut tail = lead[WIDTH..].to_vec();
            tail.resize(tail.len().next_multiple_of(WIDTH), 0);
            self.tails.push(tail.into());
        }
    }

    fn add(&mut self, name: &[u8], slot: u32, target: u32) -> u32 {
        let mut head = [0; WIDTH];
        let short = name.len().min(WIDTH);
        head[..short].copy_from_slice(&name[..short]);
        let long = if name.len() > WIDTH { name.into() } else { Box::default() };
        self.keys.push(Key { head, len: name.len() as u32, long, slot, target, position: NOWHERE });
        if self.keys.len() * SPARSE > self.table.len() {
            self.spread();
        } else {
            self.enter(self.keys.len());
        }
        self.keys.len() as u32 - 1
    }

    /// Makes the table larger, and takes the factor with which the fewest keys collide.
    #[cold]
    fn spread(&mut self) {
        let places = self.table.len() * 2;
        let collisions = |shape: &mut Self, factor: u64| {
            shape.table = vec![0; places];
            shape.factor = factor;
            (1..=shape.keys.len()).filter(|number| shape.enter(*number)).count()
        };
        let fewest = FACTORS.into_iter().min_by_key(|factor| collisions(self, *factor));
        collisions(self, fewest.unwrap_or(FACTORS[0]));
    }

    /// Whether the key's place was taken, so that it got another.
    fn enter(&mut self, number: usize) -> bool {
        let key = &self.keys[number - 1];
        let mut padded =
            Vec::from(if key.long.is_empty() { &key.head[..key.len as usize] } else { &key.long });
        padded.resize(key.len as usize + WIDTH, 0);
        // SAFETY: padded just above.
        let first = unsafe { hash(padded.as_ptr(), key.len as usize, self.factor) };
        let wrap = self.table.len() - 1;
        let mut place = first;
        while self.table[place & wrap] != 0 {
            place += 1;
        }
        self.table[place & wrap] = number as u16;
        place != first
    }
}

impl Entry {
    /// An entry that never matches and closes the object when it does.
    fn closing() -> Self {
        Self { pattern: [0; WIDTH], mask: NEVER, len: 0, slot: UNWANTED, target: CLOSE, key: 0, tail: 0 }
    }
}

/// Mixes the length and the first and last eight bytes.
///
/// # Safety
///
/// `at` has `len` readable bytes and eight more.
#[inline(always)]
unsafe fn hash(at: *const u8, len: usize, factor: u64) -> usize {
    let part = len.min(8);
    let mask = if part == 8 { u64::MAX } else { (1 << (part * 8)) - 1 };
    // SAFETY: both reads start inside the key, or at its start, and eight more bytes are readable.
    let (first, last) =
        unsafe { (at.cast::<u64>().read_unaligned(), at.add(len - part).cast::<u64>().read_unaligned()) };
    let (first, last) = (u64::from_le(first) & mask, u64::from_le(last) & mask);
    let mixed = (first ^ last.rotate_left(29) ^ (len as u64) << 56).wrapping_mul(factor);
    (mixed ^ mixed >> 32) as usize
}
