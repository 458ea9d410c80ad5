// SPDX-License-Identifier: EUPL-1.2
//! The end of a node for a thread that makes sound in another process: what [`sfu_node::BridgeEnd`] is within the node's, with
//! the same steps in a tick. The link fills and empties its queues.
//!
//! An end outlives links. When one is lost, its legs are closed towards the thread, as if the node had ordered it; what the
//! next link brings comes behind that.

use std::collections::{BTreeSet, VecDeque};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use sfu_media::bridge::{Incoming, VoicePacket};
use sfu_media::ids::{TrackId, TransportId};
use sfu_media::shard::counters::DropReason;
use sfu_media::track::MAX_PAYLOAD_BYTES;
use sfu_node::{BridgeCommand, Told};

use crate::lanes::{Lanes, Overflow};
use crate::messages::Order;
use crate::sound_packet::SoundPacket;

/// What the link and a thread share.
#[derive(Debug, Default)]
pub(crate) struct EndQueues {
    /// From the node.
    pub(crate) inbox: Lanes,
    /// What callers say.
    pub(crate) outbox: Lanes,
    /// Legs that the thread has been told of. The link alone looks at them.
    legs: Mutex<BTreeSet<TransportId>>,
    is_closed: AtomicBool,
}

impl EndQueues {
    /// Which link there is now, for a connection that begins.
    pub(crate) fn epoch(&self) -> u64 {
        self.inbox.epoch()
    }

    /// The node orders something, on that link.
    pub(crate) fn push_order(&self, epoch: u64, order: Order) -> Result<(), Overflow> {
        // Held until the order is there: else a link that is lost meanwhile would leave a leg that nobody closes.
        let mut legs = self.legs.lock().unwrap_or_else(PoisonError::into_inner);
        if self.inbox.epoch() == epoch {
            match &order {
                Order::Command(BridgeCommand::OpenLeg { leg, .. }) => legs.insert(*leg),
                Order::Command(BridgeCommand::CloseLeg { leg }) => legs.remove(leg),
                _ => false,
            };
        }
        self.inbox.push_order(epoch, order)
    }

    /// The link is lost: the thread is told that its callers are in no room, and nothing of before reaches the next link.
    pub(crate) fn begin_anew(&self) {
        let mut open = self.legs.lock().unwrap_or_else(PoisonError::into_inner);
        let legs = mem::take(&mut *open);
        // In this order: a thread that learns of the new link by the outbox finds in the inbox that its tracks are gone.
        self.inbox.begin_anew(legs.into_iter().map(|leg| Order::Command(BridgeCommand::CloseLeg { leg })));
        self.outbox.begin_anew([]);
    }

    /// No link comes any more.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }
}

/// What a thread that makes sound has of a node in another process.
#[derive(Debug)]
pub struct RemoteEnd {
    number: u16,
    queues: Arc<EndQueues>,
    /// Which link the voices of this tick are for.
    epoch: u64,
    orders: VecDeque<Order>,
    sound: VecDeque<SoundPacket>,
    /// Of this tick, one for each caller at most.
    voices: Vec<SoundPacket>,
}

impl RemoteEnd {
    pub(crate) fn new(number: u16) -> (Arc<EndQueues>, Self) {
        let queues = Arc::new(EndQueues::default());
        let (orders, sound, voices) = (VecDeque::new(), VecDeque::new(), Vec::new());
        (queues.clone(), Self { number, queues, epoch: 0, orders, sound, voices })
    }

    /// The thread's number, from 0.
    #[must_use]
    pub const fn number(&self) -> u16 {
        self.number
    }

    /// Takes over what the node has sent.
    pub fn collect(&mut self) {
        self.epoch = self.queues.outbox.epoch();
        self.queues.inbox.take(&mut self.orders, &mut self.sound);
    }

    /// The next of what was collected, orders first. `now` is the time of the tick, and counts as that of the packets' arrival.
    pub fn poll(&mut self, now: Instant) -> Option<Told> {
        match self.orders.pop_front() {
            Some(Order::Command(command)) => Some(Told::Command(command)),
            Some(Order::Ended(track)) => Some(Told::Incoming(Incoming::Ended { track })),
            None => self.sound.pop_front().map(|packet| Told::Incoming(packet.into_incoming(now))),
        }
    }

    /// Gives a packet of a caller's track to the node, with the next [`Self::hand_over`].
    ///
    /// # Errors
    ///
    /// When it is none. Who gets it, is known by the node.
    pub fn publish(&mut self, track: TrackId, packet: VoicePacket) -> Result<(), DropReason> {
        if packet.payload.is_empty() || packet.payload.len() > MAX_PAYLOAD_BYTES {
            return Err(DropReason::Malformed);
        }
        self.voices.push(SoundPacket::of_voice(track, packet));
        Ok(())
    }

    /// Gives the link what callers said in this tick. Never waits: where the link is too slow, the oldest is dropped.
    pub fn hand_over(&mut self) {
        if !self.voices.is_empty() {
            self.queues.outbox.push_sound(self.epoch, self.voices.drain(..));
        }
    }

    /// Whether no link comes any more, because the process ends.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.queues.is_closed.load(Ordering::Acquire)
    }

    /// Packets that were lost in either direction because somebody was too slow.
    #[must_use]
    pub fn dropped_packets(&self) -> u64 {
        self.queues.inbox.dropped() + self.queues.outbox.dropped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(leg: u64) -> Order {
        let command = BridgeCommand::OpenLeg { leg: TransportId(leg), sid: "TP_1".into(), room: "RM_1".into() };
        Order::Command(command)
    }

    fn closed(leg: u64) -> BridgeCommand {
        BridgeCommand::CloseLeg { leg: TransportId(leg) }
    }

    fn voice() -> VoicePacket {
        VoicePacket { payload: vec![1], rtp_timestamp: 0, marker: false, audio_level: 0 }
    }

    fn commands(end: &mut RemoteEnd) -> Vec<BridgeCommand> {
        end.collect();
        let told = std::iter::from_fn(|| end.poll(Instant::now()));
        told.filter_map(|told| if let Told::Command(command) = told { Some(command) } else { None }).collect()
    }

    fn sent(queues: &EndQueues) -> usize {
        let (mut orders, mut sound) = (VecDeque::new(), VecDeque::new());
        queues.outbox.take(&mut orders, &mut sound);
        sound.len()
    }

    #[test]
    fn a_lost_link_closes_the_legs_that_were_open() {
        let (queues, mut end) = RemoteEnd::new(0);
        for order in [open(1), open(2), Order::Command(closed(1))] {
            queues.push_order(queues.epoch(), order).unwrap();
        }
        assert_eq!(commands(&mut end).len(), 3);
        let before = queues.epoch();
        queues.begin_anew();
        queues.push_order(queues.epoch(), open(7)).unwrap();
        let told = commands(&mut end);
        assert_eq!(told.first(), Some(&closed(2)));
        assert!(matches!(told.get(1), Some(BridgeCommand::OpenLeg { leg: TransportId(7), .. })));
        assert_eq!(told.len(), 2);
        // What a connection of the lost link still had to say opens nothing, and closes nothing of this one.
        for order in [open(9), Order::Command(closed(7))] {
            queues.push_order(before, order).unwrap();
        }
        assert_eq!(commands(&mut end), []);
        queues.begin_anew();
        assert_eq!(commands(&mut end), [closed(7)]);
    }

    #[test]
    fn a_voice_from_before_a_loss_does_not_reach_the_next_link() {
        let (queues, mut end) = RemoteEnd::new(0);
        end.collect();
        end.publish(TrackId(1), voice()).unwrap();
        queues.begin_anew();
        end.hand_over();
        assert_eq!(sent(&queues), 0);
        end.collect();
        end.publish(TrackId(1), voice()).unwrap();
        end.hand_over();
        assert_eq!(sent(&queues), 1);
    }

    #[test]
    fn what_is_no_packet_is_not_sent() {
        let (queues, mut end) = RemoteEnd::new(0);
        end.collect();
        for length in [0, MAX_PAYLOAD_BYTES + 1] {
            let packet = VoicePacket { payload: vec![1; length], ..voice() };
            assert_eq!(end.publish(TrackId(1), packet), Err(DropReason::Malformed));
        }
        end.hand_over();
        assert_eq!(sent(&queues), 0);
        assert!(!end.is_closed());
        queues.close();
        assert!(end.is_closed());
    }
}
