// SPDX-License-Identifier: EUPL-1.2
//! Somebody at the telephone, among people with browsers.

use super::*;
use crate::rooms::details::{DetailsChange, HAND, HELD, HOLD};
use crate::rooms::input::{Destination, NoticeAudience};
use crate::rooms::policy::{AnnounceRule, Announced, RoomPolicy, UnmuteRule};

pub(super) fn caller(identity: &str) -> Join {
    caller_with(identity, "{}")
}

fn caller_with(identity: &str, grants: &str) -> Join {
    let mut join = joiner_with(identity, grants);
    join.profile.kind = ParticipantKind::Sip;
    Join { connection: Connection::Telephone { bridge: 3 }, ..join }
}

fn set_policy(room: &mut Fixture, policy: RoomPolicy) {
    room.control(Control::SetPolicy(policy)).expect("done");
}

/// The one track of a caller, as a host sees it.
fn microphone_of(room: &mut Fixture, identity: &str) -> TrackInfo {
    let Ok(ControlReply::Participant(info)) = room.control(Control::GetParticipant(identity.into())) else {
        panic!("not there")
    };
    let [track] = info.tracks.as_slice() else { panic!("{:?}", info.tracks) };
    track.clone()
}

fn is_muted_to_them(told: &[Notice]) -> bool {
    told.iter().any(|notice| matches!(notice, Notice::Muted { is_muted: true, .. }))
}

fn permissions(grants: &str) -> crate::auth::grants::Permissions {
    serde_json::from_str::<VideoGrants>(grants).expect("grants").permissions()
}

#[test]
fn a_caller_has_a_leg_a_microphone_and_the_sound_of_the_others_at_once() {
    let mut room = room();
    let ann = room.join("ann");
    let (voice, picture) = (room.publish(&ann, microphone("m")), room.publish(&ann, camera("c")));
    room.forget_all();
    let phone = room.enter(caller("phone")).expect("let in");
    let told = room.told(&phone);
    let Some(Notice::Joined(joined)) = told.first() else { panic!("{told:?}") };
    let [own] = joined.participant.tracks.as_slice() else { panic!("{:?}", joined.participant.tracks) };
    assert_eq!((own.kind, own.source, own.is_muted), (MediaKind::Audio, TrackSource::Microphone, false));
    assert!(!own.is_stereo() && own.has_dtx());
    let commands = room.ordered();
    assert!(
        matches!(&commands[0], SfuCommand::OpenBridgeLeg { transport, bridge: 3, .. } if *transport == phone.transport)
    );
    assert!(matches!(&commands[1], SfuCommand::Publish { transport, publication }
        if *transport == phone.transport && publication.track == own.sid && !publication.is_muted && !publication.is_stereo));
    assert!(!commands.iter().any(|command| matches!(command, SfuCommand::OpenTransport { .. })));
    let subscribed = commands.iter().filter_map(|command| match command {
        SfuCommand::Subscribe { transport, subscriptions } => {
            Some((transport.clone(), subscriptions.iter().map(|one| one.track.clone()).collect::<Vec<_>>()))
        }
        _ => None,
    });
    let expected = [(phone.transport.clone(), vec![voice.clone()]), (ann.transport.clone(), vec![own.sid.clone()])];
    assert_eq!(subscribed.collect::<Vec<_>>(), expected, "pictures are for others: {picture}");
    assert!(room.offers.iter().all(|(transport, _)| *transport != phone.transport), "{:?}", room.offers);
    let told = room.told(&ann);
    assert!(told.contains(&Notice::TrackSubscribed(voice)), "a bridge needs no m-line");
    let seen = told.iter().find_map(|notice| match notice {
        Notice::Participants(infos) => infos.iter().find(|info| info.sid == phone.sid).cloned(),
        _ => None,
    });
    let seen = seen.expect("an update");
    assert_eq!((seen.state, seen.profile.kind, seen.tracks.len()), (ParticipantState::Joined, ParticipantKind::Sip, 1));
    room.handle(Input::Sfu(SfuEvent::Connected { transport: phone.transport.clone() }));
    assert!(room.update(&ann, &phone).is_some_and(|info| info.state == ParticipantState::Active));
    room.pass(Duration::from_secs(120));
    assert!(room.left.is_empty(), "who is connected stays");
}

#[test]
fn a_caller_hears_who_comes_later_and_sees_nothing() {
    let mut room = room();
    let (ann, phone) = (room.join("ann"), room.join_as(caller("phone")));
    room.forget_all();
    let voice = room.publish(&ann, microphone("m"));
    assert_eq!(room.forwarded(&phone), (vec![voice.clone()], vec![]));
    let screen = AddTrack { source: TrackSource::ScreenShare, ..camera("s") };
    let screen = room.publish(&ann, screen);
    let encrypted = AddTrack { encryption: Encryption::Gcm, ..microphone("e") };
    let encrypted = room.publish(&ann, encrypted);
    let tracks = vec![screen, encrypted];
    let subscribe = Control::Subscribe { identity: "phone".into(), tracks, subscribe: true };
    room.control(subscribe).expect("done");
    assert_eq!(room.forwarded(&phone), (vec![], vec![]), "not even if somebody wants it for them");
    room.told(&phone);
    let levels = vec![bus::SpeakerLevel { track: voice, level: 0.5 }];
    room.handle(Input::Sfu(SfuEvent::Speakers { levels, source: 0 }));
    assert_eq!(room.told(&phone), [], "they hear who speaks");
    room.pass(Duration::from_secs(600));
    assert!(!room.told(&phone).iter().any(|notice| matches!(notice, Notice::RenewToken(_))));
}

#[test]
fn a_moderator_mutes_a_caller_who_then_speaks_again() {
    let mut room = room();
    let (ann, phone) = (room.join("ann"), room.join_as(caller("phone")));
    let track = microphone_of(&mut room, "phone").sid;
    for control in [
        Control::Mute { identity: "phone".into(), track: track.clone(), is_muted: true },
        Control::MuteSources { identity: Some("phone".into()), sources: vec![TrackSource::Microphone] },
        Control::MuteSources { identity: None, sources: vec![TrackSource::Microphone] },
    ] {
        room.forget_all();
        room.control(control).expect("done");
        assert!(
            room.ordered().iter().any(|command| matches!(command, SfuCommand::Mute { transport, is_muted: true, .. }
            if *transport == phone.transport))
        );
        assert!(is_muted_to_them(&room.told(&phone)));
        assert!(room.update(&ann, &phone).is_some_and(|info| info.tracks[0].is_muted));
        let mute = Control::Mute { identity: "phone".into(), track: track.clone(), is_muted: false };
        assert_eq!(room.control(mute), Err(ControlError::RemoteUnmute), "nobody else turns it on");
        room.request(&phone, Request::Mute { track: track.clone(), is_muted: false });
        assert!(!microphone_of(&mut room, "phone").is_muted);
        room.pass(Duration::from_secs(1));
        assert!(room.update(&phone, &phone).is_some_and(|info| !info.tracks[0].is_muted), "they hear that it is on");
    }
}

#[test]
fn a_caller_is_muted_upon_entry_and_opens_without_further_ado() {
    let mut room = room();
    set_policy(&mut room, RoomPolicy { mute_upon_entry: true, ..RoomPolicy::default() });
    let phone = room.join_as(caller("phone"));
    let told = room.told(&phone);
    assert!(matches!(&told[0], Notice::Joined(joined) if joined.participant.tracks[0].is_muted));
    assert!(
        room.ordered()
            .iter()
            .any(|command| { matches!(command, SfuCommand::Publish { publication, .. } if publication.is_muted) })
    );
    room.pass(Duration::from_secs(60));
    assert!(!is_muted_to_them(&room.told(&phone)), "what they were told first needs no confirmation");
    let track = microphone_of(&mut room, "phone").sid;
    room.request(&phone, Request::Mute { track, is_muted: false });
    assert!(!microphone_of(&mut room, "phone").is_muted);
}

#[test]
fn where_it_takes_a_permission_a_caller_needs_one() {
    let mut room = room();
    set_policy(&mut room, RoomPolicy { unmute: UnmuteRule::OnPermission, ..RoomPolicy::default() });
    let phone = room.join_as(caller("phone"));
    let track = microphone_of(&mut room, "phone").sid;
    let open = || Request::Mute { track: track.clone(), is_muted: false };
    let is_held = |info: &ParticipantInfo| info.profile.details.attributes.contains_key(HELD);
    assert!(matches!(&room.told(&phone)[0], Notice::Joined(joined) if is_held(&joined.participant)));
    room.request(&phone, open());
    assert!(microphone_of(&mut room, "phone").is_muted);
    let permit = |is_permitted| Control::PermitUnmute { identity: "phone".into(), is_permitted };
    room.control(permit(true)).expect("done");
    assert!(room.update(&phone, &phone).is_some_and(|info| !is_held(&info)));
    room.request(&phone, open());
    assert!(!microphone_of(&mut room, "phone").is_muted);
    room.control(permit(false)).expect("done");
    assert!(microphone_of(&mut room, "phone").is_muted);
    assert!(is_muted_to_them(&room.told(&phone)));
}

#[test]
fn who_may_only_listen_has_a_microphone_from_when_they_may_speak() {
    let mut room = room();
    let (ann, phone) = (room.join("ann"), room.join_as(caller_with("phone", r#"{"canPublish":false}"#)));
    assert!(!room.ordered().iter().any(|command| matches!(command, SfuCommand::Publish { .. })));
    let allow = |grants: &str| Control::UpdateParticipant {
        identity: "phone".into(),
        change: DetailsChange::default(),
        permissions: Some(permissions(grants)),
    };
    room.control(allow("{}")).expect("done");
    assert!(microphone_of(&mut room, "phone").is_muted, "they do not know yet that they would be heard");
    assert_eq!(room.forwarded(&ann).0.len(), 1);
    assert!(room.update(&phone, &phone).is_some_and(|info| info.tracks.len() == 1));
    room.control(allow(r#"{"canPublish":false}"#)).expect("done");
    assert!(room.ordered().iter().any(|command| matches!(command, SfuCommand::Unpublish { .. })));
    assert!(room.update(&phone, &phone).is_some_and(|info| info.tracks.is_empty()));
}

#[test]
fn a_callers_hand_stands_in_the_same_queue() {
    let mut room = room();
    let (ann, phone, bob) = (room.join("ann"), room.join_as(caller("phone")), room.join("bob"));
    let raise = |room: &mut Fixture, who: &Someone, value: &str| {
        let change = DetailsChange { attributes: [(HAND.to_owned(), value.to_owned())].into(), ..Default::default() };
        room.request(who, Request::ChangeDetails { request_id: 0, change });
        room.pass(Duration::from_millis(100));
    };
    let hands = |room: &mut Fixture| {
        let Ok(ControlReply::Overview(people)) = room.control(Control::Overview) else { panic!("no overview") };
        let hand = |info: &ParticipantInfo| info.profile.details.attributes.get(HAND)?.parse::<u64>().ok();
        let mut hands: Vec<_> =
            people.iter().filter_map(|one| Some((hand(&one.info)?, one.info.profile.identity.to_string()))).collect();
        hands.sort_unstable();
        hands.into_iter().map(|(_, identity)| identity).collect::<Vec<_>>()
    };
    for who in [&ann, &phone, &bob] {
        raise(&mut room, who, "1");
    }
    assert_eq!(hands(&mut room), ["ann", "phone", "bob"]);
    raise(&mut room, &phone, "");
    raise(&mut room, &phone, "1");
    assert_eq!(hands(&mut room), ["ann", "bob", "phone"]);
    room.forget_all();
    room.control(Control::LowerHand(Some("phone".into()))).expect("done");
    assert_eq!(hands(&mut room), ["ann", "bob"]);
    let own = room.update(&phone, &phone).expect("an update");
    assert!(!own.profile.details.attributes.contains_key(HAND), "they hear of it");
}

#[test]
fn others_see_that_a_caller_holds_the_call_and_a_browser_cannot_pretend_it() {
    let mut room = room();
    let (ann, phone) = (room.join("ann"), room.join_as(caller("phone")));
    for (is_on_hold, shown) in [(true, Some("true")), (false, None)] {
        room.request(&phone, Request::SetHold(is_on_hold));
        room.pass(Duration::from_millis(100));
        let seen = room.update(&ann, &phone).expect("an update");
        assert_eq!(seen.profile.details.attributes.get(HOLD).map(String::as_str), shown);
    }
    room.forget_all();
    room.request(&ann, Request::SetHold(true));
    room.pass(Duration::from_millis(100));
    assert!(room.update(&phone, &ann).is_none());
}

#[test]
fn what_browsers_read_in_data_a_caller_is_told() {
    let mut room = room();
    let (ann, phone) = (room.join("ann"), room.join_as(caller("phone")));
    room.forget_all();
    let tell = |audience| Control::Tell { audience, topic: "saal.notice", payload: "{}".to_owned() };
    room.control(tell(NoticeAudience::Everyone)).expect("done");
    let words = || Notice::Words { topic: "saal.notice", payload: "{}".to_owned() };
    assert_eq!(room.told(&phone), [words()]);
    assert_eq!(room.told_words.pop().map(|(to, ..)| to), Some(vec![ann.transport]), "a leg carries no data");
    room.control(tell(NoticeAudience::Only("phone".into()))).expect("done");
    assert_eq!((room.told(&phone), room.told_words.len()), (vec![words()], 0));
    room.control(tell(NoticeAudience::Moderators)).expect("done");
    assert_eq!(room.told(&phone), []);
}

#[test]
fn a_caller_is_renamed_removed_and_kept_out_as_anybody() {
    let mut room = room();
    let (ann, phone) = (room.join("ann"), room.join_as(caller("phone")));
    let change = DetailsChange { name: "Grandmother".into(), ..DetailsChange::default() };
    room.control(Control::UpdateParticipant { identity: "phone".into(), change, permissions: None }).expect("done");
    assert!(room.update(&ann, &phone).is_some_and(|info| info.profile.details.name == "Grandmother"));
    room.forget_all();
    room.control(Control::RemoveParticipant("phone".into())).expect("done");
    let farewell = farewell(&room.told(&phone));
    assert_eq!(farewell, Some((DisconnectReason::ParticipantRemoved, AfterLeave::Disconnect)));
    assert_eq!(room.ended, [phone.session]);
    assert!(room.ordered().iter().any(|command| matches!(command,
        SfuCommand::CloseTransport { transport } if *transport == phone.transport)));
    assert!(room.update(&ann, &phone).is_some_and(|info| info.state == ParticipantState::Disconnected));
    set_policy(&mut room, RoomPolicy { is_locked: true, ..RoomPolicy::default() });
    assert!(room.enter(caller("phone")).is_err(), "the lock holds for them, too");
}

#[test]
fn a_lock_keeps_callers_out_who_were_let_in_before_it_and_had_not_come() {
    let mut room = room();
    let _ann = room.join("ann");
    for identity in ["early", "browser"] {
        room.control(Control::Expect(identity.into())).expect("done");
    }
    set_policy(&mut room, RoomPolicy { is_locked: true, ..RoomPolicy::default() });
    room.control(Control::Expect("late".into())).expect("done");
    assert!(room.enter(caller("early")).is_err(), "the host meant those who were there");
    assert!(room.enter(caller("late")).is_ok(), "a host has let them in since");
    assert!(room.enter(joiner("browser")).is_ok(), "it may have asked for the camera first");
    room.control(Control::Expect("early".into())).expect("done");
    assert!(room.enter(caller("early")).is_ok());
}

#[test]
fn whose_call_has_ended_may_come_back_through_a_lock_for_a_while() {
    let lock = |room: &mut Fixture| set_policy(room, RoomPolicy { is_locked: true, ..RoomPolicy::default() });
    let awaits = |room: &mut Fixture| room.control(Control::AwaitsBack("phone".into())).is_ok();
    for is_locked_first in [true, false] {
        let mut room = room();
        let _ann = room.join("ann");
        room.control(Control::Expect("phone".into())).expect("done");
        assert!(!awaits(&mut room), "was not in");
        let phone = room.join_as(caller("phone"));
        if is_locked_first {
            lock(&mut room);
        }
        room.handle(Input::SessionEnded { session: phone.session });
        lock(&mut room);
        room.pass(Duration::from_secs(80));
        assert!(awaits(&mut room), "{is_locked_first}");
        let phone = room.join_as(caller("phone"));
        assert!(!awaits(&mut room), "is there");
        room.handle(Input::SessionEnded { session: phone.session });
        room.pass(Duration::from_secs(100));
        assert!(!awaits(&mut room), "that is too long ago");
        assert!(room.enter(caller("phone")).is_err());
    }
}

#[test]
fn who_is_let_back_in_is_still_somebody_who_was_in() {
    let awaits = |room: &mut Fixture| room.control(Control::AwaitsBack("phone".into())).is_ok();
    let mut room = room();
    let _ann = room.join("ann");
    let phone = room.join_as(caller("phone"));
    room.handle(Input::SessionEnded { session: phone.session });
    // Their call breaks again before they are in.
    room.control(Control::Expect("phone".into())).expect("done");
    assert!(awaits(&mut room));
    set_policy(&mut room, RoomPolicy { is_locked: true, ..RoomPolicy::default() });
    room.pass(Duration::from_secs(80));
    assert!(awaits(&mut room));
    assert!(room.enter(caller("phone")).is_ok());

    // But not for longer by being let in.
    let phone = room.join_as(caller("phone"));
    room.handle(Input::SessionEnded { session: phone.session });
    room.pass(Duration::from_secs(80));
    room.control(Control::Expect("phone".into())).expect("done");
    room.pass(Duration::from_secs(20));
    assert!(!awaits(&mut room));
    assert!(room.enter(caller("phone")).is_ok(), "a host has let them in");
}

#[test]
fn callers_are_told_when_the_meeting_changes_whose_coming_they_hear() {
    let mut room = room();
    let phone = room.join_as(caller("phone"));
    room.forget_all();
    let announce = AnnounceRule { of: Announced::Everybody, up_to: 3 };
    set_policy(&mut room, RoomPolicy { announce, ..RoomPolicy::default() });
    room.pass(Duration::from_secs(10));
    let told = room.told(&phone);
    assert!(told.iter().any(|notice| matches!(notice, Notice::Room(info) if info.announce == announce)), "{told:?}");
}

#[test]
fn who_calls_again_is_muted_upon_entry_again() {
    let mut room = room();
    set_policy(&mut room, RoomPolicy { mute_upon_entry: true, ..RoomPolicy::default() });
    let _ann = room.join("ann");
    for _ in 0..2 {
        let phone = room.join_as(caller("phone"));
        assert!(microphone_of(&mut room, "phone").is_muted);
        room.handle(Input::SessionEnded { session: phone.session });
    }
}

#[test]
fn a_caller_is_sent_elsewhere_with_a_word_where_to() {
    let mut room = room();
    let phone = room.join_as(caller("phone"));
    room.forget_all();
    let to = Destination::Token("token".into());
    room.control(Control::Move { identity: "phone".into(), to: to.clone() }).expect("done");
    let told = room.told(&phone);
    let moved = told.iter().position(|notice| matches!(notice, Notice::Moved(known, _) if *known == to));
    let left = told.iter().position(|notice| matches!(notice, Notice::Leave { .. }));
    assert!(moved.expect("a token") < left.expect("a farewell"));
    assert!(room.ordered().iter().any(|command| matches!(command, SfuCommand::CloseTransport { .. })));
}

#[test]
fn who_hangs_up_is_gone_at_once_and_cannot_be_taken_over() {
    let mut room = room();
    let (ann, phone) = (room.join("ann"), room.join_as(caller("phone")));
    let session = room.resume("phone", &phone.sid);
    let expected = (DisconnectReason::StateMismatch, AfterLeave::Reconnect);
    assert_eq!(farewell(&room.told_to(session)), Some(expected), "a telephone has no websocket to come back on");
    room.forget_all();
    room.handle(Input::SessionEnded { session: phone.session });
    assert_eq!(room.left, [DisconnectReason::ClientInitiated]);
    assert!(room.update(&ann, &phone).is_some_and(|info| info.state == ParticipantState::Disconnected));
}

#[test]
fn a_caller_leaves_with_the_leg() {
    let fail = |phone: &Someone| {
        Input::Sfu(SfuEvent::Failed { transport: phone.transport.clone(), reason: TransportFailure::BridgeEnded })
    };
    let refuse = |phone: &Someone| Input::TransportRefused { transport: phone.transport.clone(), is_full: false };
    let check = |input: &dyn Fn(&Someone) -> Input, reason| {
        let mut room = room();
        let phone = room.join_as(caller("phone"));
        room.handle(input(&phone));
        assert_eq!(room.left, [reason]);
        assert_eq!(farewell(&room.told(&phone)).map(|(reason, _)| reason), Some(reason));
    };
    check(&fail, DisconnectReason::ConnectionTimeout);
    check(&refuse, DisconnectReason::JoinFailure);
}
