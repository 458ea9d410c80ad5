// SPDX-License-Identifier: EUPL-1.2
//! Packet indices (RFC 3711 §3.3.1) and the window in which each of them is used once (RFC 3711 §3.3.2).

/// 48 bits: a rollover counter of 32 bits over a sequence number of 16.
const MAX_RTP_INDEX: u64 = (1 << 48) - 1;

/// The indices seen at one SSRC: the highest, and which of the `WORDS * 64` up to it.
///
/// The sealing side keeps one as well. There it proves that no index is sealed twice, because two packets under one
/// AES-GCM nonce give the authentication key away (RFC 7714 §8.4).
#[derive(Clone, Debug)]
pub struct ReplayWindow<const WORDS: usize> {
    top: u64,
    seen: [u64; WORDS],
}

impl<const WORDS: usize> ReplayWindow<WORDS> {
    const PACKETS: u64 = WORDS as u64 * 64;

    /// A window whose first packet has been seen.
    pub fn starting_with(index: u64) -> Self {
        let mut window = Self { top: index, seen: [0; WORDS] };
        window.mark(index);
        window
    }

    /// The index that a sequence number most likely means: the one closest to the highest seen.
    pub fn index_of(&self, seq_no: u16) -> Option<u64> {
        let distance = seq_no.wrapping_sub(self.top as u16) as i16;
        self.top.checked_add_signed(distance.into()).filter(|index| *index <= MAX_RTP_INDEX)
    }

    /// The index that a sender has given a sequence number: the same, unless that would lie before the first one of all,
    /// where RFC 3711 §3.3.1 knows none. Senders do repeat packets from before those that a receiver got first. libsrtp
    /// and pion, and with them most clients and servers, then leave the rollover counter at zero and count on from there;
    /// who does not follow them never reads a packet again. A guess is no risk, because the tag must fit.
    pub fn index_given_by_sender(&self, seq_no: u16) -> Option<u64> {
        let has_wrapped = self.top > u16::MAX.into();
        self.index_of(seq_no).or_else(|| (!has_wrapped).then_some(seq_no.into()))
    }

    /// Whether the index may still be used.
    pub fn is_fresh(&self, index: u64) -> bool {
        index > self.top || (self.top - index < Self::PACKETS && !self.is_marked(index))
    }

    /// Remembers an index that [`Self::is_fresh`].
    pub fn accept(&mut self, index: u64) {
        if index > self.top {
            self.clear_between(self.top, index);
            self.top = index;
        }
        self.mark(index);
    }

    fn clear_between(&mut self, old_top: u64, new_top: u64) {
        if new_top - old_top >= Self::PACKETS {
            self.seen = [0; WORDS];
            return;
        }
        for index in old_top + 1..=new_top {
            let (word, bit) = Self::place(index);
            self.seen[word] &= !bit;
        }
    }

    fn mark(&mut self, index: u64) {
        let (word, bit) = Self::place(index);
        self.seen[word] |= bit;
    }

    fn is_marked(&self, index: u64) -> bool {
        let (word, bit) = Self::place(index);
        self.seen[word] & bit != 0
    }

    fn place(index: u64) -> (usize, u64) {
        let position = index % Self::PACKETS;
        ((position / 64) as usize, 1 << (position % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_extend_over_the_wrap_in_both_directions() {
        let mut window = ReplayWindow::<32>::starting_with(65_530);
        assert_eq!(window.index_of(3), Some(65_539));
        window.accept(65_539);
        assert_eq!(window.index_of(65_535), Some(65_535));
        assert_eq!(window.index_of(4), Some(65_540));
    }

    #[test]
    fn nothing_lies_before_the_first_or_after_the_last_index() {
        assert_eq!(ReplayWindow::<32>::starting_with(5).index_of(65_000), None);
        assert_eq!(ReplayWindow::<32>::starting_with(MAX_RTP_INDEX).index_of(0), None);
    }

    #[test]
    fn senders_count_on_from_what_lies_before_their_first_index() {
        let mut window = ReplayWindow::<32>::starting_with(5);
        assert_eq!(window.index_given_by_sender(3), Some(3));
        assert_eq!(window.index_given_by_sender(65_000), Some(65_000));
        window.accept(65_000);
        assert_eq!(window.index_given_by_sender(6), Some(65_542));
        assert_eq!(ReplayWindow::<32>::starting_with(MAX_RTP_INDEX).index_given_by_sender(0), None);
    }

    #[test]
    fn late_packets_pass_once_until_they_leave_the_window() {
        let mut window = ReplayWindow::<32>::starting_with(10_000);
        window.accept(10_000 + 2047);
        assert!(!window.is_fresh(10_000), "the oldest place is still remembered");
        assert!(window.is_fresh(10_001));
        window.accept(10_001);
        assert!(!window.is_fresh(10_001));
        window.accept(12_048);
        assert!(!window.is_fresh(10_000), "too old to know");
        assert!(window.is_fresh(10_002));
    }

    #[test]
    fn a_jump_forgets_what_it_leaves_behind() {
        let mut window = ReplayWindow::<2>::starting_with(7);
        window.accept(7 + 64);
        window.accept(7 + 64 + 128);
        assert!(window.is_fresh(7 + 64 + 127));
        assert!(!window.is_fresh(7 + 64));
    }
}
