// SPDX-License-Identifier: EUPL-1.2
//! The loop of one shard on its own thread: what arrived is handled, then what is to leave is sent, then it sleeps until
//! something arrives or the shard's next timeout.
//!
//! All that a turn does happens at the time read before it; the clock is read again before the thread sleeps and, in a
//! long run of turns, now and then, to count how busy it was. A turn takes a bounded amount of each input, so that a flood of datagrams starves
//! neither commands nor timers, and a shard whose inputs are not empty does not sleep. Nothing here waits for anybody
//! else: sockets drop what is too much, and so do peers' mailboxes. A shard that does not keep up is told so, that it may
//! choose what to leave out.

mod claiming;
#[cfg(test)]
pub(crate) mod fake;
mod media_shard;
mod pace;

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sfu_media::ids::ShardId;
use sfu_media::shard::message::ShardMessage;

pub use self::claiming::{Claimed, settle_claim};
pub use self::media_shard::MediaShard;
use self::pace::Pace;
use crate::mailbox::{Mailbox, MailboxSender};
use crate::metrics::{LoopCounters, PublishedCounters, Snapshot};
use crate::os::wait_readable;
use crate::registry::{ClaimRequest, Registry};
use crate::reports::{ReportSender, ShardReport};
use crate::udp::{Received, Receiver, Sender, UdpSocket};

/// Commands per turn. Some build or close a transport, which takes as long as many packets.
const COMMANDS_PER_TURN: usize = 64;

/// Messages of peers per turn, after which the rest of them waits for the next; a vector is never cut.
const MESSAGES_PER_TURN: usize = 1_024;

/// Claims per turn: each takes an HMAC and builds a transport at best.
const CLAIMS_PER_TURN: usize = 32;

/// Datagrams that are gathered before they are sent in the middle of a turn. Long enough to bring together what goes to
/// one destination, short enough that about a megabyte of them stays in the core's cache.
const DATAGRAMS_PER_FLUSH: usize = 1_024;

/// Turns between two publications of the counters while the shard does not sleep, some milliseconds of them.
const TURNS_PER_PUBLICATION: u64 = 64;

/// Pause after waiting has failed, which only a kernel without memory does.
const PAUSE_AFTER_FAILED_WAIT: Duration = Duration::from_millis(1);

/// What a shard's thread is connected with.
pub struct Connections {
    /// The shard's own id.
    pub id: ShardId,
    /// Its socket.
    pub socket: UdpSocket,
    /// What others have to say to it.
    pub mailbox: Mailbox,
    /// All shards' mailboxes, its own included, in the order of their ids.
    pub peers: Vec<MailboxSender>,
    /// Who may come.
    pub registry: Arc<Registry>,
    /// The way to control.
    pub reports: ReportSender,
    /// Where its counters are read.
    pub counters: Arc<PublishedCounters>,
}

/// One shard with all it needs to run.
pub struct ShardLoop<S> {
    shard: S,
    with: Connections,
    receiver: Receiver,
    sender: Sender,
    counters: LoopCounters,
    /// Up to when its busy time is counted, or since when it is awake.
    counted_until: Instant,
    pace: Pace,
    /// The last wait said that the socket has nothing, so asking it is a system call in vain.
    is_socket_quiet: bool,
}

/// What comes after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another turn at once: more waits.
    Turn,
    /// Sleep until something arrives, at most until then.
    Sleep(Option<Instant>),
    /// The end: the mailbox is closed, and all that was in it is done.
    End,
}

impl<S: MediaShard> ShardLoop<S> {
    /// Connects `shard`.
    #[must_use]
    pub fn new(shard: S, with: Connections) -> Self {
        let sender = Sender::new(&with.socket);
        let (counters, pace) = (LoopCounters::default(), Pace::default());
        let counted_until = Instant::now();
        Self { shard, with, receiver: Receiver::new(), sender, counters, counted_until, pace, is_socket_quiet: false }
    }

    /// Runs until the mailbox is closed.
    pub fn run(mut self) {
        let mut now = Instant::now();
        loop {
            now = match self.turn(now) {
                Next::Turn => Instant::now(),
                Next::Sleep(until) => self.sleep(until),
                Next::End => return,
            }
        }
    }

    /// Takes from every input, and gives to every output.
    pub fn turn(&mut self, now: Instant) -> Next {
        self.counters.turns += 1;
        let has_old_messages = self.with.mailbox.has_messages();
        let has_datagrams = !self.receive(now).is_drained;
        self.with.mailbox.collect();
        let mut has_more = has_datagrams;
        has_more |= self.handle_commands(now);
        has_more |= self.handle_messages(now);
        self.watch_pace(now, has_datagrams || has_old_messages || self.with.mailbox.has_messages());
        if self.shard.poll_timeout().is_some_and(|at| at <= now) {
            self.shard.handle_timeout(now);
        }
        has_more |= self.answer_claims(now);
        self.hand_over();
        self.flush();
        let timeout = self.shard.poll_timeout();
        has_more |= timeout.is_some_and(|at| at <= now);
        let next = if self.with.mailbox.is_closed() && self.with.mailbox.is_empty() {
            Next::End
        } else if has_more {
            Next::Turn
        } else {
            Next::Sleep(timeout)
        };
        if next != Next::Turn || self.counters.turns.is_multiple_of(TURNS_PER_PUBLICATION) {
            let now = Instant::now();
            self.counters.busy += now.saturating_duration_since(std::mem::replace(&mut self.counted_until, now));
            let is_published = self.with.counters.publish(self.snapshot());
            // Asleep, nobody would leave a newer copy.
            if !is_published && matches!(next, Next::Sleep(_)) {
                return Next::Turn;
            }
        }
        next
    }

    fn receive(&mut self, now: Instant) -> Received {
        if std::mem::take(&mut self.is_socket_quiet) {
            return Received { datagrams: 0, is_drained: true };
        }
        let Self { shard, with, receiver, sender, .. } = self;
        receiver.receive(&with.socket, |source, datagram| {
            shard.handle_datagram(now, source, datagram);
            if shard.transmits().len() >= DATAGRAMS_PER_FLUSH {
                flush(shard, sender, &with.socket);
            }
        })
    }

    /// Commands do not count: those of a crowd come all at once, and media does not wait for them.
    fn watch_pace(&mut self, now: Instant, is_behind: bool) {
        if self.pace.handle_turn(now, is_behind, self.receiver.counters().dropped_full) {
            self.counters.overloads += 1;
            self.shard.handle_overload(now);
        }
    }

    /// Returns whether more commands wait.
    fn handle_commands(&mut self, now: Instant) -> bool {
        for _ in 0..COMMANDS_PER_TURN {
            let Some(command) = self.with.mailbox.next_command() else { return false };
            self.shard.handle_command(now, command);
            self.flush_when_many();
        }
        !self.with.mailbox.is_empty()
    }

    /// Returns whether more messages wait.
    fn handle_messages(&mut self, now: Instant) -> bool {
        let mut handled = 0;
        while handled < MESSAGES_PER_TURN {
            let Some((from, messages)) = self.with.mailbox.next_messages() else { return false };
            handled += messages.len();
            self.shard.handle_messages(now, from, messages);
            self.flush_when_many();
        }
        !self.with.mailbox.is_empty()
    }

    /// Returns whether more claims wait.
    fn answer_claims(&mut self, now: Instant) -> bool {
        for _ in 0..CLAIMS_PER_TURN {
            let Some(claim) = self.shard.poll_claim() else { return false };
            self.answer_claim(now, claim);
        }
        true
    }

    fn answer_claim(&mut self, now: Instant, claim: ClaimRequest) {
        match settle_claim(&mut self.shard, self.with.id, &self.with.registry, now, claim) {
            Claimed::Granted => self.counters.claims_granted += 1,
            Claimed::Heard => {}
            Claimed::PassOn { owner, transport, source, message } => {
                self.counters.claims_passed_on += 1;
                self.give_to(owner, vec![message]);
                self.with.reports.send(self.with.id, ShardReport::HeardElsewhere { transport, source, owner });
            }
            Claimed::Refused => self.counters.claims_refused += 1,
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            shard: self.shard.counters(),
            received: self.receiver.counters(),
            sent: self.sender.counters(),
            turns: self.counters,
        }
    }

    /// Gives the shard's messages to its peers and its events to control. Neither waits; both say themselves what they
    /// drop.
    fn hand_over(&mut self) {
        while let Some((to, messages)) = self.shard.poll_messages() {
            self.give_to(to, messages);
        }
        while let Some(event) = self.shard.poll_event() {
            self.with.reports.send(self.with.id, ShardReport::Event(event));
        }
    }

    fn give_to(&self, shard: ShardId, messages: Vec<ShardMessage>) {
        match self.with.peers.get(usize::from(shard.0)) {
            Some(peer) => peer.send_messages(self.with.id, messages),
            None => tracing::error!(%shard, "a message is for a shard that does not exist"),
        }
    }

    fn flush_when_many(&mut self) {
        if self.shard.transmits().len() >= DATAGRAMS_PER_FLUSH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        flush(&mut self.shard, &mut self.sender, &self.with.socket);
    }

    /// Sleeps until something arrives, at most until then. Returns the time at which it wakes.
    fn sleep(&mut self, until: Option<Instant>) -> Instant {
        let mailbox = &mut self.with.mailbox;
        let mut was_signalled = false;
        if mailbox.may_sleep() {
            self.counters.sleeps += 1;
            // Not from the turn's beginning: the turn may have taken its time.
            let timeout = until.map(|until| until.saturating_duration_since(self.counted_until));
            match wait_readable([mailbox.as_fd(), self.with.socket.as_fd()], timeout) {
                Ok([mailbox, socket]) => {
                    was_signalled = mailbox;
                    self.is_socket_quiet = !socket;
                }
                Err(error) => {
                    tracing::error!(%error, shard = %self.with.id, "waiting failed");
                    std::thread::sleep(PAUSE_AFTER_FAILED_WAIT);
                }
            }
        }
        mailbox.woke_up(was_signalled);
        let awake = Instant::now();
        self.pace.handle_sleep(awake.saturating_duration_since(self.counted_until));
        self.counted_until = awake;
        awake
    }
}

/// Sends what the shard has written so far.
fn flush(shard: &mut impl MediaShard, sender: &mut Sender, socket: &UdpSocket) {
    let transmits = shard.transmits();
    if !transmits.is_empty() {
        sender.send(socket, transmits);
        transmits.clear();
    }
}

#[cfg(test)]
mod tests;
