// SPDX-License-Identifier: EUPL-1.2
//! What a shard counts. Each shard counts alone, in plain numbers; whoever reads them adds the shards up.

use std::ops::{AddAssign, Index};

/// Why an RTP packet went no further. The first few concern packets as they arrive, once each; the others concern one
/// receiver each, so one packet may be counted once per subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum DropReason {
    /// It does not parse (RFC 3550 §5.1, RFC 8285, or the codec's payload format).
    Malformed,
    /// SRTP authentication failed (RFC 3711 §3.3).
    NotAuthentic,
    /// It was seen before, or it is older than the replay window (RFC 3711 §3.3.2).
    Replayed,
    /// Its SSRC, mid and rid name no stream that was negotiated.
    UnknownStream,
    /// Its payload type was not negotiated for its stream.
    UnknownPayloadType,
    /// Its track is muted.
    Muted,
    /// Nobody receives its track.
    NoAudience,
    /// It is video, and the shard has too much to do.
    Overload,
    /// The receiver has paused the subscription.
    Paused,
    /// The receiver is given another layer.
    OtherLayer,
    /// The receiver can decode nothing before the next keyframe.
    AwaitsKeyframe,
    /// It came so late that the receiver's sequence, or the encryption to it, has no place for it.
    TooLate,
    /// The receiver's transport is not connected.
    NotConnected,
}

impl DropReason {
    /// Every reason, in the order of their counters.
    pub const ALL: [Self; 13] = [
        Self::Malformed,
        Self::NotAuthentic,
        Self::Replayed,
        Self::UnknownStream,
        Self::UnknownPayloadType,
        Self::Muted,
        Self::NoAudience,
        Self::Overload,
        Self::Paused,
        Self::OtherLayer,
        Self::AwaitsKeyframe,
        Self::TooLate,
        Self::NotConnected,
    ];

    /// The reason as it stands in a metric's label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotAuthentic => "not_authentic",
            Self::Replayed => "replayed",
            Self::UnknownStream => "unknown_stream",
            Self::UnknownPayloadType => "unknown_payload_type",
            Self::Muted => "muted",
            Self::NoAudience => "no_audience",
            Self::Overload => "overload",
            Self::Paused => "paused",
            Self::OtherLayer => "other_layer",
            Self::AwaitsKeyframe => "awaits_keyframe",
            Self::TooLate => "too_late",
            Self::NotConnected => "not_connected",
        }
    }
}

/// Dropped RTP packets by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DroppedPackets([u64; DropReason::ALL.len()]);

impl DroppedPackets {
    /// Counts one packet.
    pub const fn count(&mut self, reason: DropReason) {
        self.0[reason as usize] += 1;
    }
}

impl Index<DropReason> for DroppedPackets {
    type Output = u64;

    fn index(&self, reason: DropReason) -> &u64 {
        &self.0[reason as usize]
    }
}

/// What a shard has counted since it started, and what it holds at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardCounters {
    /// RTP packets that authenticated, retransmissions and repeats included.
    pub received_packets: u64,
    /// Their bytes as they came from the socket.
    pub received_bytes: u64,
    /// RTP packets sealed for a receiver, retransmissions left out.
    pub forwarded_packets: u64,
    /// Their bytes as they go to the socket.
    pub forwarded_bytes: u64,
    /// RTP packets that went no further.
    pub dropped_packets: DroppedPackets,
    /// RTP packets sealed again because a receiver asked for them (RFC 4588).
    pub retransmitted_packets: u64,
    /// Packets that receivers reported as lost, by the sequence numbers in their NACKs (RFC 4585 §6.2.1).
    pub nacked_packets_received: u64,
    /// Packets that this shard asked publishers to send again.
    pub nacked_packets_sent: u64,
    /// Keyframe requests from receivers (PLI or FIR).
    pub keyframe_requests_received: u64,
    /// Keyframe requests to publishers.
    pub keyframe_requests_sent: u64,
    /// Datagrams that were dropped because no valid STUN check has come from their source.
    pub unknown_datagrams: u64,
    /// RTCP datagrams of clients that did not authenticate (RFC 3711 §3.4).
    pub dropped_rtcp: u64,
    /// DTLS datagrams of clients in which nothing was of use.
    pub dropped_dtls: u64,
    /// Data messages that a receiver's channel had no room for, and messages too long for any.
    pub dropped_data: u64,
    /// STUN checks with a user name of no transport here, which may be a claim.
    pub claims: u64,
    /// Datagrams passed on to the shard that owns their transport.
    pub relayed_datagrams: u64,
    /// Transports held now.
    pub transports: u64,
    /// Tracks published here now.
    pub tracks: u64,
    /// Subscriptions held now.
    pub subscriptions: u64,
    /// How much video is left out now because there is too much to do: 0 nothing, 1 layers above layer 1, 2 layers
    /// above layer 0, 3 all. Of several shards, what the one leaves out that leaves out most.
    pub shedding_level: u64,
}

impl AddAssign<&Self> for ShardCounters {
    fn add_assign(&mut self, other: &Self) {
        self.received_packets += other.received_packets;
        self.received_bytes += other.received_bytes;
        self.forwarded_packets += other.forwarded_packets;
        self.forwarded_bytes += other.forwarded_bytes;
        for (sum, count) in self.dropped_packets.0.iter_mut().zip(other.dropped_packets.0) {
            *sum += count;
        }
        self.retransmitted_packets += other.retransmitted_packets;
        self.nacked_packets_received += other.nacked_packets_received;
        self.nacked_packets_sent += other.nacked_packets_sent;
        self.keyframe_requests_received += other.keyframe_requests_received;
        self.keyframe_requests_sent += other.keyframe_requests_sent;
        self.unknown_datagrams += other.unknown_datagrams;
        self.dropped_rtcp += other.dropped_rtcp;
        self.dropped_dtls += other.dropped_dtls;
        self.dropped_data += other.dropped_data;
        self.claims += other.claims;
        self.relayed_datagrams += other.relayed_datagrams;
        self.transports += other.transports;
        self.tracks += other.tracks;
        self.subscriptions += other.subscriptions;
        self.shedding_level = self.shedding_level.max(other.shedding_level);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_counter_and_name() {
        let mut dropped = DroppedPackets::default();
        for (times, reason) in DropReason::ALL.into_iter().enumerate() {
            for _ in 0..times {
                dropped.count(reason);
            }
        }
        for (times, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(dropped[reason], times as u64, "{}", reason.name());
        }
        let mut names: Vec<_> = DropReason::ALL.into_iter().map(DropReason::name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DropReason::ALL.len());
    }

    #[test]
    fn shards_add_up() {
        let mut one = ShardCounters { received_packets: 1, transports: 2, ..ShardCounters::default() };
        one.dropped_packets.count(DropReason::Muted);
        let mut sum = one;
        sum += &one;
        assert_eq!((sum.received_packets, sum.transports, sum.dropped_packets[DropReason::Muted]), (2, 4, 2));
        for (level, most) in [(2, 2), (1, 2), (3, 3)] {
            sum += &ShardCounters { shedding_level: level, ..ShardCounters::default() };
            assert_eq!(sum.shedding_level, most);
        }
    }
}
