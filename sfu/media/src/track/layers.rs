// SPDX-License-Identifier: EUPL-1.2
//! The layers of a track: one simulcast stream each, with its retransmissions.

use std::time::{Duration, Instant};

use crate::ids::Layer;
use crate::rtcp::SenderClock;
use crate::rtcp::reports::{ReportBlock, SenderReport};
use crate::rtp::rtp_time::RtpTime;
use crate::rtp::seq_no::SeqNo;
use crate::session::{MediaKind, NegotiatedCodec, Uplink};
use crate::shard::counters::DropReason;
use crate::track::keyframe_requests::{KeyframeRequests, MAX_TRIES};
use crate::track::loss_recovery::LossRecovery;
use crate::track::reception::Reception;
use crate::track::sequence::{Place, Sequence};

/// Layers that a track may have; what an offer names beyond is ignored. Browsers send three.
pub const MAX_LAYERS: usize = 4;

/// The largest of them.
pub const LARGEST_LAYER: Layer = Layer(MAX_LAYERS as u8 - 1);

/// A layer that has been silent for longer may have been stopped by its publisher.
const MAX_SILENCE: Duration = Duration::from_secs(1);

/// How many layers an uplink has.
#[must_use]
pub fn layer_count(uplink: &Uplink) -> usize {
    match uplink.codec.codec.kind() {
        MediaKind::Audio => 1,
        MediaKind::Video if uplink.rids.is_empty() => uplink.ssrcs.len().clamp(1, MAX_LAYERS),
        MediaKind::Video => uplink.rids.len().min(MAX_LAYERS),
    }
}

/// The SSRCs of an uplink's layers as SDP announced them, each with that of its retransmissions. Where rids name the
/// layers, the order of SSRCs says nothing (RFC 8853 §5.5).
pub(crate) fn announced_ssrcs(uplink: &Uplink) -> &[(u32, Option<u32>)] {
    if uplink.rids.is_empty() { &uplink.ssrcs[..uplink.ssrcs.len().min(layer_count(uplink))] } else { &[] }
}

/// Some of a track's layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerSet(u8);

impl LayerSet {
    /// Adds a layer. Layers beyond [`MAX_LAYERS`] do not exist.
    pub const fn insert(&mut self, layer: Layer) {
        if (layer.0 as usize) < MAX_LAYERS {
            self.0 |= 1 << layer.0;
        }
    }

    /// Removes a layer.
    pub const fn remove(&mut self, layer: Layer) {
        if (layer.0 as usize) < MAX_LAYERS {
            self.0 &= !(1 << layer.0);
        }
    }

    /// Whether it has the layer.
    #[must_use]
    pub const fn contains(self, layer: Layer) -> bool {
        (layer.0 as usize) < MAX_LAYERS && self.0 & 1 << layer.0 != 0
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The largest layer that is not larger than `limit`; where all are larger, the smallest.
    #[must_use]
    pub const fn best_up_to(self, limit: Layer) -> Option<Layer> {
        match self.up_to(limit).0 {
            0 => None,
            within => Some(Layer(7 - within.leading_zeros() as u8)),
        }
    }

    /// The layers that are not larger than `limit`; where all are larger, the smallest alone.
    #[must_use]
    pub const fn up_to(self, limit: Layer) -> Self {
        let within = if limit.0 < 7 { self.0 & ((1 << (limit.0 + 1)) - 1) } else { self.0 };
        let smallest = self.0 & self.0.wrapping_neg();
        Self(if within == 0 { smallest } else { within })
    }
}

/// A packet as one layer sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamPacket {
    pub(crate) seq_no: SeqNo,
    pub(crate) timestamp: RtpTime,
    pub(crate) is_retransmission: bool,
    pub(crate) starts_keyframe: bool,
}

/// One simulcast stream.
#[derive(Debug)]
pub(crate) struct LayerStream {
    /// `None` until its first packet, unless SDP announced it.
    pub(crate) ssrc: Option<u32>,
    clock_rate_hz: u32,
    has_retransmission_stream: bool,
    last_arrival: Option<Instant>,
    sequence: Sequence,
    reception: Reception,
    pub(crate) loss_recovery: LossRecovery,
    pub(crate) keyframe_requests: KeyframeRequests,
}

impl LayerStream {
    pub(crate) fn new(codec: &NegotiatedCodec, ssrc: Option<u32>) -> Self {
        Self {
            ssrc,
            clock_rate_hz: codec.codec.clock_rate_hz(),
            has_retransmission_stream: codec.rtx_payload_type.is_some(),
            last_arrival: None,
            sequence: Sequence::default(),
            reception: Reception::default(),
            loss_recovery: LossRecovery::new(codec.nack),
            keyframe_requests: KeyframeRequests::new(MAX_TRIES),
        }
    }

    /// A renegotiation may have changed the feedback that the publisher understands.
    pub(crate) fn handle_renegotiation(&mut self, codec: &NegotiatedCodec) {
        self.has_retransmission_stream = codec.rtx_payload_type.is_some();
        self.loss_recovery.set_can_ask_again(codec.nack);
    }

    /// The stream now comes under this SSRC. Another one starts it afresh.
    pub(crate) fn bind(&mut self, ssrc: u32) {
        if self.ssrc != Some(ssrc) {
            self.ssrc = Some(ssrc);
            self.sequence.interrupt();
            self.loss_recovery.forget();
        }
    }

    /// Nobody saw what came until now, so what comes next does not go on from it.
    pub(crate) fn skip_ahead(&mut self) {
        self.sequence.skip_ahead();
        self.loss_recovery.forget();
    }

    /// Takes a packet into account and gives its index, unless there is nothing in it for anyone.
    pub(crate) fn handle_packet(&mut self, now: Instant, packet: &StreamPacket) -> Result<u64, DropReason> {
        let place = if packet.is_retransmission {
            self.sequence.place_retransmitted(packet.seq_no)
        } else {
            self.sequence.place(packet.seq_no)
        };
        if let Place::FreshStart { .. } = place {
            self.reception = Reception::default();
            self.loss_recovery.forget();
        }
        self.last_arrival = Some(now);
        if !packet.is_retransmission && place != Place::Implausible {
            self.reception.count(now, packet.timestamp, self.sequence.highest_reported(), self.clock_rate_hz);
        }
        let index = match place {
            Place::FreshStart { index } | Place::Newest { index, .. } | Place::Late { index } => index,
            Place::Repeated => return Err(DropReason::Replayed),
            Place::Implausible => return Err(DropReason::TooLate),
        };
        if packet.starts_keyframe {
            self.loss_recovery.handle_keyframe(index);
            self.keyframe_requests.handle_keyframe();
        }
        match place {
            Place::Newest { missing, .. } => self.loss_recovery.handle_newest(now, index, missing),
            Place::Late { .. } => {
                let is_answer = packet.is_retransmission || !self.has_retransmission_stream;
                self.loss_recovery.handle_late(now, index, is_answer);
            }
            _ => {}
        }
        Ok(index)
    }

    /// Whether anything came of it a moment ago. A retransmission may come before the media that would tell its SSRC;
    /// until then there is no stream that feedback could name.
    pub(crate) fn is_sending(&self, now: Instant) -> bool {
        let is_recent = |last| now.saturating_duration_since(last) < MAX_SILENCE;
        self.ssrc.is_some() && self.last_arrival.is_some_and(is_recent)
    }

    /// Notes a sender report of the stream.
    pub(crate) fn handle_sender_report(&mut self, now: Instant, report: &SenderReport) -> SenderClock {
        self.reception.handle_sender_report(now, report.ntp);
        SenderClock { ntp: report.ntp, rtp_timestamp: report.rtp_timestamp, received: now }
    }

    /// The report block for what came since the last one; `None` when nothing did.
    pub(crate) fn report(&mut self, now: Instant) -> Option<ReportBlock> {
        self.reception.report(now, self.ssrc?, self.sequence.highest_reported())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_layer_is_the_largest_that_is_not_too_large() {
        let mut layers = LayerSet::default();
        assert_eq!(layers.best_up_to(Layer(2)), None);
        layers.insert(Layer(1));
        layers.insert(Layer(3));
        layers.insert(Layer(200));
        assert_eq!(layers.best_up_to(Layer(u8::MAX)), Some(Layer(3)));
        assert_eq!(layers.best_up_to(Layer(3)), Some(Layer(3)));
        assert_eq!(layers.best_up_to(Layer(2)), Some(Layer(1)));
        assert_eq!(layers.best_up_to(Layer(0)), Some(Layer(1)), "a picture that is too large rather than none");
        layers.remove(Layer(3));
        assert!(layers.contains(Layer(1)) && !layers.contains(Layer(3)) && !layers.contains(Layer(200)));
    }
}
