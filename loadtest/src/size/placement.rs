// SPDX-License-Identifier: EUPL-1.2
//! Which shard has whom, and what each shard has to do then.
//!
//! The kernel gives each client to a shard by a hash of its address, which is as good as chance. So a meeting's people
//! are spread over all shards, and what one of them sends goes once to each shard that has somebody who gets it.

use super::room::{Group, Room, View};
use super::streams::Stream;
use super::work::Work;
use crate::source::Noise;

/// Marks a shard that has nobody of the room.
const NOBODY: usize = usize::MAX;

/// Spreads rooms over shards. Its memory is used again from room to room.
pub(crate) struct Placement {
    /// What each shard has to do.
    pub(crate) shards: Vec<Work>,
    /// The shards that have somebody of the room.
    occupied: Vec<usize>,
    /// The place of each shard in `occupied`.
    places: Vec<usize>,
    /// How many of each group are on each of the occupied shards.
    counts: Vec<Vec<usize>>,
}

impl Placement {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            shards: vec![Work::default(); shards],
            occupied: Vec::new(),
            places: vec![NOBODY; shards],
            counts: Vec::new(),
        }
    }

    /// Forgets all rooms.
    pub(crate) fn clear(&mut self) {
        self.shards.fill(Work::default());
    }

    /// Gives everybody of a room a shard, and the shards their work.
    pub(crate) fn add(&mut self, room: &Room, noise: &mut Noise) {
        self.spread(room, noise);
        for (place, &shard) in self.occupied.iter().enumerate() {
            let people = room.groups.iter().zip(&self.counts).filter(|(group, _)| group.are_people);
            self.shards[shard].participants += people.map(|(_, counts)| counts[place]).sum::<usize>() as f64;
        }
        for (from, sender) in room.groups.iter().enumerate() {
            for home in 0..self.occupied.len() {
                let publishers = self.counts[from][home];
                if publishers > 0 {
                    self.publish(room, from, sender, home, publishers as f64);
                }
            }
        }
    }

    fn spread(&mut self, room: &Room, noise: &mut Noise) {
        for shard in self.occupied.drain(..) {
            self.places[shard] = NOBODY;
        }
        self.counts.resize_with(room.groups.len(), Vec::new);
        self.counts.iter_mut().for_each(Vec::clear);
        for (group, counts) in room.groups.iter().zip(&mut self.counts) {
            counts.resize(self.occupied.len(), 0);
            for _ in 0..group.count {
                let shard = noise.within(0, self.shards.len() - 1);
                if self.places[shard] == NOBODY {
                    self.places[shard] = self.occupied.len();
                    self.occupied.push(shard);
                    counts.push(0);
                }
                counts[self.places[shard]] += 1;
            }
        }
        // A group has nobody on the shards that were first used by later ones.
        self.counts.iter_mut().for_each(|counts| counts.resize(self.occupied.len(), 0));
    }

    /// So many members of the group `from` send from the same shard.
    fn publish(&mut self, room: &Room, from: usize, sender: &Group, home: usize, publishers: f64) {
        let home_shard = self.occupied[home];
        let streams = sender.sends.microphone.iter().chain(&sender.sends.camera);
        for stream in streams.clone() {
            self.shards[home_shard].received += publishers * stream.packets;
            self.shards[home_shard].bits_in += publishers * stream.bits;
        }
        if streams.count() == 0 {
            return;
        }
        for (place, &shard) in self.occupied.iter().enumerate() {
            let mut listeners = 0;
            let mut viewers = Viewers::default();
            for (to, (group, counts)) in room.groups.iter().zip(&self.counts).enumerate() {
                // Nobody gets what they send themselves.
                let others = counts[place] - usize::from(to == from && place == home);
                let receives = group.receives.get(from).copied().unwrap_or_default();
                listeners += if receives.hears { others } else { 0 };
                viewers.add(receives.sees, others as f64, sender.sends.camera.len());
            }
            let mut audience = Work::default();
            if let Some(microphone) = sender.sends.microphone.filter(|_| listeners > 0) {
                give(&mut audience, &microphone, listeners as f64);
                audience.subscriptions += listeners as f64;
            }
            if viewers.all > 0.0 {
                viewers.give(&mut audience, &sender.sends.camera);
            }
            let mut audience = audience.times(publishers);
            if place != home {
                // So far it says how many packets this shard gets.
                audience.handed_over /= 2.0;
                self.shards[home_shard].handed_over += audience.handed_over;
            } else {
                audience.handed_over = 0.0;
            }
            self.shards[shard].add(&audience);
        }
    }
}

/// Those of one shard who see a camera.
#[derive(Clone, Copy, Debug, Default)]
struct Viewers {
    /// With a subscription, paused or not.
    all: f64,
    /// In all layers.
    every: f64,
    by_layer: [f64; MAX_LAYERS],
}

/// RFC 8853 knows no limit; browsers send three.
const MAX_LAYERS: usize = 3;

impl Viewers {
    fn add(&mut self, view: View, count: f64, layers: usize) {
        match view {
            _ if layers == 0 => return,
            View::None => return,
            View::Hidden => {}
            View::Layer(layer) => self.by_layer[layer.min(layers - 1).min(MAX_LAYERS - 1)] += count,
            View::Every => self.every += count,
        }
        self.all += count;
    }

    /// What one camera makes a shard do that has these viewers. The shard gets and keeps all layers, and offers each
    /// packet to each subscription.
    fn give(&self, work: &mut Work, camera: &[Stream]) {
        for (layer, stream) in camera.iter().enumerate() {
            let getting = self.every + self.by_layer.get(layer).copied().unwrap_or(0.0);
            give(work, stream, getting);
            work.skipped += (self.all - getting) * stream.packets;
        }
        work.subscriptions += self.every + self.by_layer.iter().sum::<f64>();
    }
}

/// A shard gets a stream, keeps it, and forwards it to so many.
fn give(work: &mut Work, stream: &Stream, receivers: f64) {
    work.handed_over += stream.packets;
    work.history_bytes += stream.history_bytes;
    work.sent += receivers * stream.packets;
    work.runs += receivers * stream.runs;
    work.bits_out += receivers * stream.bits;
}
