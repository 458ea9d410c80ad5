// SPDX-License-Identifier: EUPL-1.2
//! What is counted about the media of a call.

use std::time::Duration;

/// Why a datagram was dropped. None of these is an error: on an open port, anything can arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dropped {
    /// The call is not answered yet, or not confirmed.
    NotOpen,
    /// Neither RTP nor RTCP, or broken.
    Malformed,
    /// A payload type that was not agreed on.
    UnknownPayloadType,
    /// From somebody else than the telephone.
    OtherSource,
    /// From who may turn out to be the telephone.
    Candidate,
    /// The first packet of another sender.
    Probation,
    /// There already.
    Duplicate,
    /// Older than anything still wanted, or from a jump that nothing followed.
    OutOfRange,
    /// A repetition of an encrypted packet, or one too old to tell.
    Replayed,
    /// It does not fit the key.
    Unauthentic,
    /// We agreed not to receive.
    NotReceiving,
}

impl Dropped {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NotOpen,
        Self::Malformed,
        Self::UnknownPayloadType,
        Self::OtherSource,
        Self::Candidate,
        Self::Probation,
        Self::Duplicate,
        Self::OutOfRange,
        Self::Replayed,
        Self::Unauthentic,
        Self::NotReceiving,
    ];

    /// For metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotOpen => "not_open",
            Self::Malformed => "malformed",
            Self::UnknownPayloadType => "unknown_payload_type",
            Self::OtherSource => "other_source",
            Self::Candidate => "candidate",
            Self::Probation => "probation",
            Self::Duplicate => "duplicate",
            Self::OutOfRange => "out_of_range",
            Self::Replayed => "replayed",
            Self::Unauthentic => "unauthentic",
            Self::NotReceiving => "not_receiving",
        }
    }
}

/// The figures of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Accepted packets of RTP.
    pub packets_received: u64,
    /// Bytes of their payloads.
    pub payload_bytes_received: u64,
    /// Packets that never came, of those that were sent to us.
    pub packets_lost: u64,
    /// How unevenly sound arrives (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// Packets of RTP that we sent.
    pub packets_sent: u64,
    /// Bytes of their payloads.
    pub payload_bytes_sent: u64,
    /// To the other side and back, when it has reported.
    pub round_trip: Option<Duration>,
    /// How much of ours got lost in the last interval that the other side reported, 0 to 1.
    pub remote_fraction_lost: Option<f32>,
    /// Keys that came faster than anybody presses them, or that nobody fetched.
    pub digits_dropped: u64,
    /// Datagrams that were dropped, in the order of [`Dropped::ALL`].
    pub(super) dropped: [u64; Dropped::ALL.len()],
}

impl Statistics {
    /// How many datagrams were dropped for a reason.
    #[must_use]
    pub fn dropped(&self, reason: Dropped) -> u64 {
        self.dropped.get(reason as usize).copied().unwrap_or(0)
    }

    pub(super) fn drop(&mut self, reason: Dropped) {
        if let Some(count) = self.dropped.get_mut(reason as usize) {
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_count_and_its_name() {
        let mut statistics = Statistics::default();
        for (count, reason) in Dropped::ALL.into_iter().enumerate() {
            (0..=count).for_each(|_| statistics.drop(reason));
        }
        for (count, reason) in (1..).zip(Dropped::ALL) {
            assert_eq!(statistics.dropped(reason), count, "{reason:?}");
            assert_eq!(Dropped::ALL.iter().filter(|other| other.as_str() == reason.as_str()).count(), 1);
        }
    }
}
