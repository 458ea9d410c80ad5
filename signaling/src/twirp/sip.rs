// SPDX-License-Identifier: EUPL-1.2
//! The methods of LiveKit's SIP service: those that Saal has, and for the others what it has instead.

mod dispatch_rules;
mod inbound_trunks;
mod outbound_trunks;
mod participants;
mod refusals;
mod trunks;
mod wishes;

use livekit_protocol as proto;

use super::error::{Code, TwirpError};
use super::service::{Call, Caller, Outcome};

/// LiveKit has parted them, too.
const TRUNKS: &str =
    "trunks are of one kind each: ListSIPInboundTrunk and the like, or as a whole /api/v1/phone/trunks";

/// Calls a method. Its name comes back as ours, since a caller could make up any number of them.
pub(super) async fn call(method: &str, call: Call) -> Outcome {
    match method {
        "ListSIPInboundTrunk" => ("ListSIPInboundTrunk", call.answer(trunks::list_inbound).await),
        "ListSIPOutboundTrunk" => ("ListSIPOutboundTrunk", call.answer(trunks::list_outbound).await),
        "CreateSIPInboundTrunk" => ("CreateSIPInboundTrunk", call.answer(inbound_trunks::create).await),
        "UpdateSIPInboundTrunk" => ("UpdateSIPInboundTrunk", call.answer(inbound_trunks::update).await),
        "CreateSIPOutboundTrunk" => ("CreateSIPOutboundTrunk", call.answer(outbound_trunks::create).await),
        "UpdateSIPOutboundTrunk" => ("UpdateSIPOutboundTrunk", call.answer(outbound_trunks::update).await),
        "DeleteSIPTrunk" => ("DeleteSIPTrunk", call.answer(trunks::delete).await),
        "ListSIPDispatchRule" => ("ListSIPDispatchRule", call.answer(dispatch_rules::list).await),
        "CreateSIPDispatchRule" => ("CreateSIPDispatchRule", call.answer(dispatch_rules::create).await),
        "UpdateSIPDispatchRule" => ("UpdateSIPDispatchRule", call.answer(dispatch_rules::update).await),
        "DeleteSIPDispatchRule" => ("DeleteSIPDispatchRule", call.answer(dispatch_rules::delete).await),
        "CreateSIPParticipant" => ("CreateSIPParticipant", call.answer(participants::create).await),
        "TransferSIPParticipant" => ("TransferSIPParticipant", call.answer(participants::transfer).await),
        "CreateSIPTrunk" | "ListSIPTrunk" => ("unimplemented", Err(TwirpError::new(Code::Unimplemented, TRUNKS))),
        _ => ("unknown", Err(TwirpError::new(Code::BadRoute, "no handler for path"))),
    }
}

/// Trunks and numbers belong to the installation, and so does an API key: whoever signs with it may grant them.
fn check_admin(caller: &Caller) -> Result<(), TwirpError> {
    if caller.token.sip().admin { Ok(()) } else { Err(TwirpError::denied()) }
}

/// How many entries of a list are wanted; all of them where nothing is said.
fn limit(page: &proto::Pagination) -> usize {
    usize::try_from(page.limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX)
}
