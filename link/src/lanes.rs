// SPDX-License-Identifier: EUPL-1.2
//! What waits between a connection for sound and whoever has the sound: orders, of which none is lost, and packets, of which
//! the oldest are when too many wait.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::messages::Order;
use crate::sound_packet::SoundPacket;

/// Packets that wait: more than a busy thread's rooms have in 100 ms. When it is full, the oldest is dropped and counted: what
/// comes late is of no use.
const SOUND: usize = 2_048;

/// Orders that wait. They are bounded by what the node's control lets a bridge have, far below this; a bridge that leaves so
/// many waiting is stuck, and its link is ended.
const ORDERS: usize = 65_536;

/// Two queues, and word that something is in them for the one who takes.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    waiting: Mutex<Waiting>,
    filled: Notify,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    orders: VecDeque<Order>,
    sound: VecDeque<SoundPacket>,
    /// Which link it is for.
    epoch: u64,
}

/// So many orders wait that nobody can be taking them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

impl Lanes {
    /// Adds an order, unless it is for a link that is not there any more.
    pub(crate) fn push_order(&self, epoch: u64, order: Order) -> Result<(), Overflow> {
        let mut waiting = self.lock();
        if waiting.epoch != epoch {
            return Ok(());
        }
        if waiting.orders.len() >= ORDERS {
            return Err(Overflow);
        }
        waiting.orders.push_back(order);
        drop(waiting);
        self.filled.notify_one();
        Ok(())
    }

    /// Adds packets, unless they are for a link that is not there any more.
    pub(crate) fn push_sound(&self, epoch: u64, packets: impl IntoIterator<Item = SoundPacket>) {
        let mut waiting = self.lock();
        if waiting.epoch != epoch {
            return;
        }
        let mut dropped = 0;
        for packet in packets {
            if waiting.sound.len() >= SOUND {
                waiting.sound.pop_front();
                dropped += 1;
            }
            waiting.sound.push_back(packet);
        }
        drop(waiting);
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
        self.filled.notify_one();
    }

    /// Takes over all that waits, behind what was taken over before.
    pub(crate) fn take(&self, orders: &mut VecDeque<Order>, sound: &mut VecDeque<SoundPacket>) {
        let mut waiting = self.lock();
        orders.append(&mut waiting.orders);
        sound.append(&mut waiting.sound);
    }

    /// Begins with another link: forgets the packets for the one before, and puts these orders behind those that wait.
    pub(crate) fn begin_anew(&self, orders: impl IntoIterator<Item = Order>) {
        let mut waiting = self.lock();
        waiting.epoch += 1;
        waiting.sound.clear();
        waiting.orders.extend(orders);
    }

    /// Which link there is now. Whoever puts something in asks once, when their part of it begins: so nothing of theirs gets into
    /// the next.
    pub(crate) fn epoch(&self) -> u64 {
        self.lock().epoch
    }

    /// Waits until something was put in since the last time. For one who waits.
    pub(crate) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Packets that were lost here.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A panic elsewhere leaves queues that are whole at every step.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use sfu_media::ids::TrackId;

    use super::*;

    fn packet(index: u64) -> SoundPacket {
        let (track, payload) = (TrackId(1), vec![1]);
        SoundPacket { track, index, rtp_timestamp: 0, marker: false, audio_level: None, payload }
    }

    fn taken(lanes: &Lanes) -> (Vec<Order>, Vec<u64>) {
        let (mut orders, mut sound) = (VecDeque::new(), VecDeque::new());
        lanes.take(&mut orders, &mut sound);
        (orders.into(), sound.into_iter().map(|packet| packet.index).collect())
    }

    #[test]
    fn the_oldest_sound_is_dropped_and_counted() {
        let lanes = Lanes::default();
        lanes.push_sound(0, (0..SOUND as u64 + 3).map(packet));
        let (_, sound) = taken(&lanes);
        assert_eq!((sound.first(), sound.len(), lanes.dropped()), (Some(&3), SOUND, 3));
    }

    #[test]
    fn orders_are_never_dropped_and_too_many_are_told() {
        let lanes = Lanes::default();
        for _ in 0..ORDERS {
            assert_eq!(lanes.push_order(0, Order::Ended(TrackId(1))), Ok(()));
        }
        assert_eq!(lanes.push_order(0, Order::Ended(TrackId(1))), Err(Overflow));
        assert_eq!(taken(&lanes).0.len(), ORDERS);
    }

    #[test]
    fn what_is_for_a_link_that_is_gone_goes_nowhere() {
        let lanes = Lanes::default();
        lanes.push_sound(lanes.epoch(), [packet(1)]);
        let before = lanes.epoch();
        lanes.begin_anew([Order::Ended(TrackId(2))]);
        lanes.push_sound(before, [packet(2)]);
        assert_eq!(lanes.push_order(before, Order::Ended(TrackId(3))), Ok(()));
        lanes.push_sound(lanes.epoch(), [packet(3)]);
        assert_eq!(taken(&lanes), (vec![Order::Ended(TrackId(2))], vec![3]));
    }
}
