use std::cell::RefCell;

use bytes::Buf;

/// How many rooms a thread keeps, and how large they are at most.
const ROOMS: usize = 16;
const LARGEST: usize = 16 << 10;

thread_local! {
    static ROOM: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// What was made for an answer, as it was made: nobody shares it. When it was sent, its room is kept for the next one.
pub(in crate::service) struct Made {
    bytes: Vec<u8>,
    sent: usize,
}

impl Made {
    /// Room to make something in: what an answer took before, if there is any.
    pub(super) fn room() -> Vec<u8> {
        ROOM.with_borrow_mut(Vec::pop).unwrap_or_default()
    }
}

impl From<Vec<u8>> for Made {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, sent: 0 }
    }
}

impl Buf for Made {
    fn remaining(&self) -> usize {
        self.bytes.len() - self.sent
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    fn advance(&mut self, count: usize) {
        self.sent = self.bytes.len().min(self.sent + count);
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if (1..=LARGEST).contains(&self.bytes.capacity()) {
            let mut room = std::mem::take(&mut self.bytes);
            // A thread that ends keeps nothing.
            let _ = ROOM.try_with(|rooms| {
                let mut rooms = rooms.borrow_mut();
                if rooms.len() < ROOMS {
                    room.clear();
                    rooms.push(room);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_leaves_its_room_and_nothing_else() {
        let mut made = Made::from(b"secret".to_vec());
        made.advance(2);
        assert_eq!((made.remaining(), made.chunk()), (4, &b"cret"[..]));
        made.advance(9);
        assert!(!made.has_remaining());
        drop(made);
        let room = Made::room();
        assert!(room.is_empty() && room.capacity() >= 6);
        drop(Made::from(vec![0; LARGEST + 1]));
        assert_eq!(Made::room().capacity(), 0, "what is large is given back");
        (0..2 * ROOMS).map(|_| Made::from(vec![0; 8])).collect::<Vec<_>>().clear();
        assert_eq!((0..2 * ROOMS).filter(|_| Made::room().capacity() > 0).count(), ROOMS);
    }
}
