//! Walking a record along the plan: wanted values leave their place in a slot, the rest is passed, and all
//! of it is validated.

use super::fault::{Fault, FaultKind};
use super::scan::{self, MAX_DEPTH, Text};
use super::shape::{CLOSE, Entry, Hit, NOTHING, Shape, Span, UNWANTED};
use super::simd::{Simd, WIDTH};

/// What is wanted inside a value, beside the value itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    /// The shape of the object it may be.
    pub(crate) object: Option<u32>,
    /// What is wanted of the array it may be.
    pub(crate) array: Option<u32>,
    /// The slots that are filled from inside the value: a range in its frame.
    pub(crate) inside: (u32, u32),
}

/// What is wanted inside an array.
#[derive(Clone, Debug, Default)]
pub(crate) struct Array {
    pub(crate) each: Option<Each>,
    pub(crate) indexed: Vec<Indexed>,
}

/// Something is wanted of each element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Each {
    /// The group of frames that the elements fill.
    pub(crate) group: u32,
    /// The slot of the frame around that tells which frames: the first, and how many plus one.
    pub(crate) frames: u32,
    /// What is wanted inside the element; the element itself goes to [`ELEMENT`].
    pub(crate) target: u32,
}

/// Something is wanted of the element at one index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Indexed {
    pub(crate) index: u32,
    pub(crate) slot: u32,
    pub(crate) target: u32,
}

/// The slot of an element in its own frame.
pub(crate) const ELEMENT: u32 = 1;

/// The frames of the elements of one array of the plan, one behind the other.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) spans: Vec<Span>,
    pub(crate) stride: usize,
}

impl Group {
    /// How many frames there are.
    pub(crate) fn len(&self) -> usize {
        self.spans.len() / self.stride
    }
}

/// A walk through one record.
pub(crate) struct Walk<'a> {
    pub(crate) text: Text,
    pub(crate) targets: &'a [Target],
    pub(crate) arrays: &'a [Array],
    pub(crate) shapes: &'a mut [Shape],
    pub(crate) groups: &'a mut [Group],
    /// For keys with escapes.
    pub(crate) scratch: &'a mut Vec<u8>,
}

/// Which container is to be walked.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) at: usize,
    /// The shape of an object, or the number of an array.
    pub(crate) what: u32,
    pub(crate) frame: *mut Span,
    /// How many containers are open around it.
    pub(crate) depth: u32,
}

/// Where the learned order was left.
#[derive(Clone, Copy)]
pub(crate) struct Miss {
    pub(crate) at: usize,
    pub(crate) shape: u32,
    pub(crate) index: u32,
    /// The object's first member was expected.
    pub(crate) first: bool,
    pub(crate) ordered: bool,
}

/// The member that stands there instead.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) at: usize,
    pub(crate) slot: u32,
    pub(crate) target: u32,
    /// Where the order goes on.
    pub(crate) index: u32,
    pub(crate) ordered: bool,
}

/// Walks the record whose first byte is at `at`; gives the place behind it.
///
/// # Safety
///
/// `root` has as many slots as the plan's root frame, all numbers in `targets`, `arrays` and `shapes` are
/// inside their tables and frames, and the text keeps its contract. The walk never asks for more than the
/// plan's compiler laid down.
#[inline(always)]
pub(crate) unsafe fn record<S: Simd>(
    walk: &mut Walk<'_>,
    at: usize,
    slot: u32,
    target: u32,
    root: *mut Span,
) -> Result<usize, Fault> {
    // SAFETY: handed on.
    unsafe {
        let end = value::<S>(walk, at, target, root, 0)?;
        *root.add(slot as usize) = Span { start: at as u32, end: end as u32 };
        Ok(end)
    }
}

#[inline(always)]
unsafe fn value<S: Simd>(
    walk: &mut Walk<'_>,
    at: usize,
    target: u32,
    frame: *mut Span,
    depth: u32,
) -> Result<usize, Fault> {
    let text = walk.text;
    // SAFETY: `at` is inside the text or at its end, where the padding is no value.
    unsafe {
        let byte = text.byte(at);
        if byte == b'"' {
            return scan::string::<S>(text, at + 1);
        }
        if byte.wrapping_sub(b'0') <= 9 || byte == b'-' {
            return scan::number::<S>(text, at);
        }
        if byte == b'{' || byte == b'[' {
            if target != NOTHING {
                let target = walk.targets.get_unchecked(target as usize);
                if byte == b'{' {
                    if let Some(what) = target.object {
                        return S::object(walk, Call { at, what, frame, depth });
                    }
                } else if let Some(what) = target.array {
                    return S::array(walk, Call { at, what, frame, depth });
                }
            }
            return S::skip(text, at, depth);
        }
        scan::literal(text, at)
    }
}

/// An object: one wide compare for each member while the learned order holds.
#[inline(always)]
pub(crate) unsafe fn object<S: Simd>(walk: &mut Walk<'_>, call: Call) -> Result<usize, Fault> {
    if call.depth >= MAX_DEPTH {
        return Err(Fault::new(FaultKind::Depth, call.at));
    }
    let text = walk.text;
    let mut at = call.at;
    let mut ordered = true;
    // SAFETY: the shape's number and every slot come from the plan's compiler, for this very frame; entries
    // end with the closing one, and nothing follows that one.
    unsafe {
        let shape = walk.shapes.get_unchecked_mut(call.what as usize);
        if shape.has_no_order() {
            return S::unordered(walk, call);
        }
        shape.relearn_if_stale();
        let mut next: *const Entry = shape.entries();
        loop {
            let entry = &*next;
            let equal = u64::from(S::equal(text.at(at), entry.pattern.as_ptr()));
            let (slot, target);
            if equal & entry.mask == entry.mask
                && (entry.len as usize <= WIDTH
                    || walk.shapes.get_unchecked(call.what as usize).tail_matches::<S>(entry, text.at(at)))
            {
                at += entry.len as usize;
                if entry.target == CLOSE {
                    walk.shapes.get_unchecked_mut(call.what as usize).came_in_order(ordered);
                    return Ok(at);
                }
                (slot, target) = (entry.slot, entry.target);
                next = next.add(1);
            } else {
                let entries = walk.shapes.get_unchecked(call.what as usize).entries();
                let index = next.offset_from(entries) as u32;
                let miss = Miss { at, shape: call.what, index, first: at == call.at, ordered };
                let found = S::resolve(walk, miss)?;
                at = found.at;
                if found.target == CLOSE {
                    walk.shapes.get_unchecked_mut(call.what as usize).came_in_order(found.ordered);
                    return Ok(at);
                }
                (slot, target, ordered) = (found.slot, found.target, found.ordered);
                next = walk.shapes.get_unchecked(call.what as usize).entries().add(found.index as usize);
            }
            // Out of order a key may come twice, and the last one wins wholly: forget what was inside.
            if !ordered && target != NOTHING {
                forget(walk, target, call.frame);
            }
            let mut start = at;
            at = match value::<S>(walk, at, target, call.frame, call.depth + 1) {
                Ok(end) => end,
                // This record has more space before the value than the one that was learned from.
                Err(_) if text.byte(at) <= b' ' => {
                    start = scan::spaces::<S>(text, at);
                    value::<S>(walk, start, target, call.frame, call.depth + 1)?
                }
                Err(fault) => return Err(fault),
            };
            *call.frame.add(slot as usize) = Span { start: start as u32, end: at as u32 };
        }
    }
}

/// The member at `miss.at`, by hash.
#[inline(always)]
pub(crate) unsafe fn resolve<S: Simd>(walk: &mut Walk<'_>, miss: Miss) -> Result<Found, Fault> {
    let text = walk.text;
    // SAFETY: as for the walk; slices of the text end where the scan has been.
    unsafe {
        let shape = walk.shapes.get_unchecked_mut(miss.shape as usize);
        if miss.ordered {
            // Most often a key that some records lack: the one behind it stands here.
            let entry = &*shape.entries().add(miss.index as usize);
            if entry.target != CLOSE {
                let entry = &*shape.entries().add(miss.index as usize + 1);
                let equal = u64::from(S::equal(text.at(miss.at), entry.pattern.as_ptr()));
                if equal & entry.mask == entry.mask
                    && (entry.len as usize <= WIDTH || shape.tail_matches::<S>(entry, text.at(miss.at)))
                {
                    return Ok(Found {
                        at: miss.at + entry.len as usize,
                        slot: entry.slot,
                        target: entry.target,
                        index: miss.index + 2,
                        ordered: true,
                    });
                }
            }
        }
        let mut at = scan::spaces::<S>(text, if miss.first { miss.at + 1 } else { miss.at });
        let byte = text.byte(at);
        if byte == b'}' {
            if miss.ordered && !miss.first {
                shape.learn_closing(slice(text, miss.at, at + 1));
            }
            return Ok(Found { at: at + 1, slot: 0, target: CLOSE, index: 0, ordered: miss.ordered });
        }
        if !miss.first {
            if byte != b',' {
                return Err(Fault::new(FaultKind::InObject, at));
            }
            at = scan::spaces::<S>(text, at + 1);
        }
        if text.byte(at) != b'"' {
            return Err(Fault::new(FaultKind::Key, at));
        }
        let start = at + 1;
        let end = scan::string::<S>(text, start)?;
        at = scan::spaces::<S>(text, end);
        if text.byte(at) != b':' {
            return Err(Fault::new(FaultKind::Colon, at));
        }
        at = scan::spaces::<S>(text, at + 1);
        let hit = look_up::<S>(walk, miss.shape, start, end - 1);
        let shape = walk.shapes.get_unchecked_mut(miss.shape as usize);
        let Some(hit) = hit else {
            return Ok(Found { at, slot: 0, target: NOTHING, index: miss.index, ordered: miss.ordered });
        };
        let (index, ordered) = shape.follow(hit, miss.index, slice(text, miss.at, at), miss.ordered);
        Ok(Found { at, slot: hit.slot, target: hit.target, index, ordered })
    }
}

/// An object whose members come in no order: each key is looked up, and nothing is expected.
#[inline(always)]
pub(crate) unsafe fn unordered<S: Simd>(walk: &mut Walk<'_>, call: Call) -> Result<usize, Fault> {
    if call.depth >= MAX_DEPTH {
        return Err(Fault::new(FaultKind::Depth, call.at));
    }
    let text = walk.text;
    // SAFETY: as for objects in order.
    unsafe {
        let mut at = scan::spaces::<S>(text, call.at + 1);
        if text.byte(at) == b'}' {
            return Ok(at + 1);
        }
        loop {
            if text.byte(at) != b'"' {
                return Err(Fault::new(FaultKind::Key, at));
            }
            let start = at + 1;
            let stops = S::string_stops(text.at(start));
            let end = start + (stops | 1 << (WIDTH - 1)).trailing_zeros() as usize;
            let hit = if text.byte(end) == b'"' && text.byte(end + 1) == b':' && stops != 0 {
                at = end + 2;
                // A key that is not known is not wanted.
                walk.shapes.get_unchecked(call.what as usize).find::<S>(text.at(start), end - start)
            } else {
                let end = scan::string::<S>(text, start)?;
                at = scan::spaces::<S>(text, end);
                if text.byte(at) != b':' {
                    return Err(Fault::new(FaultKind::Colon, at));
                }
                at += 1;
                look_up::<S>(walk, call.what, start, end - 1)
            };
            let (slot, target) = hit.map_or((UNWANTED, NOTHING), |hit| (hit.slot, hit.target));
            at = scan::spaces::<S>(text, at);
            if target != NOTHING {
                forget(walk, target, call.frame);
            }
            let start = at;
            at = value::<S>(walk, at, target, call.frame, call.depth + 1)?;
            *call.frame.add(slot as usize) = Span { start: start as u32, end: at as u32 };
            at = scan::spaces::<S>(text, at);
            let byte = text.byte(at);
            if byte != b',' {
                let closed = byte == b'}';
                return if closed { Ok(at + 1) } else { Err(Fault::new(FaultKind::InObject, at)) };
            }
            at = scan::spaces::<S>(text, at + 1);
        }
    }
}

/// Forgets what an earlier member of the same key left: the last one wins wholly.
#[inline(always)]
unsafe fn forget(walk: &Walk<'_>, target: u32, frame: *mut Span) {
    // SAFETY: targets and their slots come from the plan's compiler, for this very frame.
    unsafe {
        let (from, to) = walk.targets.get_unchecked(target as usize).inside;
        for slot in from..to {
            *frame.add(slot as usize) = Span::default();
        }
    }
}

/// Finds a key by its validated text, or learns it.
#[inline(always)]
unsafe fn look_up<S: Simd>(walk: &mut Walk<'_>, shape: u32, start: usize, end: usize) -> Option<Hit> {
    // SAFETY: as for the walk; the scan has been over the key.
    unsafe {
        let raw = slice(walk.text, start, end);
        let shape = walk.shapes.get_unchecked_mut(shape as usize);
        let hit = shape.find::<S>(walk.text.at(start), raw.len());
        if hit.is_some() {
            return hit;
        }
        if !raw.contains(&b'\\') {
            return shape.remember(raw);
        }
        unescape(raw, walk.scratch);
        let len = walk.scratch.len();
        walk.scratch.resize(len + WIDTH, 0);
        let hit = shape.find::<S>(walk.scratch.as_ptr(), len);
        if hit.is_some() { hit } else { shape.remember(&walk.scratch[..len]) }
    }
}

/// An array of which something is wanted.
#[inline(always)]
pub(crate) unsafe fn array<S: Simd>(walk: &mut Walk<'_>, call: Call) -> Result<usize, Fault> {
    if call.depth >= MAX_DEPTH {
        return Err(Fault::new(FaultKind::Depth, call.at));
    }
    let text = walk.text;
    // SAFETY: as for objects. The frame of an element stays where it is while the element is walked: only
    // this very loop adds frames to its group, since a group belongs to one path.
    unsafe {
        let arrays = walk.arrays;
        let array = arrays.get_unchecked(call.what as usize);
        let mut count = 0u32;
        if let Some(each) = array.each {
            let group = walk.groups.get_unchecked(each.group as usize);
            let first = (group.spans.len() / group.stride) as u32;
            *call.frame.add(each.frames as usize) = Span { start: first, end: 1 };
        }
        let mut at = scan::spaces::<S>(text, call.at + 1);
        if text.byte(at) == b']' {
            return Ok(at + 1);
        }
        loop {
            let start = at;
            if let Some(each) = array.each {
                let group = walk.groups.get_unchecked_mut(each.group as usize);
                let base = group.spans.len();
                group.spans.resize(base + group.stride, Span::default());
                let frame = group.spans.as_mut_ptr().add(base);
                at = value::<S>(walk, start, each.target, frame, call.depth + 1)?;
                *frame.add(ELEMENT as usize) = Span { start: start as u32, end: at as u32 };
                (*call.frame.add(each.frames as usize)).end += 1;
            }
            let mut walked = array.each.is_some();
            for indexed in array.indexed.iter().filter(|indexed| indexed.index == count) {
                at = value::<S>(walk, start, indexed.target, call.frame, call.depth + 1)?;
                *call.frame.add(indexed.slot as usize) = Span { start: start as u32, end: at as u32 };
                walked = true;
            }
            if !walked {
                at = value::<S>(walk, start, NOTHING, call.frame, call.depth + 1)?;
            }
            count += 1;
            at = scan::spaces::<S>(text, at);
            match text.byte(at) {
                b',' => at = scan::spaces::<S>(text, at + 1),
                b']' => return Ok(at + 1),
                _ => return Err(Fault::new(FaultKind::InArray, at)),
            }
        }
    }
}

/// # Safety
///
/// `start..end` is inside the text.
#[inline(always)]
unsafe fn slice<'t>(text: Text, start: usize, end: usize) -> &'t [u8] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(text.at(start), end - start) }
}

/// The characters of a validated string, without its quotes.
pub(crate) fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let mut rest = raw;
    while let Some(slash) = rest.iter().position(|byte| *byte == b'\\') {
        out.extend_from_slice(&rest[..slash]);
        let code = rest.get(slash + 1).copied().unwrap_or_default();
        rest = rest.get(slash + 2..).unwrap_or_default();
        let unit = |rest: &[u8]| {
            rest.get(..4)
                .unwrap_or_default()
                .iter()
                .fold(0, |n, b| n << 4 | (*b as char).to_digit(16).unwrap_or(0))
        };
        let plain = match code {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let mut scalar = unit(rest);
                rest = rest.get(4..).unwrap_or_default();
                if (0xd800..0xdc00).contains(&scalar) {
                    let low = unit(rest.get(2..).unwrap_or_default());
                    scalar = 0x10000 + ((scalar - 0xd800) << 10) + (low & 0x3ff);
                    rest = rest.get(6..).unwrap_or_default();
                }
                let character = char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            other => other,
        };
        out.push(plain);
    }
    out.extend_from_slice(rest);
}
