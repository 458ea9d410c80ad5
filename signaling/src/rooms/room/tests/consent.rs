// SPDX-License-Identifier: EUPL-1.2
//! Callers in rooms that are recorded.

use super::calling::caller;
use super::*;
use crate::rooms::details::{CONSENT_GIVEN, CONSENT_WITHDRAWN, DetailsChange, MAX_METADATA_BYTES, RECORDING_CONSENT};

/// Somebody who records, seen by nobody, as LiveKit's recorder is.
fn recorder(room: &mut Fixture) -> Someone {
    let mut join = joiner_with("recorder", r#"{"recorder":true,"hidden":true}"#);
    join.profile.kind = ParticipantKind::Egress;
    room.join_as(join)
}

fn leave(room: &mut Fixture, who: &Someone) {
    room.request(who, Request::Leave(DisconnectReason::ClientInitiated));
}

fn shown(info: &ParticipantInfo) -> Option<&str> {
    info.profile.details.attributes.get(RECORDING_CONSENT).map(String::as_str)
}

/// What somebody has said, as an administrator sees it.
fn said(room: &mut Fixture, identity: &str) -> Option<String> {
    match room.control(Control::GetParticipant(identity.into())) {
        Ok(ControlReply::Participant(info)) => shown(&info).map(str::to_owned),
        reply => panic!("{reply:?}"),
    }
}

/// What a caller was answered.
fn noted(room: &mut Fixture, caller: &Someone) -> Vec<bool> {
    let answer = |notice| if let Notice::ConsentNoted(is_given) = notice { Some(is_given) } else { None };
    room.told(caller).into_iter().filter_map(answer).collect()
}

fn reported(room: &mut Fixture) -> Vec<Report> {
    let mut reports = std::mem::take(&mut room.reports);
    reports.retain(|report| matches!(report, Report::Consent { .. }));
    reports
}

#[test]
fn what_a_caller_says_to_a_recording_everybody_sees() {
    let mut room = room();
    let (ann, phone) = (room.join("ann"), room.join_as(caller("phone")));
    recorder(&mut room);
    for (is_given, value) in [(true, CONSENT_GIVEN), (false, CONSENT_WITHDRAWN), (true, CONSENT_GIVEN)] {
        room.forget_all();
        room.request(&phone, Request::Consent(is_given));
        room.pass(Duration::from_millis(100));
        let seen = room.update(&ann, &phone).expect("an update");
        assert_eq!(shown(&seen), Some(value));
        assert_eq!(noted(&mut room, &phone), [is_given]);
        assert_eq!(reported(&mut room), [Report::Consent { identity: "phone".into(), is_given }]);
    }
    room.request(&phone, Request::Consent(true));
    assert_eq!(noted(&mut room, &phone), [true], "they are answered");
    assert_eq!(reported(&mut room), [], "but nothing is new");
}

#[test]
fn the_next_recording_is_asked_about_anew() {
    let mut room = room();
    let (ann, phone) = (room.join("ann"), room.join_as(caller("phone")));
    let first = recorder(&mut room);
    room.request(&phone, Request::Consent(true));
    assert_eq!(said(&mut room, "phone").as_deref(), Some(CONSENT_GIVEN));
    leave(&mut room, &first);
    room.forget_all();
    room.pass(Duration::from_secs(1));
    let told = room.told(&phone);
    assert!(told.iter().any(|notice| matches!(notice, Notice::Room(info) if !info.has_recorder)), "{told:?}");
    assert!(room.update(&ann, &phone).is_some_and(|info| shown(&info).is_none()));
    recorder(&mut room);
    assert_eq!(said(&mut room, "phone"), None);
    reported(&mut room);
    room.request(&phone, Request::Consent(true));
    assert_eq!(reported(&mut room), [Report::Consent { identity: "phone".into(), is_given: true }]);
}

#[test]
fn two_recorders_are_one_recording() {
    let mut room = room();
    let phone = room.join_as(caller("phone"));
    let first = recorder(&mut room);
    let mut join = joiner_of_kind("second", ParticipantKind::Egress);
    join.profile.permissions.is_hidden = true;
    room.join_as(join);
    room.request(&phone, Request::Consent(true));
    leave(&mut room, &first);
    room.pass(Duration::from_secs(5));
    assert_eq!(said(&mut room, "phone").as_deref(), Some(CONSENT_GIVEN));
}

#[test]
fn a_recorder_that_nobody_has_missed_begins_no_other_recording() {
    let mut room = room();
    let phone = room.join_as(caller("phone"));
    room.pass(Duration::from_secs(5));
    let first = recorder(&mut room);
    room.request(&phone, Request::Consent(true));
    room.forget_all();
    leave(&mut room, &first);
    recorder(&mut room);
    room.pass(Duration::from_secs(5));
    let told = room.told(&phone);
    let rooms: Vec<_> =
        told.iter().filter_map(|notice| if let Notice::Room(info) = notice { Some(info) } else { None }).collect();
    assert!(!rooms.is_empty() && rooms.iter().all(|info| info.has_recorder), "{rooms:?}");
    assert_eq!(
        said(&mut room, "phone").as_deref(),
        Some(CONSENT_GIVEN),
        "what they were told and what others see agree"
    );
}

#[test]
fn who_calls_again_is_asked_again() {
    let mut room = room();
    let phone = room.join_as(caller("phone"));
    recorder(&mut room);
    room.request(&phone, Request::Consent(true));
    room.handle(Input::SessionEnded { session: phone.session });
    let mut again = caller("phone");
    // A token that was made when they were sent elsewhere would still say so.
    again.profile.details.attributes.insert(RECORDING_CONSENT.to_owned(), CONSENT_GIVEN.to_owned());
    room.join_as(again);
    assert_eq!(said(&mut room, "phone"), None);
}

#[test]
fn there_is_no_consent_without_a_recording_or_from_a_browser() {
    let mut room = room();
    let ann = room.join_as(joiner_with("ann", r#"{"canUpdateOwnMetadata":true}"#));
    let phone = room.join_as(caller("phone"));
    room.request(&phone, Request::Consent(true));
    assert_eq!((said(&mut room, "phone"), noted(&mut room, &phone)), (None, vec![]), "nothing is recorded");
    recorder(&mut room);
    room.request(&ann, Request::Consent(true));
    let attributes = [(RECORDING_CONSENT.to_owned(), CONSENT_GIVEN.to_owned())].into();
    let change = DetailsChange { attributes, ..DetailsChange::default() };
    room.request(&ann, Request::ChangeDetails { request_id: 1, change });
    assert_eq!(said(&mut room, "ann"), None);
    assert_eq!(reported(&mut room), []);
}

#[test]
fn consent_that_others_cannot_see_is_not_noted() {
    let mut room = room();
    let mut join = caller("phone");
    join.profile.details.attributes.insert("x".to_owned(), "y".repeat(MAX_METADATA_BYTES - 1));
    let phone = room.join_as(join);
    recorder(&mut room);
    room.request(&phone, Request::Consent(true));
    assert_eq!((noted(&mut room, &phone), reported(&mut room)), (vec![], vec![]));
}

#[test]
fn a_recorder_receives_the_voice_of_callers_who_have_agreed() {
    let mut room = room();
    let (ann, phone) = (room.join("ann"), room.join_as(caller("phone")));
    room.publish(&ann, microphone("m"));
    let recorder = recorder(&mut room);
    assert_eq!(room.forwarded(&recorder).0.len(), 1, "who comes from a browser is asked nothing");
    room.request(&phone, Request::Consent(true));
    let (started, stopped) = room.forwarded(&recorder);
    assert_eq!((started.len(), stopped.len()), (1, 0));
    room.request(&phone, Request::Consent(false));
    assert_eq!(room.forwarded(&recorder), (vec![], started.clone()));
    room.request(&phone, Request::Consent(true));
    assert_eq!(room.forwarded(&recorder), (started, vec![]));
}

#[test]
fn who_becomes_a_recorder_does_not_receive_on_who_has_not_agreed() {
    let mut room = room();
    let (ann, phone) = (room.join("ann"), room.join_as(caller("phone")));
    assert_eq!(room.forwarded(&ann).0.len(), 1);
    let permissions = joiner_with("ann", r#"{"recorder":true}"#).profile.permissions;
    let (change, permissions) = (DetailsChange::default(), Some(permissions));
    assert!(room.control(Control::UpdateParticipant { identity: "ann".into(), change, permissions }).is_ok());
    assert_eq!(room.forwarded(&ann).1.len(), 1);
    room.request(&phone, Request::Consent(true));
    assert_eq!(room.forwarded(&ann).0.len(), 1);
}

#[test]
fn taking_consent_back_works_for_who_shows_as_much_as_anybody_may() {
    let mut room = room();
    let mut join = caller("phone");
    let room_left = RECORDING_CONSENT.len() + CONSENT_GIVEN.len() + 1;
    join.profile.details.attributes.insert("x".to_owned(), "y".repeat(MAX_METADATA_BYTES - room_left));
    let phone = room.join_as(join);
    let recorder = recorder(&mut room);
    room.request(&phone, Request::Consent(true));
    assert_eq!(said(&mut room, "phone").as_deref(), Some(CONSENT_GIVEN));
    room.request(&phone, Request::Consent(false));
    assert_eq!((said(&mut room, "phone"), noted(&mut room, &phone)), (None, vec![true, false]));
    let (started, stopped) = room.forwarded(&recorder);
    assert_eq!(started, stopped);
}

#[test]
fn taking_consent_back_works_while_a_recorder_is_gone_for_a_moment() {
    let mut room = room();
    let phone = room.join_as(caller("phone"));
    room.pass(Duration::from_secs(5));
    let first = recorder(&mut room);
    room.request(&phone, Request::Consent(true));
    leave(&mut room, &first);
    assert_eq!(said(&mut room, "phone").as_deref(), Some(CONSENT_GIVEN), "nobody has missed the recorder yet");
    room.forget_all();
    room.request(&phone, Request::Consent(false));
    assert_eq!((said(&mut room, "phone").as_deref(), noted(&mut room, &phone)), (Some(CONSENT_WITHDRAWN), vec![false]));
    let back = recorder(&mut room);
    assert_eq!(room.forwarded(&back).0.len(), 0);
}
