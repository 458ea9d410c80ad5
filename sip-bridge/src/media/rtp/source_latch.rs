// SPDX-License-Identifier: EUPL-1.2
//! From where we take the sound of a call, and where we send ours.
//!
//! A description names an address. Behind address translation it is wrong, so the first source that sends three packets in
//! a row becomes the telephone's (symmetric RTP, RFC 4961), wherever it is. Whichever it was, from then on it is that one
//! alone: without SRTP, nothing else tells the telephone from somebody who guessed the port. Only a new description begins
//! anew.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::numbers::SeqNo;

/// Packets in a row that make a source the telephone's.
const PACKETS_IN_A_ROW: u8 = 3;

/// How long another source than the description's may become the telephone's.
const LATCH_TIME: Duration = Duration::from_secs(10);

/// A telephone that sends nothing for so long begins its row again, and its place may be taken.
const CANDIDATE_TIME: Duration = Duration::from_millis(500);

/// After a new description, what the old source still sends does not count for this long.
const FORMER_SOURCE_TIME: Duration = Duration::from_secs(1);

/// Sources watched at the same time, beside one of the described host. When all places are taken, further sources are
/// ignored until one falls silent.
const MAX_CANDIDATES: usize = 4;

/// What a packet's source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The telephone, since before.
    Known,
    /// The telephone, from now on.
    Latched {
        /// Whether a row of packets showed it, and not the description alone.
        by_row: bool,
    },
    /// Perhaps the telephone.
    Candidate,
    /// Somebody else.
    Other,
}

struct Candidate {
    source: SocketAddr,
    ssrc: u32,
    last: SeqNo,
    in_a_row: u8,
    heard: Instant,
}

/// The source of one call.
pub(super) struct SourceLatch {
    described: Option<SocketAddr>,
    locked: Option<SocketAddr>,
    /// Where it was before the last description, and when that came.
    former: Option<(SocketAddr, Instant)>,
    /// Since when we listen.
    since: Instant,
    candidates: Vec<Candidate>,
}

impl SourceLatch {
    pub(super) const fn new(now: Instant, described: Option<SocketAddr>) -> Self {
        Self { described, locked: None, former: None, since: now, candidates: Vec::new() }
    }

    /// We begin to listen.
    pub(super) const fn open(&mut self, now: Instant) {
        self.since = now;
    }

    /// A new description. With the address of the one before, or where we are anyway, nothing changes; a hold without
    /// an address changes nothing either.
    pub(super) fn describe(&mut self, now: Instant, described: Option<SocketAddr>) {
        let Some(new) = described.filter(|new| self.described != Some(*new)) else { return };
        self.described = Some(new);
        if self.locked == Some(new) {
            return;
        }
        self.former = self.locked.take().map(|locked| (locked, now));
        self.since = now;
        self.candidates.clear();
    }

    /// The telephone's address, once it is certain.
    pub(super) const fn locked(&self) -> Option<SocketAddr> {
        self.locked
    }

    /// Where to send: to the telephone's address, or until it is certain to what the description says.
    pub(super) fn destination(&self) -> Option<SocketAddr> {
        self.locked.or(self.described)
    }

    /// Whether packets of a source can be of interest at all, before anything is spent on one.
    pub(super) fn may_be(&self, now: Instant, source: SocketAddr) -> bool {
        match self.locked {
            Some(locked) => locked == source,
            None => self.described == Some(source) || self.is_allowed(now, source),
        }
    }

    /// A valid packet, authentic where there is SRTP, of a source that [`Self::may_be`] the telephone.
    pub(super) fn note(&mut self, now: Instant, source: SocketAddr, ssrc: u32, seq_no: SeqNo) -> Verdict {
        if let Some(locked) = self.locked {
            return if locked == source { Verdict::Known } else { Verdict::Other };
        }
        if self.described == Some(source) {
            return self.lock(source, false);
        }
        if !self.is_allowed(now, source) {
            return Verdict::Other;
        }
        self.candidates.retain(|known| now.saturating_duration_since(known.heard) < CANDIDATE_TIME);
        let known = self.candidates.iter_mut().find(|known| known.source == source);
        let Some(known) = known else {
            // Strangers cannot keep out the host that the description names.
            let room = MAX_CANDIDATES + usize::from(self.is_described_host(source));
            if self.candidates.len() >= room {
                return Verdict::Other;
            }
            self.candidates.push(Candidate { source, ssrc, last: seq_no, in_a_row: 1, heard: now });
            return Verdict::Candidate;
        };
        let is_next = known.ssrc == ssrc && known.last.next() == seq_no;
        known.in_a_row = if is_next { known.in_a_row + 1 } else { 1 };
        (known.ssrc, known.last, known.heard) = (ssrc, seq_no, now);
        if known.in_a_row < PACKETS_IN_A_ROW { Verdict::Candidate } else { self.lock(source, true) }
    }

    fn lock(&mut self, source: SocketAddr, by_row: bool) -> Verdict {
        self.locked = Some(source);
        self.candidates = Vec::new();
        Verdict::Latched { by_row }
    }

    fn is_described_host(&self, source: SocketAddr) -> bool {
        self.described.is_some_and(|described| described.ip() == source.ip())
    }

    fn is_allowed(&self, now: Instant, source: SocketAddr) -> bool {
        let is_former = |(former, at): (SocketAddr, Instant)| {
            former == source && now.saturating_duration_since(at) < FORMER_SOURCE_TIME
        };
        let is_in_time = now.saturating_duration_since(self.since) < LATCH_TIME;
        is_in_time && !self.former.is_some_and(is_former)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    const DESCRIBED: &str = "192.0.2.1:4000";

    fn latch(now: Instant) -> SourceLatch {
        SourceLatch::new(now, Some(address(DESCRIBED)))
    }

    /// Sends packets from a source until the latch has an opinion.
    fn row(latch: &mut SourceLatch, now: Instant, source: &str, packets: u16) -> Verdict {
        let source = address(source);
        let mut last = Verdict::Other;
        for seq_no in 0..packets {
            last = if latch.may_be(now, source) { latch.note(now, source, 7, SeqNo(seq_no)) } else { Verdict::Other };
        }
        last
    }

    #[test]
    fn the_described_source_is_known_at_once_and_alone() {
        let now = Instant::now();
        let mut latch = latch(now);
        assert_eq!(row(&mut latch, now, DESCRIBED, 1), Verdict::Latched { by_row: false });
        assert_eq!(row(&mut latch, now, DESCRIBED, 1), Verdict::Known);
        assert_eq!(row(&mut latch, now, "198.51.100.9:9", 5), Verdict::Other);
        assert_eq!(latch.note(now, address("198.51.100.9:9"), 7, SeqNo(1)), Verdict::Other, "without asking before");
        assert_eq!(latch.destination(), Some(address(DESCRIBED)));
    }

    #[test]
    fn another_source_needs_three_packets_in_a_row() {
        let now = Instant::now();
        let mut latch = latch(now);
        let source = address("198.51.100.9:9");
        for seq_no in [1, 2, 4, 5] {
            assert_eq!(latch.note(now, source, 7, SeqNo(seq_no)), Verdict::Candidate);
        }
        assert_eq!(latch.note(now, source, 8, SeqNo(6)), Verdict::Candidate, "another SSRC");
        assert_eq!(latch.note(now, source, 8, SeqNo(7)), Verdict::Candidate);
        assert_eq!(latch.note(now, source, 8, SeqNo(8)), Verdict::Latched { by_row: true });
        assert_eq!(row(&mut latch, now, DESCRIBED, 5), Verdict::Other, "once locked, not even the described one");
    }

    #[test]
    fn after_the_first_seconds_only_the_description_counts() {
        let start = Instant::now();
        let mut latch = latch(start);
        let late = start + LATCH_TIME;
        assert_eq!(row(&mut latch, late, "198.51.100.9:9", 5), Verdict::Other);
        assert_eq!(row(&mut latch, late, DESCRIBED, 1), Verdict::Latched { by_row: false });
    }

    #[test]
    fn many_strangers_do_not_keep_out_the_described_host() {
        let now = Instant::now();
        let mut latch = latch(now);
        for host in 0..200 {
            row(&mut latch, now, &format!("203.0.113.{host}:9"), 1);
        }
        assert_eq!(latch.candidates.len(), MAX_CANDIDATES);
        assert_eq!(row(&mut latch, now, "192.0.2.1:4001", 3), Verdict::Latched { by_row: true });
    }

    #[test]
    fn a_new_description_begins_anew_and_the_old_source_does_not_win() {
        let start = Instant::now();
        let mut latch = latch(start);
        row(&mut latch, start, "198.51.100.9:9", 3);
        latch.describe(start, Some(address(DESCRIBED)));
        latch.describe(start, None);
        assert_eq!(latch.locked(), Some(address("198.51.100.9:9")), "the same description, and a hold");

        let later = start + Duration::from_secs(60);
        latch.describe(later, Some(address("192.0.2.2:5000")));
        assert_eq!(latch.destination(), Some(address("192.0.2.2:5000")));
        assert_eq!(row(&mut latch, later, "198.51.100.9:9", 5), Verdict::Other);
        assert_eq!(row(&mut latch, later, "192.0.2.2:5000", 1), Verdict::Latched { by_row: false });
    }

    #[test]
    fn a_telephone_whose_translated_address_stays_is_found_again() {
        let start = Instant::now();
        let mut latch = latch(start);
        row(&mut latch, start, "198.51.100.9:9", 3);
        latch.describe(start, Some(address("192.0.2.1:4002")));
        let later = start + FORMER_SOURCE_TIME;
        assert_eq!(row(&mut latch, later, "198.51.100.9:9", 3), Verdict::Latched { by_row: true });
    }
}
