// SPDX-License-Identifier: EUPL-1.2
//! Sound that waits for the sound of others who are heard by the same audience. Each speaker sends a packet every 20 ms,
//! at moments of his own, so a round in which each of them is heard once is complete within 20 ms at most. Begun with
//! the one who comes after the longest pause, it is complete as soon as it can be: three speakers wait 4 ms on average.

use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::{Waiting, lot_for};
use crate::feed::Feed;
use crate::ids::{Layer, TrackId};
use crate::session::MediaKind;
use crate::shard::Shard;

/// Receivers for whom sound waits: so many listen, and do not talk to one another, that none of them notices.
pub const SOUND_AUDIENCE: usize = 50;

/// How long sound waits at most. Three speakers always need less for a round.
pub(in crate::shard) const SOUND_WAIT: Duration = Duration::from_millis(14);

/// What a packet of sound lasts, unless a client has been told otherwise (RFC 3551 §4.2).
const PACKET_TIME: Duration = Duration::from_millis(20);

/// A pause that is longer by less is no reason to begin the round elsewhere: networks vary by as much.
const LONGER_BY: Duration = Duration::from_millis(1);

/// Somebody whose last packet of sound is not older is speaking, in packets of 20 ms of which one may be late.
const STILL_SPEAKING: Duration = Duration::from_millis(50);

/// Speakers of a round. What more would say goes in rounds of its own.
pub(in crate::shard) const MAX_SPEAKERS: usize = 32;

/// Tracks that one audience hears at present.
type Speakers = SmallVec<[TrackId; MAX_SPEAKERS]>;

impl Shard {
    pub(super) fn gather_sound(&mut self, now: Instant, packet: Waiting) {
        let Some(local) = self.feeds.get(&packet.track) else { return };
        let (receivers, begins_round) = (local.listeners.len(), local.begins_round);
        if receivers < SOUND_AUDIENCE {
            return self.release_round(now, &[packet.track], Some(packet));
        }
        let speakers = self.speakers_heard_with(now, packet.track);
        if begins_round || self.sounds.count(|other| other.track == packet.track) > 0 {
            self.release_round(now, &speakers, None);
        }
        let waiting = self.sounds.count(|other| speakers.contains(&other.track)) + 1;
        if waiting < speakers.len().min(lot_for(receivers)) && !self.sounds.is_full() {
            return self.sounds.waiting.push(packet);
        }
        if waiting == speakers.len() {
            self.begin_after_longest_pause(&speakers, &packet);
        }
        self.release_round(now, &speakers, Some(packet));
    }

    /// Lets go the rounds of which something has waited long enough.
    pub(super) fn release_sounds(&mut self, now: Instant) {
        while let Some(oldest) = self.sounds.first_due(now) {
            let speakers = self.speakers_heard_with(now, oldest.track);
            self.release_round(now, &speakers, None);
        }
    }

    /// Forwards what waits of some speakers, and after it their last packet.
    fn release_round(&mut self, now: Instant, speakers: &[TrackId], last: Option<Waiting>) {
        let mut round = self.sounds.take(|waiting| speakers.contains(&waiting.track));
        round.extend(last);
        self.release(now, &round);
        self.sounds.released = round;
    }

    /// A track, and the others that those who hear it hear at present. One of them is asked for all: an audience of this
    /// size is a meeting's, and hears the same.
    fn speakers_heard_with(&self, now: Instant, track: TrackId) -> Speakers {
        let mut speakers = Speakers::from_slice(&[track]);
        let listener = self.feeds.get(&track).and_then(|local| local.listeners.first());
        let heard = listener.map_or(&[][..], |listener| &self.clients[listener.client].subscriptions);
        let speaks = |feed: &Feed| {
            let last = feed.activity().last_arrival(Layer(0));
            feed.codec().kind() == MediaKind::Audio
                && last.is_some_and(|last| now.saturating_duration_since(last) <= STILL_SPEAKING)
        };
        let others = heard
            .iter()
            .map(|key| self.subscriptions[key.0].subscription.track())
            .filter(|other| *other != track && self.feeds.get(other).is_some_and(|local| speaks(&local.feed)));
        speakers.extend(others.take(MAX_SPEAKERS - 1));
        speakers
    }

    /// A round is complete with `last`: notes with whom the next ones begin.
    fn begin_after_longest_pause(&mut self, speakers: &[TrackId], last: &Waiting) {
        let waiting = || self.sounds.waiting.iter().filter(|waiting| speakers.contains(&waiting.track));
        let Some(first) = waiting().next() else { return };
        let between = waiting().chain([last]).zip(waiting().skip(1).chain([last]));
        let longest = between.map(|(one, next)| (next.since - one.since, next.track)).max_by_key(|(pause, _)| *pause);
        let before_first = PACKET_TIME.saturating_sub(last.since - first.since);
        let starter = longest.filter(|(pause, _)| *pause > before_first + LONGER_BY);
        let starter = starter.map_or(first.track, |(_, track)| track);
        for track in speakers {
            if let Some(local) = self.feeds.get_mut(track) {
                local.begins_round = *track == starter;
            }
        }
    }
}
