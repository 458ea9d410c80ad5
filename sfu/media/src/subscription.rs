// SPDX-License-Identifier: EUPL-1.2
//! One receiver's view of a feed: which of its packets the receiver is given, and how they are numbered so that it sees
//! one continuous stream; what it misses is sent again, and it is told the publisher's clock.
//!
//! A subscription holds numbers only, no packets. Encryption comes after it, the choice of its limits before.

use std::time::{Duration, Instant};

use crate::codec::{self, vp8};
use crate::feed::layer_activity::LayerActivity;
use crate::feed::{Delivery, Feed};
use crate::ids::TrackId;
use crate::media_packet::{MAX_PADDING_BYTES, MediaPacket};
use crate::prefetch::prefetch;
use crate::rtcp::reports::ReportBlock;
use crate::rtp::extensions::OutgoingExtensions;
use crate::rtp::packet::{MAX_HEADER_BYTES, OutgoingHeader, pad, write_header};
use crate::rtp::seq_no::SeqNo;
use crate::session::{Downlink, ExtensionIds, MediaKind, NegotiatedCodec};
use crate::shard::counters::DropReason;
use crate::shard::message::SubscriptionSettings;
use crate::subscription::keyframe_budget::KeyframeBudget;
use crate::subscription::layer_switching::{Choice, LayerSwitching};
use crate::subscription::retransmission::{Retransmission, first_index};
use crate::subscription::rewriter::{Epoch, Relation, Rewriter};
use crate::subscription::sender_reports::SenderReports;
use crate::track::MAX_PAYLOAD_BYTES;

mod keyframe_budget;
mod layer_switching;
mod pause;
mod retransmission;
mod rewriter;
mod sender_reports;

/// Longest packet that a subscription writes, before encryption.
pub const MAX_PACKET_BYTES: usize = MAX_HEADER_BYTES + OSN_BYTES + MAX_PAYLOAD_BYTES + MAX_PADDING_BYTES;

/// The number of the original in a retransmission (RFC 4588 §4).
const OSN_BYTES: usize = 2;

/// A keyframe that was forwarded so recently may still be under way, as long as the round trip is unknown.
const DEFAULT_ROUND_TRIP: Duration = Duration::from_millis(100);

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarding {
    /// It was written.
    Forward {
        /// Its length.
        len: usize,
    },
    /// The receiver does not get it.
    Drop(DropReason),
}

/// One receiver's view of a feed.
#[derive(Debug)]
pub struct Subscription {
    track: TrackId,
    codec: NegotiatedCodec,
    ssrc: u32,
    extensions: ExtensionIds,
    is_paused: bool,
    switching: LayerSwitching,
    rewriter: Rewriter,
    retransmission: Retransmission,
    reports: SenderReports,
    /// The receiver asked for a keyframe of the layer it is given.
    is_keyframe_asked_for: bool,
    keyframe_budget: KeyframeBudget,
    last_keyframe: Option<Instant>,
    /// Packets from before were written with other header extensions or payload types.
    first_resendable: u64,
}

impl Subscription {
    /// A subscription before its first packet. A transport must not use the SSRCs of a downlink for another
    /// subscription, ever: numbers would be used twice under one SRTP key, which gives the key stream away.
    #[must_use]
    pub fn new(now: Instant, downlink: &Downlink, extensions: ExtensionIds, settings: SubscriptionSettings) -> Self {
        let first = first_index(downlink.ssrc);
        Self {
            track: downlink.track,
            codec: downlink.codec,
            ssrc: downlink.ssrc,
            extensions,
            is_paused: settings.is_paused,
            switching: LayerSwitching::new(settings.max_layer),
            rewriter: Rewriter::new(downlink.codec.codec, first),
            retransmission: Retransmission::new(now, downlink),
            reports: SenderReports::new(downlink.codec.codec.kind()),
            is_keyframe_asked_for: false,
            keyframe_budget: KeyframeBudget::new(now),
            last_keyframe: None,
            first_resendable: first,
        }
    }

    /// Which track it shows.
    #[must_use]
    pub const fn track(&self) -> TrackId {
        self.track
    }

    /// What the track carries.
    #[must_use]
    pub const fn kind(&self) -> MediaKind {
        self.codec.codec.kind()
    }

    /// Calls for what [`Self::handle_media`] needs.
    pub(crate) fn prefetch(&self) {
        prefetch(self);
    }

    /// The stream that the receiver gets.
    #[must_use]
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// A renegotiation changed payload types or header extensions. The SSRC stays what it was.
    pub fn handle_renegotiation(&mut self, downlink: &Downlink, extensions: ExtensionIds) {
        let form = |this: &Self| (this.codec.payload_type, this.extensions, this.wants_transport_seq());
        let before = form(self);
        self.codec = downlink.codec;
        self.extensions = extensions;
        self.retransmission.handle_renegotiation(downlink);
        if form(self) != before {
            self.first_resendable = self.rewriter.next_out();
        }
    }

    /// Whether its packets carry transport-wide numbers. Those that are sent again as they are must not: a packet with
    /// another header under the same number would be sealed with the same nonce (RFC 7714 §8.4). Sound does not, either:
    /// its rate does not follow what the receiver's link can take, and a receiver would report on all its packets.
    #[must_use]
    pub const fn wants_transport_seq(&self) -> bool {
        matches!(self.kind(), MediaKind::Video)
            && self.codec.transport_cc
            && self.extensions.transport_cc.is_some()
            && !self.repeats_packets()
    }

    /// Whether what the receiver misses is sent again as it was, because the receiver has no stream for retransmissions.
    #[must_use]
    pub const fn repeats_packets(&self) -> bool {
        self.codec.nack && self.retransmission.rtx.is_none()
    }

    /// Writes a packet of the feed as the receiver gets it, if it gets it, into `out` of [`MAX_PACKET_BYTES`].
    /// `transport_seq` is used up by packets that are forwarded while [`Self::wants_transport_seq`].
    pub fn handle_media(
        &mut self,
        now: Instant,
        delivery: &Delivery<'_>,
        transport_seq: Option<SeqNo>,
        out: &mut [u8],
    ) -> Forwarding {
        if self.is_paused {
            return Forwarding::Drop(DropReason::Paused);
        }
        let MediaPacket { meta, payload, padding } = delivery.packet;
        let descriptor = delivery.descriptor.as_ref();
        let relation = self.rewriter.relate(meta);
        let choice = match self.kind() {
            MediaKind::Video => self.switching.choose(meta, relation, delivery.activity.live()),
            MediaKind::Audio => choose_audio(relation),
        };
        let late = match choice {
            Choice::Forward => None,
            Choice::ForwardLate(place) => Some(place),
            Choice::StartHere => {
                self.rewriter.start(meta, descriptor, delivery.activity);
                None
            }
            Choice::Drop(reason) => {
                if relation == Relation::StartsAfresh {
                    self.rewriter.interrupt();
                }
                return Forwarding::Drop(reason);
            }
        };
        let epoch = late.map_or_else(|| self.rewriter.current(), |place| self.rewriter.epoch(place));
        let Some(epoch) = epoch else { return Forwarding::Drop(DropReason::TooLate) };
        let seq_no = SeqNo::of_index(epoch.index_out(meta.index));
        let header = self.header(delivery.packet, epoch, seq_no, transport_seq);
        let written = write(&header, None, payload, epoch, descriptor, out).and_then(|len| pad(out, len, *padding));
        let Some(len) = written else { return Forwarding::Drop(DropReason::Malformed) };
        if late.is_none() {
            self.rewriter.handle_forwarded(meta, descriptor);
            if meta.starts_keyframe {
                self.is_keyframe_asked_for = false;
                self.last_keyframe = Some(now);
            }
        }
        self.retransmission.handle_forwarded(len);
        self.reports.handle_forwarded(now, payload.len());
        Forwarding::Forward { len }
    }

    /// Writes a packet that the receiver misses into `out` of [`MAX_PACKET_BYTES`] and gives its length; `None` when it
    /// is not sent again. To be called with the numbers of a NACK one by one.
    pub fn handle_nacked(
        &mut self,
        now: Instant,
        seq_no: SeqNo,
        feed: &Feed,
        transport_seq: Option<SeqNo>,
        out: &mut [u8],
    ) -> Option<usize> {
        let newest = self.rewriter.next_out().checked_sub(1)?;
        let index_out = seq_no.extend(newest);
        let is_other_form = self.retransmission.rtx.is_none() && index_out < self.first_resendable;
        if self.is_paused || !self.codec.nack || is_other_form {
            return None;
        }
        let (epoch, index_in) = self.rewriter.original(index_out)?;
        let packet = feed.packet(epoch.layer, index_in)?;
        let bytes = MAX_HEADER_BYTES + packet.payload.len();
        if !self.retransmission.permit(now, seq_no, bytes, self.reports.round_trip()) {
            return None;
        }
        let mut header = self.header(packet, epoch, seq_no, transport_seq);
        let descriptor = codec::descriptor(self.codec.codec, &packet.payload);
        let (mut osn, mut padding) = (None, packet.padding);
        if let Some(rtx) = &mut self.retransmission.rtx {
            (header.ssrc, header.payload_type, header.seq_no) = (rtx.ssrc, rtx.payload_type, rtx.take_seq_no());
            (osn, padding) = (Some(seq_no), 0);
        }
        let len = write(&header, osn, &packet.payload, epoch, descriptor.as_ref(), out)?;
        pad(out, len, padding)
    }

    /// The receiver cannot decode what it has (PLI or FIR). It repeats that until it is helped, so nothing is lost when
    /// one request is ignored.
    pub fn handle_keyframe_request(&mut self, now: Instant) {
        let under_way = self.reports.round_trip().unwrap_or(DEFAULT_ROUND_TRIP);
        let is_under_way = |keyframe: Instant| now.saturating_duration_since(keyframe) < under_way;
        let is_needed = !self.is_paused && !self.is_keyframe_asked_for && !self.last_keyframe.is_some_and(is_under_way);
        if is_needed && self.keyframe_budget.take(now) {
            self.is_keyframe_asked_for = true;
        }
    }

    /// The receiver says how it receives the stream.
    pub fn handle_report_block(&mut self, now: Instant, block: &ReportBlock) {
        if block.ssrc == self.ssrc {
            self.reports.handle_report_block(now, block);
        }
    }

    /// Round trip to the receiver, as last measured.
    #[must_use]
    pub const fn round_trip(&self) -> Option<Duration> {
        self.reports.round_trip()
    }

    /// Share of packets that the receiver last reported lost, in 1/256.
    #[must_use]
    pub const fn fraction_lost(&self) -> u8 {
        self.reports.fraction_lost()
    }

    /// When [`Self::write_sender_report`] has something to write.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.reports.poll_timeout()
    }

    /// Appends a sender report of 28 bytes if one is due, and says whether it did.
    pub fn write_sender_report(&mut self, now: Instant, activity: &LayerActivity, out: &mut Vec<u8>) -> bool {
        if !self.reports.is_due(now) {
            return false;
        }
        let clock = self.rewriter.current().and_then(|epoch| Some((epoch, activity.clock(epoch.layer)?)));
        let Some((epoch, clock)) = clock else {
            self.reports.postpone(now);
            return false;
        };
        let (ntp, rtp_timestamp) = clock.at(now, self.codec.codec.clock_rate_hz());
        self.reports.take(now, self.ssrc, ntp, epoch.timestamp_out(rtp_timestamp.0)).write(out);
        true
    }

    fn header(
        &self,
        packet: &MediaPacket,
        epoch: &Epoch,
        seq_no: SeqNo,
        transport_seq: Option<SeqNo>,
    ) -> OutgoingHeader {
        let meta = &packet.meta;
        let transport_seq = transport_seq.filter(|_| self.wants_transport_seq());
        OutgoingHeader {
            marker: meta.marker,
            payload_type: self.codec.payload_type,
            seq_no,
            timestamp: epoch.timestamp_out(meta.rtp_timestamp),
            ssrc: self.ssrc,
            extensions: OutgoingExtensions {
                audio_level: self.extensions.audio_level.zip(meta.audio_level),
                video_orientation: self.extensions.video_orientation.zip(meta.video_orientation),
                transport_seq: self.extensions.transport_cc.zip(transport_seq),
            },
        }
    }
}

/// Audio has one layer and can be entered anywhere.
const fn choose_audio(relation: Relation) -> Choice {
    match relation {
        Relation::Continues => Choice::Forward,
        Relation::Belongs(place) => Choice::ForwardLate(place),
        Relation::TooLate => Choice::Drop(DropReason::TooLate),
        Relation::StartsAfresh | Relation::Unrelated => Choice::StartHere,
    }
}

/// Writes a packet; `None` when `out` is too short.
fn write(
    header: &OutgoingHeader,
    osn: Option<SeqNo>,
    payload: &[u8],
    epoch: &Epoch,
    descriptor: Option<&vp8::Descriptor>,
    out: &mut [u8],
) -> Option<usize> {
    let mut len = write_header(header, out)?;
    if let Some(osn) = osn {
        out.get_mut(len..len + OSN_BYTES)?.copy_from_slice(&osn.0.to_be_bytes());
        len += OSN_BYTES;
    }
    let end = len + payload.len();
    let written = out.get_mut(len..end)?;
    written.copy_from_slice(payload);
    if let Some(descriptor) = descriptor {
        epoch.rewrite_vp8(descriptor, written);
    }
    Some(end)
}

#[cfg(test)]
mod tests;
