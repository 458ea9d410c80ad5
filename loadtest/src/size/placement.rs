// SPDX-License-Identifier: EUPL-1.2
//! Which shard has whom, and what each shard has to do then.
//!
//! The server brings the people of a room together on one shard, because what one of them sends then wakes one thread and
//! is kept once. A room that is too much for its shard goes on at another one, and what is sent in it goes once to each
//! shard that has somebody who gets it.

use sfu_media::shard::{PICTURE_AUDIENCE, SOUND_AUDIENCE};
use sfu_media::track::layers::MAX_LAYERS;
use sfu_node::FULL_SHARE;

use super::costs::Costs;
use super::room::{Group, Room, View};
use super::streams::Stream;
use super::work::Work;
use crate::source::Noise;

/// Marks a shard that has nobody of the room.
const NOBODY: usize = usize::MAX;

/// Packets in a second from which on somebody speaks: the server looks for one within 50 ms.
const SPEAKING_PACKETS: f64 = 20.0;

/// Brings rooms to shards. Its memory is used again from room to room.
pub(crate) struct Placement<'a> {
    costs: &'a Costs,
    /// What each shard has to do.
    pub(crate) shards: Vec<Work>,
    /// What that is in cores. Estimated for the room that is being placed.
    loads: Vec<f64>,
    /// The shards that have somebody of the room.
    occupied: Vec<usize>,
    /// The place of each shard in `occupied`.
    places: Vec<usize>,
    /// How many of each group are on each of the occupied shards.
    counts: Vec<Vec<usize>>,
    /// How many of each group are not yet anywhere.
    waiting: Vec<usize>,
}

impl<'a> Placement<'a> {
    pub(crate) fn new(shards: usize, costs: &'a Costs) -> Self {
        Self {
            costs,
            shards: vec![Work::default(); shards],
            loads: vec![0.0; shards],
            occupied: Vec::new(),
            places: vec![NOBODY; shards],
            counts: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Forgets all rooms.
    pub(crate) fn clear(&mut self) {
        self.shards.fill(Work::default());
        self.loads.fill(0.0);
    }

    /// What a room has to do where all of it is on one shard, in cores.
    pub(crate) fn alone(room: &Room, costs: &Costs) -> f64 {
        let mut placement = Placement::new(1, costs);
        placement.add(room, 0.0, &mut Noise::new(0));
        placement.loads[0]
    }

    /// Gives everybody of a room a shard, and the shards their work. `alone` is what [`Placement::alone`] says of the
    /// room.
    pub(crate) fn add(&mut self, room: &Room, alone: f64, noise: &mut Noise) {
        self.settle(room, alone, noise);
        for (place, &shard) in self.occupied.iter().enumerate() {
            let people = room.groups.iter().zip(&self.counts).filter(|(group, _)| group.are_people);
            self.shards[shard].participants += people.map(|(_, counts)| counts[place]).sum::<usize>() as f64;
        }
        let speaks = |group: &&Group| group.sends.microphone.is_some_and(|sound| sound.packets >= SPEAKING_PACKETS);
        let speakers = room.groups.iter().filter(speaks).map(|group| group.count).sum();
        for (from, sender) in room.groups.iter().enumerate() {
            for home in 0..self.occupied.len() {
                let publishers = self.counts[from][home];
                if publishers > 0 {
                    self.publish(room, from, sender, home, publishers as f64, speakers);
                }
            }
        }
        for &shard in &self.occupied {
            self.loads[shard] = self.shards[shard].cores(self.costs);
        }
    }

    /// Lets the members come one after the other, in an order by chance. They go to one shard until that is full, and
    /// then on to the one that has the least to do.
    ///
    /// What a part of a room makes a shard do is taken to be in proportion to its members. In truth it is a little more,
    /// because what the other parts send comes on top, and it depends on who is in which part.
    fn settle(&mut self, room: &Room, alone: f64, noise: &mut Noise) {
        for shard in self.occupied.drain(..) {
            self.places[shard] = NOBODY;
        }
        self.counts.resize_with(room.groups.len(), Vec::new);
        self.counts.iter_mut().for_each(Vec::clear);
        self.waiting.clear();
        self.waiting.extend(room.groups.iter().map(|group| group.count));
        let mut left: usize = self.waiting.iter().sum();
        let each = alone / left.max(1) as f64;
        while left > 0 {
            let Some(shard) = self.least_loaded() else { return };
            // At least one, also where all shards are full. A conversion to an integer ends at its limits.
            let until_full = ((FULL_SHARE - self.loads[shard]) / each).ceil() as usize;
            let coming = until_full.clamp(1, left);
            let place = self.occupy(shard);
            self.take(coming, left, place, noise);
            self.loads[shard] += coming as f64 * each;
            left -= coming;
        }
    }

    fn least_loaded(&self) -> Option<usize> {
        (0..self.loads.len()).min_by(|one, other| self.loads[*one].total_cmp(&self.loads[*other]))
    }

    /// The place of a shard among those that have somebody of the room.
    fn occupy(&mut self, shard: usize) -> usize {
        if self.places[shard] == NOBODY {
            self.places[shard] = self.occupied.len();
            self.occupied.push(shard);
            self.counts.iter_mut().for_each(|counts| counts.push(0));
        }
        self.places[shard]
    }

    /// The next members go to a place, of those that are left.
    fn take(&mut self, coming: usize, left: usize, place: usize, noise: &mut Noise) {
        if coming == left {
            // Whatever their order is.
            for (waiting, counts) in self.waiting.iter_mut().zip(&mut self.counts) {
                counts[place] += std::mem::take(waiting);
            }
            return;
        }
        for taken in 0..coming {
            let mut number = noise.within(0, left - taken - 1);
            for (waiting, counts) in self.waiting.iter_mut().zip(&mut self.counts) {
                if number < *waiting {
                    *waiting -= 1;
                    counts[place] += 1;
                    break;
                }
                number -= *waiting;
            }
        }
    }

    /// So many members of the group `from` send from the same shard.
    fn publish(&mut self, room: &Room, from: usize, sender: &Group, home: usize, publishers: f64, speakers: usize) {
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
                // Such an audience gets the sound of all who speak in rounds, a packet of each in one piece. Of up to
                // three this always holds. A round of more may take longer than the server waits, or be more packets
                // than it lets leave together, and then goes in several pieces: for such talks this is too cheap.
                let comes_in_rounds = listeners >= SOUND_AUDIENCE && microphone.packets >= SPEAKING_PACKETS;
                let run_packets = if comes_in_rounds { speakers } else { 1 };
                give(&mut audience, &microphone, microphone.packets / run_packets as f64, listeners as f64);
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
    ///
    /// It lets the packets of a frame leave together when enough have a subscription, whichever layer they get. For fewer
    /// they are taken to leave one by one: as they come, some do leave together, but not by design.
    fn give(&self, work: &mut Work, camera: &[Stream]) {
        let leaves_together = self.all >= PICTURE_AUDIENCE as f64;
        for (layer, stream) in camera.iter().enumerate() {
            let getting = self.every + self.by_layer.get(layer).copied().unwrap_or(0.0);
            let runs = if leaves_together { stream.frames } else { stream.packets };
            give(work, stream, runs, getting);
            work.skipped += (self.all - getting) * stream.packets;
        }
        work.subscriptions += self.every + self.by_layer.iter().sum::<f64>();
    }
}

/// A shard gets a stream, keeps it, and forwards it to so many, to each in so many pieces.
fn give(work: &mut Work, stream: &Stream, runs: f64, receivers: f64) {
    work.handed_over += stream.packets;
    work.history_bytes += stream.history_bytes;
    work.sent += receivers * stream.packets;
    work.runs += receivers * runs;
    work.bits_out += receivers * stream.bits;
}
