// SPDX-License-Identifier: EUPL-1.2
//! Why nothing could be agreed on, and how SIP says so.

/// Why there is no agreement. As an answer to an INVITE it becomes 488 with a Warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// No section for sound, or all of them declined.
    #[error("no audio stream offered")]
    NoAudio,
    /// None of the codecs is one of ours.
    #[error("no common audio codec")]
    NoCommonCodec,
    /// We may only encrypt, and they do not, or not so that we could.
    #[error("encrypted media is required")]
    EncryptionRequired,
    /// They only encrypt, and we do not, or have none of the suites, or the signalling is not encrypted.
    #[error("encrypted media is not available here")]
    EncryptionUnavailable,
    /// The protocol is none of RTP's four by SDES.
    #[error("media transport is not available")]
    Transport,
    /// IPv6 where we have IPv4 or the other way round, or multicast.
    #[error("network address is not usable")]
    Address,
    /// The answer does not fit the offer: other sections, other payload types, keys for suites that we did not offer.
    #[error("answer does not fit the offer")]
    AnswerMismatch,
}

impl Refusal {
    /// Status of the response to an INVITE.
    #[must_use]
    pub const fn status(self) -> u16 {
        488
    }

    /// The code of a Warning header (RFC 3261 §20.43); its text is `Display`.
    #[must_use]
    pub const fn warning_code(self) -> u16 {
        match self {
            Self::Address => 301,
            Self::Transport | Self::EncryptionRequired | Self::EncryptionUnavailable => 302,
            Self::NoAudio => 304,
            Self::NoCommonCodec => 305,
            Self::AnswerMismatch => 399,
        }
    }

    /// The value of a Warning header; `agent` is our host or a pseudonym.
    #[must_use]
    pub fn warning(self, agent: &str) -> String {
        format!("{} {agent} \"{self}\"", self.warning_code())
    }
}
