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
/// Packets that nothing refers to any more, because a keyframe came after them or because they are audio, are still
/// worth showing for as long as a receiver may buffer them.
const SUPERSEDED_LIFETIME: Duration = Duration::from_millis(400);

/// Packets that may be missing at one time: two seconds of 2.5 Mbit/s video. Beyond that a keyframe is quicker.
const MAX_MISSING_PACKETS: usize = 512;
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
    /// The publisher answers NACKs.
    can_ask_again: bool,
    /// Packets before this one are superseded: the newest keyframe.
    needed_from: u64,
    /// In ascending order.
    missing: Vec<Missing>,
    /// Not later than the first `due` of `missing`.
    next_due: Option<Instant>,
    round_trip: Option<Duration>,
    has_given_up: bool,
    asked: Vec<SeqNo>,
}

impl LossRecovery {
    pub(crate) const fn new(can_ask_again: bool) -> Self {
        Self {
            can_ask_again,
            needed_from: 0,
            missing: Vec::new(),
            next_due: None,
            round_trip: None,
            has_given_up: false,
            asked: Vec::new(),
        }
    }

    /// Whether the publisher answers NACKs.
    pub(crate) const fn set_can_ask_again(&mut self, can_ask_again: bool) {
        self.can_ask_again = can_ask_again;
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
            self.has_given_up = indices.end > self.needed_from;
            return;
        }
        let overflow = (self.missing.len() + count).saturating_sub(MAX_MISSING_PACKETS);
        if overflow > 0 {
            let needed_from = self.needed_from;
            self.has_given_up |= self.missing.drain(..overflow).any(|missing| missing.index >= needed_from);
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

    /// What starts at `index` can be decoded without anything before it.
    pub(crate) fn handle_keyframe(&mut self, index: u64) {
        self.needed_from = self.needed_from.max(index);
    }

    /// Stops waiting for anything.
    pub(crate) fn forget(&mut self) {
        self.missing.clear();
        self.next_due = None;
        self.has_given_up = false;
    }

    /// Whether video was lost for good since the last call.
    pub(crate) fn take_need_for_keyframe(&mut self) -> bool {
        std::mem::take(&mut self.has_given_up)
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
                let is_needed = missing.index >= self.needed_from;
                if !self.can_ask_again || missing.is_hopeless(now, is_needed) {
                    self.has_given_up |= is_needed;
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

impl Missing {
    fn is_hopeless(&self, now: Instant, is_needed: bool) -> bool {
        let is_stale = |asked: Instant| now.saturating_duration_since(asked) > SUPERSEDED_LIFETIME;
        self.requests >= MAX_REQUESTS || !is_needed && self.first_asked.is_some_and(is_stale)
    }
}

#[cfg(test)]
mod tests;
