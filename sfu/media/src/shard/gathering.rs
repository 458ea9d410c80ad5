// SPDX-License-Identifier: EUPL-1.2
//! Packets that wait a moment for others with the same audience. What goes to one receiver in one piece costs the kernel
//! little more than one datagram, and a packet to a hundred receivers costs it a hundred times as much as anything else.
//!
//! The packets of a picture come one right after the other, and none of them is of use before the last: they wait for
//! it, as long as it takes them to come through the socket. Sound of large audiences waits for the sound of others who
//! speak at the same time, for half a packet's time at most. What waits together is padded to one size, because the
//! kernel takes datagrams in one piece if they are equally long.

use std::time::{Duration, Instant};

use super::Shard;
use super::forwarding::LocalFeed;
use crate::feed::Feed;
use crate::ids::{Layer, TrackId};
use crate::media_packet::{MAX_PADDING_BYTES, PacketMeta};
use crate::session::MediaKind;

/// How long the packets of a picture wait for its last one. Networks vary by more.
pub(super) const PICTURE_WAIT: Duration = Duration::from_micros(200);

/// How long sound waits for the sound of others, which is half of what a packet of it lasts.
pub(super) const SOUND_WAIT: Duration = Duration::from_millis(10);

/// Receivers for whom pictures wait. For fewer the additional wake-up costs as much as it saves.
pub(super) const PICTURE_AUDIENCE: usize = 8;

/// Receivers for whom sound waits: so many listen, and do not talk to one another, that none of them notices.
pub const SOUND_AUDIENCE: usize = 50;

/// Somebody whose last packet of sound is not older is speaking, in packets of 20 ms of which one may be late.
const STILL_SPEAKING: Duration = Duration::from_millis(50);

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
}

/// Packets of one kind that wait, oldest first.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    waiting: Vec<Waiting>,
    due: Option<Instant>,
    /// Memory for those that have waited.
    released: Vec<Waiting>,
}

impl Gathering {
    /// When all must go.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    fn add(&mut self, now: Instant, packet: Waiting, wait: Duration) {
        self.waiting.push(packet);
        self.due.get_or_insert(now + wait);
    }

    /// Takes those that `belong`. The vector is to be given back.
    fn take(&mut self, belong: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
        let mut taken = std::mem::take(&mut self.released);
        taken.clear();
        self.waiting.retain(|waiting| {
            let is_taken = belong(waiting);
            if is_taken {
                taken.push(*waiting);
            }
            !is_taken
        });
        if self.waiting.is_empty() {
            self.due = None;
        }
        taken
    }

    /// Whether one more of so many receivers may wait with those that `belong` together.
    fn has_room(&self, receivers: usize, belong: impl Fn(&Waiting) -> bool) -> bool {
        let lot = (MAX_DATAGRAMS / receivers.max(1)).max(MIN_LOT);
        self.waiting.len() < MAX_WAITING && self.waiting.iter().filter(|waiting| belong(waiting)).count() + 1 < lot
    }
}

impl Shard {
    /// A packet that its feed has taken in, on its way to this shard's receivers.
    pub(super) fn gather(&mut self, now: Instant, track: TrackId, meta: &PacketMeta, kind: MediaKind) {
        let packet = Waiting { track, layer: meta.layer, index: meta.index };
        match kind {
            MediaKind::Video => self.gather_picture(now, packet, meta.marker),
            MediaKind::Audio => self.gather_sound(now, packet),
        }
    }

    /// Lets go what has waited long enough.
    pub(super) fn release_gathered(&mut self, now: Instant) {
        if self.pictures.due.is_some_and(|due| due <= now) {
            let all = self.pictures.take(|_| true);
            self.release(now, &all);
            self.pictures.released = all;
        }
        if self.sounds.due.is_some_and(|due| due <= now) {
            let all = self.sounds.take(|_| true);
            self.release(now, &all);
            self.sounds.released = all;
        }
    }

    fn gather_picture(&mut self, now: Instant, packet: Waiting, is_last: bool) {
        let is_same = |other: &Waiting| (other.track, other.layer) == (packet.track, packet.layer);
        let waits = !is_last
            && self.feeds.get(&packet.track).is_some_and(|local| {
                let receivers = local.subscriptions.len();
                receivers >= PICTURE_AUDIENCE
                    && local.feed.activity().comes_in_bursts(packet.layer)
                    && self.pictures.has_room(receivers, is_same)
            });
        if waits {
            return self.pictures.add(now, packet, PICTURE_WAIT);
        }
        let mut picture = self.pictures.take(is_same);
        picture.push(packet);
        self.release(now, &picture);
        self.pictures.released = picture;
    }

    fn gather_sound(&mut self, now: Instant, packet: Waiting) {
        let waits = self.feeds.get(&packet.track).is_some_and(|local| {
            let receivers = local.subscriptions.len();
            receivers >= SOUND_AUDIENCE
                && self.sounds.has_room(receivers, |_| true)
                && self.speaks_with_others(now, packet.track, local)
        });
        if waits {
            return self.sounds.add(now, packet, SOUND_WAIT);
        }
        // What waits of the same track must not be overtaken.
        let mut sound = self.sounds.take(|other| other.track == packet.track);
        sound.push(packet);
        self.release(now, &sound);
        self.sounds.released = sound;
    }

    /// Whether those who hear this track hear others at present. One of them is asked for all: an audience of this size
    /// is a meeting's, and hears the same.
    fn speaks_with_others(&self, now: Instant, track: TrackId, local: &LocalFeed) -> bool {
        let Some(listener) = local.subscriptions.first() else { return false };
        let heard = &self.clients[self.subscriptions[listener.0].client].subscriptions;
        heard.iter().map(|key| self.subscriptions[key.0].subscription.track()).any(|other| {
            let speaks = |feed: &Feed| {
                let last = feed.activity().last_arrival(Layer(0));
                feed.codec().kind() == MediaKind::Audio
                    && last.is_some_and(|last| now.saturating_duration_since(last) <= STILL_SPEAKING)
            };
            other != track && self.feeds.get(&other).is_some_and(|local| speaks(&local.feed))
        })
    }

    /// Forwards packets that were gathered, each as long as the longest of them.
    fn release(&mut self, now: Instant, packets: &[Waiting]) {
        if packets.len() > 1 {
            self.even_out(packets);
        }
        for of_one_track in packets.chunk_by(|one, next| one.track == next.track) {
            self.forward_to_receivers(now, of_one_track);
        }
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
