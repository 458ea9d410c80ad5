// SPDX-License-Identifier: EUPL-1.2
//! Packets that wait a moment for others with the same audience. What goes to one receiver in one piece costs the kernel
//! little more than one datagram, and a packet to a hundred receivers costs it a hundred times as much as anything else.
//!
//! The packets of a picture come one right after the other, and none of them is of use before the last: they wait for
//! it, as long as it takes them to come through the socket. Sound of large audiences waits for the sound of others who
//! speak at the same time ([`sounds`]). What waits together is padded to one size, because the kernel takes datagrams in
//! one piece if they are equally long.

pub(super) mod sounds;

use std::time::{Duration, Instant};

use super::Shard;
use crate::ids::{Layer, TrackId};
use crate::media_packet::{MAX_PADDING_BYTES, PacketMeta};
use crate::session::MediaKind;

/// How long the packets of a picture wait for its last one. Networks vary by more.
pub(super) const PICTURE_WAIT: Duration = Duration::from_micros(200);

/// Receivers for whom pictures wait. For fewer the additional wake-up costs as much as it saves.
pub const PICTURE_AUDIENCE: usize = 8;

/// Packets of one kind that wait at a time. One that comes on top does not wait.
pub(super) const MAX_WAITING: usize = 128;

/// Datagrams that packets wait to become: what is written for many receivers has to be read again from the core's cache
/// when it is sent.
const MAX_DATAGRAMS: usize = 2_048;

/// Packets that may wait together however many receive them: four in one piece cost half of four alone.
const MIN_LOT: usize = 4;

/// A packet that waits, kept by the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) track: TrackId,
    pub(super) layer: Layer,
    pub(super) index: u64,
    since: Instant,
}

/// Packets of one kind that wait, oldest first.
#[derive(Debug)]
pub(super) struct Gathering {
    /// How long each waits at most.
    wait: Duration,
    waiting: Vec<Waiting>,
    /// Memory for those that have waited.
    released: Vec<Waiting>,
}

impl Gathering {
    pub(super) const fn new(wait: Duration) -> Self {
        Self { wait, waiting: Vec::new(), released: Vec::new() }
    }

    /// When the oldest must go.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.first().map(|oldest| oldest.since + self.wait)
    }

    /// The oldest, if it has waited long enough.
    fn first_due(&self, now: Instant) -> Option<Waiting> {
        self.waiting.first().filter(|oldest| oldest.since + self.wait <= now).copied()
    }

    /// Takes those that `belong`. The vector is to be given back.
    fn take(&mut self, belong: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
        let mut taken = std::mem::take(&mut self.released);
        taken.clear();
        taken.extend(self.waiting.extract_if(.., |waiting| belong(waiting)));
        taken
    }

    fn count(&self, belong: impl Fn(&Waiting) -> bool) -> usize {
        self.waiting.iter().filter(|waiting| belong(waiting)).count()
    }

    fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_WAITING
    }
}

/// Packets that may leave together to so many receivers.
fn lot_for(receivers: usize) -> usize {
    (MAX_DATAGRAMS / receivers.max(1)).max(MIN_LOT)
}

impl Shard {
    /// A packet that its feed has taken in, on its way to this shard's receivers.
    pub(super) fn gather(&mut self, now: Instant, track: TrackId, meta: &PacketMeta, kind: MediaKind) {
        let packet = Waiting { track, layer: meta.layer, index: meta.index, since: now };
        match kind {
            MediaKind::Video => self.gather_picture(now, packet, meta.marker),
            MediaKind::Audio => self.gather_sound(now, packet),
        }
    }

    /// Lets go what has waited long enough.
    pub(super) fn release_gathered(&mut self, now: Instant) {
        if self.pictures.first_due(now).is_some() {
            let all = self.pictures.take(|_| true);
            self.release(now, &all);
            self.pictures.released = all;
        }
        self.release_sounds(now);
    }

    fn gather_picture(&mut self, now: Instant, packet: Waiting, is_last: bool) {
        let is_same = |other: &Waiting| (other.track, other.layer) == (packet.track, packet.layer);
        let waits = !is_last
            && self.feeds.get(&packet.track).is_some_and(|local| {
                let receivers = local.listeners.len();
                receivers >= PICTURE_AUDIENCE
                    && local.feed.activity().comes_in_bursts(packet.layer)
                    && !self.pictures.is_full()
                    && self.pictures.count(is_same) + 1 < lot_for(receivers)
            });
        if waits {
            return self.pictures.waiting.push(packet);
        }
        let mut picture = self.pictures.take(is_same);
        picture.push(packet);
        self.release(now, &picture);
        self.pictures.released = picture;
    }

    /// Forwards packets that were gathered, each as long as the longest of them.
    fn release(&mut self, now: Instant, packets: &[Waiting]) {
        if packets.len() > 1 {
            self.even_out(packets);
        }
        self.fan_out(now, packets);
    }

    fn even_out(&mut self, packets: &[Waiting]) {
        let Some(longest) = packets.iter().filter_map(|packet| self.payload_bytes(packet)).max() else { return };
        for packet in packets {
            let missing = self.payload_bytes(packet).map_or(0, |bytes| longest - bytes);
            // What is much shorter would waste more than it saves.
            if (1..=MAX_PADDING_BYTES).contains(&missing)
                && let Some(local) = self.feeds.get_mut(&packet.track)
            {
                local.feed.set_padding(packet.layer, packet.index, missing as u8);
            }
        }
    }

    fn payload_bytes(&self, packet: &Waiting) -> Option<usize> {
        let feed = &self.feeds.get(&packet.track)?.feed;
        feed.packet(packet.layer, packet.index).map(|packet| packet.payload.len())
    }
}
