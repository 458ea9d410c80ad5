// SPDX-License-Identifier: EUPL-1.2
//! Calling telephones into meetings, and connecting callers elsewhere. Both cost money, so they take a grant of their own, and
//! what the tenant's settings forbid nobody does here either.

use std::time::Duration;

use chrono::Utc;
use livekit_protocol as proto;
use store::Tx;
use tokio::time::timeout;

use super::super::error::{Code, TwirpError};
use super::super::service::Caller;
use crate::api::ids::{MeetingSessionId, PhoneCallId};
use crate::app::App;
use crate::joining::venue::Venue;
use crate::meeting_sessions::model::{Session, session_of_room};
use crate::meeting_sessions::table;
use crate::phone::Called;
use crate::phone::dial_out::place::{self, Wish};
use crate::phone::dial_out::records::{DialledCall, DialledCallEnd, Purpose};
use crate::phone::transfer::{self, TransferEnd};

/// How long it is waited for somebody to answer: longer than it rings.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// Longest number as it is typed, and longest name, as in the REST API.
const MAX_NUMBER_CHARS: usize = 64;
const MAX_NAME_CHARS: usize = 80;

/// Calls a telephone into a meeting that is going on.
pub(super) async fn create(
    caller: Caller,
    request: proto::CreateSipParticipantRequest,
) -> Result<proto::SipParticipantInfo, TwirpError> {
    check_calls(&caller)?;
    check_wishes(&request)?;
    let app = &caller.app;
    let mut tx = app.store.read().await?;
    let session = running(&mut tx, &request.room_name).await?;
    let room = app.directory.get(&request.room_name).ok_or_else(TwirpError::no_such_room)?;
    let venue = Venue::of_session(&mut tx, &session).await?.ok_or_else(TwirpError::no_such_room)?;
    let terms = venue.terms(&mut tx, Utc::now(), Some(&session)).await?;
    drop(tx);
    let name = Some(request.participant_name.trim().to_owned()).filter(|name| !name.is_empty());
    let called = Called { is_named: name.is_some(), ..Called::default() };
    place::check_may_come(&terms.rules, &session, &room, &called)?;
    let number = number(&request.sip_call_to)?;
    let trunk = Some(request.sip_trunk_id).filter(|trunk| !trunk.is_empty());
    let wish = Wish { session: &session, room, number, name, language: None, trunk, called };
    let (id, identity) = place::by_operator(app, wish).await?;
    if request.wait_until_answered {
        answered(app, session.id, id).await?;
    }
    Ok(proto::SipParticipantInfo {
        // They have none before they come in.
        participant_id: String::new(),
        participant_identity: identity,
        room_name: request.room_name,
        sip_call_id: id.to_string(),
    })
}

/// Connects somebody elsewhere who is in a meeting by telephone, and waits until that has worked.
pub(super) async fn transfer(
    caller: Caller,
    request: proto::TransferSipParticipantRequest,
) -> Result<proto::TransferSipParticipantResponse, TwirpError> {
    check_calls(&caller)?;
    caller.check_changes(&request.room_name)?;
    if !request.headers.is_empty() {
        return Err(TwirpError::new(Code::Unimplemented, "Saal sends no headers of others with a transfer"));
    }
    let number = number(&request.transfer_to)?;
    let session = running(&mut caller.app.store.read().await?, &request.room_name).await?;
    let who = (request.room_name.as_str(), request.participant_identity.as_str());
    let failed = |message| Err(TwirpError::new(Code::Unavailable, message));
    match transfer::by_operator(&caller.app, &session, who, &number).await? {
        TransferEnd::Done => Ok(proto::TransferSipParticipantResponse {
            status: proto::SipTransferStatus::StsTransferSuccessful.into(),
            ..Default::default()
        }),
        TransferEnd::Busy => Err(TwirpError::new(Code::FailedPrecondition, "they are being transferred already")),
        TransferEnd::Refused(_) => failed("the transfer did not work; the caller is still in the meeting"),
        TransferEnd::CallEnded => failed("the call ended before the transfer did"),
        TransferEnd::Silent => Err(TwirpError::new(Code::DeadlineExceeded, "nobody said what came of the transfer")),
    }
}

fn check_calls(caller: &Caller) -> Result<(), TwirpError> {
    if caller.token.sip().call { Ok(()) } else { Err(TwirpError::denied()) }
}

/// Names what would be believed to hold and does not.
fn check_wishes(request: &proto::CreateSipParticipantRequest) -> Result<(), TwirpError> {
    let is_there = |wish: bool, instead| {
        if wish { Err(TwirpError::new(Code::Unimplemented, instead)) } else { Ok(()) }
    };
    let has_destination = request.trunk.is_some() || request.sip_request_uri.is_some() || request.destination.is_some();
    is_there(has_destination, "calls go by trunks of the installation: sip_trunk_id, or any that works")?;
    is_there(!request.sip_number.is_empty(), "whoever is called sees the trunk's own number")?;
    is_there(!request.dtmf.is_empty(), "whoever is called presses a key; Saal dials no keys")?;
    is_there(!request.headers.is_empty(), "Saal sends no headers of others with a call")?;
    let has_details = !request.participant_metadata.is_empty() || !request.participant_attributes.is_empty();
    is_there(has_details, "whoever is called has the metadata and attributes of a caller")?;
    let times = request.ringing_timeout.is_some() || request.max_call_duration.is_some();
    is_there(times, "it rings for 45 seconds, and the tenant's settings say how long a call may be")?;
    if request.participant_name.chars().count() > MAX_NAME_CHARS {
        return Err(TwirpError::new(Code::InvalidArgument, "name length exceeds limits"));
    }
    Ok(())
}

/// A number as it may stand in such requests: alone, or as a `tel` URI (RFC 3966).
fn number(wanted: &str) -> Result<String, TwirpError> {
    let refused = |message| Err(TwirpError::new(Code::InvalidArgument, message));
    let wanted = wanted.trim();
    if wanted.starts_with("sip:") || wanted.starts_with("sips:") || wanted.contains('@') {
        return refused("telephone numbers are called, not SIP addresses");
    }
    let number = wanted.strip_prefix("tel:").unwrap_or(wanted);
    let number = number.split(';').next().unwrap_or_default();
    if number.is_empty() || number.chars().count() > MAX_NUMBER_CHARS {
        return refused("that is no telephone number");
    }
    Ok(number.to_owned())
}

/// The run of a meeting that goes on in that room.
async fn running(tx: &mut Tx, room: &str) -> Result<Session, TwirpError> {
    let id = session_of_room(room);
    let id = id.ok_or(TwirpError::new(Code::FailedPrecondition, "telephones come to meetings, not to other rooms"))?;
    let session = table::find(tx, None, id).await?.filter(|session| session.ended_at.is_none());
    session.ok_or_else(TwirpError::no_such_room)
}

/// Waits until somebody has answered.
async fn answered(app: &App, session: MeetingSessionId, id: PhoneCallId) -> Result<(), TwirpError> {
    let (records, purpose) = (&app.phone.dial_out.records, Purpose::Meeting(session));
    let lost = || TwirpError::new(Code::Internal, "nothing is known of the call any more");
    let mut changes = records.changes(id).ok_or_else(lost)?;
    let outcome = timeout(ANSWER_TIME, async {
        loop {
            let call = records.find(&purpose, id, Utc::now()).ok_or_else(lost)?;
            if let Some(outcome) = outcome(&call) {
                return outcome;
            }
            changes.changed().await.map_err(|_| lost())?;
        }
    });
    let late = |_| TwirpError::new(Code::DeadlineExceeded, "nobody has answered yet");
    outcome.await.map_err(late)?
}

/// What has come of a call; `None` while it rings.
fn outcome(call: &DialledCall) -> Option<Result<(), TwirpError>> {
    if call.answered_at.is_some() {
        return Some(Ok(()));
    }
    let failed = |message| Some(Err(TwirpError::new(Code::Unavailable, message)));
    call.ended_at?;
    match call.ended_because {
        Some(DialledCallEnd::Busy) => failed("busy"),
        Some(DialledCallEnd::NotAnswered) => failed("nobody answered"),
        Some(DialledCallEnd::Declined) => failed("the call was declined"),
        Some(DialledCallEnd::UnknownNumber) => Some(Err(TwirpError::new(Code::NotFound, "there is no such number"))),
        Some(DialledCallEnd::NotAllowed) => failed("the trunk does not call there"),
        _ => failed("the call came to nothing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_alone_or_in_a_uri_and_addresses_are_none() {
        for (wanted, read) in [
            ("+49891234567", "+49891234567"),
            (" tel:+49-89-1234567 ", "+49-89-1234567"),
            ("tel:+49891234567;ext=1", "+49891234567"),
        ] {
            assert_eq!(number(wanted).as_deref(), Ok(read), "{wanted}");
        }
        for wanted in ["", "tel:", "tel:;a", "sip:a@example.org", "1@example.org", "sips:+49891234567", &"1".repeat(65)]
        {
            let refused = number(wanted).expect_err(wanted);
            assert_eq!(refused.code, Code::InvalidArgument, "{wanted}");
        }
    }
}
