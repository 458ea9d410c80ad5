// SPDX-License-Identifier: EUPL-1.2
//! What a caller is told, from what a room says.

use std::time::Duration;

use super::*;
use crate::auth::grants::{Permissions, VideoGrants};
use crate::rooms::details::Details;
use crate::rooms::info::{ClientFeatures, Encryption, ParticipantKind, Profile, RoomSettings};
use crate::rooms::output::AfterLeave;

fn permissions() -> Permissions {
    VideoGrants::default().permissions()
}

fn info(identity: &str) -> ParticipantInfo {
    ParticipantInfo {
        sid: format!("PA_{identity}").into(),
        profile: Profile {
            identity: identity.into(),
            kind: ParticipantKind::Standard,
            kind_details: Vec::new(),
            details: Details::default(),
            permissions: permissions(),
            is_moderator: false,
            client: ClientFeatures::default(),
        },
        state: ParticipantState::Active,
        joined_at: Duration::ZERO,
        version: 1,
        is_publisher: false,
        tracks: Vec::new(),
        disconnect_reason: None,
    }
}

fn with(mut info: ParticipantInfo, attributes: &[(&str, &str)]) -> ParticipantInfo {
    let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    info.profile.details.attributes = attributes.collect();
    info
}

fn gone(info: ParticipantInfo) -> ParticipantInfo {
    ParticipantInfo { state: ParticipantState::Disconnected, ..info }
}

fn of_kind(kind: ParticipantKind, mut info: ParticipantInfo) -> ParticipantInfo {
    info.profile.kind = kind;
    info
}

/// The caller, with a microphone.
fn caller(is_muted: bool) -> ParticipantInfo {
    let microphone = TrackInfo {
        sid: "TR_own".into(),
        kind: MediaKind::Audio,
        source: TrackSource::Microphone,
        name: String::new(),
        is_muted,
        width: 0,
        height: 0,
        layers: Vec::new(),
        mid: String::new(),
        encryption: Encryption::None,
        disable_red: true,
        stream: String::new(),
        audio_features: Vec::new(),
    };
    ParticipantInfo { tracks: vec![microphone], ..info("caller") }
}

fn room(has_recorder: bool) -> RoomInfo {
    let timeout = Duration::from_secs(20);
    RoomInfo {
        sid: "RM_1".into(),
        name: "room".into(),
        settings: RoomSettings { empty_timeout: timeout, departure_timeout: timeout, max_participants: 0 },
        metadata: "".into(),
        created_at: Duration::ZERO,
        num_participants: 1,
        num_places_taken: 1,
        num_publishers: 0,
        num_moderators: 0,
        num_telephones: 0,
        has_recorder,
        announce: AnnounceRule { of: Announced::Everybody, up_to: 12 },
    }
}

/// Somebody who came in as `own` and found these people.
fn newcomer(own: ParticipantInfo, others: &[ParticipantInfo]) -> News {
    who_hears_of(Announced::Everybody, 12, own, others)
}

fn room_that_announces(of: Announced, up_to: u32) -> RoomInfo {
    RoomInfo { announce: AnnounceRule { of, up_to }, ..room(false) }
}

fn who_hears_of(of: Announced, up_to: u32, own: ParticipantInfo, others: &[ParticipantInfo]) -> News {
    let joined = Joined {
        room: room_that_announces(of, up_to),
        participant: own.into(),
        others: others.iter().cloned().map(Arc::new).collect(),
        transport: "TP_1".into(),
    };
    News::new(&joined)
}

/// What comes of a notice.
fn told(news: &mut News, notice: Notice) -> Vec<Told> {
    news.handle(notice);
    std::iter::from_fn(|| news.poll()).collect()
}

fn events(news: &mut News, notice: Notice) -> Vec<MeetingEvent> {
    let told = told(news, notice).into_iter();
    told.map(|told| if let Told::Event(event) = told { event } else { panic!("{told:?}") }).collect()
}

fn seen(news: &mut News, infos: &[ParticipantInfo]) -> Vec<MeetingEvent> {
    events(news, Notice::Participants(infos.iter().cloned().map(Arc::new).collect()))
}

fn leave(reason: DisconnectReason) -> Notice {
    Notice::Leave { reason, then: AfterLeave::Disconnect }
}

#[test]
fn the_first_look_says_how_it_stands_and_makes_no_events() {
    let robot = of_kind(ParticipantKind::Agent, info("robot"));
    let mut news = newcomer(with(caller(true), &[(HELD, "1")]), &[info("ann"), robot]);
    let expected = RoomStatus { count: 2, is_muted: true, may_unmute: false, recording: None };
    assert_eq!((news.status(), news.poll()), (expected, None));
    assert_eq!(news.microphone(), Some(&"TR_own".into()));
    let open = newcomer(caller(false), &[]).status();
    assert_eq!((open.count, open.is_muted, open.may_unmute), (1, false, true));
}

#[test]
fn who_only_listens_has_no_microphone_until_they_are_allowed_one() {
    let mut news = newcomer(info("caller"), &[]);
    let status = news.status();
    assert_eq!((status.is_muted, status.may_unmute, news.microphone()), (true, false, None));
    assert_eq!(seen(&mut news, &[caller(true)]), [MeetingEvent::MayUnmute(true)]);
    assert_eq!(seen(&mut news, &[caller(false)]), [MeetingEvent::MicrophoneOn]);
    let taken = [MeetingEvent::MicrophoneOff(By::Host), MeetingEvent::MayUnmute(false)];
    assert_eq!(seen(&mut news, &[info("caller")]), taken);
}

#[test]
fn people_come_and_go_one_by_one() {
    let mut news = newcomer(caller(false), &[info("ann")]);
    assert_eq!(seen(&mut news, &[info("bob")]), [MeetingEvent::Joined { count: 3 }]);
    assert_eq!(seen(&mut news, &[info("bob"), info("ann")]), [], "an update is no news of that");
    let left = [MeetingEvent::Left { count: 2 }, MeetingEvent::Left { count: 1 }, MeetingEvent::Joined { count: 2 }];
    assert_eq!(seen(&mut news, &[gone(info("ann")), gone(info("bob")), info("cy")]), left);
    assert_eq!(seen(&mut news, &[gone(info("ann"))]), [], "who is gone goes no more");
    assert_eq!(news.count(), 2);
}

#[test]
fn who_connects_anew_was_never_away() {
    let mut news = newcomer(caller(false), &[info("ann")]);
    let again = ParticipantInfo { sid: "PA_again".into(), ..info("ann") };
    assert_eq!(seen(&mut news, &[gone(info("ann")), again.clone()]), []);
    assert_eq!(seen(&mut news, &[gone(info("ann"))]), [], "the one before is not there any more");
    assert_eq!(seen(&mut news, &[gone(again)]), [MeetingEvent::Left { count: 1 }]);
}

#[test]
fn a_recorder_is_no_company_but_a_recording() {
    let mut news = newcomer(caller(false), &[]);
    assert_eq!(seen(&mut news, &[of_kind(ParticipantKind::Egress, info("recorder"))]), []);
    let began = MeetingEvent::RecordingBegan(Recording { asks_consent: true });
    assert_eq!(events(&mut news, Notice::Room(room(true).into())), [began]);
    assert_eq!(events(&mut news, Notice::Room(room(true).into())), []);
    assert_eq!(news.status(), RoomStatus { count: 1, is_muted: false, may_unmute: true, recording: Some(RECORDING) });
    assert_eq!(events(&mut news, Notice::ConsentNoted(true)), [MeetingEvent::ConsentNoted(true)]);
    assert_eq!(events(&mut news, Notice::ConsentNoted(false)), [MeetingEvent::ConsentNoted(false)]);
    assert_eq!(events(&mut news, Notice::Room(room(false).into())), [MeetingEvent::RecordingEnded]);
}

#[test]
fn a_caller_hears_who_turned_the_microphone_off() {
    let mut news = newcomer(caller(false), &[]);
    assert_eq!(seen(&mut news, &[caller(true)]), [MeetingEvent::MicrophoneOff(By::Caller)]);
    assert_eq!(seen(&mut news, &[caller(false)]), [MeetingEvent::MicrophoneOn]);
    let muted = |track: &str| Notice::Muted { track: track.into(), is_muted: true };
    assert_eq!(events(&mut news, muted("TR_other")), []);
    assert_eq!(events(&mut news, muted("TR_own")), [MeetingEvent::MicrophoneOff(By::Host)]);
    assert_eq!(events(&mut news, muted("TR_own")), [], "once");
    assert_eq!(seen(&mut news, &[caller(true)]), [], "also by the update that follows");
}

#[test]
fn a_permission_to_speak_is_told_before_the_microphone_is_on() {
    let mut news = newcomer(with(caller(true), &[(HELD, "1")]), &[]);
    assert_eq!(seen(&mut news, &[caller(false)]), [MeetingEvent::MayUnmute(true), MeetingEvent::MicrophoneOn]);
    let taken = [MeetingEvent::MicrophoneOff(By::Caller), MeetingEvent::MayUnmute(false)];
    assert_eq!(seen(&mut news, &[with(caller(true), &[(HELD, "1")])]), taken);
}

#[test]
fn a_hand_has_its_place_among_all_others() {
    let (first, last) = (with(info("ann"), &[(HAND, "100")]), with(info("bob"), &[(HAND, "300")]));
    let mut news = newcomer(caller(false), &[first, last, info("cy")]);
    let raised = with(caller(false), &[(HAND, "200")]);
    assert_eq!(seen(&mut news, std::slice::from_ref(&raised)), [MeetingEvent::HandRaised { position: Some(2) }]);
    assert_eq!(seen(&mut news, &[info("ann"), raised.clone()]), [], "one that is up stays where it is");
    assert_eq!(seen(&mut news, &[caller(false)]), [MeetingEvent::HandLowered(By::Host)]);
    assert_eq!(seen(&mut news, &[raised]), [MeetingEvent::HandRaised { position: Some(1) }]);
    news.wants_hand(false);
    assert_eq!(seen(&mut news, &[caller(false)]), [MeetingEvent::HandLowered(By::Caller)]);
    news.wants_hand(false);
    news.wants_hand(true);
    assert_eq!(seen(&mut news, &[with(caller(false), &[(HAND, "400")])]).len(), 1);
    assert_eq!(seen(&mut news, &[caller(false)]), [MeetingEvent::HandLowered(By::Host)], "what was wanted is over");
}

#[test]
fn a_hand_that_was_up_before_is_told_first_and_can_be_taken_down() {
    let first = with(info("ann"), &[(HAND, "100")]);
    let mut news = newcomer(with(caller(false), &[(HAND, "200")]), &[first]);
    assert_eq!(news.poll(), Some(Told::Event(MeetingEvent::HandRaised { position: Some(2) })));
    assert_eq!(news.poll(), None);
    news.wants_hand(false);
    assert_eq!(seen(&mut news, &[caller(false)]), [MeetingEvent::HandLowered(By::Caller)]);
}

#[test]
fn a_caller_hears_the_words_that_are_meant_for_them() {
    let mut news = newcomer(caller(true), &[]);
    let mut words = |topic, payload: &str| events(&mut news, Notice::Words { topic, payload: payload.to_owned() });
    assert_eq!(words(NOTICE_TOPIC, r#"{"kind":"unmute_request"}"#), [MeetingEvent::AskedToUnmute]);
    assert_eq!(words(NOTICE_TOPIC, r#"{"kind":"ends_in","minutes":5}"#), []);
    assert_eq!(words(NOTICE_TOPIC, r#"{"kind":"ends_in","minutes":1}"#), [MeetingEvent::OneMinuteLeft]);
    for other in [r#"{"kind":"locked"}"#, r#"{"kind":"lobby","waiting":3}"#, "{}", "nonsense"] {
        assert_eq!(words(NOTICE_TOPIC, other), []);
    }
    assert_eq!(words("saal.lobby", r#"{"kind":"unmute_request"}"#), []);
    let mut held = newcomer(with(caller(true), &[(HELD, "1")]), &[]);
    let asked = Notice::Words { topic: NOTICE_TOPIC, payload: r#"{"kind":"unmute_request"}"#.to_owned() };
    assert_eq!(events(&mut held, asked), [], "who may not speak could not do it");
}

#[test]
fn the_meeting_says_whose_coming_and_going_is_heard() {
    let (ann, bob) = (info("ann"), of_kind(ParticipantKind::Sip, info("bob")));
    let people =
        |infos: &[&ParticipantInfo]| Notice::Participants(infos.iter().map(|info| Arc::new((*info).clone())).collect());
    let joined = |counts: &[u16]| counts.iter().map(|count| MeetingEvent::Joined { count: *count }).collect::<Vec<_>>();
    for (announced, expected) in
        [(Announced::Nobody, joined(&[])), (Announced::Callers, joined(&[3])), (Announced::Everybody, joined(&[2, 3]))]
    {
        let mut news = who_hears_of(announced, 12, caller(false), &[]);
        assert_eq!(events(&mut news, people(&[&ann, &bob])), expected, "{announced:?}");
        let gone = [gone(bob.clone()), gone(ann.clone())];
        let told = events(&mut news, people(&[&gone[0], &gone[1]]));
        assert_eq!(told.last(), Some(&MeetingEvent::Left { count: 1 }), "{announced:?}: that they are alone");
        assert_eq!(news.count(), 1);
    }
}

#[test]
fn nobody_is_heard_with_more_people_there_than_the_meeting_says() {
    let others = [info("ann"), info("bob")];
    let mut news = who_hears_of(Announced::Everybody, 3, caller(false), &others[..1]);
    assert_eq!(seen(&mut news, &others[1..]), [MeetingEvent::Joined { count: 3 }]);
    assert_eq!(seen(&mut news, &[info("cy"), info("dee")]), []);
    assert_eq!(seen(&mut news, &[gone(info("dee"))]), []);
    assert_eq!(seen(&mut news, &[gone(info("cy"))]), [MeetingEvent::Left { count: 3 }]);
    assert_eq!(news.count(), 3);
}

#[test]
fn whose_coming_and_going_is_heard_follows_the_meeting() {
    let mut news = who_hears_of(Announced::Everybody, 12, caller(false), &[info("ann"), info("bob")]);
    let mut change = |of, up_to, infos: &[ParticipantInfo]| {
        assert_eq!(events(&mut news, Notice::Room(Box::new(room_that_announces(of, up_to)))), []);
        seen(&mut news, infos)
    };
    let sip = |name: &str| of_kind(ParticipantKind::Sip, info(name));
    assert_eq!(change(Announced::Nobody, 12, &[sip("cy")]), []);
    assert_eq!(change(Announced::Callers, 12, &[gone(info("ann"))]), [], "nor who was there before");
    assert_eq!(change(Announced::Callers, 12, &[gone(sip("cy"))]), [MeetingEvent::Left { count: 2 }]);
    assert_eq!(change(Announced::Callers, 2, &[sip("dee")]), [], "they are three");
    assert_eq!(
        change(Announced::Callers, 3, &[gone(sip("dee")), sip("eve")]),
        [MeetingEvent::Left { count: 2 }, MeetingEvent::Joined { count: 3 }]
    );
}

#[test]
fn an_end_says_whose_doing_it_was() {
    use DisconnectReason as R;
    for (reason, ending) in [
        (R::ParticipantRemoved, Ending::Removed),
        (R::RoomDeleted, Ending::Ended),
        (R::TimeLimit, Ending::Ended),
        (R::RoomClosed, Ending::Ended),
        (R::ServerShutdown, Ending::Failed),
        (R::ConnectionTimeout, Ending::Failed),
        (R::JoinFailure, Ending::Failed),
        (R::DuplicateIdentity, Ending::Failed),
    ] {
        assert_eq!(told(&mut newcomer(caller(false), &[]), leave(reason)), [Told::Gone(ending)], "{reason:?}");
    }
}

#[test]
fn who_is_sent_elsewhere_goes_when_the_room_lets_them() {
    let mut news = newcomer(caller(false), &[]);
    let content = TokenContent { details: Details::default(), permissions: permissions(), caller: None };
    let to = Destination::Room("other".into());
    assert_eq!(told(&mut news, Notice::Moved(to.clone(), Box::new(content.clone()))), []);
    let told = told(&mut news, leave(DisconnectReason::ParticipantRemoved));
    assert_eq!(told, [Told::Moved(to, Box::new(content))]);
}
