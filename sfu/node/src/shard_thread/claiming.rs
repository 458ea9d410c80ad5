// SPDX-License-Identifier: EUPL-1.2
//! What a shard does with a STUN check for none of its transports: it builds the one that waits for it, hands the check
//! to the shard that has it or shall have it, or drops it.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use sfu_media::ids::{ShardId, TransportId};
use sfu_media::shard::message::{ShardCommand, ShardMessage};

use super::MediaShard;
use crate::registry::{ClaimOutcome, ClaimRequest, Registry};

/// What became of a check.
#[derive(Debug)]
pub enum Claimed {
    /// The transport is this shard's now, and has heard the check.
    Granted,
    /// The shard's own: the transport was built by another check of the same batch, and has heard this one too.
    Heard,
    /// For another shard, which has the transport.
    PassOn {
        /// That shard.
        owner: ShardId,
        /// What it has.
        transport: TransportId,
        /// Where the check came from.
        source: SocketAddr,
        /// The check.
        message: ShardMessage,
    },
    /// Nobody may come under that name, or the check is not valid.
    Refused,
}

/// Settles a claim of `shard`, which is called `id`.
pub fn settle_claim(
    shard: &mut impl MediaShard,
    id: ShardId,
    registry: &Registry,
    now: Instant,
    mut claim: ClaimRequest,
) -> Claimed {
    match registry.claim(id, &claim) {
        ClaimOutcome::Claimed(setup) => {
            shard.handle_command(now, ShardCommand::AddTransport(setup));
            shard.handle_datagram(now, claim.source, &mut claim.datagram);
            Claimed::Granted
        }
        ClaimOutcome::OwnedBy(owner, transport) if owner != id => {
            let source = claim.source;
            shard.learn_forward(source, owner);
            let message = ShardMessage::Datagram { source, datagram: Bytes::from(claim.datagram) };
            Claimed::PassOn { owner, transport, source, message }
        }
        ClaimOutcome::OwnedBy(..) if shard.handle_claimed_check(now, claim.source, &claim.datagram) => Claimed::Heard,
        // The shard's own, but it does not know the name: the transport has just ended here.
        ClaimOutcome::OwnedBy(..) | ClaimOutcome::Unknown => Claimed::Refused,
    }
}
