// SPDX-License-Identifier: EUPL-1.2
//! The methods of LiveKit's SIP service: those that Saal has, and for the others what it has instead.

mod participants;
mod trunks;

use super::error::{Code, TwirpError};
use super::service::{Call, Outcome};

/// Trunks have more to them than LiveKit's, such as registrations and numbers' formats, and belong to the REST API alone.
const TRUNKS: &str = "trunks are made, changed and removed over the REST API: /api/v1/phone/trunks";

/// A number leads to a meeting or a room, whose PINs are its own.
const NUMBERS: &str = "where numbers lead is set over the REST API: /api/v1/phone/numbers";

/// Calls a method. Its name comes back as ours, since a caller could make up any number of them.
pub(super) async fn call(method: &str, call: Call) -> Outcome {
    match method {
        "ListSIPInboundTrunk" => ("ListSIPInboundTrunk", call.answer(trunks::list_inbound).await),
        "ListSIPOutboundTrunk" => ("ListSIPOutboundTrunk", call.answer(trunks::list_outbound).await),
        "CreateSIPParticipant" => ("CreateSIPParticipant", call.answer(participants::create).await),
        "TransferSIPParticipant" => ("TransferSIPParticipant", call.answer(participants::transfer).await),
        "CreateSIPTrunk"
        | "CreateSIPInboundTrunk"
        | "CreateSIPOutboundTrunk"
        | "UpdateSIPInboundTrunk"
        | "UpdateSIPOutboundTrunk"
        | "ListSIPTrunk"
        | "DeleteSIPTrunk" => unimplemented(TRUNKS),
        "CreateSIPDispatchRule" | "UpdateSIPDispatchRule" | "ListSIPDispatchRule" | "DeleteSIPDispatchRule" => {
            unimplemented(NUMBERS)
        }
        _ => ("unknown", Err(TwirpError::new(Code::BadRoute, "no handler for path"))),
    }
}

fn unimplemented(instead: &'static str) -> Outcome {
    ("unimplemented", Err(TwirpError::new(Code::Unimplemented, instead)))
}
