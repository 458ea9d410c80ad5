// SPDX-License-Identifier: EUPL-1.2
//! Puts the client's handshake messages together from their fragments and in their order (RFC 6347 §4.2.3).
//!
//! `rtc-dtls` could do it, but it keeps up to 2 MB of fragments, keeps those without content without counting them,
//! recurses over them, and keeps the first fragment of an offset for good, so that one forged fragment ends the
//! handshake. Here the latest fragment counts, so that what the client repeats replaces what was forged before.

use super::records::Fragment;

/// How far ahead of the next message others are kept: a client's flight has three messages before ChangeCipherSpec.
const MAX_MESSAGES_AHEAD: u16 = 4;

/// Two hellos and the client's flight; the sixth, Finished, is encrypted.
const MAX_MESSAGES: u16 = 5;

/// A complete handshake message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) message_type: u8,
    pub(super) message_seq: u16,
    pub(super) body: Vec<u8>,
}

/// Messages that are on their way.
#[derive(Default)]
pub(super) struct Reassembly {
    next_seq: u16,
    partial: Vec<Partial>,
}

struct Partial {
    message: Message,
    is_filled: Vec<bool>,
    missing_bytes: usize,
}

impl Reassembly {
    /// Whether the fragment belongs to a message that was accepted already: the client repeats itself.
    pub(super) fn is_repeated(&self, fragment: &Fragment<'_>) -> bool {
        fragment.message_seq < self.next_seq
    }

    /// Keeps the fragment if its message is due soon.
    pub(super) fn add(&mut self, fragment: &Fragment<'_>) {
        // Nothing may follow the first message before the answer to it.
        let ahead = if self.next_seq == 0 { 1 } else { MAX_MESSAGES_AHEAD };
        let due = self.next_seq..(self.next_seq + ahead).min(MAX_MESSAGES);
        if !due.contains(&fragment.message_seq) {
            return;
        }
        // Fragments that contradict each other cannot all be the client's.
        self.partial.retain(|partial| {
            partial.message.message_seq != fragment.message_seq || partial.is_of_same_message(fragment)
        });
        let place = self.partial.iter().position(|partial| partial.message.message_seq == fragment.message_seq);
        let place = place.unwrap_or_else(|| {
            self.partial.push(Partial::new(fragment));
            self.partial.len() - 1
        });
        self.partial[place].fill(fragment);
    }

    /// Takes the next message if it is complete. Unless it is then accepted, it is expected again.
    pub(super) fn take_next(&mut self) -> Option<Message> {
        let is_next = |partial: &Partial| partial.message.message_seq == self.next_seq && partial.missing_bytes == 0;
        let place = self.partial.iter().position(is_next)?;
        Some(self.partial.swap_remove(place).message)
    }

    /// The message that was taken is what we expected.
    pub(super) fn accept(&mut self) {
        self.next_seq += 1;
    }
}

impl Partial {
    fn new(fragment: &Fragment<'_>) -> Self {
        Self {
            message: Message {
                message_type: fragment.message_type,
                message_seq: fragment.message_seq,
                body: vec![0; fragment.message_len],
            },
            is_filled: vec![false; fragment.message_len],
            missing_bytes: fragment.message_len,
        }
    }

    fn is_of_same_message(&self, fragment: &Fragment<'_>) -> bool {
        self.message.message_type == fragment.message_type && self.message.body.len() == fragment.message_len
    }

    fn fill(&mut self, fragment: &Fragment<'_>) {
        let range = fragment.offset..fragment.offset + fragment.bytes.len();
        self.message.body[range.clone()].copy_from_slice(fragment.bytes);
        for is_filled in &mut self.is_filled[range] {
            self.missing_bytes -= usize::from(!*is_filled);
            *is_filled = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(message_seq: u16, message_len: usize, offset: usize, bytes: &[u8]) -> Fragment<'_> {
        Fragment { message_type: 1, message_seq, message_len, offset, bytes }
    }

    fn take(reassembly: &mut Reassembly) -> Option<Vec<u8>> {
        let message = reassembly.take_next()?;
        reassembly.accept();
        Some(message.body)
    }

    #[test]
    fn fragments_may_come_in_any_order_and_overlap() {
        let mut reassembly = Reassembly::default();
        reassembly.add(&fragment(0, 6, 4, b"ef"));
        reassembly.add(&fragment(0, 6, 0, b"abc"));
        assert_eq!(reassembly.take_next(), None);
        reassembly.add(&fragment(0, 6, 2, b"cde"));
        assert_eq!(take(&mut reassembly).unwrap(), b"abcdef");
        assert!(reassembly.is_repeated(&fragment(0, 6, 0, b"abc")));
    }

    #[test]
    fn messages_come_out_in_order() {
        let mut reassembly = Reassembly::default();
        reassembly.add(&fragment(1, 1, 0, b"-"));
        reassembly.add(&fragment(0, 1, 0, b"0"));
        assert_eq!(take(&mut reassembly).unwrap(), b"0");
        reassembly.add(&fragment(3, 1, 0, b"3"));
        reassembly.add(&fragment(2, 1, 0, b"2"));
        assert_eq!(take(&mut reassembly), None);
        reassembly.add(&fragment(1, 1, 0, b"1"));
        for body in [b"1", b"2", b"3"] {
            assert_eq!(take(&mut reassembly).unwrap(), body);
        }
    }

    #[test]
    fn what_the_client_repeats_replaces_what_was_forged() {
        let mut reassembly = Reassembly::default();
        reassembly.add(&fragment(0, 1000, 0, b"forged"));
        reassembly.add(&fragment(0, 4, 0, b"fo"));
        reassembly.add(&fragment(0, 4, 0, b"real"));
        assert_eq!(reassembly.take_next().unwrap().body, b"real");
        reassembly.add(&fragment(0, 4, 0, b"once"));
        assert_eq!(take(&mut reassembly).unwrap(), b"once", "a message that is not accepted is expected again");
    }

    #[test]
    fn memory_is_bounded() {
        let mut reassembly = Reassembly::default();
        for seq in 0..u16::MAX {
            reassembly.add(&fragment(seq, 8192, 0, b""));
        }
        assert_eq!(reassembly.partial.len(), 1);
        reassembly.add(&fragment(0, 1, 0, b"0"));
        take(&mut reassembly).unwrap();
        for seq in 0..u16::MAX {
            reassembly.add(&fragment(seq, 8192, 0, b""));
        }
        assert_eq!(reassembly.partial.len(), usize::from(MAX_MESSAGES_AHEAD));
    }
}
