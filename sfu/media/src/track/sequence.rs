// SPDX-License-Identifier: EUPL-1.2
//! The place of each packet in its stream (RFC 3550 appendix A.1): 64-bit indices, repeats, and publishers that start
//! their numbers anew.
//!
//! The lower 16 bits of an index are the sequence number. Where numbers do not go on from those before (another SSRC,
//! a restart, the end of a mute) the index jumps by more than [`JUMP`], which is how everything after this tells a
//! fresh start from loss.

use crate::rtp::seq_no::SeqNo;

/// Smallest distance between the indices before and after a fresh start. Loss never reaches it: a step of more than
/// 3,000 packets is a fresh start itself.
pub const JUMP: u64 = 0x1_0000;

/// A step of more packets is not believed until the packet after confirms it (RFC 3550 A.1, `MAX_DROPOUT`).
const MAX_LOSS: u64 = 3_000;

/// How many packets back repeats are recognised; what is older is not accepted. Seven seconds of 2.5 Mbit/s video.
const WINDOW_PACKETS: u64 = 2_048;

/// What a sequence number means for its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The newest packet so far, after `missing` ones that have not come.
    Newest { index: u64, missing: u64 },
    /// The newest packet, unrelated to those before.
    FreshStart { index: u64 },
    /// A packet that others have overtaken, or a recovered one.
    Late { index: u64 },
    /// It came before.
    Repeated,
    /// Too old, or too far ahead to be believed yet.
    Implausible,
}

/// The numbers of one stream.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    /// `None` before the first packet.
    highest: Option<u64>,
    /// The newest packet's number does not connect to the next one's.
    is_broken: bool,
    /// What the publisher does not know of: jumps, and where indices start.
    added: u64,
    /// Whether a packet came, by index modulo the window.
    seen: [u64; (WINDOW_PACKETS / 64) as usize],
    /// The number that would confirm a restart.
    restart_at: Option<SeqNo>,
}

impl Sequence {
    /// Finds the place of a packet of the stream itself.
    pub(crate) fn place(&mut self, seq_no: SeqNo) -> Place {
        let Some(highest) = self.highest else { return self.start_at(seq_no.first_index(), seq_no) };
        if self.is_broken {
            return self.start_afresh(highest, seq_no);
        }
        let index = seq_no.extend(highest);
        let is_plausible = index <= highest + MAX_LOSS && highest < index + WINDOW_PACKETS;
        if is_plausible {
            self.restart_at = None;
            return self.put(highest, index);
        }
        if self.restart_at == Some(seq_no) {
            return self.start_afresh(highest, seq_no);
        }
        self.restart_at = Some(seq_no.next());
        Place::Implausible
    }

    /// Finds the place of a packet that a retransmission carries. It never starts anything.
    pub(crate) fn place_retransmitted(&mut self, seq_no: SeqNo) -> Place {
        let Some(highest) = self.highest.filter(|_| !self.is_broken) else { return Place::Implausible };
        let index = seq_no.extend(highest);
        // The tail of a frame may come as a retransmission first, when the sender probes with it.
        let is_plausible = index <= highest + MAX_LOSS && highest < index + WINDOW_PACKETS;
        if is_plausible { self.put(highest, index) } else { Place::Implausible }
    }

    /// The next packet starts afresh, whatever its number: its source changed.
    pub(crate) const fn interrupt(&mut self) {
        self.is_broken = true;
    }

    /// Whatever comes next is unrelated to what came before, although the numbers go on: nobody saw those between.
    pub(crate) fn skip_ahead(&mut self) {
        // Multiples of 2^16 keep the numbers, and of the window, what was seen.
        let jump = 2 * JUMP;
        if let Some(highest) = &mut self.highest {
            *highest += jump;
            self.added += jump;
        }
    }

    /// Extended highest sequence number as the publisher knows it (RFC 3550 §6.4.1).
    pub(crate) fn highest_reported(&self) -> u64 {
        self.highest.map_or(0, |highest| highest - self.added)
    }

    fn put(&mut self, highest: u64, index: u64) -> Place {
        if index > highest {
            for absent in highest + 1..index {
                self.mark(absent, false);
            }
            self.mark(index, true);
            self.highest = Some(index);
            return Place::Newest { index, missing: index - highest - 1 };
        }
        if self.is_marked(index) {
            return Place::Repeated;
        }
        self.mark(index, true);
        Place::Late { index }
    }

    fn start_afresh(&mut self, highest: u64, seq_no: SeqNo) -> Place {
        self.start_at((((highest >> 16) + 2) << 16) + u64::from(seq_no.0), seq_no)
    }

    fn start_at(&mut self, index: u64, seq_no: SeqNo) -> Place {
        // The network may let the second packet overtake the first one, which starts the keyframe.
        self.seen.fill(0);
        self.mark(index, true);
        self.highest = Some(index);
        self.is_broken = false;
        self.restart_at = None;
        self.added = index - u64::from(seq_no.0);
        Place::FreshStart { index }
    }

    fn mark(&mut self, index: u64, is_seen: bool) {
        let word = &mut self.seen[(index % WINDOW_PACKETS / 64) as usize];
        let bit = 1 << (index % 64);
        *word = if is_seen { *word | bit } else { *word & !bit };
    }

    fn is_marked(&self, index: u64) -> bool {
        self.seen[(index % WINDOW_PACKETS / 64) as usize] & 1 << (index % 64) != 0
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn reordering_repeats_loss_and_wraps_keep_every_packet_in_its_place() {
        for seed in 0..20 {
            let mut rng = StdRng::seed_from_u64(seed);
            let first: u16 = rng.random();
            let mut sequence = Sequence::default();
            let mut arrivals: Vec<(u64, u64)> = Vec::new();
            for sent in 0..100_000u64 {
                if sent == 0 || rng.random_ratio(4, 5) {
                    for _ in 0..rng.random_range(1..3) {
                        arrivals.push((sent + if sent == 0 { 0 } else { rng.random_range(0..300) }, sent));
                    }
                }
            }
            arrivals.sort_unstable();
            let start = SeqNo(first).first_index();
            let (mut missing, mut late, mut lost) = (0, 0, 100_000 - 1);
            let mut came = std::collections::HashSet::new();
            for (_, sent) in arrivals {
                let is_new = came.insert(sent);
                lost -= u64::from(is_new && sent != 0);
                match sequence.place(SeqNo(first.wrapping_add(sent as u16))) {
                    Place::FreshStart { index } => assert_eq!((index, sent), (start, 0)),
                    Place::Newest { index, missing: gap } => {
                        assert_eq!(index, start + sent, "seed {seed}");
                        missing += gap;
                        assert!(is_new);
                    }
                    Place::Late { index } => {
                        assert_eq!(index, start + sent, "seed {seed}");
                        late += 1;
                        assert!(is_new);
                    }
                    Place::Repeated => assert!(!is_new, "packet {sent} called repeated, seed {seed}"),
                    Place::Implausible => panic!("packet {sent} not believed, seed {seed}"),
                }
            }
            let highest = sequence.highest.unwrap() - start;
            assert_eq!(missing - late, lost - (99_999 - highest), "each gap is filled or lost, seed {seed}");
        }
    }

    #[test]
    fn a_far_step_is_believed_once_the_next_packet_confirms_it() {
        let mut sequence = Sequence::default();
        sequence.place(SeqNo(10));
        assert_eq!(sequence.place(SeqNo(40_000)), Place::Implausible);
        assert_eq!(sequence.place(SeqNo(11)), Place::Newest { index: 0x1_000b, missing: 0 });
        assert_eq!(sequence.place(SeqNo(40_000)), Place::Implausible);
        assert_eq!(sequence.place(SeqNo(40_001)), Place::FreshStart { index: 0x3_0000 + 40_001 });
        assert_eq!(sequence.highest_reported(), 40_001);
        assert_eq!(sequence.place(SeqNo(40_002)), Place::Newest { index: 0x3_0000 + 40_002, missing: 0 });
    }

    #[test]
    fn an_interrupted_stream_starts_afresh_at_a_distance() {
        let mut sequence = Sequence::default();
        sequence.place(SeqNo(65_535));
        sequence.interrupt();
        assert_eq!(sequence.place_retransmitted(SeqNo(65_534)), Place::Implausible);
        let Place::FreshStart { index } = sequence.place(SeqNo(0)) else { panic!("not fresh") };
        assert!(index - 0x1_ffff >= JUMP);
        assert_eq!(SeqNo::of_index(index), SeqNo(0));
        assert_eq!(sequence.highest_reported(), 0);
        assert_eq!(sequence.place(SeqNo(65_535)), Place::Late { index: index - 1 }, "overtaken by the first packet");
    }

    #[test]
    fn skipping_ahead_keeps_numbers_and_memory_of_repeats() {
        let mut sequence = Sequence::default();
        sequence.place(SeqNo(65_534));
        sequence.place(SeqNo(0));
        assert_eq!(sequence.highest_reported(), 0x1_0000);
        sequence.skip_ahead();
        assert_eq!(sequence.highest_reported(), 0x1_0000, "the publisher notices nothing");
        assert_eq!(sequence.place(SeqNo(0)), Place::Repeated);
        let Place::Newest { index, missing: 0 } = sequence.place(SeqNo(1)) else { panic!("not the newest") };
        assert!(index - 0x2_0000 >= JUMP);
        assert_eq!(sequence.highest_reported(), 0x1_0001);
        assert_eq!(sequence.place(SeqNo(65_535)), Place::Late { index: index - 2 });
    }

    #[test]
    fn retransmissions_fill_gaps_and_start_nothing() {
        let mut sequence = Sequence::default();
        assert_eq!(sequence.place_retransmitted(SeqNo(5)), Place::Implausible);
        sequence.place(SeqNo(5));
        sequence.place(SeqNo(8));
        assert_eq!(sequence.place_retransmitted(SeqNo(7)), Place::Late { index: 0x1_0007 });
        assert_eq!(sequence.place(SeqNo(7)), Place::Repeated);
        assert_eq!(sequence.place_retransmitted(SeqNo(10)), Place::Newest { index: 0x1_000a, missing: 1 });
        assert_eq!(sequence.place_retransmitted(SeqNo(30_000)), Place::Implausible);
        assert_eq!(sequence.place_retransmitted(SeqNo(30_001)), Place::Implausible);
    }
}
