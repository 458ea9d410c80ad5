// SPDX-License-Identifier: EUPL-1.2
//! The node's end for a thread that connects telephones: one more peer in the mesh of mailboxes, with an id behind those of
//! the shards, and without socket and clients.
//!
//! The thread is not the node's. Once per tick it [collects](BridgeEnd::collect) and [polls](BridgeEnd::poll) until
//! nothing is left, [publishes](BridgeEnd::publish) what its callers say and [hands over](BridgeEnd::hand_over); each
//! shard then gets one vector of messages. A thread that ticks sleeps by its own clock, so that shards need no system
//! call to wake it for each packet; one without callers [waits](BridgeEnd::wait) until it is told of one.
//!
//! Control's orders have a lane of their own beside the mailbox, because they carry names that the shards do not know.
//! They are never dropped and never make the sender wait: each follows from a request, and control bounds the legs and
//! their tracks. An end that is dropped, also by a panic, ends its callers' tracks for everybody and reports it.

mod command;

use std::collections::VecDeque;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sfu_media::bridge::{BridgeCounters, BridgeTracks, Incoming, VoicePacket};
use sfu_media::ids::{ShardId, TrackId};
use sfu_media::shard::counters::DropReason;
use sfu_media::shard::message::ShardMessage;

pub use self::command::BridgeCommand;
use crate::mailbox::{Mailbox, MailboxSender};
use crate::os::wait_readable;
use crate::reports::{ReportSender, ShardReport};

/// Pause after waiting has failed, which only a kernel without memory does.
const PAUSE_AFTER_FAILED_WAIT: Duration = Duration::from_millis(1);

/// What a bridge's thread is told.
#[derive(Debug)]
pub enum Told {
    /// Control has an order. The end has already done its part of it.
    Command(BridgeCommand),
    /// The shards have something.
    Incoming(Incoming),
}

/// Control's orders that wait for a bridge.
#[derive(Default)]
struct Lane {
    commands: VecDeque<BridgeCommand>,
    is_closed: bool,
}

/// Puts orders where a bridge's thread finds them; clones share it.
#[derive(Clone)]
pub struct BridgeSender {
    id: ShardId,
    lane: Arc<Mutex<Lane>>,
    mailbox: MailboxSender,
}

impl BridgeSender {
    /// By what the shards know the bridge.
    #[must_use]
    pub const fn id(&self) -> ShardId {
        self.id
    }

    /// Hands over an order. Never drops and never waits, see the module's page. Returns whether the bridge still runs.
    pub fn send_command(&self, command: BridgeCommand) -> bool {
        let mut lane = lock(&self.lane);
        if lane.is_closed {
            return false;
        }
        lane.commands.push_back(command);
        drop(lane);
        self.mailbox.nudge();
        true
    }
}

/// What a bridge's thread holds.
pub struct BridgeEnd {
    mailbox: Mailbox,
    lane: Arc<Mutex<Lane>>,
    /// All shards' and bridges' mailboxes, its own included, in the order of their ids.
    peers: Vec<MailboxSender>,
    reports: ReportSender,
    tracks: BridgeTracks,
    /// Collected, and not yet polled.
    commands: VecDeque<BridgeCommand>,
    messages: std::vec::IntoIter<ShardMessage>,
    from: ShardId,
}

impl BridgeEnd {
    /// Connects a bridge with its peers, and gives control's way to it.
    #[must_use]
    pub fn new(
        id: ShardId,
        mailbox: Mailbox,
        peers: Vec<MailboxSender>,
        reports: ReportSender,
    ) -> (BridgeSender, Self) {
        let lane = Arc::new(Mutex::new(Lane::default()));
        let own = peers[usize::from(id.0)].clone();
        let sender = BridgeSender { id, lane: lane.clone(), mailbox: own };
        let end = Self {
            mailbox,
            lane,
            peers,
            reports,
            tracks: BridgeTracks::new(Instant::now(), id),
            commands: VecDeque::new(),
            messages: Vec::new().into_iter(),
            from: id,
        };
        (sender, end)
    }

    /// By what the shards know it. The number of the bridge among the node's is this without the shards.
    #[must_use]
    pub const fn id(&self) -> ShardId {
        self.tracks.id()
    }

    /// Takes over what others have put in, as far as what was taken over before has been polled.
    pub fn collect(&mut self) {
        // In this order: a shard asks for a track because control told it to, after it had told us of the track. So what a
        // message is about is known as soon as all orders are done that are found after the message was.
        self.mailbox.collect();
        let mut lane = lock(&self.lane);
        if self.commands.is_empty() {
            mem::swap(&mut self.commands, &mut lane.commands);
        } else {
            self.commands.append(&mut lane.commands);
        }
    }

    /// The next of what was collected, orders first. `now` is the time of the tick.
    pub fn poll(&mut self, now: Instant) -> Option<Told> {
        if let Some(command) = self.commands.pop_front() {
            command.carry_out(now, &mut self.tracks);
            return Some(Told::Command(command));
        }
        loop {
            for message in self.messages.by_ref() {
                if let Some(incoming) = self.tracks.handle_message(now, self.from, message) {
                    return Some(Told::Incoming(incoming));
                }
            }
            let (from, messages) = self.mailbox.next_messages()?;
            (self.from, self.messages) = (from, messages.into_iter());
        }
    }

    /// Gives a packet of a caller's track to its audience, with the next [`Self::hand_over`].
    ///
    /// # Errors
    ///
    /// The reason why nobody gets it, which is counted.
    pub fn publish(&mut self, now: Instant, track: TrackId, packet: VoicePacket) -> Result<(), DropReason> {
        self.tracks.handle_voice(now, track, packet)
    }

    /// Gives the peers what there is for them, one vector for each, and control what it must know. Never waits: a peer
    /// that is too far behind drops media and counts it.
    pub fn hand_over(&mut self, now: Instant) {
        if self.tracks.poll_timeout().is_some_and(|at| at <= now) {
            self.tracks.handle_timeout(now);
        }
        let id = self.id();
        while let Some((to, messages)) = self.tracks.poll_messages() {
            match self.peers.get(usize::from(to.0)) {
                Some(peer) => peer.send_messages(id, messages),
                None => tracing::error!(shard = %to, "a bridge's message is for a shard that does not exist"),
            }
        }
        while let Some(event) = self.tracks.poll_event() {
            self.reports.send(id, ShardReport::Event(event));
        }
    }

    /// Sleeps until something is there to collect, at most until then. `None` is for a bridge without callers: one with
    /// callers hands over who speaks, too.
    pub fn wait(&mut self, until: Option<Instant>) {
        let mut was_signalled = false;
        if self.may_sleep() {
            let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
            match wait_readable([self.as_fd()], timeout) {
                Ok([signalled]) => was_signalled = signalled,
                Err(error) => {
                    tracing::error!(%error, bridge = %self.id(), "waiting failed");
                    std::thread::sleep(PAUSE_AFTER_FAILED_WAIT);
                }
            }
        }
        self.woke_up(was_signalled);
    }

    /// Announces that the owner goes to sleep on this end's descriptor, among others of its own. `false` when something
    /// waits; then it must not. Either way [`Self::woke_up`] comes next.
    #[must_use]
    pub fn may_sleep(&mut self) -> bool {
        // The mailbox first: who finds its owner asleep writes the descriptor, and has filled the lane before.
        self.mailbox.may_sleep()
            && self.commands.is_empty()
            && self.messages.len() == 0
            && lock(&self.lane).commands.is_empty()
    }

    /// Announces that the owner is awake. `was_signalled` says that the descriptor is readable.
    pub fn woke_up(&mut self, was_signalled: bool) {
        self.mailbox.woke_up(was_signalled);
    }

    /// Whether the node ends and all that was put in before has been collected: the owner drops this.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.mailbox.is_closed()
    }

    /// What was counted, with the present sizes.
    #[must_use]
    pub fn counters(&self) -> BridgeCounters {
        self.tracks.counters()
    }

    /// Packets lost because the owner was too far behind.
    #[must_use]
    pub fn dropped_packets(&self) -> u64 {
        self.peers.get(usize::from(self.id().0)).map_or(0, MailboxSender::dropped_packets)
    }
}

impl AsFd for BridgeEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.mailbox.as_fd()
    }
}

impl Drop for BridgeEnd {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(bridge = %self.id(), "the bridge's thread panicked, and its callers are gone");
        }
        // Nobody will read, so nothing shall pile up.
        let mut lane = lock(&self.lane);
        lane.is_closed = true;
        lane.commands.clear();
        drop(lane);
        self.tracks.handle_end();
        self.hand_over(Instant::now());
        self.reports.send(self.id(), ShardReport::BridgeEnded);
    }
}

fn lock(lane: &Mutex<Lane>) -> MutexGuard<'_, Lane> {
    // A panic elsewhere leaves a queue that is whole at every step.
    lane.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
