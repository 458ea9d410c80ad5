// SPDX-License-Identifier: EUPL-1.2
//! The last packets of one layer, for receivers that miss some. Each packet is kept once on a shard, however many
//! subscriptions it has; it is encrypted again for whoever asks.
//!
//! Memory grows with the rate of the layer up to a limit and is reused from then on.

use std::time::Duration;

use crate::media_packet::{MediaPacket, PacketMeta};
use crate::session::MediaKind;

/// How far back a history reaches where its limit allows: what a receiver asks for later would come too late.
const REACH: Duration = Duration::from_secs(2);

/// How much a history of a kind of media holds.
#[derive(Debug)]
struct Limits {
    first_packets: usize,
    max_packets: usize,
    /// Space that packets are given at first, so that most never need more.
    payload_bytes: usize,
}

/// 512 packets a second for [`REACH`], which is 4.5 Mbit/s.
const VIDEO: Limits = Limits { first_packets: 128, max_packets: 1_024, payload_bytes: 1_216 };
/// 20 ms each; more than [`REACH`].
const AUDIO: Limits = Limits { first_packets: 32, max_packets: 128, payload_bytes: 192 };

/// The last packets of one layer.
#[derive(Debug)]
pub struct PacketHistory {
    limits: &'static Limits,
    /// By index modulo the length.
    slots: Vec<Option<MediaPacket>>,
}

impl PacketHistory {
    /// An empty history, which holds no memory yet.
    #[must_use]
    pub const fn new(kind: MediaKind) -> Self {
        let limits = match kind {
            MediaKind::Audio => &AUDIO,
            MediaKind::Video => &VIDEO,
        };
        Self { limits, slots: Vec::new() }
    }

    /// Keeps a packet; `None` when newer ones have taken its place.
    pub fn insert(&mut self, meta: PacketMeta, payload: &[u8]) -> Option<&MediaPacket> {
        self.make_room(&meta);
        let at = self.slot_of(meta.index)?;
        let slot = &mut self.slots[at];
        if slot.as_ref().is_some_and(|kept| kept.meta.index > meta.index) {
            return None;
        }
        let packet = slot.get_or_insert_with(|| MediaPacket {
            meta,
            payload: Vec::with_capacity(self.limits.payload_bytes.max(payload.len())),
            padding: 0,
        });
        packet.meta = meta;
        packet.padding = 0;
        packet.payload.clear();
        packet.payload.extend_from_slice(payload);
        Some(packet)
    }

    /// The packet with this index, if it is still kept.
    #[must_use]
    pub fn get(&self, index: u64) -> Option<&MediaPacket> {
        self.slots[self.slot_of(index)?].as_ref().filter(|packet| packet.meta.index == index)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, index: u64) -> Option<&mut MediaPacket> {
        let at = self.slot_of(index)?;
        self.slots[at].as_mut().filter(|packet| packet.meta.index == index)
    }

    fn slot_of(&self, index: u64) -> Option<usize> {
        Some((index % u64::try_from(self.slots.len()).ok().filter(|len| *len > 0)?) as usize)
    }

    /// Grows when the new packet would overwrite one that is still within reach.
    fn make_room(&mut self, meta: &PacketMeta) {
        let Some(at) = self.slot_of(meta.index) else {
            self.slots.resize_with(self.limits.first_packets, || None);
            return;
        };
        let is_too_short = self.slots[at].as_ref().is_some_and(|kept| {
            kept.meta.index < meta.index && meta.arrival.saturating_duration_since(kept.meta.arrival) < REACH
        });
        if is_too_short && self.slots.len() < self.limits.max_packets {
            let longer = self.slots.len() * 2;
            let kept = std::mem::replace(&mut self.slots, Vec::with_capacity(longer));
            self.slots.resize_with(longer, || None);
            for packet in kept.into_iter().flatten() {
                let at = (packet.meta.index % longer as u64) as usize;
                if self.slots[at].as_ref().is_none_or(|other| other.meta.index < packet.meta.index) {
                    self.slots[at] = Some(packet);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;
    use crate::ids::Layer;
    use crate::test_support::{ms, start};

    fn meta(index: u64, arrival: Instant) -> PacketMeta {
        PacketMeta::new(Layer(0), index, arrival)
    }

    #[test]
    fn two_seconds_of_video_can_be_asked_for() {
        let start = start();
        let mut history = PacketHistory::new(MediaKind::Video);
        for index in 0..5_000u64 {
            history.insert(meta(index, start + ms(index * 4)), &index.to_be_bytes());
        }
        for index in 4_500..5_000u64 {
            assert_eq!(history.get(index).unwrap().payload, index.to_be_bytes());
        }
        assert_eq!(history.slots.len(), 512, "no more than is needed");
    }

    #[test]
    fn a_slow_layer_stays_small_and_a_fast_one_is_limited() {
        let start = start();
        let mut slow = PacketHistory::new(MediaKind::Video);
        let mut fast = PacketHistory::new(MediaKind::Video);
        for index in 0..20_000u64 {
            slow.insert(meta(index, start + ms(index * 30)), &[0; 100]);
            fast.insert(meta(index, start + ms(index / 10)), &[0; 100]);
        }
        assert_eq!(slow.slots.len(), 128);
        assert_eq!(fast.slots.len(), 1_024);
    }

    #[test]
    fn packets_that_come_late_find_their_place_unless_it_is_taken() {
        let start = start();
        let mut history = PacketHistory::new(MediaKind::Audio);
        for index in [100, 101, 103] {
            assert!(history.insert(meta(index, start), b"x").is_some());
        }
        assert!(history.get(102).is_none());
        assert_eq!(history.insert(meta(102, start), b"late").unwrap().payload, b"late");
        assert_eq!(history.get(102).unwrap().payload, b"late");
        history.insert(meta(102 + 128, start + ms(5_000)), b"new");
        assert!(history.insert(meta(102, start + ms(5_000)), b"too late").is_none());
        assert_eq!(history.get(102 + 128).unwrap().payload, b"new");
    }

    /// Loss, reordering, repeats, jumps and wraps: what is found is always what was put in last under its index.
    #[test]
    fn whatever_comes_only_true_packets_are_found() {
        for seed in 0..20 {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut now = start();
            let mut history = PacketHistory::new(MediaKind::Video);
            let mut truth = std::collections::HashMap::new();
            let mut highest = 70_000u64;
            for step in 0..5_000u64 {
                now += ms(rng.random_range(0..12));
                highest += if rng.random_ratio(1, 500) { 131_072 } else { rng.random_range(1..3) };
                let index = highest - rng.random_range(0..60);
                if history.insert(meta(index, now), &step.to_be_bytes()).is_some() {
                    truth.insert(index, step);
                }
                let wanted = highest - rng.random_range(0..2_000);
                if let Some(packet) = history.get(wanted) {
                    assert_eq!(Some(&u64::from_be_bytes(packet.payload[..].try_into().unwrap())), truth.get(&wanted));
                }
                assert!(history.slots.len() <= VIDEO.max_packets);
            }
        }
    }
}
