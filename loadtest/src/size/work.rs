// SPDX-License-Identifier: EUPL-1.2
//! What a shard, or a whole node, has to do in a second, and what that costs.

use serde::Serialize;

use super::costs::Costs;

/// Work in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Work {
    /// Media packets from publishers.
    pub(crate) received: f64,
    /// Packets that go from the publisher's shard to another one. Half of the work is done on either side.
    pub(crate) handed_over: f64,
    /// Media packets to receivers.
    pub(crate) sent: f64,
    /// Pieces in which they leave. To each of many receivers the packets of a frame travel in one, and so does the sound of
    /// several who speak.
    pub(crate) runs: f64,
    /// Packets that were looked at for a receiver who does not get them: other layers than the wanted one, and all of a
    /// subscription that is paused.
    pub(crate) skipped: f64,
    /// Subscriptions that something flows through.
    pub(crate) subscriptions: f64,
    pub(crate) participants: f64,
    /// Turns of the shards' loops: a shard wakes, looks at everything once, and sleeps again. One that has much to do
    /// takes many packets in a turn, as many as it takes to get through, so that the model has no turns. Measurements
    /// have, and packets would look dearer without them than they are.
    pub(crate) turns: f64,
    pub(crate) bits_in: f64,
    pub(crate) bits_out: f64,
    /// What is kept for those who miss packets.
    pub(crate) history_bytes: f64,
}

/// Kinds of work that take time on a processor.
pub(crate) const KINDS: usize = 8;

/// Kinds of things that take memory.
pub(crate) const MEMORY_KINDS: usize = 5;

impl Work {
    /// How much there is of each kind, in the order of [`Costs::of_kinds`].
    pub(crate) const fn kinds(&self) -> [f64; KINDS] {
        let followers = self.sent - self.runs;
        let Self { received, handed_over, runs, skipped, subscriptions, participants, turns, .. } = *self;
        [received, handed_over, followers, runs, skipped, subscriptions, participants, turns]
    }

    /// How many cores are busy with it.
    pub(crate) fn cores(&self, costs: &Costs) -> f64 {
        self.kinds().iter().zip(costs.of_kinds()).map(|(count, cost_us)| count * cost_us / 1e6).sum()
    }

    /// What a process that does it with so many shards has in memory, in the order of [`Costs::bytes_of_memory`].
    pub(crate) const fn memory_kinds(&self, shards: usize) -> [f64; MEMORY_KINDS] {
        [1.0, shards as f64, self.participants, self.subscriptions, self.history_bytes]
    }

    /// The memory of a process that does it with so many shards.
    pub(crate) fn memory_bytes(&self, shards: usize, costs: &Costs) -> f64 {
        self.memory_kinds(shards).iter().zip(costs.bytes_of_memory()).map(|(count, bytes)| count * bytes).sum()
    }

    /// More of it.
    pub(crate) fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.handed_over += other.handed_over;
        self.sent += other.sent;
        self.runs += other.runs;
        self.skipped += other.skipped;
        self.subscriptions += other.subscriptions;
        self.participants += other.participants;
        self.turns += other.turns;
        self.bits_in += other.bits_in;
        self.bits_out += other.bits_out;
        self.history_bytes += other.history_bytes;
    }

    /// So many times of it.
    pub(crate) fn times(&self, factor: f64) -> Self {
        Self {
            received: self.received * factor,
            handed_over: self.handed_over * factor,
            sent: self.sent * factor,
            runs: self.runs * factor,
            skipped: self.skipped * factor,
            subscriptions: self.subscriptions * factor,
            participants: self.participants * factor,
            turns: self.turns * factor,
            bits_in: self.bits_in * factor,
            bits_out: self.bits_out * factor,
            history_bytes: self.history_bytes * factor,
        }
    }
}
