// SPDX-License-Identifier: EUPL-1.2
//! Which layers of a feed are being sent at present, and how their RTP times relate.
//!
//! Publishers stop layers without notice, when their uplink or processor is short or nobody wants them. A layer counts
//! as stopped when it has been silent for a while in which others went on: a still picture is silent in all layers.

use std::time::{Duration, Instant};

use crate::ids::Layer;
use crate::media_packet::PacketMeta;
use crate::rtcp::SenderClock;
use crate::rtp::rtp_time::RtpTime;
use crate::track::layers::{LayerSet, MAX_LAYERS};
use crate::track::sequence::JUMP;

/// Silence after which a layer may count as stopped. A keyframe over a slow uplink holds its layer up for less.
const MAX_SILENCE: Duration = Duration::from_secs(1);
/// So many frames of other layers must have come meanwhile. Screens are shared at one frame a second and less.
const MIN_FRAMES_ELSEWHERE: u32 = 5;

/// Between two packets that a publisher sent without a pause, and that no network has drawn apart.
const MAX_BURST_GAP: Duration = Duration::from_micros(200);

#[derive(Clone, Copy, Debug, Default)]
struct LayerState {
    last_arrival: Option<Instant>,
    highest: u64,
    rtp_timestamp: RtpTime,
    /// Frames of other layers since the last packet of this one.
    frames_elsewhere: u32,
    comes_in_bursts: bool,
    clock: Option<SenderClock>,
}

/// What is known of a feed's layers.
#[derive(Clone, Debug, Default)]
pub struct LayerActivity {
    layers: [LayerState; MAX_LAYERS],
    live: LayerSet,
    /// The largest layer that counts as live; `None` when all may.
    limit: Option<Layer>,
}

impl LayerActivity {
    /// Notes a packet.
    pub(crate) fn handle_packet(&mut self, now: Instant, meta: &PacketMeta) {
        let Some(layer) = self.layers.get_mut(usize::from(meta.layer.0)) else { return };
        if layer.highest != 0 && meta.index >= layer.highest + JUMP {
            // The source may be another one, with a clock of its own.
            layer.clock = None;
        }
        let is_new_frame = meta.index > layer.highest && layer.rtp_timestamp.0 != meta.rtp_timestamp;
        if meta.index > layer.highest {
            if !is_new_frame {
                let gap = layer.last_arrival.map(|last| now.saturating_duration_since(last));
                layer.comes_in_bursts = gap.is_some_and(|gap| gap <= MAX_BURST_GAP);
            }
            layer.highest = meta.index;
            layer.rtp_timestamp = RtpTime(meta.rtp_timestamp);
        }
        if is_new_frame {
            for other in &mut self.layers {
                other.frames_elsewhere = other.frames_elsewhere.saturating_add(1);
            }
        }
        let layer = &mut self.layers[usize::from(meta.layer.0)];
        layer.last_arrival = Some(now);
        layer.frames_elsewhere = 0;
        self.live = LayerSet::default();
        for (layer, state) in (0..).map(Layer).zip(&self.layers) {
            let is_silent = state.last_arrival.is_none_or(|last| now.saturating_duration_since(last) >= MAX_SILENCE);
            let is_stopped = is_silent && state.frames_elsewhere >= MIN_FRAMES_ELSEWHERE;
            if state.last_arrival.is_some() && !is_stopped {
                self.live.insert(layer);
            }
        }
        if let Some(limit) = self.limit {
            self.live = self.live.up_to(limit);
        }
    }

    /// Lets larger layers count as not sent from the next packet on, as long as there is one that is not larger.
    pub(crate) const fn limit_layers(&mut self, limit: Option<Layer>) {
        self.limit = limit;
    }

    /// Notes how a layer's RTP time maps to the publisher's clock.
    pub(crate) fn handle_sender_clock(&mut self, layer: Layer, clock: SenderClock) {
        if let Some(layer) = self.layers.get_mut(usize::from(layer.0)) {
            layer.clock = Some(clock);
        }
    }

    /// Whether the packets of one frame of the layer come one right after the other, as of its last frame of several.
    #[must_use]
    pub fn comes_in_bursts(&self, layer: Layer) -> bool {
        self.layers.get(usize::from(layer.0)).is_some_and(|layer| layer.comes_in_bursts)
    }

    /// When the layer's last packet came.
    #[must_use]
    pub fn last_arrival(&self, layer: Layer) -> Option<Instant> {
        self.layers.get(usize::from(layer.0))?.last_arrival
    }

    /// The layers that are sent, as of the last packet, within the limit.
    #[must_use]
    pub const fn live(&self) -> LayerSet {
        self.live
    }

    /// How a layer's RTP time maps to the publisher's clock.
    #[must_use]
    pub fn clock(&self, layer: Layer) -> Option<&SenderClock> {
        self.layers.get(usize::from(layer.0))?.clock.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{ms, start};

    fn packet(activity: &mut LayerActivity, now: Instant, layer: u8, index: u64) {
        let rtp_timestamp = (index * 3_000) as u32;
        let meta = PacketMeta { rtp_timestamp, marker: true, ..PacketMeta::new(Layer(layer), index, now) };
        activity.handle_packet(now, &meta);
    }

    #[test]
    fn a_layer_that_stops_while_another_goes_on_is_no_longer_live() {
        let start = start();
        let mut activity = LayerActivity::default();
        packet(&mut activity, start, 0, 1);
        packet(&mut activity, start, 2, 1);
        for frame in 1..30 {
            packet(&mut activity, start + ms(frame * 33), 0, 1 + frame);
            assert!(activity.live().contains(Layer(2)), "frame {frame}");
        }
        packet(&mut activity, start + ms(1_000), 0, 32);
        assert!(!activity.live().contains(Layer(2)));
        assert!(activity.live().contains(Layer(0)) && !activity.live().contains(Layer(1)));
        packet(&mut activity, start + ms(1_001), 2, 2);
        assert!(activity.live().contains(Layer(2)), "live again with its first packet");
    }

    #[test]
    fn a_still_picture_stops_no_layer() {
        let start = start();
        let mut activity = LayerActivity::default();
        for frame in 1..10 {
            packet(&mut activity, start + ms(frame * 2_000), 0, frame);
            packet(&mut activity, start + ms(frame * 2_000 + 1), 1, frame);
            assert!(activity.live().contains(Layer(0)));
            assert!(activity.live().contains(Layer(1)));
        }
    }

    #[test]
    fn layers_above_the_limit_are_not_live_unless_there_is_no_other() {
        let now = start();
        let mut activity = LayerActivity::default();
        activity.limit_layers(Some(Layer(1)));
        packet(&mut activity, now, 2, 1);
        assert_eq!(
            activity.live().best_up_to(Layer(9)),
            Some(Layer(2)),
            "a picture that is too large rather than none"
        );
        packet(&mut activity, now, 0, 1);
        packet(&mut activity, now, 1, 1);
        assert_eq!(activity.live().best_up_to(Layer(9)), Some(Layer(1)));
        assert!(activity.live().contains(Layer(0)));
        activity.limit_layers(None);
        packet(&mut activity, now, 0, 2);
        assert_eq!(activity.live().best_up_to(Layer(9)), Some(Layer(2)));
    }

    #[test]
    fn a_fresh_start_forgets_the_clock() {
        let start = start();
        let mut activity = LayerActivity::default();
        packet(&mut activity, start, 0, 70_000);
        activity.handle_sender_clock(Layer(0), SenderClock { ntp: 1, rtp_timestamp: 2, received: start });
        packet(&mut activity, start, 0, 70_100);
        assert!(activity.clock(Layer(0)).is_some());
        packet(&mut activity, start, 0, 70_100 + JUMP);
        assert!(activity.clock(Layer(0)).is_none());
        activity.handle_sender_clock(Layer(99), SenderClock { ntp: 1, rtp_timestamp: 2, received: start });
    }
}
