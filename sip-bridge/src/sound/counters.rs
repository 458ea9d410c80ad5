// SPDX-License-Identifier: EUPL-1.2
//! What a thread of sound counts, for whoever makes metrics of it. No order between the numbers is promised.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::pace::Tick;

/// A thread's numbers, written by it and read by others.
#[derive(Debug, Default)]
pub struct SoundCounters {
    pub(super) calls: AtomicU64,
    ticks: AtomicU64,
    late_ticks: AtomicU64,
    left_out_ticks: AtomicU64,
    busy_us: AtomicU64,
    pub(super) datagrams_received: AtomicU64,
    pub(super) datagrams_sent: AtomicU64,
    pub(super) datagrams_not_sent: AtomicU64,
    pub(super) failed_calls: AtomicU64,
    pub(super) dropped_events: AtomicU64,
}

/// The same at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoundCounts {
    /// Calls that the thread has at present.
    pub calls: u64,
    /// Ticks with calls.
    pub ticks: u64,
    /// Those that began 5 ms late or more, also those that made up for others.
    pub late_ticks: u64,
    /// Ticks that were not made up for. Each is 20 ms that all callers of the thread lack.
    pub left_out_ticks: u64,
    /// For how long ticks have worked, in microseconds. In a second of calls, 1,000,000 is all there is.
    pub busy_us: u64,
    /// Datagrams that came to calls.
    pub datagrams_received: u64,
    /// Datagrams that went out.
    pub datagrams_sent: u64,
    /// Datagrams that the system did not take.
    pub datagrams_not_sent: u64,
    /// Calls that ended by a fault of ours.
    pub failed_calls: u64,
    /// Events that were dropped because control did not fetch them.
    pub dropped_events: u64,
}

impl SoundCounters {
    /// How they are.
    #[must_use]
    pub fn read(&self) -> SoundCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SoundCounts {
            calls: read(&self.calls),
            ticks: read(&self.ticks),
            late_ticks: read(&self.late_ticks),
            left_out_ticks: read(&self.left_out_ticks),
            busy_us: read(&self.busy_us),
            datagrams_received: read(&self.datagrams_received),
            datagrams_sent: read(&self.datagrams_sent),
            datagrams_not_sent: read(&self.datagrams_not_sent),
            failed_calls: read(&self.failed_calls),
            dropped_events: read(&self.dropped_events),
        }
    }

    pub(super) fn note_tick(&self, tick: &Tick, took: Duration) {
        add(&self.ticks, 1);
        add(&self.late_ticks, tick.is_late().into());
        add(&self.left_out_ticks, tick.left_out.into());
        add(&self.busy_us, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
}

pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}
