// SPDX-License-Identifier: EUPL-1.2
//! What control and the other shards hand to a shard's thread.
//!
//! Two lanes. **Commands** are never dropped and never make the sender wait: control answers requests on an async
//! runtime, and each request causes a few commands at most, so that the requests it has accepted and the transports it
//! holds bound the lane. **Messages** come as one vector per turn of a peer; media in them is dropped and counted
//! while too much of it waits, everything else arrives.
//!
//! The lock is held to push or to swap vectors, once per turn and sender, never per packet. A thread that is awake is
//! not woken: the descriptor is written only when the thread has said that it goes to sleep.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sfu_media::ids::ShardId;
use sfu_media::shard::message::{ShardCommand, ShardMessage};

use crate::os::Wake;

/// Packets that may wait for a shard: some 10 MB, and 80 ms of all that one core can forward. A shard that is further
/// behind serves nobody by working off what is late.
pub const MAX_WAITING_PACKETS: usize = 8_192;

/// A mailbox and a way to put things into it.
///
/// # Errors
///
/// Fails when the process has no descriptor left.
pub fn mailbox() -> io::Result<(MailboxSender, Mailbox)> {
    let shared = Arc::new(Shared {
        lanes: Mutex::new(Lanes::default()),
        is_asleep: AtomicBool::new(false),
        wake: Wake::new()?,
        waiting_packets: AtomicUsize::new(0),
        dropped_packets: AtomicU64::new(0),
        wake_ups: AtomicU64::new(0),
    });
    let sender = MailboxSender { shared: shared.clone() };
    Ok((sender, Mailbox { shared, commands: VecDeque::new(), messages: VecDeque::new(), is_closed: false }))
}

struct Shared {
    lanes: Mutex<Lanes>,
    /// Set by the owner before it looks a last time, so that whoever puts something in after that look sees it.
    is_asleep: AtomicBool,
    wake: Wake,
    /// Packets put in and not yet taken out one by one.
    waiting_packets: AtomicUsize,
    dropped_packets: AtomicU64,
    wake_ups: AtomicU64,
}

#[derive(Default)]
struct Lanes {
    commands: VecDeque<ShardCommand>,
    messages: VecDeque<(ShardId, Vec<ShardMessage>)>,
    is_closed: bool,
}

impl Shared {
    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        // A panic elsewhere leaves queues that are whole at every step.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Call after the lanes were changed and unlocked. The lock orders this with [`Mailbox::may_sleep`]: either the
    /// owner's last look came later and sees the change, or it came earlier and its flag is seen here.
    fn wake_if_asleep(&self) {
        if self.is_asleep.load(Ordering::Acquire) && self.is_asleep.swap(false, Ordering::AcqRel) {
            self.wake_ups.fetch_add(1, Ordering::Relaxed);
            self.wake.signal();
        }
    }
}

/// Puts things into one shard's mailbox; clones share it.
#[derive(Clone)]
pub struct MailboxSender {
    shared: Arc<Shared>,
}

impl MailboxSender {
    /// Hands over a command. Never drops and never waits, see the module's page. Returns whether the shard still runs.
    pub fn send_command(&self, command: ShardCommand) -> bool {
        let mut lanes = self.shared.lanes();
        if lanes.is_closed {
            return false;
        }
        lanes.commands.push_back(command);
        drop(lanes);
        self.shared.wake_if_asleep();
        true
    }

    /// Hands over what shard `from` has to say. Media that finds [`MAX_WAITING_PACKETS`] waiting is dropped and counted.
    pub fn send_messages(&self, from: ShardId, mut messages: Vec<ShardMessage>) {
        let packets = messages.iter().filter(|message| may_drop(message)).count();
        let mut lanes = self.shared.lanes();
        // Senders change it under the lock only, so two of them cannot both take the last room.
        let waiting = self.shared.waiting_packets.load(Ordering::Relaxed);
        let room = MAX_WAITING_PACKETS.saturating_sub(waiting);
        if packets > room {
            self.shared.dropped_packets.fetch_add((packets - room) as u64, Ordering::Relaxed);
            let mut kept = 0;
            messages.retain(|message| {
                kept += usize::from(may_drop(message));
                !may_drop(message) || kept <= room
            });
        }
        if messages.is_empty() || lanes.is_closed {
            return;
        }
        self.shared.waiting_packets.fetch_add(packets.min(room), Ordering::Relaxed);
        lanes.messages.push_back((from, messages));
        drop(lanes);
        self.shared.wake_if_asleep();
    }

    /// Wakes the owner, if it sleeps, for something that is not in the mailbox. To be called after that is where the owner
    /// looks between [`Mailbox::may_sleep`] and its sleep.
    pub(crate) fn nudge(&self) {
        self.shared.wake_if_asleep();
    }

    /// Lets the shard end once it has done what waits; what comes later is refused.
    pub fn close(&self) {
        self.shared.lanes().is_closed = true;
        self.shared.wake_if_asleep();
    }

    /// Packets dropped because too many waited.
    #[must_use]
    pub fn dropped_packets(&self) -> u64 {
        self.shared.dropped_packets.load(Ordering::Relaxed)
    }

    /// How often the shard had to be woken, each time at the cost of a system call.
    #[must_use]
    pub fn wake_ups(&self) -> u64 {
        self.shared.wake_ups.load(Ordering::Relaxed)
    }
}

/// Media is worth less the later it comes; all else keeps shards in agreement.
const fn may_drop(message: &ShardMessage) -> bool {
    matches!(message, ShardMessage::Media { .. } | ShardMessage::Datagram { .. })
}

/// A shard's own end of its mailbox.
pub struct Mailbox {
    shared: Arc<Shared>,
    commands: VecDeque<ShardCommand>,
    messages: VecDeque<(ShardId, Vec<ShardMessage>)>,
    is_closed: bool,
}

impl Mailbox {
    /// Takes over what others have put in since the last call, where nothing of that lane is left to do.
    pub fn collect(&mut self) {
        let mut lanes = self.shared.lanes();
        // Swapping hands the emptied memory back, so that nothing is allocated in the long run.
        if self.commands.is_empty() {
            mem::swap(&mut self.commands, &mut lanes.commands);
        }
        if self.messages.is_empty() {
            mem::swap(&mut self.messages, &mut lanes.messages);
        }
        self.is_closed = lanes.is_closed && lanes.commands.is_empty() && lanes.messages.is_empty();
    }

    /// The next command of those collected.
    pub fn next_command(&mut self) -> Option<ShardCommand> {
        self.commands.pop_front()
    }

    /// The next messages of those collected, with the shard that they come from.
    pub fn next_messages(&mut self) -> Option<(ShardId, Vec<ShardMessage>)> {
        let (from, messages) = self.messages.pop_front()?;
        let packets = messages.iter().filter(|message| may_drop(message)).count();
        self.shared.waiting_packets.fetch_sub(packets, Ordering::Relaxed);
        Some((from, messages))
    }

    /// Whether all that was collected has been taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.messages.is_empty()
    }

    /// Whether messages wait that were collected. As long as they do, no newer ones are.
    #[must_use]
    pub fn has_messages(&self) -> bool {
        !self.messages.is_empty()
    }

    /// Whether the shard shall end and all that was put in before has been collected.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Announces that the owner goes to sleep on this mailbox's descriptor. `false` when something waits; then it must
    /// not. Either way [`Mailbox::woke_up`] comes next.
    #[must_use]
    pub fn may_sleep(&mut self) -> bool {
        self.shared.is_asleep.store(true, Ordering::Release);
        let lanes = self.shared.lanes();
        let has_news = lanes.is_closed && !self.is_closed;
        self.is_empty() && lanes.commands.is_empty() && lanes.messages.is_empty() && !has_news
    }

    /// Announces that the owner is awake. `was_signalled` says that the descriptor is readable.
    pub fn woke_up(&mut self, was_signalled: bool) {
        let nobody_signals = self.shared.is_asleep.swap(false, Ordering::AcqRel);
        // Whoever took the flag away writes the descriptor a moment later: then it stays readable, and the next sleep
        // ends at once, which does no harm.
        if was_signalled || !nobody_signals {
            self.shared.wake.clear();
        }
    }
}

impl AsFd for Mailbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.wake.as_fd()
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        // Nobody will read, so nothing shall pile up.
        let mut lanes = self.shared.lanes();
        lanes.is_closed = true;
        lanes.commands.clear();
        lanes.messages.clear();
    }
}

#[cfg(test)]
mod tests;
