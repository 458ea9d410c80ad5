// SPDX-License-Identifier: EUPL-1.2
//! What the two sides of a link say: greetings, and then the messages of the bus.

use bus::phone::{IncomingCall, OutgoingCall, PhoneNotice, PhoneRequest, TrunkList, TrunkStates};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sfu_media::ids::TrackId;
use sfu_node::BridgeCommand;
use thiserror::Error;

use crate::framing::Malformed;
use crate::secret::PROOF_BYTES;

/// The version of what is said after the greeting. Both sides have the same one, because all of Saal is released together.
pub const VERSION: u16 = 1;

/// One attachment of a bridge. Whoever knows it is the bridge that was given it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionId(pub(crate) [u8; 16]);

/// What each version can read of the first message of a connection.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Opening {
    pub(crate) version: u16,
    pub(crate) proof: [u8; PROOF_BYTES],
}

/// The first message of a connection, by the bridge.
#[derive(Serialize, Deserialize)]
pub(crate) struct Greeting {
    #[serde(flatten)]
    pub(crate) opening: Opening,
    pub(crate) role: Role,
}

/// What a connection is for.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Role {
    /// It begins an attachment, of a bridge with so many threads that make sound.
    Control { threads: u16 },
    /// The sound of a thread, from 0.
    Sound { session: SessionId, thread: u16 },
}

/// The node's answer to a greeting, which each version can read. The proof is for the connection, so it is good for whatever is
/// said on it.
#[derive(Serialize, Deserialize)]
pub(crate) enum Answer {
    Welcome {
        proof: [u8; PROOF_BYTES],
        session: SessionId,
    },
    /// Without a proof for who has given none, who would not believe it either.
    Refused {
        refusal: Refusal,
        proof: Option<[u8; PROOF_BYTES]>,
    },
}

/// Why a node does not take a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Refusal {
    /// The proof is wrong.
    #[error("the secrets in link.secret_file differ between the node and the bridge")]
    Secret,
    /// They do not speak the same.
    #[error("the node speaks version {node} of the link and the bridge version {bridge}: run the same Saal on both")]
    Version {
        /// The node's.
        node: u16,
        /// The bridge's.
        bridge: u16,
    },
    /// One bridge at a time: two would register the same trunks against each other.
    #[error("another bridge is attached to the node")]
    Taken,
    /// More threads than there are ends for.
    #[error("the bridge has {threads} threads and the node takes {ends}: lower sip.threads or raise link.bridge_ends")]
    TooFewEnds {
        /// Of the bridge.
        threads: u16,
        /// That the node has for links.
        ends: u16,
    },
    /// The attachment that a connection is for has ended.
    #[error("the attachment has ended meanwhile")]
    NoSuchSession,
}

impl Refusal {
    /// Whether trying again is of no use until somebody has changed something. That secrets differ anybody may say, without a
    /// proof.
    pub(crate) const fn is_final(&self) -> bool {
        matches!(self, Self::Version { .. } | Self::TooFewEnds { .. })
    }
}

/// A call's line, as both sides name it. The bridge opens those with even numbers, the node those with odd ones; none is used
/// twice on one link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct LineId(pub(crate) u64);

/// What the bridge says on the connection for control.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToNode {
    /// A call came in. The bridge in it is the thread.
    OpenLine { line: LineId, call: IncomingCall },
    /// What a caller wants.
    Request { line: LineId, request: PhoneRequest },
    /// The bridge has dropped its end.
    CloseLine { line: LineId },
    /// How the trunks are.
    TrunkStates(TrunkStates),
}

/// What the node says on the connection for control.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToBridge {
    /// What a call is told.
    Notice { line: LineId, notice: PhoneNotice },
    /// Signaling has dropped its end.
    CloseLine { line: LineId },
    /// Which trunks there are to be.
    Trunks(TrunkList),
    /// A call is to be made.
    Dial { line: LineId, call: OutgoingCall },
}

/// What the node says on a connection for sound, beside sound.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Of the node's control.
    Command(BridgeCommand),
    /// A track that is heard has ended at its home.
    Ended(TrackId),
}

/// Reads a message.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Malformed> {
    serde_json::from_slice(body).map_err(|_| Malformed::Words)
}

#[cfg(test)]
mod tests;
