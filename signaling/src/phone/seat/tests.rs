// SPDX-License-Identifier: EUPL-1.2
//! Seats in real rooms, with a node that says yes to everything.

use bus::phone::{By, Recording};
use bus::{Bus, SfuCommand, SfuEvent, SfuReply};
use store::testing::TestStore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::api::ids::MeetingSessionId;
use crate::auth::grants::{Permissions, TrackSource};
use crate::auth::room_token::{RoomTokenRequest, mint};
use crate::auth::secret::ApiKey;
use crate::config::Config;
use crate::meeting_sessions::model::room_name;
use crate::rooms::caller_rule::CallerRule;
use crate::rooms::details::Details;
use crate::rooms::info::{DisconnectReason, ParticipantInfo, ParticipantKind};
use crate::rooms::input::{self, Control, Input, RoomChange};
use crate::rooms::output::ControlReply;
use crate::rooms::policy::RoomPolicy;

const SECRET: &str = "a secret of at least thirty-two bytes";

/// What a server in a test waits for at most. Nothing here takes time of its own.
const PATIENCE: Duration = Duration::from_secs(20);

struct Scene {
    app: Arc<App>,
    /// The legs that were opened.
    legs: mpsc::UnboundedReceiver<(TransportSid, u16)>,
    node: JoinHandle<()>,
    _database: TestStore,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.node.abort();
    }
}

async fn scene() -> Scene {
    let bus = Bus::local();
    let (opened, legs) = mpsc::unbounded_channel();
    let mut endpoint = bus.serve_sfu("node".into());
    let node = tokio::spawn(async move {
        while let Some(request) = endpoint.next().await {
            let (command, reply) = request.into_parts();
            reply(Ok(SfuReply::Done));
            if let SfuCommand::OpenBridgeLeg { transport, room, bridge } = command {
                endpoint.report(&room, SfuEvent::Connected { transport: transport.clone() });
                if opened.send((transport, bridge)).is_err() {
                    return;
                }
            }
        }
    });
    let (app, database) = app_on(bus).await;
    Scene { app, legs, node, _database: database }
}

async fn app_on(bus: Bus) -> (Arc<App>, TestStore) {
    let api_keys = vec![ApiKey { key: "key".into(), secret: SECRET.into() }];
    let database = TestStore::sqlite().await;
    let config = Config { api_keys, ..Config::default() };
    let app = App::new(config, database.store.clone(), bus, prometheus::Registry::new()).await.expect("an app");
    (Arc::new(app), database)
}

fn request(room: &str, identity: &str) -> SeatRequest {
    let request = RoomTokenRequest {
        room: room.into(),
        identity: identity.into(),
        name: "Phone".into(),
        admin: false,
        valid_for: Duration::from_secs(60),
        now: SystemTime::now(),
    };
    let attributes = [("sip.callID", "call"), ("saal.role", "host")];
    SeatRequest {
        token: mint("key", SECRET, &request).expect("a token"),
        bridge: 3,
        attributes: attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        caller: CallerFacts {
            number: Some("+49301234567".to_owned()),
            anybody: "Phone".to_owned(),
            ..CallerFacts::default()
        },
    }
}

impl Scene {
    async fn control(&self, room: &str, control: Control) -> ControlReply {
        self.app.directory.get(room).expect("a room").control(control).await.expect("done")
    }

    async fn people(&self, room: &str) -> Vec<Arc<ParticipantInfo>> {
        match self.control(room, Control::ListParticipants).await {
            ControlReply::Participants(people) => people,
            reply => panic!("{reply:?}"),
        }
    }
}

async fn next(seat: &mut Seat) -> Option<SeatEvent> {
    timeout(PATIENCE, seat.next()).await.expect("something happens")
}

async fn event(seat: &mut Seat) -> MeetingEvent {
    match next(seat).await {
        Some(SeatEvent::Meeting(event)) => event,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_seat_is_a_participant_until_it_is_dropped() {
    let mut scene = scene().await;
    let seat = Seat::take(&scene.app, request("room", "phone")).await.unwrap_or_else(|refused| panic!("{refused:?}"));
    assert_eq!(scene.legs.recv().await, Some((seat.leg().clone(), 3)));
    assert_eq!(seat.status(), RoomStatus { count: 1, is_muted: false, may_unmute: true, recording: None });
    let people = scene.people("room").await;
    let [own] = people.as_slice() else { panic!("{people:?}") };
    let shown = |name: &str| own.profile.details.attributes.get(name).map(String::as_str);
    assert_eq!((own.profile.kind, own.profile.details.name.as_str()), (ParticipantKind::Sip, "Phone …567"));
    assert_eq!((shown("sip.callID"), shown("sip.phoneNumber")), (Some("call"), Some("…567")));
    assert_eq!(shown("saal.role"), None, "that is for their token to say");
    drop(seat);
    let gone = async {
        while !scene.people("room").await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("gone");
    assert_eq!(scene.app.sessions.count(), 0);
}

#[tokio::test]
async fn a_caller_and_a_moderator_turn_the_microphone_and_the_hand() {
    let scene = scene().await;
    let mut seat =
        Seat::take(&scene.app, request("room", "phone")).await.unwrap_or_else(|refused| panic!("{refused:?}"));
    seat.set_muted(true).await;
    assert_eq!(event(&mut seat).await, MeetingEvent::MicrophoneOff(By::Caller));
    seat.set_muted(false).await;
    assert_eq!(event(&mut seat).await, MeetingEvent::MicrophoneOn);
    scene.control("room", Control::MuteSources { identity: None, sources: vec![TrackSource::Microphone] }).await;
    assert_eq!(event(&mut seat).await, MeetingEvent::MicrophoneOff(By::Host));
    assert!(seat.status().is_muted);
    seat.set_hand(true).await;
    assert_eq!(event(&mut seat).await, MeetingEvent::HandRaised { position: Some(1) });
    scene.control("room", Control::LowerHand(None)).await;
    assert_eq!(event(&mut seat).await, MeetingEvent::HandLowered(By::Host));
    let other = Seat::take(&scene.app, request("room", "other")).await.unwrap_or_else(|refused| panic!("{refused:?}"));
    assert_eq!(event(&mut seat).await, MeetingEvent::Joined { count: 2 });
    assert_eq!((other.count(), seat.count()), (2, 2));
    drop(other);
    assert_eq!(event(&mut seat).await, MeetingEvent::Left { count: 1 });
}

#[tokio::test]
async fn who_calls_again_hears_that_their_hand_is_up() {
    let scene = scene().await;
    let take =
        async || Seat::take(&scene.app, request("room", "phone")).await.unwrap_or_else(|refused| panic!("{refused:?}"));
    let mut lost = take().await;
    lost.set_hand(true).await;
    assert_eq!(event(&mut lost).await, MeetingEvent::HandRaised { position: Some(1) });
    // Nobody has hung up: the line was lost, and the room does not know it yet.
    let mut seat = take().await;
    assert_eq!(event(&mut seat).await, MeetingEvent::HandRaised { position: Some(1) });
    seat.set_hand(false).await;
    assert_eq!(event(&mut seat).await, MeetingEvent::HandLowered(By::Caller));
}

#[tokio::test]
async fn a_caller_agrees_to_a_recording_a_few_times_and_takes_it_back_whenever_they_want() {
    let scene = scene().await;
    let mut seat =
        Seat::take(&scene.app, request("room", "phone")).await.unwrap_or_else(|refused| panic!("{refused:?}"));
    let _other = Seat::take(&scene.app, request("room", "other")).await.unwrap_or_else(|refused| panic!("{refused:?}"));
    assert_eq!(event(&mut seat).await, MeetingEvent::Joined { count: 2 });
    let other = scene.people("room").await.into_iter().find(|person| &*person.profile.identity == "other");
    let permissions = other.expect("there").profile.permissions.clone();
    let records = Control::UpdateParticipant {
        identity: "other".into(),
        change: DetailsChange::default(),
        permissions: Some(Permissions { is_recorder: true, ..permissions }),
    };
    scene.control("room", records).await;
    assert_eq!(event(&mut seat).await, MeetingEvent::RecordingBegan(Recording { asks_consent: true }));
    for _ in 0..CONSENTS.at_once {
        for is_given in [true, false] {
            seat.set_consent(is_given).await;
            assert_eq!(event(&mut seat).await, MeetingEvent::ConsentNoted(is_given));
        }
    }
    seat.set_consent(true).await;
    seat.set_consent(false).await;
    assert_eq!(event(&mut seat).await, MeetingEvent::ConsentNoted(false), "once too often, and back again");
}

#[tokio::test]
async fn who_is_sent_to_another_room_has_another_leg_there() {
    let mut scene = scene().await;
    let _host = Seat::take(&scene.app, request("other", "host")).await.unwrap_or_else(|refused| panic!("{refused:?}"));
    let mut seat =
        Seat::take(&scene.app, request("room", "phone")).await.unwrap_or_else(|refused| panic!("{refused:?}"));
    let legs = [scene.legs.recv().await, scene.legs.recv().await];
    assert_eq!(legs[1].as_ref().map(|(leg, _)| leg), Some(seat.leg()));
    let to = |room: &str| Control::Move { identity: "phone".into(), to: input::Destination::Room(room.into()) };
    let hidden = RoomPolicy { caller: CallerRule::Hidden, ..RoomPolicy::default() };
    scene.control("other", Control::SetPolicy(hidden)).await;
    scene.control("room", to("other")).await;
    let Some(SeatEvent::Leg(leg)) = next(&mut seat).await else { panic!("no leg") };
    assert_eq!(scene.legs.recv().await, Some((leg.clone(), 3)));
    let status = RoomStatus { count: 2, is_muted: false, may_unmute: true, recording: None };
    assert_eq!(event(&mut seat).await, MeetingEvent::Moved(Destination::OtherRoom, status));
    assert_eq!(seat.leg(), &leg);
    assert!(scene.people("room").await.is_empty());
    let own = scene.people("other").await.into_iter().find(|person| &*person.profile.identity == "phone");
    let own = own.expect("there");
    assert_eq!(own.profile.details.attributes.get("sip.callID").map(String::as_str), Some("call"));
    let shown = |own: &ParticipantInfo| {
        let Details { name, attributes, .. } = own.profile.details.clone();
        (name, attributes.get("sip.phoneNumber").cloned())
    };
    assert_eq!(shown(&own), ("Phone".to_owned(), None), "each room shows what it wants");
    let back = mint_token_for("room");
    scene.control("other", Control::Move { identity: "phone".into(), to: input::Destination::Token(back) }).await;
    assert!(matches!(next(&mut seat).await, Some(SeatEvent::Leg(_))));
    assert!(matches!(event(&mut seat).await, MeetingEvent::Moved(Destination::MainRoom, _)));
    let own = scene.people("room").await.remove(0);
    assert_eq!(own.profile.kind, ParticipantKind::Sip, "whatever the token says");
    assert_eq!(shown(&own), ("Phone …567".to_owned(), Some("…567".to_owned())));
}

fn mint_token_for(room: &str) -> String {
    request(room, "phone").token
}

#[tokio::test]
async fn nothing_follows_the_end() {
    let scene = scene().await;
    let mut seat =
        Seat::take(&scene.app, request("room", "phone")).await.unwrap_or_else(|refused| panic!("{refused:?}"));
    scene.control("room", Control::RemoveParticipant("phone".into())).await;
    assert_eq!(next(&mut seat).await, Some(SeatEvent::Meeting(MeetingEvent::Removed)));
    assert_eq!(next(&mut seat).await, None);
    for (reason, last) in [
        (DisconnectReason::RoomDeleted, SeatEvent::Meeting(MeetingEvent::Ended)),
        (DisconnectReason::ServerShutdown, SeatEvent::Failed),
    ] {
        let room = format!("{reason:?}");
        let mut seat =
            Seat::take(&scene.app, request(&room, "phone")).await.unwrap_or_else(|refused| panic!("{refused:?}"));
        scene.app.directory.get(&room).expect("a room").send(Input::Close(reason)).await;
        assert_eq!(next(&mut seat).await, Some(last));
        assert_eq!(next(&mut seat).await, None);
    }
}

#[tokio::test]
async fn there_is_no_seat_where_nobody_would_get_in() {
    let scene = scene().await;
    let refused = async |request| Seat::take(&scene.app, request).await.err();
    let strange = SeatRequest { token: "strange".to_owned(), ..request("room", "phone") };
    assert_eq!(refused(strange).await, Some(SeatRefused::NotAllowed));
    let full = RoomChange { max_participants: Some(1), ..RoomChange::default() };
    scene.app.directory.get_or_create("full", &full).expect("a room");
    let _first = Seat::take(&scene.app, request("full", "first")).await.unwrap_or_else(|refused| panic!("{refused:?}"));
    assert_eq!(refused(request("full", "second")).await, Some(SeatRefused::TurnedAway));
    let over = request(&room_name(MeetingSessionId::new()), "phone");
    assert_eq!(refused(over).await, Some(SeatRefused::Ended));
    let (alone, _database) = app_on(Bus::local()).await;
    assert_eq!(Seat::take(&alone, request("room", "phone")).await.err(), Some(SeatRefused::Unavailable));
    assert_eq!(scene.app.sessions.count(), 1);
}
