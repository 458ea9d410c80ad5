// SPDX-License-Identifier: EUPL-1.2
//! What a meeting's policy does, and what moderators do by it.

use super::*;
use crate::rooms::chat::{DataContent, MessageChange, StreamHeader};
use crate::rooms::details::{DetailsChange, HAND, HELD};
use crate::rooms::input::{DataAudience, Destination, NoticeAudience};
use crate::rooms::output::RequestOutcome;
use crate::rooms::policy::{ChatRule, RoomPolicy, UnmuteRule};

const HOST: &str = r#"{"roomAdmin":true}"#;

pub(super) fn room_of(policy: RoomPolicy) -> Fixture {
    let mut room = room();
    room.control(Control::SetPolicy(policy)).expect("done");
    room
}

fn host(room: &mut Fixture, identity: &str) -> Someone {
    room.join_as(joiner_with(identity, HOST))
}

fn mutes(told: &[Notice]) -> Vec<bool> {
    let mutes = told.iter().filter_map(|notice| match notice {
        Notice::Muted { is_muted, .. } => Some(*is_muted),
        _ => None,
    });
    mutes.collect()
}

fn attribute(info: &ParticipantInfo, name: &str) -> Option<String> {
    info.profile.details.attributes.get(name).cloned()
}

fn is_muted(room: &mut Fixture, who: &str) -> bool {
    match room.control(Control::GetParticipant(who.into())) {
        Ok(ControlReply::Participant(info)) => info.tracks[0].is_muted,
        reply => panic!("{reply:?}"),
    }
}

fn raise(room: &mut Fixture, who: &Someone, value: &str) {
    let attributes = [(HAND.to_owned(), value.to_owned())].into();
    let change = DetailsChange { attributes, ..DetailsChange::default() };
    room.request(who, Request::ChangeDetails { request_id: 3, change });
    room.pass(Duration::from_millis(100));
}

/// The hands that are up, the first one first.
fn hands(room: &mut Fixture) -> Vec<String> {
    let Ok(ControlReply::Overview(people)) = room.control(Control::Overview) else { panic!("no overview") };
    let hands = people.iter().filter_map(|person| {
        let hand = attribute(&person.info, HAND)?.parse::<u64>().expect("a number");
        Some((hand, person.info.profile.identity.to_string()))
    });
    let mut hands: Vec<_> = hands.collect();
    hands.sort_unstable();
    hands.into_iter().map(|(_, identity)| identity).collect()
}

fn send(room: &mut Fixture, who: &Someone, content: DataContent, to: &[&str]) -> bool {
    let packet = DataPacket {
        sequence: 0,
        identities: to.iter().map(ToString::to_string).collect(),
        participants: Vec::new(),
        claimed_identity: String::new(),
        audience: DataAudience::Anyone,
        content,
        sealed: (*b"hello").into(),
    };
    let channel = DataChannel::Reliable;
    room.data.clear();
    let data = IncomingData { transport: who.transport.clone(), channel, bytes: 100, packet: Some(packet) };
    room.handle(Input::Data(data));
    !room.data.is_empty()
}

fn message(id: &str, text: &str) -> DataContent {
    DataContent::Message { id: id.into(), text: text.into(), change: MessageChange::New }
}

fn header(id: &str) -> DataContent {
    DataContent::Header(StreamHeader { stream: id.into(), change: Some(MessageChange::New), ..StreamHeader::default() })
}

fn chat(room: &mut Fixture) -> Vec<(String, String)> {
    let Ok(ControlReply::Chat(messages)) = room.control(Control::Chat) else { panic!("no chat") };
    messages.into_iter().map(|message| (message.sender.to_string(), message.text)).collect()
}

#[test]
fn whoever_comes_is_muted_hears_of_it_and_opens_when_ready() {
    let mut room = room_of(RoomPolicy { mute_upon_entry: true, ..RoomPolicy::default() });
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    room.forget_all();
    let track = room.publish(&ann, microphone("m"));
    assert!(room.update(&bob, &ann).is_some_and(|info| info.tracks[0].is_muted), "nobody hears a word");
    assert_eq!(mutes(&room.told(&ann)), [true]);
    let open = |is_muted| Request::Mute { track: track.clone(), is_muted };
    room.request(&ann, open(false));
    assert_eq!(mutes(&room.told(&ann)), [true], "what comes before the client knows is no wish");
    assert!(is_muted(&mut room, "ann"));
    room.request(&ann, open(true));
    room.request(&ann, open(false));
    assert!(!is_muted(&mut room, "ann"));
    room.pass(Duration::from_secs(60));
    assert_eq!(mutes(&room.told(&ann)), Vec::<bool>::new(), "whoever knows is not told again");
    room.publish(&ann, microphone("another"));
    assert_eq!(mutes(&room.told(&ann)), Vec::<bool>::new(), "it is about coming in");
}

#[test]
fn a_client_that_misses_its_mute_is_told_again_and_then_believed() {
    let mut room = room_of(RoomPolicy { mute_upon_entry: true, ..RoomPolicy::default() });
    let ann = room.join("ann");
    let track = room.publish(&ann, microphone("m"));
    room.forget_all();
    room.pass(Duration::from_secs(60));
    let told = mutes(&room.told(&ann));
    assert!(told.len() >= 4 && told.iter().all(|is_muted| *is_muted), "{told:?}");
    room.request(&ann, Request::Mute { track, is_muted: false });
    assert!(!is_muted(&mut room, "ann"));
}

#[test]
fn who_moderates_or_comes_back_is_not_muted() {
    let mut room = room_of(RoomPolicy { mute_upon_entry: true, ..RoomPolicy::default() });
    let host = host(&mut room, "host");
    room.publish(&host, microphone("m"));
    assert!(!is_muted(&mut room, "host"));
    let ann = room.join("ann");
    room.publish(&ann, microphone("m"));
    let again = room.join("ann");
    room.publish(&again, microphone("m"));
    assert!(!is_muted(&mut room, "ann"), "a new connection is no new entry");
}

#[test]
fn where_it_takes_a_permission_nobody_opens_a_microphone_without() {
    let mut room = room_of(RoomPolicy { unmute: UnmuteRule::OnPermission, ..RoomPolicy::default() });
    let ann = room.join("ann");
    let track = room.publish(&ann, microphone("m"));
    let open = |is_muted| Request::Mute { track: track.clone(), is_muted };
    room.request(&ann, open(true));
    room.request(&ann, open(false));
    assert!(is_muted(&mut room, "ann"));
    let disguised = AddTrack { source: TrackSource::ScreenShareAudio, ..microphone("other") };
    room.publish(&ann, disguised);
    let Ok(ControlReply::Participant(info)) = room.control(Control::GetParticipant("ann".into())) else {
        panic!("not there")
    };
    assert!(info.tracks.iter().all(|track| track.is_muted), "by whatever name");
    assert_eq!(attribute(&info, HELD).as_deref(), Some("1"));
    let permit = |is_permitted| Control::PermitUnmute { identity: "ann".into(), is_permitted };
    room.control(permit(true)).expect("done");
    room.request(&ann, open(true));
    room.request(&ann, open(false));
    assert!(!is_muted(&mut room, "ann"));
    room.forget_all();
    room.control(permit(false)).expect("done");
    assert!(is_muted(&mut room, "ann"), "at once");
    assert_eq!(mutes(&room.told(&ann)), [true]);
    let ann = room.join("ann");
    room.publish(&ann, microphone("m"));
    assert!(
        matches!(room.control(Control::Overview),
        Ok(ControlReply::Overview(people)) if people.iter().all(|person| !person.may_unmute)),
        "also after a rejoin"
    );
}

#[test]
fn a_rule_that_comes_later_mutes_those_who_speak() {
    let mut room = room();
    let (host, ann) = (host(&mut room, "host"), room.join("ann"));
    room.publish(&host, microphone("m"));
    room.publish(&ann, microphone("m"));
    let policy = RoomPolicy { unmute: UnmuteRule::OnPermission, ..RoomPolicy::default() };
    room.control(Control::SetPolicy(policy)).expect("done");
    assert!(is_muted(&mut room, "ann") && !is_muted(&mut room, "host"));
}

#[test]
fn what_the_meeting_does_not_allow_cannot_be_published_by_any_name() {
    let mut room = room_of(RoomPolicy { allow_camera: false, allow_screen_share: false, ..RoomPolicy::default() });
    let ann = room.join("ann");
    for source in [TrackSource::Camera, TrackSource::Unknown, TrackSource::ScreenShare, TrackSource::Microphone] {
        room.forget_all();
        room.request(&ann, Request::AddTrack(AddTrack { source, ..camera("c") }));
        let refused = room.told(&ann).iter().any(|notice| {
            matches!(notice, Notice::Answered { outcome, .. }
                if matches!(outcome, RequestOutcome::NotAllowed | RequestOutcome::InvalidRequest))
        });
        assert!(refused, "{source:?}");
    }
    let mut room = self::room();
    let ann = room.join("ann");
    let track = room.publish(&ann, camera("c"));
    room.forget_all();
    room.control(Control::SetPolicy(RoomPolicy { allow_camera: false, ..RoomPolicy::default() })).expect("done");
    assert!(room.told(&ann).contains(&Notice::TrackUnpublished(track)), "what is there ends at once");
}

#[test]
fn a_moderator_mutes_one_or_all_but_not_those_who_moderate() {
    let mut room = room();
    let (host, ann, bob) = (host(&mut room, "host"), room.join("ann"), room.join("bob"));
    for who in [&host, &ann, &bob] {
        room.publish(who, microphone("m"));
    }
    let sources = || vec![TrackSource::Microphone];
    let mute = |identity: Option<&str>| Control::MuteSources { identity: identity.map(Into::into), sources: sources() };
    room.control(mute(Some("ann"))).expect("done");
    assert!(is_muted(&mut room, "ann") && !is_muted(&mut room, "bob"));
    room.control(mute(None)).expect("done");
    assert!(is_muted(&mut room, "bob") && !is_muted(&mut room, "host"));
    assert_eq!(room.control(mute(Some("nobody"))), Err(ControlError::NoSuchParticipant));
}

#[test]
fn hands_stand_in_a_queue_that_everybody_sees() {
    let mut room = room();
    let (ann, bob, cy) = (room.join("ann"), room.join("bob"), room.join("cy"));
    raise(&mut room, &bob, "please");
    raise(&mut room, &ann, "1");
    raise(&mut room, &bob, "0");
    assert_eq!(hands(&mut room), ["bob", "ann"], "a second wave keeps the place");
    room.forget_all();
    raise(&mut room, &cy, "1");
    assert!(room.update(&ann, &cy).is_some_and(|info| attribute(&info, HAND).is_some()));
    raise(&mut room, &bob, "");
    assert_eq!(hands(&mut room), ["ann", "cy"]);
    room.control(Control::LowerHand(Some("ann".into()))).expect("done");
    assert_eq!(hands(&mut room), ["cy"]);
    room.control(Control::LowerHand(None)).expect("done");
    assert_eq!(hands(&mut room), Vec::<String>::new());
}

#[test]
fn a_hand_outlives_the_connection_and_goes_with_its_owner() {
    let mut room = room();
    let (_ann, bob, cy) = (room.join("ann"), room.join("bob"), room.join("cy"));
    raise(&mut room, &bob, "1");
    raise(&mut room, &cy, "1");
    let reason = TransportFailure::ConsentLost;
    room.handle(Input::Sfu(SfuEvent::Failed { transport: bob.transport.clone(), reason }));
    assert_eq!(hands(&mut room), ["cy"]);
    let mut back = joiner("bob");
    back.profile.details.attributes = [(HAND.to_owned(), "1".to_owned())].into();
    let bob = room.join_as(back);
    assert_eq!(hands(&mut room), ["bob", "cy"], "in its old place, whatever the token says");
    room.request(&bob, Request::Leave(DisconnectReason::ClientInitiated));
    room.join("bob");
    assert_eq!(hands(&mut room), ["cy"]);
    room.handle(Input::Sfu(SfuEvent::Failed { transport: cy.transport.clone(), reason }));
    room.pass(Duration::from_secs(91));
    room.join("cy");
    assert_eq!(hands(&mut room), Vec::<String>::new(), "whoever stays away is forgotten");
}

#[test]
fn nobody_calls_themselves_what_only_the_server_says() {
    let mut room = room();
    let mut join = joiner_with("ann", r#"{"canUpdateOwnMetadata":true}"#);
    join.profile.details.attributes = [("saal.guest".to_owned(), "1".to_owned())].into();
    let ann = room.join_as(join);
    let attributes = [("saal.guest".to_owned(), String::new()), ("own".to_owned(), "1".to_owned())].into();
    let change = DetailsChange { attributes, ..DetailsChange::default() };
    room.request(&ann, Request::ChangeDetails { request_id: 1, change });
    let Ok(ControlReply::Participant(info)) = room.control(Control::GetParticipant("ann".into())) else {
        panic!("not there")
    };
    assert_eq!((attribute(&info, "saal.guest").as_deref(), attribute(&info, "own").as_deref()), (Some("1"), Some("1")));
}

#[test]
fn whoever_was_let_in_is_expected_as_long_as_their_token_is_good() {
    let mut room = room_of(RoomPolicy { is_locked: true, ..RoomPolicy::default() });
    room.join_as(joiner_with("host", HOST));
    for (identity, wait, is_let_in) in [("soon", 9 * 60, true), ("late", 11 * 60, false)] {
        room.control(Control::Expect(identity.into())).expect("done");
        room.pass(Duration::from_secs(wait));
        assert_eq!(room.enter(joiner(identity)).is_ok(), is_let_in, "{identity}");
    }
}

#[test]
fn a_locked_room_keeps_newcomers_out_and_lets_those_back_who_lost_it() {
    let mut room = room();
    let (host, ann, bob) = (host(&mut room, "host"), room.join("ann"), room.join("bob"));
    room.control(Control::SetPolicy(RoomPolicy { is_locked: true, ..RoomPolicy::default() })).expect("done");
    let turned_away = Err(Notice::Leave { reason: DisconnectReason::JoinFailure, then: AfterLeave::Disconnect });
    let enter = |room: &mut Fixture, join| room.enter(join).map(|_| ());
    assert_eq!(enter(&mut room, joiner("eve")), turned_away);
    assert_eq!(enter(&mut room, joiner("ann")), Ok(()), "who is in comes in again");
    assert_eq!(enter(&mut room, joiner_with("second", HOST)), Ok(()), "the lock is theirs");
    let reason = TransportFailure::ConsentLost;
    room.handle(Input::Sfu(SfuEvent::Failed { transport: bob.transport.clone(), reason }));
    assert_eq!(enter(&mut room, joiner("bob")), Ok(()));
    let _ = (host, ann);
    room.control(Control::RemoveParticipant("ann".into())).expect("done");
    assert_eq!(enter(&mut room, joiner("ann")), turned_away);
}

#[test]
fn a_room_warns_of_its_end_and_ends() {
    let mut room = room();
    let ann = room.join("ann");
    let ends_at = Some(room.now.unix + Duration::from_secs(600));
    room.control(Control::SetPolicy(RoomPolicy { ends_at, ..RoomPolicy::default() })).expect("done");
    room.pass(Duration::from_secs(300));
    assert_eq!(room.told_words.len(), 1);
    assert!(room.told_words[0].2.contains("\"minutes\":5"), "{:?}", room.told_words);
    let later = Some(room.now.unix + Duration::from_secs(600));
    room.control(Control::SetPolicy(RoomPolicy { ends_at: later, ..RoomPolicy::default() })).expect("done");
    room.told_words.clear();
    room.pass(Duration::from_secs(299));
    assert!(room.told_words.is_empty() && !room.is_closed, "an end that was put off warns later");
    room.pass(Duration::from_secs(300));
    assert_eq!(room.told_words.len(), 2);
    room.pass(Duration::from_secs(2));
    assert_eq!(farewell(&room.told(&ann)), Some((DisconnectReason::TimeLimit, AfterLeave::Disconnect)));
    assert!(room.is_closed && room.reports.contains(&Report::Closed(DisconnectReason::TimeLimit)));
}

#[test]
fn late_joiners_find_what_was_written_to_everybody() {
    let policy = RoomPolicy { has_chat_history: true, keeps_chat: true, ..RoomPolicy::default() };
    let mut room = room_of(policy);
    let (ann, _bob) = (room.join("ann"), room.join("bob"));
    assert!(send(&mut room, &ann, message("1", "hello"), &[]));
    assert!(send(&mut room, &ann, message("2", "secret"), &["bob"]));
    assert!(send(&mut room, &ann, header("3"), &[]));
    let chunk = DataContent::Chunk { stream: "3".into(), bytes: b"in parts".to_vec() };
    assert!(send(&mut room, &ann, chunk, &[]));
    assert!(send(&mut room, &ann, DataContent::Trailer { stream: "3".into() }, &[]));
    assert_eq!(chat(&mut room), [("ann".into(), "hello".into()), ("ann".into(), "in parts".into())]);
    let kept = room.reports.iter().filter(|report| matches!(report, Report::Chat(_))).count();
    assert_eq!(kept, 2, "what is to outlive the room is told");
    let taken_back = DataContent::Message { id: "1".into(), text: String::new(), change: MessageChange::Deletion };
    assert!(send(&mut room, &ann, taken_back, &[]));
    assert_eq!(chat(&mut room), [("ann".into(), "in parts".into())], "what was taken back is shown to nobody");
}

#[test]
fn chat_goes_no_further_than_the_meeting_allows() {
    let mut room = room_of(RoomPolicy { chat: ChatRule::Public, ..RoomPolicy::default() });
    let (ann, _bob) = (room.join("ann"), room.join("bob"));
    assert!(send(&mut room, &ann, message("1", "hello"), &[]));
    assert!(!send(&mut room, &ann, message("2", "secret"), &["bob"]));
    assert_eq!(chat(&mut room), [], "without a history nothing is kept");
    room.control(Control::SetPolicy(RoomPolicy { chat: ChatRule::Off, ..RoomPolicy::default() })).expect("done");
    assert!(!send(&mut room, &ann, message("3", "hello"), &[]));
    assert!(!send(&mut room, &ann, header("4"), &[]));
    let chunk = DataContent::Chunk { stream: "4".into(), bytes: b"x".to_vec() };
    assert!(!send(&mut room, &ann, chunk, &[]));
    assert!(!send(&mut room, &ann, DataContent::Trailer { stream: "4".into() }, &[]));
    assert!(!send(&mut room, &ann, DataContent::Encrypted, &[]));
    assert!(send(&mut room, &ann, DataContent::Other, &[]), "other data is none of its business");
}

#[test]
fn somebody_who_is_moved_gets_a_token_and_joins_anew() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    room.forget_all();
    let to = Destination::Token("token".into());
    room.control(Control::Move { identity: "ann".into(), to: to.clone() }).expect("done");
    let told = room.told(&ann);
    let moved = told.iter().position(|notice| matches!(notice, Notice::Moved(known, _) if *known == to));
    let left = told.iter().position(|notice| matches!(notice, Notice::Leave { then: AfterLeave::Reconnect, .. }));
    assert!(moved.expect("a token") < left.expect("a farewell"));
    assert!(room.update(&bob, &ann).is_some_and(|info| info.state == ParticipantState::Disconnected));
}

#[test]
fn words_for_moderators_reach_no_one_else() {
    let mut room = room();
    let (host, ann) = (host(&mut room, "host"), room.join("ann"));
    let mut tell = |audience| {
        let payload = "{}".to_owned();
        room.control(Control::Tell { audience, topic: "saal.lobby", payload }).expect("done");
        room.told_words.pop().map(|(transports, ..)| transports)
    };
    assert_eq!(tell(NoticeAudience::Moderators), Some(vec![host.transport.clone()]));
    assert_eq!(tell(NoticeAudience::Only("ann".into())), Some(vec![ann.transport.clone()]));
    assert_eq!(tell(NoticeAudience::Everyone).map(|transports| transports.len()), Some(2));
}

#[test]
fn what_is_allowed_again_is_offered_again() {
    let mut room = room_of(RoomPolicy { allow_camera: false, ..RoomPolicy::default() });
    let ann = room.join_as(joiner_with("ann", r#"{"canPublishSources":["microphone","screen_share"]}"#));
    let may = |room: &mut Fixture, source| {
        let Ok(ControlReply::Participant(info)) = room.control(Control::GetParticipant("ann".into())) else {
            panic!("not there")
        };
        info.profile.permissions.allow_publishing(source)
    };
    assert!(!may(&mut room, TrackSource::Camera) && may(&mut room, TrackSource::ScreenShare));
    room.forget_all();
    room.control(Control::SetPolicy(RoomPolicy { allow_screen_share: false, ..RoomPolicy::default() })).expect("done");
    assert!(may(&mut room, TrackSource::Camera) && !may(&mut room, TrackSource::ScreenShare));
    let told = room.told(&ann);
    let renewed = told.iter().any(|notice| {
        matches!(notice, Notice::RenewToken(content) if content.permissions.allow_publishing(TrackSource::Camera))
    });
    assert!(renewed, "so that it is so after a new connection as well");
    room.publish(&ann, camera("c"));
    room.control(Control::SetPolicy(RoomPolicy { is_locked: true, ..RoomPolicy::default() })).expect("done");
    assert_eq!(room.own_tracks(&ann).len(), 1);
}

#[test]
fn a_meeting_of_sound_alone_has_no_pictures_of_anybody() {
    let mut room = room();
    let host = host(&mut room, "host");
    let track = room.publish(&host, camera("c"));
    room.forget_all();
    room.control(Control::SetPolicy(RoomPolicy { is_audio_only: true, ..RoomPolicy::default() })).expect("done");
    assert!(room.told(&host).contains(&Notice::TrackUnpublished(track)));
    room.publish(&host, microphone("m"));
}

#[test]
fn whoever_is_hidden_takes_a_place_and_whoever_serves_takes_none() {
    let mut room = room();
    room.join("ann");
    for observer in ["observer", "auditor"] {
        room.join_as(joiner_with(observer, r#"{"hidden":true}"#));
    }
    room.join_as(joiner_of_kind("recorder", ParticipantKind::Egress));
    let bob = room.join("bob");
    let told = room.told(&bob);
    let Some(Notice::Joined(joined)) = told.first() else { panic!("{told:?}") };
    let (taken, seen) = (joined.room.num_places_taken, joined.room.num_participants);
    assert_eq!(
        (taken, seen),
        (4, 3),
        "the observers take places and are not seen, with the recorder it is the other way round"
    );
}
