// SPDX-License-Identifier: EUPL-1.2
//! Makes one continuous stream (RFC 3550 §5.1, RFC 7741 §4.2) out of the pieces that a receiver is given of a track:
//! now one layer, now another, nothing while it is paused.
//!
//! Such a piece is an [`Epoch`]: within it every number is the publisher's plus a constant, so that loss stays visible as
//! loss, a late packet finds its place, and a packet that is asked for again is found and rewritten as it was the first
//! time without keeping a record of each. Where an epoch ends and the next one starts there is no gap.

use std::time::{Duration, Instant};

use crate::codec::vp8;
use crate::feed::layer_activity::LayerActivity;
use crate::ids::Layer;
use crate::media_packet::PacketMeta;
use crate::rtp::rtp_time::RtpTime;
use crate::session::Codec;
use crate::track::sequence::JUMP;

/// Epochs that are remembered for late packets and retransmissions. Layers are not switched more often in two seconds.
const MAX_EPOCHS: usize = 8;

/// How far a timestamp may lie from where the packet's arrival would put it. Jitter and a keyframe that waits behind
/// others in a slow uplink stay below; another clock would be hit by accident once in 13 hours of its range.
const MAX_TIMESTAMP_ERROR: Duration = Duration::from_secs(1);

/// A piece of one layer that is forwarded without interruption.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Epoch {
    pub(crate) layer: Layer,
    /// The publisher's indices of its first and newest packet.
    first_in: u64,
    last_in: u64,
    /// Our index of its first packet.
    first_out: u64,
    timestamp_offset_rtp_ticks: u32,
    picture_id_offset: u16,
    tl0_picture_index_offset: u8,
}

impl Epoch {
    /// Our index of one of its packets.
    pub(crate) const fn index_out(&self, index_in: u64) -> u64 {
        self.first_out + (index_in - self.first_in)
    }

    /// The timestamp that the receiver sees for the publisher's.
    pub(crate) const fn timestamp_out(&self, rtp_timestamp: u32) -> RtpTime {
        RtpTime(rtp_timestamp).minus_ticks(self.timestamp_offset_rtp_ticks)
    }

    /// Replaces the counters inside a payload.
    pub(crate) fn rewrite_vp8(&self, descriptor: &vp8::Descriptor, payload: &mut [u8]) {
        descriptor.rewrite(payload, self.picture_id_out(descriptor), self.tl0_picture_index_out(descriptor));
    }

    fn picture_id_out(&self, descriptor: &vp8::Descriptor) -> u16 {
        descriptor.picture_id.map_or(0, |id| id.value.wrapping_sub(self.picture_id_offset) & id.mask())
    }

    fn tl0_picture_index_out(&self, descriptor: &vp8::Descriptor) -> u8 {
        descriptor.tl0_picture_index.unwrap_or(0).wrapping_sub(self.tl0_picture_index_offset)
    }
}

/// How a packet relates to what was forwarded before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// It goes on from the packets before, or fills a gap between them.
    Continues,
    /// It belongs to the epoch at this place, which is over.
    Belongs(usize),
    /// It comes before the first packet of the epoch.
    TooLate,
    /// It is of the same layer, but a fresh start of it.
    StartsAfresh,
    /// Nothing that is being forwarded.
    Unrelated,
}

/// The newest frame that was forwarded.
#[derive(Clone, Copy, Debug)]
struct NewestFrame {
    timestamp: RtpTime,
    arrival: Instant,
    picture_id: u16,
    tl0_picture_index: u8,
}

/// The numbers of one outgoing stream.
#[derive(Debug)]
pub(crate) struct Rewriter {
    codec: Codec,
    /// Oldest first.
    epochs: [Option<Epoch>; MAX_EPOCHS],
    /// The last epoch goes on.
    is_open: bool,
    next_out: u64,
    newest: Option<NewestFrame>,
}

impl Rewriter {
    /// A stream whose first packet will have the index `first_out`.
    pub(crate) const fn new(codec: Codec, first_out: u64) -> Self {
        Self { codec, epochs: [None; MAX_EPOCHS], is_open: false, next_out: first_out, newest: None }
    }

    /// Our index of the next packet that is newer than all before.
    pub(crate) const fn next_out(&self) -> u64 {
        self.next_out
    }

    /// The epoch that goes on.
    pub(crate) const fn current(&self) -> Option<&Epoch> {
        if self.is_open { self.epochs[MAX_EPOCHS - 1].as_ref() } else { None }
    }

    /// An epoch that [`Self::relate`] named.
    pub(crate) fn epoch(&self, place: usize) -> Option<&Epoch> {
        self.epochs.get(place)?.as_ref()
    }

    /// Ends the current epoch.
    pub(crate) const fn interrupt(&mut self) {
        self.is_open = false;
    }

    pub(crate) fn relate(&self, meta: &PacketMeta) -> Relation {
        let current = self.current().filter(|epoch| epoch.layer == meta.layer);
        if let Some(epoch) = current {
            if meta.index >= epoch.last_in + JUMP {
                return Relation::StartsAfresh;
            }
            if meta.index >= epoch.first_in {
                return Relation::Continues;
            }
        }
        let belongs = |epoch: &Option<Epoch>| {
            epoch.is_some_and(|epoch| {
                epoch.layer == meta.layer && (epoch.first_in..=epoch.last_in).contains(&meta.index)
            })
        };
        match (self.epochs.iter().rposition(belongs), current) {
            (Some(place), _) => Relation::Belongs(place),
            (None, Some(_)) => Relation::TooLate,
            (None, None) => Relation::Unrelated,
        }
    }

    /// Starts an epoch with this packet.
    pub(crate) fn start(&mut self, meta: &PacketMeta, descriptor: Option<&vp8::Descriptor>, activity: &LayerActivity) {
        let (mut timestamp_offset_rtp_ticks, mut picture_id_offset, mut tl0_picture_index_offset) = (0, 0, 0);
        if let Some(newest) = self.newest {
            let timestamp = self.timestamp_after(&newest, meta, activity);
            timestamp_offset_rtp_ticks = meta.rtp_timestamp.wrapping_sub(timestamp.0);
            if let Some(descriptor) = descriptor {
                let picture_id = descriptor.picture_id.map_or(0, |id| id.value);
                picture_id_offset = picture_id.wrapping_sub(newest.picture_id).wrapping_sub(1);
                let tl0_picture_index = descriptor.tl0_picture_index.unwrap_or(0);
                tl0_picture_index_offset = tl0_picture_index.wrapping_sub(newest.tl0_picture_index).wrapping_sub(1);
            }
        }
        self.epochs.rotate_left(1);
        self.epochs[MAX_EPOCHS - 1] = Some(Epoch {
            layer: meta.layer,
            first_in: meta.index,
            last_in: meta.index,
            first_out: self.next_out,
            timestamp_offset_rtp_ticks,
            picture_id_offset,
            tl0_picture_index_offset,
        });
        self.is_open = true;
    }

    /// Notes that a packet of the current epoch was forwarded.
    pub(crate) fn handle_forwarded(&mut self, meta: &PacketMeta, descriptor: Option<&vp8::Descriptor>) {
        let Some(epoch) = self.epochs[MAX_EPOCHS - 1].as_mut() else { return };
        if meta.index < epoch.last_in {
            return;
        }
        epoch.last_in = meta.index;
        self.next_out = epoch.index_out(meta.index) + 1;
        let timestamp = epoch.timestamp_out(meta.rtp_timestamp);
        let is_newer = self.newest.is_none_or(|newest| timestamp.is_newer_than(newest.timestamp));
        if !is_newer {
            return;
        }
        let before = self.newest.map_or((0, 0), |newest| (newest.picture_id, newest.tl0_picture_index));
        let (picture_id, tl0_picture_index) = descriptor
            .map_or(before, |descriptor| (epoch.picture_id_out(descriptor), epoch.tl0_picture_index_out(descriptor)));
        self.newest = Some(NewestFrame { timestamp, arrival: meta.arrival, picture_id, tl0_picture_index });
    }

    /// The epoch and the publisher's index behind one of our indices; `None` when it never was ours, or no longer is.
    pub(crate) fn original(&self, index_out: u64) -> Option<(&Epoch, u64)> {
        let epoch = self.epochs.iter().rev().flatten().find(|epoch| epoch.first_out <= index_out)?;
        let index_in = epoch.first_in + (index_out - epoch.first_out);
        (index_in <= epoch.last_in).then_some((epoch, index_in))
    }

    /// Where a packet that starts an epoch stands in the receiver's time.
    fn timestamp_after(&self, newest: &NewestFrame, meta: &PacketMeta, activity: &LayerActivity) -> RtpTime {
        let clock_rate_hz = self.codec.clock_rate_hz();
        let elapsed = meta.arrival.saturating_duration_since(newest.arrival);
        let by_arrival = newest.timestamp.plus_ticks(RtpTime::ticks_in(elapsed, clock_rate_hz));
        let max_error = RtpTime::ticks_in(MAX_TIMESTAMP_ERROR, clock_rate_hz);
        let is_plausible = |time: &RtpTime| time.ticks_since(by_arrival).unsigned_abs() <= max_error;
        let best = self.timestamp_by_clock(meta, activity).filter(is_plausible).unwrap_or(by_arrival);
        // Layers of one picture come one after another, so that the same instant may have been forwarded already.
        if best.is_newer_than(newest.timestamp) { best } else { newest.timestamp.plus_ticks(1) }
    }

    /// The same, by what is known of the publisher's clocks.
    fn timestamp_by_clock(&self, meta: &PacketMeta, activity: &LayerActivity) -> Option<RtpTime> {
        let last = self.epochs[MAX_EPOCHS - 1].as_ref()?;
        if last.layer == meta.layer {
            return Some(last.timestamp_out(meta.rtp_timestamp));
        }
        let clock_rate_hz = self.codec.clock_rate_hz();
        let ntp = activity.clock(meta.layer)?.ntp_at(RtpTime(meta.rtp_timestamp), clock_rate_hz);
        Some(last.timestamp_out(activity.clock(last.layer)?.rtp_at(ntp, clock_rate_hz).0))
    }
}
