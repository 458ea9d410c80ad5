// SPDX-License-Identifier: EUPL-1.2
//! Recovery of a publisher's lost packets (RFC 4585 §6.2.1): which are missing, when to ask for them again, when to
//! give up. Lost video that nothing brings back needs a keyframe.

use std::time::{Duration, Instant};

use crate::rtp::seq_no::SeqNo;

/// How long a packet may be overtaken by others before it is asked for.
const REORDERING_WAIT: Duration = Duration::from_millis(10);
/// This many newer packets end the wait earlier, as in TCP's loss detection (RFC 5681 §3.2).
const REORDERING_PACKETS: u64 = 3;

/// Between two requests for a packet, before its round trip is known.
const DEFAULT_ROUND_TRIP: Duration = Duration::from_millis(100);
/// Bounds of what a measured round trip is believed to be.
const MIN_ROUND_TRIP: Duration = Duration::from_millis(20);
const MAX_ROUND_TRIP: Duration = Duration::from_millis(500);

/// Requests for one packet, as many as libwebrtc makes.
const MAX_REQUESTS: u8 = 10;
/// Audio that comes later than this after it was missed is no longer played.
const AUDIO_LIFETIME: Duration = Duration::from_millis(400);

/// Packets that may be missing at one time: two seconds of 2.5 Mbit/s video. Beyond that a keyframe is quicker.
const MAX_MISSING_PACKETS: usize = 512;
/// What can be done about loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecoveryRules {
    /// The publisher answers NACKs.
    pub(crate) can_ask_again: bool,
    /// Packets that came for good too late are followed by a keyframe (video), or forgotten (audio).
    pub(crate) needs_every_packet: bool,
}

#[derive(Debug)]
struct Missing {
    index: u64,
    due: Instant,
    first_asked: Option<Instant>,
    requests: u8,
}

/// The missing packets of one stream.
#[derive(Debug)]
pub(crate) struct LossRecovery {
    rules: RecoveryRules,
    /// In ascending order.
    missing: Vec<Missing>,
    /// Not later than the first `due` of `missing`.
    next_due: Option<Instant>,
    round_trip: Option<Duration>,
    has_given_up: bool,
    asked: Vec<SeqNo>,
}

impl LossRecovery {
    pub(crate) const fn new(rules: RecoveryRules) -> Self {
        Self { rules, missing: Vec::new(), next_due: None, round_trip: None, has_given_up: false, asked: Vec::new() }
    }

    /// Packet `index` is the newest, and the `count` before it have not come.
    pub(crate) fn handle_newest(&mut self, now: Instant, index: u64, count: u64) {
        if count > 0 {
            self.miss(now, index - count..index);
        }
        // Those that nobody asked for yet stand at the end.
        for missing in self.missing.iter_mut().rev().take_while(|missing| missing.requests == 0) {
            if missing.index + REORDERING_PACKETS <= index && missing.due > now {
                missing.due = now;
                self.next_due = Some(now);
            }
        }
    }

    fn miss(&mut self, now: Instant, indices: std::ops::Range<u64>) {
        let count = (indices.end - indices.start) as usize;
        if count > MAX_MISSING_PACKETS {
            self.forget();
            self.has_given_up = true;
            return;
        }
        let overflow = (self.missing.len() + count).saturating_sub(MAX_MISSING_PACKETS);
        if overflow > 0 {
            self.missing.drain(..overflow);
            self.has_given_up = true;
        }
        let due = now + REORDERING_WAIT;
        self.missing.extend(indices.map(|index| Missing { index, due, first_asked: None, requests: 0 }));
        self.next_due = Some(self.next_due.map_or(due, |next| next.min(due)));
    }

    /// Packet `index` came after all; `is_answer` when it may have come because it was asked for.
    pub(crate) fn handle_late(&mut self, now: Instant, index: u64, is_answer: bool) {
        let Ok(at) = self.missing.binary_search_by_key(&index, |missing| missing.index) else { return };
        if let Some(first_asked) = self.missing.remove(at).first_asked.filter(|_| is_answer) {
            // From the first request on, so that a spacing shorter than the round trip corrects itself.
            let sample = now.saturating_duration_since(first_asked);
            let smoothed = self.round_trip.map_or(sample, |old| (old * 7 + sample) / 8);
            self.round_trip = Some(smoothed.clamp(MIN_ROUND_TRIP, MAX_ROUND_TRIP));
        }
        if self.missing.is_empty() {
            self.next_due = None;
        }
    }

    /// A keyframe starts at `index`: nothing before it is needed any more. Audio, where each packet can be decoded on
    /// its own, is still worth hearing.
    pub(crate) fn handle_keyframe(&mut self, index: u64) {
        if !self.rules.needs_every_packet {
            return;
        }
        let needless = self.missing.partition_point(|missing| missing.index < index);
        self.missing.drain(..needless);
        if self.missing.is_empty() {
            self.next_due = None;
        }
    }

    /// Stops waiting for anything.
    pub(crate) fn forget(&mut self) {
        self.missing.clear();
        self.next_due = None;
        self.has_given_up = false;
    }

    /// Whether video was lost for good since the last call.
    pub(crate) fn take_need_for_keyframe(&mut self) -> bool {
        std::mem::take(&mut self.has_given_up) && self.rules.needs_every_packet
    }

    /// When [`Self::ask`] has something to do.
    pub(crate) const fn poll_timeout(&self) -> Option<Instant> {
        self.next_due
    }

    /// The packets to ask for now, `limit` of them at most, in ascending order. The others stay due.
    pub(crate) fn ask(&mut self, now: Instant, limit: usize) -> &[SeqNo] {
        self.asked.clear();
        if self.next_due.is_none_or(|due| due > now) {
            return &self.asked;
        }
        let spacing = self.round_trip.unwrap_or(DEFAULT_ROUND_TRIP);
        let mut next_due: Option<Instant> = None;
        self.missing.retain_mut(|missing| {
            if missing.due <= now && self.asked.len() < limit {
                if self.rules.is_hopeless(now, missing) {
                    self.has_given_up = true;
                    return false;
                }
                missing.requests += 1;
                missing.first_asked.get_or_insert(now);
                missing.due = now + spacing;
                self.asked.push(SeqNo::of_index(missing.index));
            }
            next_due = Some(next_due.map_or(missing.due, |due| due.min(missing.due)));
            true
        });
        self.next_due = next_due;
        &self.asked
    }
}

impl RecoveryRules {
    fn is_hopeless(self, now: Instant, missing: &Missing) -> bool {
        let is_stale =
            |asked: Instant| !self.needs_every_packet && now.saturating_duration_since(asked) > AUDIO_LIFETIME;
        !self.can_ask_again || missing.requests >= MAX_REQUESTS || missing.first_asked.is_some_and(is_stale)
    }
}

#[cfg(test)]
mod tests;
