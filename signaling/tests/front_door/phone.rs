// SPDX-License-Identifier: EUPL-1.2
//! Callers on telephones: from the first digit to the room, the lobby, or a refusal.

mod guessed;
mod places;
mod shown;

use std::time::Duration;

use bus::SfuCommand;
use bus::phone::{
    Again, CallTerms, Decline, MeetingEvent, PhoneNotice, PhoneRequest, Recording, Refusal, RoomStatus, Verdict,
    WaitReason,
};
use livekit_protocol as proto;
use livekit_protocol::signal_request::Message as Request;
use serde_json::{Value, json};
use signaling::commands::{NewApiToken, create_api_token};
use store::sql;
use store::testing::TestStore;

use crate::support::client::join_request;
use crate::support::hall::{Guest, HOST, Hall, INVITEE, MEETING, Text};
use crate::support::phone::{NUMBER, Phone, TRUNK, connect, place};
use crate::support::{Client, Token, soon};

/// The meeting's number for the keypad.
const ID: &str = "123456789";

/// Who calls.
const ANNS_NUMBER: &str = "+4930222222";
const BOBS_NUMBER: &str = "+4930333333";

/// A number that leads to the meeting without asking for its id.
const DIRECT: &str = "+4930901";

/// A hall whose meeting can be called, and its PINs.
struct Exchange {
    hall: Hall,
    room_pin: String,
}

impl Exchange {
    async fn on(database: TestStore, overrides: Value) -> Self {
        connect(&database, (DIRECT, ID)).await;
        let hall = Hall::on(database, overrides).await;
        let room_pin = pin(&hall, json!({ "kind": "room" })).await;
        Self { hall, room_pin }
    }

    async fn dial(&self, caller: &str) -> Phone {
        Phone::dial(&self.hall.server, caller).await
    }

    /// Who waits, as a host sees it.
    async fn lobby(&self, host: &Guest) -> Vec<Value> {
        let path = format!("GET /meeting_sessions/{}/lobby", host.session);
        let queue = self.hall.ask(&path, Some(&host.token), None, None).await;
        assert_eq!(queue.status, 200, "{}", queue.text());
        queue.json()["items"].as_array().expect("a queue").clone()
    }

    async fn decide(&self, host: &Guest, action: &str, entry: &Value) {
        let body = json!({ "entry_id": entry["id"] });
        assert_eq!(self.hall.moderate(&host.token, &host.session, action, Some(body)).await, 204);
    }

    /// The identities of those who were let in by telephone, the first one first.
    async fn callers(&self) -> Vec<String> {
        let mut tx = self.hall.server.database.store.read().await.expect("a transaction");
        let select = sql("SELECT identity AS text FROM session_people WHERE caller IS NOT NULL ORDER BY admitted_at");
        tx.all::<Text>(select).await.expect("people").into_iter().map(|text| text.0).collect()
    }

    /// What the list of participants says that somebody has said to being recorded.
    async fn consent(&self, host: &Guest, identity: &str) -> Value {
        let shown = self.hall.session(&host.session).await;
        let people = shown["participants"].as_array().expect("people");
        let person = people.iter().find(|person| person["identity"] == identity).expect("somebody of that identity");
        person.get("recording_consent").expect("it is named where nothing was said, too").clone()
    }

    /// What the audit log has of consent, once it has so much: who it was, and with which details.
    async fn logged_consents(&self, count: usize) -> Vec<(String, Value)> {
        let column = async |select: &'static str| {
            let mut tx = self.hall.server.database.store.read().await.expect("a transaction");
            let found = tx.all::<Text>(sql(select)).await.expect("events");
            found.into_iter().map(|text| text.0).collect::<Vec<_>>()
        };
        let actors = "SELECT actor_type || ' ' || actor_id AS text FROM audit_events
             WHERE action = 'meeting_session.recording_consent' ORDER BY number";
        let details = "SELECT details AS text FROM audit_events
             WHERE action = 'meeting_session.recording_consent' ORDER BY number";
        let details = soon(async {
            loop {
                let found = column(details).await;
                if found.len() >= count {
                    return found;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
        let details = details.iter().map(|text| serde_json::from_str(text).expect("JSON"));
        column(actors).await.into_iter().zip(details).collect()
    }

    /// Makes the meeting one at a time that begins in so many minutes and takes half an hour.
    async fn starts_in(&self, minutes: i64) {
        let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis()).expect("soon");
        let starts_at = now + minutes * 60_000;
        let ends_at = starts_at + 30 * 60_000;
        let mut tx = self.hall.server.database.store.write().await.expect("a transaction");
        let update = sql("UPDATE meetings SET type = 'scheduled', starts_at = $1, ends_at = $2 WHERE id = $3");
        tx.execute(update.bind(starts_at).bind(ends_at).bind(MEETING)).await.expect("stored");
        tx.execute(sql("DELETE FROM occurrences WHERE meeting_id = $1").bind(MEETING)).await.expect("deleted");
        tx.commit().await.expect("kept");
        let occurrence = json!({ "meeting_id": MEETING, "recurrence_id": starts_at, "tenant_id": self.hall.tenant().await,
            "starts_at": starts_at, "ends_at": ends_at, "status": "scheduled", "policy_overrides": "{}" });
        self.hall.server.database.insert("occurrences", occurrence).await;
    }
}

/// The meeting's PIN of that kind.
async fn pin(hall: &Hall, wanted: Value) -> String {
    let made = hall.administer(&format!("POST /meetings/{MEETING}/phone_pins"), Some(wanted)).await;
    assert!(matches!(made.status, 200 | 201), "{}", made.text());
    made.json()["pin"].as_str().expect("a PIN").to_owned()
}

#[tokio::test]
async fn callers_wait_among_the_others_and_hosts_admit_and_deny_them() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({})).await;
        let mut ann = exchange.dial(ANNS_NUMBER).await;
        assert_eq!(ann.enter(ID, &exchange.room_pin).await, Verdict::Wait(WaitReason::NoHost));
        let (_client, host) = exchange.hall.come(HOST).await;
        assert_eq!(ann.verdict().await, place(1), "the host has come");
        let mut bob = exchange.dial(BOBS_NUMBER).await;
        assert_eq!(bob.enter(ID, &exchange.room_pin).await, place(2));
        let mut gus = exchange.dial("anonymous").await;
        assert_eq!(gus.enter(ID, &exchange.room_pin).await, place(3));

        let queue = exchange.lobby(&host).await;
        let shown: Vec<_> = queue.iter().map(|entry| (&entry["kind"], &entry["name"], &entry["role"])).collect();
        let (kind, role) = (json!("phone"), json!("guest"));
        let names = [json!("Telefon …222"), json!("Telefon …333"), json!("Telefon")];
        let expected: Vec<_> = names.iter().map(|name| (&kind, name, &role)).collect();
        assert_eq!(shown, expected);

        exchange.decide(&host, "deny", &queue[0]).await;
        assert_eq!(ann.verdict().await, Verdict::Refused(Refusal::Declined));
        assert_eq!((bob.verdict().await, gus.verdict().await), (place(1), place(2)), "those behind move up");
        drop(bob);
        assert_eq!(gus.verdict().await, place(1), "who hangs up leaves at once");
        assert_eq!(exchange.lobby(&host).await.len(), 1);
        exchange.decide(&host, "admit", &queue[2]).await;
        assert_eq!(gus.verdict().await, Verdict::Admitted);
        let status = RoomStatus { count: 2, is_muted: true, may_unmute: true, recording: None };
        assert_eq!(gus.arrive().await, status);
        assert!(exchange.lobby(&host).await.is_empty());
        let events = exchange.hall.events().await;
        for action in ["lobby_entry.create", "lobby_entry.deny", "lobby_entry.leave", "meeting_session.join"] {
            assert!(events.iter().any(|event| event == action), "{action} is missing in {events:?}");
        }
    }
}

#[tokio::test]
async fn who_is_denied_and_calls_anew_is_not_asked_about_again_at_once() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({})).await;
        let (_client, host) = exchange.hall.come(HOST).await;
        let mut ann = exchange.dial(ANNS_NUMBER).await;
        assert_eq!(ann.enter(ID, &exchange.room_pin).await, place(1));
        let mut colleague = exchange.dial(ANNS_NUMBER).await;
        assert_eq!(colleague.enter(ID, &exchange.room_pin).await, place(2));
        let queue = exchange.lobby(&host).await;
        exchange.decide(&host, "deny", &queue[0]).await;
        let denied = Verdict::Refused(Refusal::Declined);
        assert_eq!(ann.verdict().await, denied);
        assert_eq!(
            colleague.verdict().await,
            place(1),
            "who waits already is not meant, though the number is the same"
        );
        assert_eq!(exchange.dial(ANNS_NUMBER).await.enter(ID, &exchange.room_pin).await, denied);
        let iris = pin(&exchange.hall, json!({ "kind": "personal", "invitee_id": INVITEE })).await;
        assert_eq!(exchange.dial(ANNS_NUMBER).await.enter(ID, &iris).await, place(2), "a PIN says who it is");
        let mut bob = exchange.dial(BOBS_NUMBER).await;
        assert!(matches!(bob.enter(ID, &exchange.room_pin).await, Verdict::Wait(WaitReason::Lobby { .. })));
        let mut tx = exchange.hall.server.database.store.write().await.expect("a transaction");
        tx.execute(sql("UPDATE lobby_entries SET decided_at = decided_at - 30000")).await.expect("later");
        tx.commit().await.expect("kept");
        let mut ann = exchange.dial(ANNS_NUMBER).await;
        assert!(matches!(ann.enter(ID, &exchange.room_pin).await, Verdict::Wait(WaitReason::Lobby { .. })));
    }
}

#[tokio::test]
async fn callers_hear_where_the_others_of_the_room_have_their_sound_and_may_go_there() {
    let exchange = Exchange::on(TestStore::sqlite().await, json!({ "lobby": "off" })).await;
    let (_client, _host) = exchange.hall.come(HOST).await;
    let server = &exchange.hall.server;
    let mut phones = Vec::new();
    // The first decides it; of the others one is there already, one goes there, and one stays where it is.
    for (bridge, goes) in [(1, false), (1, false), (0, true), (0, false)] {
        let (mut phone, first) = Phone::call_at(server, bridge, NUMBER, "anonymous").await;
        assert!(matches!(first, PhoneNotice::Begun(_)), "{first:?}");
        assert!(matches!(phone.id(ID).await, Verdict::AskPin { .. }));
        phone.key_pin(&exchange.room_pin).await;
        if bridge == 0 {
            assert_eq!(phone.notice().await, PhoneNotice::RoomIsAt { bridge: 1 });
        }
        assert!(matches!(phone.verdict().await, Verdict::Admitted));
        if goes {
            phone.ask(PhoneRequest::SoundIsAt { bridge: 1 }).await;
        }
        phone.arrive().await;
        phones.push(phone);
    }
    let opened = server.sfu.log().into_iter().filter_map(|command| match command {
        SfuCommand::OpenBridgeLeg { bridge, .. } => Some(bridge),
        _ => None,
    });
    assert_eq!(opened.collect::<Vec<_>>(), [1, 1, 1, 0]);
    // Who stayed has found no place there, so the next are sent to them.
    let (mut phone, _) = Phone::call_at(server, 1, NUMBER, "anonymous").await;
    assert!(matches!(phone.id(ID).await, Verdict::AskPin { .. }));
    phone.key_pin(&exchange.room_pin).await;
    assert_eq!(phone.notice().await, PhoneNotice::RoomIsAt { bridge: 0 });
}

#[tokio::test]
async fn who_calls_again_is_told_what_the_room_remembers_of_them() {
    for database in TestStore::both().await {
        let rules = json!({ "lobby": "off", "mute_upon_entry": false, "allow_unmute": "on_permission" });
        let exchange = Exchange::on(database, rules).await;
        let iris = pin(&exchange.hall, json!({ "kind": "personal", "invitee_id": INVITEE })).await;
        let (_client, host) = exchange.hall.come(HOST).await;
        let mut ann = exchange.dial(ANNS_NUMBER).await;
        assert_eq!(ann.enter(ID, &iris).await, Verdict::Admitted);
        let held = RoomStatus { count: 2, is_muted: true, may_unmute: false, recording: None };
        assert_eq!(ann.arrive().await, held, "as the policy says");
        let permit = json!({ "identity": format!("p_{INVITEE}"), "is_permitted": true });
        assert_eq!(exchange.hall.moderate(&host.token, &host.session, "permit", Some(permit)).await, 204);
        drop(ann);
        let mut ann = exchange.dial(ANNS_NUMBER).await;
        assert_eq!(ann.enter(ID, &iris).await, Verdict::Admitted);
        let heard = RoomStatus { is_muted: false, may_unmute: true, ..held };
        assert_eq!(ann.arrive().await, heard, "a moderator's word outlasts the call");
    }
}

#[tokio::test]
async fn callers_say_whether_they_may_be_recorded_and_everybody_sees_it() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({ "lobby": "off" })).await;
        let hall = &exchange.hall;
        let (mut client, host) = hall.come(HOST).await;
        let mut ann = exchange.dial(ANNS_NUMBER).await;
        assert_eq!(ann.enter(ID, &exchange.room_pin).await, Verdict::Admitted);
        assert_eq!(ann.arrive().await.recording, None);
        let identity = exchange.callers().await.pop().expect("a caller");

        let room = format!("meeting-{}", host.session);
        let token = Token::join(&room, "recorder").granting("recorder", json!(true)).granting("hidden", json!(true));
        let (mut recorder, _) = Client::join_with(&hall.server, &token, &join_request()).await;
        let recording = Recording { asks_consent: true };
        assert_eq!(ann.notice().await, PhoneNotice::Event(MeetingEvent::RecordingBegan(recording)));
        assert_eq!(exchange.consent(&host, &identity).await, Value::Null, "nothing was said yet");
        let shown = |person: &proto::ParticipantInfo| person.attributes.get("saal.recording_consent").cloned();
        for (is_given, said) in [(true, "given"), (false, "withdrawn"), (true, "given")] {
            ann.ask(PhoneRequest::Consent(is_given)).await;
            assert_eq!(ann.notice().await, PhoneNotice::Event(MeetingEvent::ConsentNoted(is_given)));
            client.update(|person| person.identity == identity && shown(person).as_deref() == Some(said)).await;
            assert_eq!(exchange.consent(&host, &identity).await, said);
        }
        let mut bob = exchange.dial(BOBS_NUMBER).await;
        assert_eq!(bob.enter(ID, &exchange.room_pin).await, Verdict::Admitted);
        assert_eq!(bob.arrive().await.recording, Some(recording), "who comes later is asked, too");
        assert_eq!(ann.notice().await, PhoneNotice::Event(MeetingEvent::Joined { count: 3 }));

        recorder.send(Request::Leave(proto::LeaveRequest::default())).await;
        for phone in [&mut ann, &mut bob] {
            assert_eq!(phone.notice().await, PhoneNotice::Event(MeetingEvent::RecordingEnded));
        }
        client.update(|person| person.identity == identity && shown(person).is_none()).await;
        assert_eq!(exchange.consent(&host, &identity).await, Value::Null, "the next recording is another one");

        let actor = format!("participant {identity}");
        let logged = |consent: &str| (actor.clone(), json!({ "identity": identity, "consent": consent }));
        assert_eq!(exchange.logged_consents(3).await, [logged("given"), logged("withdrawn"), logged("given")]);
    }
}

#[tokio::test]
async fn who_is_banned_cannot_dial_in_again_by_pin_or_by_number() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({ "lobby": "off", "caller_display": "name" })).await;
        let iris = pin(&exchange.hall, json!({ "kind": "personal", "invitee_id": INVITEE })).await;
        let (_client, host) = exchange.hall.come(HOST).await;
        let mut ann = exchange.dial(ANNS_NUMBER).await;
        assert!(matches!(ann.enter(ID, &iris).await, Verdict::Admitted));
        let identity = format!("p_{INVITEE}");
        assert_eq!(exchange.callers().await, std::slice::from_ref(&identity));
        let removal = json!({ "identity": identity, "ban": true });
        assert_eq!(exchange.hall.moderate(&host.token, &host.session, "remove", Some(removal)).await, 204);
        let banned = Verdict::Refused(Refusal::Banned);
        assert_eq!(exchange.dial(BOBS_NUMBER).await.enter(ID, &iris).await, banned, "by the PIN");
        let mut again = exchange.dial(ANNS_NUMBER).await;
        assert_eq!(again.enter(ID, &exchange.room_pin).await, banned, "by the number");
        let mut bob = exchange.dial(BOBS_NUMBER).await;
        assert!(matches!(bob.enter(ID, &exchange.room_pin).await, Verdict::Admitted), "somebody else");
        let details = exchange.hall.session(&host.session).await;
        assert_eq!(details["bans"][0]["name"], "Iris Invited");
        assert!(exchange.hall.events().await.iter().any(|event| event == "meeting.join"), "that is written down");
    }
}

#[tokio::test]
async fn who_is_banned_cannot_dial_in_again_where_nobody_vouches_for_numbers() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({ "lobby": "off" })).await;
        let mut tx = exchange.hall.server.database.store.write().await.expect("a transaction");
        tx.execute(sql("UPDATE phone_trunks SET trusts_caller_ids = $1").bind(false)).await.expect("changed");
        tx.commit().await.expect("kept");
        let (_client, host) = exchange.hall.come(HOST).await;
        let ban = async |caller: &str| {
            let mut phone = exchange.dial(caller).await;
            assert_eq!(phone.enter(ID, &exchange.room_pin).await, Verdict::Admitted);
            phone.arrive().await;
            let identity = exchange.callers().await.pop().expect("a caller");
            let removal = json!({ "identity": identity, "ban": true });
            exchange.hall.moderate(&host.token, &host.session, "remove", Some(removal)).await
        };
        // Extensions are no numbers outside of their exchange, and tell one from another all the same.
        for caller in [ANNS_NUMBER, "4711"] {
            assert_eq!(ban(caller).await, 204);
            let again = exchange.dial(caller).await.enter(ID, &exchange.room_pin).await;
            assert_eq!(again, Verdict::Refused(Refusal::Banned), "{caller}");
        }
        let mut bob = exchange.dial(BOBS_NUMBER).await;
        assert_eq!(bob.enter(ID, &exchange.room_pin).await, Verdict::Admitted, "somebody else");
        assert_eq!(ban("anonymous").await, 409, "the next call would be somebody else's");
    }
}

#[tokio::test]
async fn a_meeting_that_is_not_on_is_waited_for_or_not() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({ "lobby": "off" })).await;
        exchange.starts_in(10).await;
        let mut ann = exchange.dial(ANNS_NUMBER).await;
        let verdict = ann.enter(ID, &exchange.room_pin).await;
        let Verdict::Wait(WaitReason::BeforeStart { starts_in: Some(starts_in) }) = verdict else {
            panic!("{verdict:?}")
        };
        assert!(starts_in > Duration::from_secs(8 * 60) && starts_in <= Duration::from_secs(10 * 60), "{starts_in:?}");
        let (_client, host) = exchange.hall.come(HOST).await;
        assert!(matches!(ann.verdict().await, Verdict::Admitted), "the host begins before that");
        assert_eq!(exchange.hall.moderate(&host.token, &host.session, "lock", None).await, 204);
        let mut bob = exchange.dial(BOBS_NUMBER).await;
        assert_eq!(bob.enter(ID, &exchange.room_pin).await, Verdict::Refused(Refusal::Locked));
        assert_eq!(exchange.hall.moderate(&host.token, &host.session, "end", None).await, 204);
        exchange.starts_in(-45).await;
        let mut bob = exchange.dial(BOBS_NUMBER).await;
        assert_eq!(bob.enter(ID, &exchange.room_pin).await, Verdict::Refused(Refusal::Ended));
        exchange.starts_in(120).await;
        let mut bob = exchange.dial(BOBS_NUMBER).await;
        assert_eq!(bob.enter(ID, &exchange.room_pin).await, Verdict::Refused(Refusal::TooEarly));
    }
}

#[tokio::test]
async fn wrong_codes_are_borne_three_times_and_no_longer() {
    let exchange = Exchange::on(TestStore::sqlite().await, json!({})).await;
    let mut ann = exchange.dial(ANNS_NUMBER).await;
    assert_eq!(ann.enter(ID, "000000").await, Verdict::Wrong(Again::Pin));
    assert_eq!(ann.id("1").await, Verdict::Wrong(Again::Id), "that is no number of a meeting");
    assert_eq!(ann.id("987654321").await, Verdict::Refused(Refusal::TooManyTries));
}

#[tokio::test]
async fn a_number_may_lead_to_nobody_or_to_one_meeting() {
    let exchange = Exchange::on(TestStore::sqlite().await, json!({ "lobby": "off", "guests": "link" })).await;
    let server = &exchange.hall.server;
    let (phone, declined) = Phone::call(server, "+4930999", ANNS_NUMBER).await;
    assert_eq!(declined, PhoneNotice::Declined(Decline::UnknownNumber));
    phone.ended().await;
    let (mut ann, begun) = Phone::call(server, DIRECT, ANNS_NUMBER).await;
    let terms = CallTerms { languages: vec!["en".to_owned()], is_direct: true, tenant: Some("main".to_owned()) };
    assert_eq!(begun, PhoneNotice::Begun(terms));
    assert_eq!(ann.room().await, Verdict::AskPin { may_skip: true });
    assert_eq!(ann.pin("000000").await, Verdict::Wrong(Again::Pin));
    let host_pin = pin(&exchange.hall, json!({ "kind": "host" })).await;
    let host = ann.pin(&host_pin).await;
    assert_eq!(host, Verdict::Admitted, "a host begins");
    let status = RoomStatus { count: 1, is_muted: false, may_unmute: true, recording: None };
    assert_eq!(ann.arrive().await, status);
    assert!(ann.tenants.is_empty(), "the number has said whose meeting it is");
}

#[tokio::test]
async fn whose_meeting_it_is_is_told_once_the_codes_are_right() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({})).await;
        let mut ann = exchange.dial(ANNS_NUMBER).await;
        assert_eq!(ann.enter(ID, "000000").await, Verdict::Wrong(Again::Pin));
        assert!(ann.tenants.is_empty(), "it would tell that the meeting's number is right");
        assert_eq!(ann.enter(ID, &exchange.room_pin).await, Verdict::Wait(WaitReason::NoHost));
        assert_eq!(ann.tenants, ["main"]);
    }
}

#[tokio::test]
async fn calls_end_with_the_service_and_say_so() {
    let exchange = Exchange::on(TestStore::sqlite().await, json!({})).await;
    let mut ann = exchange.dial(ANNS_NUMBER).await;
    assert_eq!(ann.enter(ID, &exchange.room_pin).await, Verdict::Wait(WaitReason::NoHost));
    let database = exchange.hall.server.stop().await;
    assert_eq!(ann.notice().await, PhoneNotice::Failed);
    ann.ended().await;
    let mut tx = database.store.read().await.expect("a transaction");
    let waiting: Vec<Text> = tx.all(sql("SELECT id AS text FROM lobby_entries")).await.expect("entries");
    assert!(waiting.is_empty(), "a call does not come back");
}

#[tokio::test]
async fn who_looks_after_telephones_sees_calls_and_ends_them() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({ "lobby": "off" })).await;
        let hall = &exchange.hall;
        let wanted =
            NewApiToken { name: "operator", scopes: "phone:admin", tenant: None, is_for_installation: true, days: 1 };
        let token = create_api_token(&hall.server.database.store, &wanted).await.expect("a token");
        let ask = async |head: &str| hall.ask(head, Some(&token), None, None).await;
        let only_call = async || {
            let listed = ask("GET /phone/calls").await;
            assert_eq!(listed.status, 200, "{}", listed.text());
            let calls = listed.json()["items"].as_array().expect("calls").clone();
            let [call] = calls.as_slice() else { panic!("{calls:?}") };
            let id = call["id"].as_str().expect("an id");
            assert_eq!(ask(&format!("GET /phone/calls/{id}")).await.json(), *call);
            assert!(!listed.text().contains("30222222"), "no more of a number than everybody sees");
            call.clone()
        };
        let end = async |call: &Value| {
            let id = call["id"].as_str().expect("an id");
            assert_eq!(ask(&format!("DELETE /phone/calls/{id}")).await.status, 204);
        };
        assert_eq!(ask("GET /phone/calls").await.json()["items"], json!([]));

        let mut ann = exchange.dial(ANNS_NUMBER).await;
        let call = only_call().await;
        let shown = ["trunk_id", "number", "stage", "meeting_id"].map(|name| call[name].clone());
        assert_eq!(shown, [json!(TRUNK), json!("…222"), json!("entering_code"), Value::Null]);
        end(&call).await;
        assert_eq!(ann.notice().await, PhoneNotice::EndedByOperator);
        hang_up(hall, ann, &token).await;

        let mut ann = exchange.dial(ANNS_NUMBER).await;
        assert_eq!(ann.enter(ID, &exchange.room_pin).await, Verdict::Wait(WaitReason::NoHost));
        let call = only_call().await;
        assert_eq!((&call["stage"], &call["meeting_id"]), (&json!("waiting"), &json!(MEETING)));
        end(&call).await;
        assert_eq!(ann.notice().await, PhoneNotice::EndedByOperator);
        hang_up(hall, ann, &token).await;

        let (_client, _host) = hall.come(HOST).await;
        let mut ann = exchange.dial(ANNS_NUMBER).await;
        assert!(matches!(ann.enter(ID, &exchange.room_pin).await, Verdict::Admitted));
        let call = only_call().await;
        assert_eq!((&call["stage"], &call["meeting_id"]), (&json!("in_meeting"), &json!(MEETING)));
        end(&call).await;
        assert_eq!(ann.notice().await, PhoneNotice::EndedByOperator);
        hang_up(hall, ann, &token).await;
        let nobody = "DELETE /phone/calls/0190f3a0-0000-7000-8000-000000000000";
        assert_eq!(ask(nobody).await.status, 404);
        let ended = hall.events().await.iter().filter(|event| *event == "phone_call.end").count();
        assert_eq!(ended, 3);
    }
}

/// The caller puts the receiver down, and is not listed any more.
async fn hang_up(hall: &Hall, phone: Phone, token: &str) {
    drop(phone);
    soon(async {
        while hall.ask("GET /phone/calls", Some(token), None, None).await.json()["items"] != json!([]) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
