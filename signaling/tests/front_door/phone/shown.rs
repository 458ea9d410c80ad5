// SPDX-License-Identifier: EUPL-1.2
//! What others see of whoever calls: in the room, in the lobby, among those who are banned.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bus::phone::{MeetingEvent, PhoneNotice, Verdict};
use livekit_protocol as proto;
use serde_json::{Value, json};
use store::sql;
use store::testing::TestStore;

use super::{ANNS_NUMBER, BOBS_NUMBER, Exchange, ID, pin};
use crate::support::hall::{Guest, HOST, INVITEE, MEETING, Text};
use crate::support::phone::{NUMBER, TRUNK, place};
use crate::support::soon;

/// Another meeting.
const SECOND: &str = "0190c0de-0000-7000-8000-000000000002";

impl Exchange {
    /// Has the meeting show callers otherwise, with what else differs from its policy.
    async fn shows(&self, display: &str, mut overrides: Value) {
        overrides["caller_display"] = json!(display);
        let changes = json!({ "policy_overrides": overrides });
        let changed = self.hall.patch(&format!("/meetings/{MEETING}"), changes).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
    }

    /// How the only one in the lobby is called, once that is so.
    async fn waits_as(&self, host: &Guest, name: &str) {
        soon(async {
            while self.lobby(host).await[0]["name"] != name {
                // Whoever asks too often is refused.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
        .await;
    }

    /// What those are called who call, in the list of participants.
    async fn callers_of(&self, session: &str) -> BTreeSet<String> {
        let shown = self.hall.session(session).await;
        let people = shown["participants"].as_array().unwrap_or_else(|| panic!("{shown}"));
        let callers = people
            .iter()
            .filter(|person| person["identity"].as_str().is_some_and(|identity| identity.starts_with("p_")));
        callers.map(|person| person["name"].as_str().expect("a name").to_owned()).collect()
    }

    /// By what names callers were written down who were there.
    async fn kept(&self) -> Vec<String> {
        let mut tx = self.hall.server.database.store.read().await.expect("a transaction");
        let select = sql("SELECT name AS text FROM session_people WHERE caller IS NOT NULL ORDER BY admitted_at");
        tx.all::<Text>(select).await.expect("people").into_iter().map(|text| text.0).collect()
    }
}

#[tokio::test]
async fn clients_find_the_call_in_the_attributes_of_whoever_calls() {
    for database in TestStore::both().await {
        attributes_of_calls(database, "name", [Some("…222"), Some("…333"), None]).await;
    }
    attributes_of_calls(TestStore::sqlite().await, "masked", [Some("…222"), Some("…333"), None]).await;
    attributes_of_calls(TestStore::sqlite().await, "number", [Some(ANNS_NUMBER), Some(BOBS_NUMBER), None]).await;
    attributes_of_calls(TestStore::sqlite().await, "hidden", [None, None, None]).await;
}

/// Three call a meeting that shows them like that, and a host's client has these numbers of them.
async fn attributes_of_calls(database: TestStore, display: &str, numbers: [Option<&str>; 3]) {
    let exchange = Exchange::on(database, json!({ "lobby": "off", "caller_display": display })).await;
    let (mut client, host) = exchange.hall.come(HOST).await;
    let (mut phones, mut met, mut names) = (Vec::new(), BTreeSet::from([host.identity]), BTreeSet::new());
    for (caller, number) in [ANNS_NUMBER, BOBS_NUMBER, "anonymous"].into_iter().zip(numbers) {
        let mut phone = exchange.dial(caller).await;
        assert_eq!(phone.enter(ID, &exchange.room_pin).await, Verdict::Admitted);
        phone.arrive().await;
        phones.push(phone);
        let shown = client.update(|person| !met.contains(&person.identity)).await;
        assert_eq!(shown.kind(), proto::participant_info::Kind::Sip);
        met.insert(shown.identity.clone());
        let of_sip = shown.attributes.iter().filter(|(name, _)| name.starts_with("sip."));
        let mut of_sip: BTreeMap<_, _> = of_sip.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let name = of_sip.remove("sip.callID").expect("a name of the call");
        assert!(!name.contains("192.0.2.1"), "SIP's own name of it has an address");
        assert!(name.len() >= 16 && names.insert(name.to_owned()), "{name}");
        let mut wanted =
            BTreeMap::from([("sip.callStatus", "active"), ("sip.trunkID", TRUNK), ("sip.trunkPhoneNumber", NUMBER)]);
        wanted.extend(number.map(|digits| ("sip.phoneNumber", digits)));
        assert_eq!(of_sip, wanted);
    }
}

#[tokio::test]
async fn whoever_waits_in_the_lobby_is_shown_as_the_meeting_wants_now_and_never_by_a_whole_number() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({ "caller_display": "number" })).await;
        let (_client, host) = exchange.hall.come(HOST).await;
        let mut ann = exchange.dial(ANNS_NUMBER).await;
        assert_eq!(ann.enter(ID, &exchange.room_pin).await, place(1));
        exchange.waits_as(&host, "Telefon …222").await;
        exchange.shows("hidden", json!({})).await;
        exchange.waits_as(&host, "Telefon").await;
        exchange.shows("masked", json!({})).await;
        exchange.waits_as(&host, "Telefon …222").await;
    }
}

#[tokio::test]
async fn a_ban_names_callers_as_the_meeting_wants_by_then() {
    for database in TestStore::both().await {
        let lobby = json!({ "lobby": "off", "caller_display": "number" });
        let exchange = Exchange::on(database, lobby.clone()).await;
        let iris = pin(&exchange.hall, json!({ "kind": "personal", "invitee_id": INVITEE })).await;
        let (mut client, host) = exchange.hall.come(HOST).await;
        let (mut ann, mut bob) = (exchange.dial(ANNS_NUMBER).await, exchange.dial(BOBS_NUMBER).await);
        assert_eq!(ann.enter(ID, &iris).await, Verdict::Admitted);
        ann.arrive().await;
        assert_eq!(bob.enter(ID, &exchange.room_pin).await, Verdict::Admitted);
        bob.arrive().await;
        let whole = format!("Telefon {BOBS_NUMBER}");
        assert_eq!(exchange.callers_of(&host.session).await, ["Iris Invited".to_owned(), whole].into());
        assert_eq!(exchange.kept().await, ["Iris Invited", "Telefon …333"]);
        exchange.shows("masked", lobby).await;
        client.update(|person| person.name == "Telefon …222").await;
        for identity in exchange.callers().await {
            let removal = json!({ "identity": identity, "ban": true });
            assert_eq!(exchange.hall.moderate(&host.token, &host.session, "remove", Some(removal)).await, 204);
        }
        let bans = exchange.hall.session(&host.session).await["bans"].clone();
        let names = bans.as_array().expect("bans").iter().filter_map(|ban| ban["name"].as_str());
        assert_eq!(names.collect::<BTreeSet<_>>(), BTreeSet::from(["Telefon …222", "Telefon …333"]));
    }
}

#[tokio::test]
async fn whoever_is_moved_is_shown_as_each_meeting_wants() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({ "lobby": "off", "caller_display": "number" })).await;
        let hall = &exchange.hall;
        hall.add_meeting(SECOND, "SecondCodeOfMeeting0000", "987654321", json!({ "caller_display": "hidden" })).await;
        let opened = hall.administer(&format!("POST /meetings/{SECOND}/sessions"), None).await;
        let second = opened.json()["id"].as_str().expect("a session").to_owned();
        let iris = pin(hall, json!({ "kind": "personal", "invitee_id": INVITEE })).await;
        let (_client, host) = hall.come(HOST).await;
        let mut ann = exchange.dial(ANNS_NUMBER).await;
        assert_eq!(ann.enter(ID, &iris).await, Verdict::Admitted);
        ann.arrive().await;
        assert_eq!(exchange.callers_of(&host.session).await, ["Iris Invited".to_owned()].into());
        let identity = exchange.callers().await.pop().expect("a caller");
        for (from, to, name) in [(&host.session, &second, "Telefon"), (&second, &host.session, "Iris Invited")] {
            let moved = json!({ "identity": identity, "to_session_id": to });
            assert_eq!(hall.moderate(&hall.api_token, from, "move", Some(moved)).await, 204);
            assert!(matches!(ann.notice().await, PhoneNotice::Connected { .. }));
            assert!(matches!(ann.notice().await, PhoneNotice::Event(MeetingEvent::Moved(..))));
            assert_eq!(exchange.callers_of(to).await, [name.to_owned()].into());
            assert_eq!(exchange.kept().await.pop().as_deref(), Some(name), "that is written down, too");
        }
        // Back again, and banned where they may not be named.
        let moved = json!({ "identity": identity, "to_session_id": second });
        assert_eq!(hall.moderate(&hall.api_token, &host.session, "move", Some(moved)).await, 204);
        assert!(matches!(ann.notice().await, PhoneNotice::Connected { .. }));
        let removal = json!({ "identity": identity, "ban": true });
        assert_eq!(hall.moderate(&hall.api_token, &second, "remove", Some(removal)).await, 204);
        for (session, name) in [(&second, "Telefon"), (&host.session, "Iris Invited")] {
            let bans = hall.session(session).await["bans"].clone();
            assert_eq!((&bans[0]["name"], bans.as_array().map(Vec::len)), (&json!(name), Some(1)), "{bans}");
        }
    }
}
