// SPDX-License-Identifier: EUPL-1.2
//! Calls that moderators make, from the request to the room. The test is the bridge: it takes up what is ordered, and says how
//! the call goes on.

mod limits;
mod own_telephones;

use std::time::Duration;

use bus::phone::{
    CallPurpose, DialProgress, MeetingEvent, NotReached, NotReachedReason, OutgoingCall, PhoneNotice, PhoneRequest,
    Refusal, RoomStatus, Verdict, outgoing_line,
};
use serde_json::{Value, json};
use signaling::commands::{NewApiToken, create_api_token};
use store::sql;
use store::testing::TestStore;

use crate::support::hall::{Guest, HOST, Hall, INVITEE, Text, code};
use crate::support::phone::Phone;
use crate::support::server::Answer;
use crate::support::{Client, soon};

/// Whom we call, and how the trunk is told.
pub(crate) const NUMBER: &str = "+49 89 1234567";
pub(crate) const AS_DIALLED: &str = "0891234567";

/// Somebody has answered.
pub(crate) const ANSWERED: DialProgress = DialProgress::Answered { bridge: 0 };

/// A meeting with a host in it, from which telephones may be called.
pub(crate) struct Scene {
    pub(crate) hall: Hall,
    pub(crate) host: Guest,
    _client: Client,
}

impl Scene {
    async fn on(database: TestStore, terms: Value, overrides: Value) -> Self {
        let trunk = json!({ "id": "provider", "is_enabled": true, "networks": "[]", "dial_plan": "{}", "destinations": "[]",
            "outgoing": "{\"from\":\"+4930900\",\"number_format\":\"national\"}" });
        database.insert("phone_trunks", trunk).await;
        let hall = Hall::on(database, overrides).await;
        let (client, host) = hall.come(HOST).await;
        let scene = Self { hall, host, _client: client };
        scene.set("dial_out", terms).await;
        scene
    }

    /// One where all is allowed that is by default, once it is turned on.
    pub(crate) async fn usual(database: TestStore) -> Self {
        Self::on(database, json!({ "is_enabled": true }), json!({ "lobby": "everyone" })).await
    }

    /// Changes what the tenant decides.
    pub(crate) async fn set(&self, name: &str, value: Value) {
        let settings = json!({ name: value }).to_string();
        self.execute(sql("UPDATE tenants SET settings = $1").bind(settings)).await;
    }

    pub(crate) async fn execute(&self, statement: store::Statement) {
        let mut tx = self.hall.server.database.store.write().await.expect("a transaction");
        tx.execute(statement).await.expect("done");
        tx.commit().await.expect("kept");
    }

    fn path(&self) -> String {
        format!("/meeting_sessions/{}/phone_calls", self.host.session)
    }

    async fn ask(&self, body: Value) -> Answer {
        self.hall.ask(&format!("POST {}", self.path()), Some(&self.host.token), None, Some(body)).await
    }

    /// Asks for a call that is made.
    async fn call(&self, body: Value) -> (Value, Phone, OutgoingCall) {
        let asked = self.ask(body).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        let (phone, order) = Phone::called(&self.hall.server).await;
        (asked.json(), phone, order)
    }

    async fn shown(&self, call: &Value) -> Value {
        let id = call["id"].as_str().expect("an id");
        let shown = self.hall.ask(&format!("GET {}/{id}", self.path()), Some(&self.host.token), None, None).await;
        assert_eq!(shown.status, 200, "{}", shown.text());
        shown.json()
    }

    /// Waits until the call is that far.
    async fn is(&self, call: &Value, state: &str) -> Value {
        soon(async {
            loop {
                let shown = self.shown(call).await;
                if shown["state"] == state {
                    return shown;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// Why the call is over, once it is.
    async fn ended(&self, call: &Value) -> String {
        let shown = self.is(call, "ended").await;
        assert!(shown["ended_at"].is_string(), "{shown}");
        shown["ended_because"].as_str().expect("a reason").to_owned()
    }

    /// Gives a call up.
    async fn delete(&self, call: &Value) -> u16 {
        let id = call["id"].as_str().expect("an id");
        self.hall.ask(&format!("DELETE {}/{id}", self.path()), Some(&self.host.token), None, None).await.status
    }

    /// The minutes of each call that is written down.
    pub(crate) async fn minutes(&self) -> Vec<String> {
        let mut tx = self.hall.server.database.store.read().await.expect("a transaction");
        let select = sql("SELECT CAST(minutes AS TEXT) AS text FROM dialled_calls ORDER BY created_at, id");
        tx.all::<Text>(select).await.expect("rows").into_iter().map(|text| text.0).collect()
    }

    /// The participants of the run, as the API shows them.
    pub(crate) async fn participants(&self) -> Vec<Value> {
        self.hall.session(&self.host.session).await["participants"].as_array().expect("people").clone()
    }
}

/// A call that comes to nothing for that reason.
pub(crate) fn nothing(reason: NotReachedReason, status: Option<u16>) -> DialProgress {
    DialProgress::NotReached(NotReached { reason, status })
}

/// Whoever was called presses the key, and comes in.
pub(crate) async fn come_in(phone: &mut Phone) {
    let verdict = phone.room().await;
    assert!(matches!(verdict, Verdict::Admitted), "{verdict:?}");
    phone.ask(PhoneRequest::Join).await;
    loop {
        match phone.notice().await {
            PhoneNotice::Connected { .. } => return,
            PhoneNotice::Event(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The next notice that is no news of others.
pub(crate) async fn told(phone: &mut Phone) -> PhoneNotice {
    loop {
        match phone.notice().await {
            PhoneNotice::Event(
                MeetingEvent::Joined { .. } | MeetingEvent::Left { .. } | MeetingEvent::MayUnmute(_),
            ) => {}
            notice => return notice,
        }
    }
}

#[tokio::test]
async fn whose_number_it_is_the_directory_tells_nobody_who_has_it_called() {
    for database in TestStore::both().await {
        let scene = Scene::usual(database).await;
        let account = sql("INSERT INTO users (id, tenant_id, email, name, role, phone_e164, feed_generation, revision, created_at,
                 updated_at)
             VALUES ('0190c0de-0000-7000-8000-0000000000aa', $1, 'd@example.org', 'Dora Desk', 'organizer', $2, 0, 1, 0, 0)");
        scene.execute(account.bind(scene.hall.tenant().await).bind("+49891234567")).await;
        let (call, mut phone, _) = scene.call(json!({ "number": NUMBER })).await;
        assert!(!call.to_string().contains("Dora"), "{call}");
        phone.progress(ANSWERED).await;
        come_in(&mut phone).await;
        let shown = scene.is(&call, "in_meeting").await;
        assert!(!shown.to_string().contains("Dora"), "{shown}");
        let people = json!(scene.participants().await);
        assert!(people.to_string().contains("…567") && !people.to_string().contains("Dora"), "{people}");
        // Whom the meeting invites by that number its moderators know.
        let invite = sql("UPDATE invitees SET phone_e164 = '+49891234568' WHERE id = $1").bind(INVITEE);
        scene.execute(invite).await;
        let (call, _rings, _) = scene.call(json!({ "number": "+49 89 1234568" })).await;
        assert_eq!(call["name"], "Iris Invited", "{call}");
    }
}

#[tokio::test]
async fn a_person_is_called_and_comes_in_by_a_key() {
    for database in TestStore::both().await {
        let scene = Scene::usual(database).await;
        let body = json!({ "number": NUMBER, "name": " Ada Lovelace ", "language": "en" });
        let (call, mut phone, order) = scene.call(body).await;
        let expected = OutgoingCall {
            trunk: "provider".to_owned(),
            to: AS_DIALLED.to_owned(),
            from: Some("030900".to_owned()),
            language: "en".to_owned(),
            tenant: Some("main".to_owned()),
            purpose: CallPurpose::Invitation,
            ring_time: Duration::from_secs(45),
        };
        assert_eq!(order, expected);
        let shown = ["state", "number", "name", "ended_because", "answered_at"].map(|name| call[name].clone());
        assert_eq!(shown, [json!("dialling"), json!("…567"), json!("Ada Lovelace"), Value::Null, Value::Null]);
        phone.progress(DialProgress::Ringing).await;
        scene.is(&call, "ringing").await;
        assert_eq!(scene.minutes().await, ["10"], "they are reserved");
        phone.progress(ANSWERED).await;
        assert!(scene.is(&call, "answered").await["answered_at"].is_string());

        assert_eq!(phone.room().await, Verdict::Admitted, "nobody waits in the lobby who was called");
        let status = RoomStatus { count: 2, is_muted: true, may_unmute: true, recording: None };
        assert_eq!(phone.arrive().await, status);
        let inside = scene.is(&call, "in_meeting").await;
        let people = scene.participants().await;
        let person = people.iter().find(|person| person["identity"] == inside["participant_id"]).expect("somebody");
        assert_eq!([&person["kind"], &person["name"], &person["role"]], ["phone", "Ada Lovelace", "guest"]);

        drop(phone);
        assert_eq!(scene.ended(&call).await, "hung_up");
        assert_eq!(scene.minutes().await, ["1"], "what was not used is there for others");
        let listed = scene.hall.ask(&format!("GET {}", scene.path()), Some(&scene.host.token), None, None).await;
        assert_eq!(listed.json()["items"], json!([scene.shown(&call).await]));
        assert_eq!(listed.json()["allowed"], true);
        assert!(!listed.text().contains("1234567"), "no more of a number than everybody sees");
        let events = scene.hall.events().await;
        assert!(events.iter().any(|event| event == "phone_call.create"), "{events:?}");
        let mut tx = scene.hall.server.database.store.read().await.expect("a transaction");
        let details: Vec<Text> = tx.all(sql("SELECT details AS text FROM audit_events")).await.expect("events");
        assert!(details.iter().all(|details| !details.0.contains("1234567")), "nor is it in the audit log");
    }
}

#[tokio::test]
async fn a_call_that_comes_to_nothing_says_why_and_costs_nothing() {
    let scene = Scene::usual(TestStore::sqlite().await).await;
    // Another number each time: none is called eleven times.
    for (last_digit, (reason, expected)) in (0..).zip([
        (NotReachedReason::Busy, "busy"),
        (NotReachedReason::NotAnswered, "not_answered"),
        (NotReachedReason::Declined, "declined"),
        (NotReachedReason::UnknownNumber, "unknown_number"),
        (NotReachedReason::NotAllowed, "not_allowed"),
        (NotReachedReason::TrunkFailed, "trunk_failed"),
        (NotReachedReason::Full, "full"),
        (NotReachedReason::NoCommonSound, "no_common_sound"),
        (NotReachedReason::GivenUp, "given_up"),
    ]) {
        let (call, phone, _) = scene.call(json!({ "number": format!("+49 89 123456{last_digit}") })).await;
        phone.progress(nothing(reason, Some(486))).await;
        assert_eq!(scene.ended(&call).await, expected);
        assert_eq!(scene.shown(&call).await["answer"], 486);
    }
    let (call, phone, _) = scene.call(json!({ "number": NUMBER })).await;
    drop(phone);
    assert_eq!(scene.ended(&call).await, "failed", "the bridge has gone");
    soon(async {
        while !scene.minutes().await.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let (call, phone, _) = scene.call(json!({ "number": NUMBER })).await;
    phone.progress(ANSWERED).await;
    phone.progress(nothing(NotReachedReason::NotConfirmed, None)).await;
    assert_eq!(scene.ended(&call).await, "not_confirmed");
    assert_eq!(scene.minutes().await, ["1"], "a machine that answers costs as well");
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_before_anything_is_dialled() {
    for database in TestStore::both().await {
        let scene = Scene::usual(database).await;
        let refused = async |body: Value| code(&scene.ask(body).await);
        let usual = json!({ "number": NUMBER });
        for forbidden in ["+43 1 2345678", "110", "0900 123456", "+49 137 1234567"] {
            let refusal = refused(json!({ "number": forbidden })).await;
            assert_eq!(refusal, (403, "number-not-allowed".into()), "{forbidden}");
        }
        let asked = scene.ask(json!({ "number": "Ada" })).await;
        assert_eq!((asked.status, &asked.json()["errors"][0]["code"]), (422, &json!("no-number")));
        assert_eq!(asked.json()["errors"][0]["pointer"], "/number");
        scene.set("dial_out", json!({ "is_enabled": true, "minutes_per_day": 0 })).await;
        assert_eq!(refused(usual.clone()).await, (409, "minutes-used-up".into()));
        scene.set("dial_out", json!({})).await;
        assert_eq!(refused(usual.clone()).await, (403, "dial-out-off".into()));
        let listed = scene.hall.ask(&format!("GET {}", scene.path()), Some(&scene.host.token), None, None).await;
        assert_eq!(
            listed.json(),
            json!({ "allowed": false, "items": [], "next_cursor": null }),
            "a page hides its form"
        );
        scene.set("dial_out", json!({ "is_enabled": true, "countries": ["+43"] })).await;
        assert_eq!(refused(usual.clone()).await, (403, "number-not-allowed".into()));
        scene.set("dial_out", json!({ "is_enabled": true })).await;
        scene.execute(sql("UPDATE phone_trunks SET outgoing = NULL")).await;
        assert_eq!(refused(usual.clone()).await, (409, "no-trunk".into()));
        scene.execute(sql("UPDATE phone_trunks SET outgoing = '{}'")).await;
        let moderate = async |action| scene.hall.moderate(&scene.host.token, &scene.host.session, action, None).await;
        assert_eq!(moderate("lock").await, 204);
        assert_eq!(refused(usual.clone()).await, (403, "meeting-locked".into()));
        assert_eq!(moderate("unlock").await, 204);

        // The bridge has not taken up what is ordered.
        let call = OutgoingCall {
            trunk: "provider".to_owned(),
            to: "1".to_owned(),
            from: None,
            language: "de".to_owned(),
            tenant: None,
            purpose: CallPurpose::Test,
            ring_time: Duration::ZERO,
        };
        while scene.hall.server.dialer.try_send(outgoing_line(call.clone()).0).is_ok() {}
        let busy = scene.ask(usual.clone()).await;
        assert_eq!((code(&busy), crate::api::header(&busy, "retry-after")), ((503, "unavailable".into()), Some("1")));
        scene.hall.server.dials.lock().await.close();
        assert_eq!(refused(usual).await, (409, "no-trunk".into()), "there is no bridge");
        assert!(scene.minutes().await.is_empty(), "none of that cost anything");
        let events = scene.hall.events().await;
        assert_eq!(events.iter().filter(|event| *event == "phone_call.create").count(), 5, "denials are written down");
    }
}

#[tokio::test]
async fn a_call_that_nobody_wants_any_more_is_given_up() {
    let scene = Scene::usual(TestStore::sqlite().await).await;
    let (call, mut phone, _) = scene.call(json!({ "number": NUMBER })).await;
    phone.progress(ANSWERED).await;
    scene.is(&call, "answered").await;
    assert_eq!(scene.delete(&call).await, 204);
    assert_eq!(phone.notice().await, PhoneNotice::GiveUp);
    phone.ended().await;
    assert_eq!(scene.ended(&call).await, "given_up");
    assert_eq!(scene.delete(&call).await, 204, "what is over stays so");
    let nobody = format!("DELETE {}/0190f3a0-0000-7000-8000-000000000000", scene.path());
    assert_eq!(scene.hall.ask(&nobody, Some(&scene.host.token), None, None).await.status, 404);

    let (call, mut phone, _) = scene.call(json!({ "number": NUMBER })).await;
    phone.progress(ANSWERED).await;
    come_in(&mut phone).await;
    scene.is(&call, "in_meeting").await;
    assert_eq!(scene.delete(&call).await, 204);
    assert_eq!(told(&mut phone).await, PhoneNotice::Event(MeetingEvent::Removed), "who is in hears it");
    assert_eq!(scene.ended(&call).await, "removed", "and is not in while they do");
    drop(phone);

    let (call, mut phone, _) = scene.call(json!({ "number": NUMBER })).await;
    let end = scene.hall.moderate(&scene.host.token, &scene.host.session, "end", None).await;
    assert_eq!((end, phone.notice().await), (204, PhoneNotice::GiveUp));
    let path = format!("{}/{}", scene.path(), call["id"].as_str().expect("an id"));
    soon(async {
        while scene.hall.administer(&format!("GET {path}"), None).await.json()["ended_because"] != "meeting_ended" {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn calls_are_given_up_when_the_service_ends() {
    let scene = Scene::usual(TestStore::sqlite().await).await;
    let (_, mut rings, _) = scene.call(json!({ "number": NUMBER })).await;
    let (_, mut talks, _) = scene.call(json!({ "number": "+49 89 7654321" })).await;
    talks.progress(ANSWERED).await;
    come_in(&mut talks).await;
    scene.hall.server.stop().await;
    assert_eq!(rings.notice().await, PhoneNotice::GiveUp);
    assert_eq!(told(&mut talks).await, PhoneNotice::Failed);
}

#[tokio::test]
async fn who_is_called_is_kept_out_like_others() {
    for database in TestStore::both().await {
        let scene = Scene::usual(database).await;
        let (call, mut phone, _) = scene.call(json!({ "number": NUMBER })).await;
        phone.progress(ANSWERED).await;
        scene.is(&call, "answered").await;
        let moderate =
            async |action, body| scene.hall.moderate(&scene.host.token, &scene.host.session, action, body).await;
        assert_eq!(moderate("lock", None).await, 204);
        assert_eq!(phone.room().await, Verdict::Refused(Refusal::Locked));
        drop(phone);
        assert_eq!(scene.ended(&call).await, "not_admitted");
        assert_eq!(moderate("unlock", None).await, 204);

        let mut identities = Vec::new();
        for _ in 0..2 {
            let (call, mut phone, _) = scene.call(json!({ "number": NUMBER })).await;
            phone.progress(ANSWERED).await;
            come_in(&mut phone).await;
            identities.push(scene.is(&call, "in_meeting").await["participant_id"].clone());
            drop(phone);
            scene.ended(&call).await;
        }
        assert_ne!(identities[0], identities[1], "there may be several people behind one number");
        let (call, mut phone, _) = scene.call(json!({ "number": NUMBER })).await;
        phone.progress(ANSWERED).await;
        come_in(&mut phone).await;
        let identity = scene.is(&call, "in_meeting").await["participant_id"].clone();
        let removal = json!({ "identity": identity, "ban": true });
        assert_eq!(moderate("remove", Some(removal)).await, 204);
        assert_eq!(told(&mut phone).await, PhoneNotice::Event(MeetingEvent::Removed));
        drop(phone);
        assert_eq!(scene.ended(&call).await, "removed");
        let (_, mut phone, _) = scene.call(json!({ "number": NUMBER })).await;
        phone.progress(ANSWERED).await;
        assert_eq!(phone.room().await, Verdict::Refused(Refusal::Banned));
    }
}

#[tokio::test]
async fn an_operator_who_ends_a_call_is_not_taken_for_a_moderator() {
    let scene = Scene::usual(TestStore::sqlite().await).await;
    let wanted =
        NewApiToken { name: "operator", scopes: "phone:admin", tenant: None, is_for_installation: true, days: 1 };
    let token = create_api_token(&scene.hall.server.database.store, &wanted).await.expect("a token");
    let (call, mut phone, _) = scene.call(json!({ "number": NUMBER })).await;
    phone.progress(ANSWERED).await;
    come_in(&mut phone).await;
    let head = format!("DELETE /phone/calls/{}", call["id"].as_str().expect("an id"));
    assert_eq!(scene.hall.ask(&head, Some(&token), None, None).await.status, 204);
    assert_eq!(told(&mut phone).await, PhoneNotice::EndedByOperator);
}

#[tokio::test]
async fn only_moderators_call() {
    let scene = Scene::usual(TestStore::sqlite().await).await;
    let entry = scene.hall.knock(None, json!({ "invitation": scene.hall.invitation(INVITEE).await })).await;
    assert_eq!(entry.status, 202, "{}", entry.text());
    let admit = scene.hall.moderate(&scene.host.token, &scene.host.session, "admit", Some(json!({}))).await;
    assert_eq!(admit, 204);
    let (_client, iris) = scene.hall.come(INVITEE).await;
    for head in ["POST", "GET"] {
        let body = (head == "POST").then(|| json!({ "number": NUMBER }));
        let asked = scene.hall.ask(&format!("{head} {}", scene.path()), Some(&iris.token), None, body).await;
        assert_eq!(asked.status, 403, "{head}: {}", asked.text());
    }
}

#[tokio::test]
async fn a_request_that_is_repeated_calls_once() {
    for database in TestStore::both().await {
        let scene = Scene::usual(database).await;
        let authorization = format!("Bearer {}", scene.host.token);
        let headers =
            [("authorization", &*authorization), ("content-type", "application/json"), ("idempotency-key", "a")];
        let body = json!({ "number": NUMBER }).to_string();
        let head = format!("POST /api/v1{}", scene.path());
        let first = scene.hall.server.request(&head, &headers, body.as_bytes()).await;
        let again = scene.hall.server.request(&head, &headers, body.as_bytes()).await;
        assert_eq!((first.status, again.status), (202, 202), "{}", again.text());
        assert_eq!(first.json(), again.json());
        assert_eq!(scene.hall.server.dials.lock().await.len(), 1);
    }
}

#[tokio::test]
async fn a_call_ends_when_its_time_is_up_and_says_so_before() {
    let terms = json!({ "is_enabled": true, "longest_call_minutes": 2 });
    let scene = Scene::on(TestStore::sqlite().await, terms, json!({})).await;
    let (call, mut phone, _) = scene.call(json!({ "number": NUMBER })).await;
    phone.progress(ANSWERED).await;
    come_in(&mut phone).await;
    scene.is(&call, "in_meeting").await;
    pass(Duration::from_secs(51)).await;
    assert_eq!(told(&mut phone).await, PhoneNotice::Event(MeetingEvent::OneMinuteLeft));
    pass(Duration::from_secs(60)).await;
    assert_eq!(told(&mut phone).await, PhoneNotice::Event(MeetingEvent::TimeUp));
    assert_eq!(scene.ended(&call).await, "time_up", "while they still hear why");
    phone.hang_up().await;
    assert_eq!(scene.minutes().await, ["2"], "with the last sentence it is no longer than it may be");
}

/// Moves the clock on, while nothing else happens.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_trunk_is_tried_out_by_who_looks_after_it() {
    for database in TestStore::both().await {
        let scene = Scene::on(database, json!({}), json!({})).await;
        let hall = &scene.hall;
        let wanted =
            NewApiToken { name: "operator", scopes: "phone:admin", tenant: None, is_for_installation: true, days: 1 };
        let token = create_api_token(&hall.server.database.store, &wanted).await.expect("a token");
        let test = async |trunk: &str, number: &str| {
            let body = json!({ "number": number });
            hall.ask(&format!("POST /phone/trunks/{trunk}/test_calls"), Some(&token), None, Some(body)).await
        };
        let shown = async |call: &Value| {
            let id = call["id"].as_str().expect("an id");
            let shown =
                hall.ask(&format!("GET /phone/trunks/provider/test_calls/{id}"), Some(&token), None, None).await;
            assert_eq!(shown.status, 200, "{}", shown.text());
            shown.json()
        };
        let is = async |call: &Value, name: &str, value: &str| {
            soon(async {
                while shown(call).await[name] != value {
                    tokio::task::yield_now().await;
                }
            })
            .await;
        };
        let asked = test("provider", "+43 1 2345678").await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        let call = asked.json();
        let (phone, order) = Phone::called(&hall.server).await;
        assert_eq!((order.purpose, order.to.as_str()), (CallPurpose::Test, "004312345678"));
        phone.progress(ANSWERED).await;
        is(&call, "state", "answered").await;
        phone.progress(DialProgress::Tested).await;
        is(&call, "ended_because", "tested").await;

        let failing = test("provider", NUMBER).await.json();
        let (phone, _) = Phone::called(&hall.server).await;
        phone.progress(nothing(NotReachedReason::NotAllowed, Some(403))).await;
        is(&failing, "ended_because", "not_allowed").await;
        assert_eq!(shown(&failing).await["answer"], 403, "the provider's own word helps whoever looks for the fault");

        let first = test("provider", NUMBER).await.json();
        let (mut phone, _) = Phone::called(&hall.server).await;
        assert_eq!(test("provider", NUMBER).await.status, 202);
        assert_eq!(code(&test("provider", NUMBER).await), (409, "too-many-calls".into()));
        let id = first["id"].as_str().expect("an id");
        let ended = hall.ask(&format!("DELETE /phone/calls/{id}"), Some(&token), None, None).await;
        assert_eq!((ended.status, phone.notice().await), (204, PhoneNotice::GiveUp));
        is(&first, "ended_because", "given_up").await;

        assert_eq!(code(&test("provider", "112").await), (403, "number-not-allowed".into()));
        let mut tx = hall.server.database.store.read().await.expect("a transaction");
        let select = "SELECT result AS text FROM audit_events WHERE action = 'phone_trunk.test_call' ORDER BY number";
        let outcomes: Vec<Text> = tx.all(sql(select)).await.expect("events");
        drop(tx);
        let outcomes: Vec<_> = outcomes.into_iter().map(|outcome| outcome.0).collect();
        assert_eq!(
            outcomes,
            ["success", "success", "success", "success", "denied"],
            "who tries what is not called is seen"
        );
        assert_eq!(test("provider", "nobody").await.status, 422);
        assert_eq!(test("nothing", NUMBER).await.status, 404);
        scene.execute(sql("UPDATE phone_trunks SET outgoing = NULL")).await;
        assert_eq!(code(&test("provider", NUMBER).await), (409, "no-trunk".into()));
        assert!(scene.minutes().await.is_empty(), "tests are nobody's minutes");
    }
}
