// SPDX-License-Identifier: EUPL-1.2
//! What the node shows to Prometheus. Each shard counts alone and publishes a copy of its counters now and then; the
//! scrape adds them up. Labels never name rooms, participants or addresses.

mod collector;

use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::Duration;

use sfu_media::shard::counters::ShardCounters;

pub use self::collector::NodeMetrics;
use crate::udp::{ReceiveCounters, SendCounters};

/// What a shard's thread counts itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoopCounters {
    /// Turns of the loop.
    pub turns: u64,
    /// Times that it went to sleep, each a system call.
    pub sleeps: u64,
    /// Time that it did not sleep.
    pub busy: Duration,
    /// Times that it told its shard that there is too much to do.
    pub overloads: u64,
    /// Claims that made a transport this shard's.
    pub claims_granted: u64,
    /// Claims of another shard's transport, passed on to it.
    pub claims_passed_on: u64,
    /// Claims under an unknown name or with a wrong key, dropped.
    pub claims_refused: u64,
}

/// All counters of one shard at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The shard's own.
    pub shard: ShardCounters,
    /// Its socket's, receiving.
    pub received: ReceiveCounters,
    /// Its socket's, sending.
    pub sent: SendCounters,
    /// Its thread's.
    pub turns: LoopCounters,
}

impl Snapshot {
    fn add(&mut self, other: &Self) {
        self.shard += &other.shard;
        self.received.syscalls += other.received.syscalls;
        self.received.datagrams += other.received.datagrams;
        self.received.bytes += other.received.bytes;
        self.received.truncated += other.received.truncated;
        self.received.dropped_full += other.received.dropped_full;
        self.received.errors += other.received.errors;
        self.sent.syscalls += other.sent.syscalls;
        self.sent.datagrams += other.sent.datagrams;
        self.sent.bytes += other.sent.bytes;
        self.sent.runs += other.sent.runs;
        self.sent.refused_runs += other.sent.refused_runs;
        self.sent.dropped_full += other.sent.dropped_full;
        self.sent.dropped_unsendable += other.sent.dropped_unsendable;
        self.turns.turns += other.turns.turns;
        self.turns.sleeps += other.turns.sleeps;
        self.turns.busy += other.turns.busy;
        self.turns.overloads += other.turns.overloads;
        self.turns.claims_granted += other.turns.claims_granted;
        self.turns.claims_passed_on += other.turns.claims_passed_on;
        self.turns.claims_refused += other.turns.claims_refused;
    }
}

/// The place where a shard leaves its counters.
#[derive(Debug, Default)]
pub struct PublishedCounters(Mutex<Snapshot>);

impl PublishedCounters {
    /// Leaves a copy. Never waits: while a scrape reads the last copy, that one stays. Returns whether it was left.
    pub fn publish(&self, snapshot: Snapshot) -> bool {
        match self.0.try_lock() {
            Ok(mut place) => *place = snapshot,
            Err(TryLockError::Poisoned(place)) => *place.into_inner() = snapshot,
            Err(TryLockError::WouldBlock) => return false,
        }
        true
    }

    /// The last copy.
    #[must_use]
    pub fn read(&self) -> Snapshot {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
