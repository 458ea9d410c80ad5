// SPDX-License-Identifier: EUPL-1.2
//! Published media, on its publisher's shard: each packet is put in its place, annotated once and given to the audience;
//! lost ones are asked for again; the publisher is told how it is received and when a keyframe is needed.
//!
//! A track knows nothing of who receives it beyond its [`audience::Audience`], and nothing of encryption.

use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::codec;
use crate::ids::{Layer, SpeakerGroup, TrackId};
use crate::media_packet::PacketMeta;
use crate::rtcp::SenderClock;
use crate::rtcp::keyframe_request::write_picture_loss;
use crate::rtcp::nack::write_nack;
use crate::rtcp::reports::{ReportBlock, SenderReport, write_receiver_report};
use crate::rtp::extensions::HeaderExtensions;
use crate::rtp::packet::RtpView;
use crate::rtp::seq_no::SeqNo;
use crate::session::{MediaKind, NegotiatedCodec, Uplink};
use crate::shard::counters::DropReason;
use crate::speakers::{Loudness, Voice};
use crate::track::audience::Audience;
use crate::track::layers::{LayerStream, MAX_LAYERS, StreamPacket, announced_ssrcs, layer_count};

pub mod audience;
pub mod keyframe_requests;
pub mod layers;
mod loss_recovery;
mod mute;
mod reception;
pub mod sequence;
pub mod uplink_router;

/// Longest payload that is forwarded: an Ethernet frame without the smallest IP, UDP and RTP headers. Browsers stay
/// below 1,200. Longer ones, which ICE over TCP could carry, would not reach the others.
pub const MAX_PAYLOAD_BYTES: usize = 1_460;

/// Between two receiver reports. Browsers expect them about once a second (RFC 3550 §6.2 with their bandwidth).
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Keeps the NACKs of one compound packet below 1,000 bytes even if no two packets share a bitmask.
const MAX_NACKED_PACKETS: usize = 230;

/// A packet for the audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted<'a> {
    /// Its annotations.
    pub meta: PacketMeta,
    /// The codec's bytes.
    pub payload: &'a [u8],
    /// It is the track's first.
    pub starts_track: bool,
}

/// What [`Track::write_feedback`] wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedbackWritten {
    /// Packets asked for again.
    pub nacked_packets: usize,
    /// Keyframes asked for.
    pub keyframe_requests: usize,
}

/// Media that one client publishes on one m-line.
#[derive(Debug)]
pub struct Track {
    id: TrackId,
    speaker_group: SpeakerGroup,
    codec: NegotiatedCodec,
    streams: SmallVec<[LayerStream; 1]>,
    is_muted: bool,
    has_started: bool,
    audience: Audience,
    loudness: Loudness,
    next_report: Option<Instant>,
}

impl Track {
    /// The track of an uplink, before its first packet.
    #[must_use]
    pub fn new(uplink: &Uplink) -> Self {
        let announced = |layer: usize| announced_ssrcs(uplink).get(layer).map(|(ssrc, _)| *ssrc);
        Self {
            id: uplink.track,
            speaker_group: uplink.speaker_group,
            codec: uplink.codec,
            streams: (0..layer_count(uplink)).map(|layer| LayerStream::new(&uplink.codec, announced(layer))).collect(),
            is_muted: false,
            has_started: false,
            audience: Audience::default(),
            loudness: Loudness::default(),
            next_report: None,
        }
    }

    /// Which track it is.
    #[must_use]
    pub const fn id(&self) -> TrackId {
        self.id
    }

    /// What it is encoded with.
    #[must_use]
    pub const fn codec(&self) -> &NegotiatedCodec {
        &self.codec
    }

    /// Who gets its packets.
    #[must_use]
    pub const fn audience(&self) -> &Audience {
        &self.audience
    }

    /// Who gets its packets, to be changed.
    pub const fn audience_mut(&mut self) -> &mut Audience {
        &mut self.audience
    }

    /// What it is compared with others by.
    pub(crate) const fn voice_mut(&mut self) -> Voice<'_> {
        Voice { track: self.id, group: self.speaker_group, loudness: &mut self.loudness }
    }

    /// A renegotiation changed the uplink: payload types, feedback, or layers that were added.
    pub fn handle_renegotiation(&mut self, uplink: &Uplink) {
        self.codec = uplink.codec;
        self.speaker_group = uplink.speaker_group;
        for stream in &mut self.streams {
            stream.handle_renegotiation(&uplink.codec);
        }
        for layer in 0..layer_count(uplink) {
            let announced = announced_ssrcs(uplink).get(layer).map(|(ssrc, _)| *ssrc);
            match (self.streams.get_mut(layer), announced) {
                (Some(stream), Some(ssrc)) => stream.bind(ssrc),
                (Some(_), None) => {}
                (None, announced) => self.streams.push(LayerStream::new(&uplink.codec, announced)),
            }
        }
    }

    /// Takes an authentic packet that [`uplink_router::UplinkRouter`] found to be this layer's, and gives what the
    /// audience shall have of it.
    ///
    /// # Errors
    ///
    /// The reason why there is nothing for the audience. The packet may still have counted for the publisher's reports.
    pub fn handle_rtp<'a>(
        &mut self,
        now: Instant,
        view: &RtpView<'a>,
        extensions: &HeaderExtensions<'_>,
        layer: Layer,
        is_rtx: bool,
    ) -> Result<Accepted<'a>, DropReason> {
        let stream = self.streams.get_mut(usize::from(layer.0)).ok_or(DropReason::UnknownStream)?;
        let expected = if is_rtx { self.codec.rtx_payload_type } else { Some(self.codec.payload_type) };
        if expected != Some(view.payload_type) {
            return Err(DropReason::UnknownPayloadType);
        }
        let (seq_no, payload) = if is_rtx {
            if view.payload.is_empty() {
                return Err(DropReason::Replayed); // Padding by which the publisher probes its uplink.
            }
            // The original's number stands before its payload (RFC 4588 §4).
            let (osn, payload) = view.payload.split_first_chunk().ok_or(DropReason::Malformed)?;
            (SeqNo(u16::from_be_bytes(*osn)), payload)
        } else {
            stream.bind(view.ssrc);
            (view.seq_no, view.payload)
        };
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(DropReason::Malformed);
        }
        let starts_keyframe = codec::starts_keyframe(self.codec.codec, payload);
        self.next_report.get_or_insert(now + REPORT_INTERVAL);
        let packet = StreamPacket { seq_no, timestamp: view.timestamp, is_retransmission: is_rtx, starts_keyframe };
        let index = stream.handle_packet(now, &packet);
        if stream.loss_recovery.take_need_for_keyframe() {
            self.request_keyframe(now, layer);
        }
        let index = index?;
        if self.is_muted {
            return Err(DropReason::Muted);
        }
        if self.codec.codec.kind() == MediaKind::Audio {
            self.loudness.handle_packet(extensions.audio_level, payload);
        }
        let meta = PacketMeta {
            layer,
            index,
            rtp_timestamp: view.timestamp.0,
            marker: view.marker,
            starts_keyframe,
            audio_level: extensions.audio_level,
            video_orientation: extensions.video_orientation,
            arrival: now,
        };
        Ok(Accepted { meta, payload, starts_track: !std::mem::replace(&mut self.has_started, true) })
    }

    /// Takes a sender report and, if it is about one of the track's layers, says how that layer's time maps to the
    /// publisher's clock.
    pub fn handle_sender_report(&mut self, now: Instant, report: &SenderReport) -> Option<(Layer, SenderClock)> {
        let place = self.streams.iter().position(|stream| stream.ssrc == Some(report.ssrc))?;
        Some((Layer(place as u8), self.streams[place].handle_sender_report(now, report)))
    }

    /// Somebody needs a keyframe of the layer. Where that layer is not sent, the nearest smaller one is meant, else
    /// the nearest larger one.
    pub fn request_keyframe(&mut self, now: Instant, layer: Layer) {
        if self.is_muted || self.audience.is_empty() || !self.codec.pli {
            return;
        }
        let wanted = usize::from(layer.0).min(self.streams.len() - 1);
        let nearest_first = || (0..=wanted).rev().chain(wanted + 1..self.streams.len());
        let is_sending = |at: &usize| self.streams[*at].is_sending(now);
        // All are silent when a still picture is shared.
        let is_known = |at: &usize| self.streams[*at].ssrc.is_some();
        if let Some(at) = nearest_first().find(is_sending).or_else(|| nearest_first().find(is_known)) {
            self.streams[at].keyframe_requests.request(now);
        }
    }

    /// When [`Self::write_feedback`] has something to write.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let of_streams = self
            .streams
            .iter()
            .flat_map(|stream| [stream.loss_recovery.poll_timeout(), stream.keyframe_requests.poll_timeout()]);
        of_streams.chain([self.next_report]).flatten().min()
    }

    /// Appends what the publisher must be told now as one compound packet of less than 1,200 bytes, led by a receiver
    /// report (RFC 3550 §6.1). `None` when there was nothing to tell; otherwise there may be more.
    pub fn write_feedback(&mut self, now: Instant, sender_ssrc: u32, out: &mut Vec<u8>) -> Option<FeedbackWritten> {
        if self.poll_timeout().is_none_or(|due| due > now) {
            return None;
        }
        let start = out.len();
        let blocks = self.take_reports(now);
        write_receiver_report(sender_ssrc, &blocks, out);
        let mut written = FeedbackWritten::default();
        for layer in 0..self.streams.len() {
            let stream = &mut self.streams[layer];
            let asked = stream.loss_recovery.ask(now, MAX_NACKED_PACKETS - written.nacked_packets);
            if let Some(ssrc) = stream.ssrc {
                write_nack(sender_ssrc, ssrc, asked.iter().copied(), out);
                written.nacked_packets += asked.len();
            }
            if stream.loss_recovery.take_need_for_keyframe() {
                self.request_keyframe(now, Layer(layer as u8));
            }
        }
        for stream in &mut self.streams {
            // What is due is taken in any case, or it would stay due for ever.
            if stream.keyframe_requests.take_due(now)
                && let Some(ssrc) = stream.ssrc
            {
                write_picture_loss(sender_ssrc, ssrc, out);
                written.keyframe_requests += 1;
            }
        }
        if blocks.is_empty() && written == FeedbackWritten::default() {
            // A loss was given up, or nothing came since the last report.
            out.truncate(start);
            return None;
        }
        Some(written)
    }

    /// The report blocks, if reports are due.
    fn take_reports(&mut self, now: Instant) -> SmallVec<[ReportBlock; MAX_LAYERS]> {
        if self.next_report.is_none_or(|due| due > now) {
            return SmallVec::new();
        }
        let blocks: SmallVec<_> = self.streams.iter_mut().filter_map(|stream| stream.report(now)).collect();
        // A silent track is asked again when its next packet comes.
        self.next_report = (!blocks.is_empty()).then_some(now + REPORT_INTERVAL);
        blocks
    }
}

#[cfg(test)]
mod tests;
