// SPDX-License-Identifier: EUPL-1.2
//! How much of what is known of somebody who calls the others see.

use super::calling::caller;
use super::meeting::room_of;
use super::*;
use crate::rooms::caller_rule::{CallerFacts, CallerRule};
use crate::rooms::details::DetailsChange;
use crate::rooms::input::Destination;
use crate::rooms::policy::RoomPolicy;

const NUMBER: &str = "+49301234567";

/// What the others read: a name and, beside it, a number.
type Shown = (&'static str, Option<&'static str>);

const WHOLE: Shown = ("Telephone +49301234567", Some(NUMBER));
const MASKED: Shown = ("Telephone …567", Some("…567"));
const NOTHING: Shown = ("Telephone", None);

/// Somebody whom our bridge lets in, with what is known of them.
fn known(name: Option<&str>) -> Join {
    let facts = CallerFacts {
        given: None,
        known: name.map(str::to_owned),
        number: Some(NUMBER.to_owned()),
        anybody: "Telephone".to_owned(),
    };
    Join { caller: Some(facts), ..caller("phone") }
}

/// Somebody whom LiveKit's bridge lets in, called like that by it.
fn of_livekit(name: &str) -> Join {
    let mut join = joiner_of_kind("phone", ParticipantKind::Sip);
    join.profile.details.name = name.to_owned();
    join.profile.details.attributes = [("sip.phoneNumber".to_owned(), NUMBER.to_owned())].into();
    join
}

fn with(rule: CallerRule) -> RoomPolicy {
    RoomPolicy { caller: rule, ..RoomPolicy::default() }
}

/// Has a policy apply from now on.
fn set(room: &mut Fixture, rule: CallerRule) {
    room.control(Control::SetPolicy(with(rule))).expect("done");
}

fn assert_shown(info: &ParticipantInfo, shown: Shown, case: &str) {
    let number = info.profile.details.attributes.get("sip.phoneNumber");
    assert_eq!((&*info.profile.details.name, number.map(String::as_str)), shown, "{case}");
}

/// What somebody is told of the caller who comes now, at once.
fn newcomer_sees(room: &mut Fixture, newcomer: &str) -> ParticipantInfo {
    let newcomer = room.join(newcomer);
    let told = room.told(&newcomer);
    let Some(Notice::Joined(joined)) = told.first() else { panic!("{told:?}") };
    let caller = joined.others.iter().find(|info| &*info.profile.identity == "phone");
    (**caller.expect("a caller")).clone()
}

#[test]
fn of_a_caller_everybody_sees_what_the_meeting_wants() {
    for (rule, name, shown) in [
        (CallerRule::Number, None, WHOLE),
        (CallerRule::Number, Some("Ann"), ("Ann", Some(NUMBER))),
        (CallerRule::Name, None, MASKED),
        (CallerRule::Name, Some("Ann"), ("Ann", Some("…567"))),
        (CallerRule::Masked, Some("Ann"), MASKED),
        (CallerRule::Hidden, Some("Ann"), NOTHING),
        // A room without a meeting.
        (CallerRule::Unsaid, None, MASKED),
        (CallerRule::Unsaid, Some("Ann"), ("Ann", Some("…567"))),
    ] {
        let mut room = room_of(with(rule));
        let ann = room.join("ann");
        let phone = room.join_as(known(name));
        assert_shown(&room.update(&ann, &phone).expect("an update"), shown, &format!("{rule:?} {name:?}"));
    }
}

#[test]
fn so_it_does_of_those_whom_livekits_bridge_lets_in() {
    for (rule, name, shown) in [
        (CallerRule::Number, "Phone +49 30 1234567", (NUMBER, Some(NUMBER))),
        (CallerRule::Name, "Phone +49 30 1234567", ("…567", Some("…567"))),
        (CallerRule::Name, "Phone 12345", ("Phone 12345", Some("…567"))),
        (CallerRule::Masked, "Ann", ("…567", Some("…567"))),
        (CallerRule::Masked, "…+49 30 1234567", ("…567", Some("…567"))),
        (CallerRule::Name, "…+49 30 1234567", ("…567", Some("…567"))),
        (CallerRule::Hidden, "Ann", ("", None)),
        // That bridge has settings of its own.
        (CallerRule::Unsaid, "Phone +49 30 1234567", ("Phone +49 30 1234567", Some(NUMBER))),
    ] {
        let mut room = room_of(with(rule));
        let ann = room.join("ann");
        let phone = room.join_as(of_livekit(name));
        assert_shown(&room.update(&ann, &phone).expect("an update"), shown, &format!("{rule:?} {name}"));
        let other = room.join("Phone 12345");
        let other = room.update(&ann, &other).expect("an update");
        assert_eq!(other.profile.details.name, "PHONE 12345", "whoever has a browser is called what they want");
    }
}

#[test]
fn who_comes_again_through_livekits_bridge_is_shown_as_before() {
    for (rule, shown) in [
        (CallerRule::Masked, ("…567", Some("…567"))),
        (CallerRule::Name, ("…567", Some("…567"))),
        (CallerRule::Number, ("…567", Some("…567"))),
        (CallerRule::Hidden, ("", None)),
    ] {
        let mut room = room_of(with(CallerRule::Masked));
        let ann = room.join("ann");
        let phone = room.join_as(of_livekit("Phone +49 30 1234567"));
        let masked = room.update(&ann, &phone).expect("an update").profile.details.clone();
        let mut room = room_of(with(rule));
        let ann = room.join("ann");
        let mut again = of_livekit("");
        again.profile.details = masked;
        let phone = room.join_as(again);
        assert_shown(&room.update(&ann, &phone).expect("an update"), shown, &format!("{rule:?}"));
    }
}

#[test]
fn another_rule_holds_at_once_for_those_who_are_there() {
    for (join, name) in [(known(Some("Ann")), "Telephone …567"), (of_livekit("Ann"), "…567")] {
        let mut room = room_of(with(CallerRule::Number));
        let ann = room.join("ann");
        let phone = room.join_as(join);
        room.forget_all();
        for (newcomer, rule, shown) in [
            ("one", CallerRule::Masked, (name, Some("…567"))),
            ("two", CallerRule::Number, ("Ann", Some(NUMBER))),
            ("three", CallerRule::Hidden, (if name == "…567" { "" } else { "Telephone" }, None)),
            ("four", CallerRule::Name, ("Ann", Some("…567"))),
        ] {
            // No time passes, in which updates would be held back.
            set(&mut room, rule);
            assert_shown(&room.update(&ann, &phone).expect("an update"), shown, newcomer);
            assert_shown(&newcomer_sees(&mut room, newcomer), shown, newcomer);
            room.forget_all();
            set(&mut room, rule);
            assert_eq!(room.update(&ann, &phone), None, "nothing else is so");
        }
    }
}

#[test]
fn what_a_moderator_calls_somebody_stays_and_goes_along() {
    let mut room = room_of(with(CallerRule::Name));
    let ann = room.join("ann");
    let phone = room.join_as(known(None));
    room.forget_all();
    let change = DetailsChange { name: "Front desk 4711".to_owned(), ..DetailsChange::default() };
    room.control(Control::UpdateParticipant { identity: "phone".into(), change, permissions: None }).expect("done");
    set(&mut room, CallerRule::Hidden);
    room.pass(Duration::from_millis(100));
    let shown = ("Front desk 4711", None);
    assert_shown(&room.update(&ann, &phone).expect("an update"), shown, "renamed");
    room.forget_all();
    room.control(Control::Move { identity: "phone".into(), to: Destination::Room("other".into()) }).expect("done");
    let told = room.told(&phone);
    let sent = told.into_iter().find_map(|notice| match notice {
        Notice::Moved(_, content) => content.caller,
        _ => None,
    });
    let sent = sent.expect("what is known of them");
    assert_eq!(
        (CallerRule::Number.name_of(&sent), CallerRule::Number.number_of(&sent)),
        ("Front desk 4711".to_owned(), Some(NUMBER.to_owned()))
    );
}

#[test]
fn what_is_known_of_a_caller_is_told_to_whoever_administers() {
    let mut room = room_of(with(CallerRule::Hidden));
    room.join("ann");
    room.join_as(known(Some("Ann")));
    let of = |room: &mut Fixture, who: &str| room.control(Control::GetCaller(who.into()));
    assert!(matches!(of(&mut room, "phone"), Ok(ControlReply::Caller(Some(facts))) if facts.known.is_some()));
    assert_eq!(of(&mut room, "ann"), Ok(ControlReply::Caller(None)));
    assert_eq!(of(&mut room, "nobody"), Err(ControlError::NoSuchParticipant));
}
