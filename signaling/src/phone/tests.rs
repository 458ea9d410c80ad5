// SPDX-License-Identifier: EUPL-1.2
//! From a call to who calls, with databases.

mod at_once;
mod directory;
mod exposed_pins;
mod several_servers;
mod under_attack;

use std::net::Ipv4Addr;

use bus::Bus;
use bus::phone::{Decline, IncomingCall, PhoneNotice};
use serde_json::{Value, json};
use store::testing::TestStore;
use store::{Single, sql};

use super::caller_number::Bare;
use super::*;
use crate::api::ids::{MeetingId, PhoneNumberId, PhonePinId, RoomId, UserId};
use crate::auth::secret::ApiKey;
use crate::config::Config;
use crate::meetings::phone_pins;
use crate::meetings::phone_pins::model::{PhonePin, PinKind};
use crate::records::audit::Link;
use crate::records::everywhere::{execute, tenant};

/// Somebody whom nobody knows.
const STRANGER_NUMBER: &str = "+4930111111";

const ANN: &str = "Ann Beispiel";
const ANNS_NUMBER: &str = "+4930222222";

/// An installation whose telephones are called.
struct Exchange {
    app: App,
    database: TestStore,
    tenant: TenantId,
    at: Moment,
}

/// A meeting or permanent room that can be called.
struct Called {
    place: Place,
    id: String,
    room_pin: String,
    host_pin: String,
}

/// A server on that database.
async fn app(database: &TestStore) -> App {
    let api_keys = vec![ApiKey { key: "key".into(), secret: "a secret of at least thirty-two bytes".into() }];
    let config = Config { api_keys, ..Config::default() };
    App::new(config, database.store.clone(), Bus::local(), Registry::new()).await.expect("an app")
}

impl Exchange {
    async fn on(database: TestStore) -> Self {
        let trunk = json!({ "id": "provider", "is_enabled": true, "trusts_caller_ids": true, "networks": "[]",
            "dial_plan": "{}", "destinations": "[]" });
        let number = json!({ "id": PhoneNumberId::new(), "number": "+4930900", "is_for_all": true, "languages": "[]" });
        database.insert_all([("phone_trunks", trunk), ("phone_numbers", number)]).await;
        let app = app(&database).await;
        let tenant = tenant(&database.store).await;
        // A day after the start.
        let day = Duration::from_secs(24 * 3600);
        let utc = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        Self { app, database, tenant, at: Moment { instant: Instant::now() + day, utc } }
    }

    async fn both() -> Vec<Self> {
        let mut exchanges = Vec::new();
        for database in TestStore::both().await {
            exchanges.push(Self::on(database).await);
        }
        exchanges
    }

    /// Has somebody come in who keyed in what is right, or has not yet.
    async fn let_in(&self, call: &Call) {
        let Some(number) = call.remembered() else { return };
        let mut tx = self.app.store.write().await.expect("a transaction");
        known_callers::remember(&mut tx, &self.app.installation, number, self.at.utc).await.expect("the database");
        tx.commit().await.expect("kept");
    }

    fn later(&mut self, by: Duration) {
        self.at = Moment { instant: self.at.instant + by, utc: self.at.utc + by };
    }

    async fn insert(&self, table: &str, row: Value) {
        self.database.insert(table, row).await;
    }

    /// A meeting without a time, with what differs from its policy, and what differs from such a meeting.
    async fn meeting(&self, number: &str, overrides: Value, differs: Value) -> Called {
        let id = MeetingId::new();
        let mut row = json!({ "id": id, "tenant_id": self.tenant, "code": id, "conference_id": number, "title": "Budget",
            "type": "ad_hoc", "status": "scheduled", "starts_at": 0, "time_zone": "UTC", "excluded_dates": "[]",
            "organizer_email": "o@example.org", "policy_overrides": overrides.to_string(), "expected_participants": "{}",
            "ical_uid": id, "invitation_delivery": "none", "invitation_language": "en", "tags": "{}", "revision": 1 });
        for (name, value) in differs.as_object().into_iter().flatten() {
            row[name] = value.clone();
        }
        self.insert("meetings", row).await;
        self.called(Place::Meeting(id), number).await
    }

    /// A permanent room, and what is called to get there.
    async fn permanent_room(&self) -> (RoomId, Called) {
        let (room, owner) = (RoomId::new(), UserId::new());
        let user = json!({ "id": owner, "tenant_id": self.tenant, "email": "o@example.org", "role": "organizer" });
        self.insert("users", user).await;
        let row = json!({ "id": room, "tenant_id": self.tenant, "name": "Office", "slug": "office", "owner_id": owner,
            "code": "x", "conference_id": "481516234", "revision": 1 });
        self.insert("rooms", row).await;
        (room, self.called(Place::Room(room), "481516234").await)
    }

    async fn called(&self, place: Place, number: &str) -> Called {
        let keys = &self.app.installation;
        let mut tx = self.app.store.write().await.expect("a transaction");
        phone_pins::create_first(&mut tx, keys, place).await.expect("PINs");
        let pins = phone_pins::table::of_place(&mut tx, place).await.expect("PINs");
        tx.commit().await.expect("kept");
        let digits = |kind| {
            let pin = pins.iter().find(|pin| pin.kind == kind).expect("a PIN");
            phone_pins::digits(keys, pin)
        };
        let (room_pin, host_pin) = (digits(PinKind::Room), digits(PinKind::Host));
        Called { place, id: number.to_owned(), room_pin, host_pin }
    }

    /// Invites somebody, who gets a PIN.
    async fn invite(&self, called: &Called, name: &str, differs: Value) -> (InviteeId, PhonePin) {
        let (id, Place::Meeting(meeting)) = (InviteeId::new(), called.place) else {
            panic!("nobody is invited to rooms")
        };
        let mut row = json!({ "id": id, "meeting_id": meeting, "tenant_id": self.tenant, "email": format!("{id}@example.org"),
            "name": name, "role": "attendee", "type": "external", "response_status": "needs_action",
            "link_generation": 1, "revision": 1 });
        for (name, value) in differs.as_object().into_iter().flatten() {
            row[name] = value.clone();
        }
        self.insert("invitees", row).await;
        let mut tx = self.app.store.write().await.expect("a transaction");
        let keys = &self.app.installation;
        let pin = phone_pins::create(&mut tx, keys, called.place, PinKind::Personal, Some(id)).await.expect("a PIN");
        tx.commit().await.expect("kept");
        (id, pin)
    }

    /// Gives a meeting as many more personal PINs, which nobody knows.
    async fn invite_many(&self, called: &Called, people: usize) {
        let place = called.place.id();
        let pins = (0..people).map(|number| {
            let (id, lookup) = (PhonePinId::new(), format!("of {number}"));
            (
                "phone_pins",
                json!({ "id": id, "place_id": place, "kind": "personal", "generation": 1, "lookup": lookup }),
            )
        });
        self.database.insert_all(pins).await;
    }

    fn digits(&self, pin: &PhonePin) -> String {
        phone_pins::digits(&self.app.installation, pin)
    }

    async fn begin(&self, number: &str, serves: Serves, trusts_caller_ids: bool) -> Begun {
        let dial_plan = DialPlan { bare: Bare::Extension, ..DialPlan::default() };
        let trunk = Trunk { id: "provider".to_owned(), trusts_caller_ids, dial_plan };
        let number = CallerNumber::read(number, false, &trunk.dial_plan);
        let incoming = Incoming { trunk: &trunk, peer: Ipv4Addr::new(192, 0, 2, 1).into(), number, serves };
        Call::begin(&self.app, self.at, incoming).await.expect("the database")
    }

    async fn call(&self, number: &str) -> Call {
        match self.begin(number, Serves::All, true).await {
            Begun::Call(call) => *call,
            Begun::Blocked(wait) => panic!("blocked for {wait:?}"),
        }
    }

    async fn id(&self, call: &mut Call, digits: &str) -> Step {
        call.id(&self.app, self.at, digits).await.expect("the database").step
    }

    async fn pin(&self, call: &mut Call, digits: &str) -> Step {
        call.pin(&self.app, self.at, digits).await.expect("the database").step
    }

    /// What an id and a PIN come to in a call of their own.
    async fn dial(&self, number: &str, called: &Called, pin: &str) -> Step {
        let mut call = self.call(number).await;
        match self.id(&mut call, &called.id).await {
            Step::AskPin { .. } => self.pin(&mut call, pin).await,
            step => step,
        }
    }

    /// Uses up what strangers have, over other addresses.
    fn attack(&self) {
        let now = self.at.instant;
        self.app.phone.with(|attempts| {
            for number in 0..200_u8 {
                let source = Source { number: None, peer: [number; 32], is_known: false };
                if let IdTry::Alone(_) = attempts.begin_id(now, &source) {
                    attempts.wrong_id(now, &source);
                }
            }
            assert!(attempts.is_attack(now));
        });
    }

    async fn audit_log(&self) -> Vec<Link> {
        let mut tx = self.app.store.read().await.expect("a transaction");
        let select = sql("SELECT * FROM audit_events WHERE tenant_id = '' AND action LIKE 'phone_%' ORDER BY number");
        tx.all(select).await.expect("events")
    }

    /// What the counters say, a line for each.
    fn counted(&self, name: &str) -> Vec<String> {
        let text = prometheus::TextEncoder::new().encode_to_string(&self.app.registry.gather()).expect("text");
        text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
    }
}

fn known(step: Step) -> Known {
    match step {
        Step::Known(known) => known,
        step => panic!("{step:?}"),
    }
}

#[tokio::test]
async fn a_pin_says_who_calls() {
    for exchange in Exchange::both().await {
        let called = exchange.meeting("4815162342", json!({}), json!({})).await;
        let other = exchange.meeting("4815162343", json!({}), json!({})).await;
        let (ann, pin) = exchange.invite(&called, ANN, json!({ "phone_e164": ANNS_NUMBER })).await;
        let pin = exchange.digits(&pin);
        let (stranger, place) = (STRANGER_NUMBER, called.place);
        let found = known(exchange.dial(stranger, &called, &called.room_pin).await);
        assert_eq!(found, Known { place, who: Who::Room, waits: true, name: None });
        let found = known(exchange.dial(stranger, &called, &called.host_pin).await);
        assert_eq!(found, Known { place, who: Who::Host, waits: false, name: None });
        let found = known(exchange.dial(stranger, &called, &pin).await);
        assert_eq!(found, Known { place, who: Who::Invitee(ann), waits: true, name: Some(ANN.to_owned()) });
        assert!(!format!("{found:?}").contains("Beispiel"), "no names in logs");
        // By the number alone she is nobody, though others may see her name.
        let found = known(exchange.dial("030222222", &called, &called.room_pin).await);
        assert_eq!((found.who, found.waits, found.name.as_deref()), (Who::Room, true, Some(ANN)));
        let longer = format!("{pin}0");
        for wrong in [other.room_pin.as_str(), &other.host_pin, &longer, "", "1", "not digits"] {
            assert_eq!(exchange.dial("anonymous", &called, wrong).await, Step::Wrong(Again::Pin), "{wrong}");
        }
    }
}

#[tokio::test]
async fn the_pin_of_somebody_whose_account_is_disabled_is_wrong() {
    for exchange in Exchange::both().await {
        let called = exchange.meeting("4815162342", json!({}), json!({})).await;
        let user = UserId::new();
        let row = json!({ "id": user, "tenant_id": exchange.tenant, "email": "ann@example.org", "role": "organizer" });
        exchange.insert("users", row).await;
        let (id, pin) = exchange.invite(&called, ANN, json!({ "user_id": user, "role": "co_host" })).await;
        let digits = exchange.digits(&pin);
        let found = known(exchange.dial(STRANGER_NUMBER, &called, &digits).await);
        assert_eq!(found.who, Who::Invitee(id));
        let disable = sql("UPDATE users SET disabled_at = 0 WHERE id = $1").bind(user);
        let mut tx = exchange.app.store.write().await.expect("a transaction");
        tx.execute(disable).await.expect("disabled");
        tx.commit().await.expect("kept");
        assert_eq!(exchange.dial(STRANGER_NUMBER, &called, &digits).await, Step::Wrong(Again::Pin));
    }
}

#[tokio::test]
async fn a_permanent_room_has_an_id_and_pins_too() {
    for exchange in Exchange::both().await {
        let (room, called) = exchange.permanent_room().await;
        let found = known(exchange.dial(STRANGER_NUMBER, &called, &called.host_pin).await);
        assert_eq!((found.place, found.who, found.waits), (Place::Room(room), Who::Host, false));
        let found = known(exchange.dial(STRANGER_NUMBER, &called, &called.room_pin).await);
        assert_eq!((found.who, found.waits), (Who::Room, true));
    }
}

#[tokio::test]
async fn the_policy_says_whether_the_id_is_enough_and_who_waits() {
    for exchange in Exchange::both().await {
        let open = exchange.meeting("4815162342", json!({ "guests": "link" }), json!({})).await;
        let mut call = exchange.call(STRANGER_NUMBER).await;
        assert_eq!(exchange.id(&mut call, &open.id).await, Step::AskPin { may_skip: true });
        let found = known(exchange.pin(&mut call, "").await);
        assert_eq!((found.who, found.waits), (Who::Room, true));
        let hall = json!({ "guests": "link", "lobby": "off" });
        let hall = exchange.meeting("4815162343", hall, json!({})).await;
        assert!(!known(exchange.dial(STRANGER_NUMBER, &hall, "").await).waits);
        let closed = exchange.meeting("4815162344", json!({ "phone_lobby_bypass": true }), json!({})).await;
        let mut call = exchange.call(STRANGER_NUMBER).await;
        assert_eq!(exchange.id(&mut call, &closed.id).await, Step::AskPin { may_skip: false });
        assert_eq!(exchange.pin(&mut call, "").await, Step::Wrong(Again::Pin));
        let (_, pin) = exchange.invite(&closed, ANN, json!({})).await;
        assert!(!known(exchange.pin(&mut call, &exchange.digits(&pin)).await).waits);
        assert!(known(exchange.dial(STRANGER_NUMBER, &closed, &closed.room_pin).await).waits);
    }
}

#[tokio::test]
async fn what_is_cancelled_over_far_off_or_of_others_is_like_what_does_not_exist() {
    for exchange in Exchange::both().await {
        let at = |hours: i64| (exchange.at.utc + chrono::Duration::hours(hours)).timestamp_millis();
        let mut numbers = 4_815_162_000_u64..;
        let mut number = || numbers.next().expect("a number").to_string();
        let check = async |called: &Called, is_there: bool, what: &str| {
            let step = exchange.dial("anonymous", called, &called.room_pin).await;
            assert_eq!(matches!(step, Step::Known(_)), is_there, "{what}: {step:?}");
            assert!(is_there || step == Step::Wrong(Again::Id), "{what}");
        };
        for (status, is_there) in [("scheduled", true), ("cancelled", false), ("draft", false)] {
            let called = exchange.meeting(&number(), json!({}), json!({ "status": status })).await;
            check(&called, is_there, status).await;
        }
        for (starts_in, is_there) in [(-2, false), (-1, true), (0, true), (23, true), (25, false)] {
            let (starts_at, ends_at) = (at(starts_in), at(starts_in) + 1_800_000);
            let times = json!({ "type": "scheduled", "starts_at": starts_at, "ends_at": ends_at });
            let called = exchange.meeting(&number(), json!({}), times).await;
            let Place::Meeting(id) = called.place else { panic!("a meeting") };
            let occurrence = json!({ "meeting_id": id, "recurrence_id": starts_at, "tenant_id": exchange.tenant,
                "starts_at": starts_at, "ends_at": ends_at, "status": "scheduled", "policy_overrides": "{}" });
            exchange.insert("occurrences", occurrence).await;
            check(&called, is_there, &format!("in {starts_in} hours")).await;
            if starts_in == -2 {
                let run = json!({ "id": id, "tenant_id": exchange.tenant, "meeting_id": id, "running_id": id });
                exchange.insert("meeting_sessions", run).await;
                check(&called, true, "it takes longer").await;
            }
        }
        let called = exchange.meeting(&number(), json!({ "e2ee": "required" }), json!({})).await;
        check(&called, false, "nobody can listen in, so no telephone can").await;
        let called = exchange.meeting(&number(), json!({}), json!({})).await;
        for (serves, is_there) in [(vec![], false), (vec![TenantId::new()], false), (vec![exchange.tenant], true)] {
            let begun = exchange.begin("anonymous", Serves::Tenants(serves), true).await;
            let Begun::Call(mut call) = begun else { panic!("blocked") };
            let step = exchange.id(&mut call, &called.id).await;
            assert_eq!(step == Step::AskPin { may_skip: false }, is_there, "{step:?}");
        }
    }
}

#[tokio::test]
async fn whoever_calls_a_meetings_own_number_hears_why_it_is_not_open() {
    for exchange in Exchange::both().await {
        let times = |hours: i64| {
            let starts_at = (exchange.at.utc + chrono::Duration::hours(hours)).timestamp_millis();
            json!({ "type": "scheduled", "starts_at": starts_at, "ends_at": starts_at + 1_800_000 })
        };
        let secret = json!({ "e2ee": "required" });
        for (number, rules, differs, expected) in [
            ("4815162341", json!({}), times(25), Closed::NotYet),
            ("4815162342", json!({}), times(-2), Closed::Over),
            ("4815162343", json!({}), json!({ "status": "cancelled" }), Closed::Cancelled),
            ("4815162344", json!({}), json!({ "status": "draft" }), Closed::Nowhere),
            ("4815162345", secret, json!({}), Closed::Encrypted),
        ] {
            let called = exchange.meeting(number, rules, differs).await;
            let mut call = exchange.call("anonymous").await;
            let answer = call.direct(&exchange.app, exchange.at, &called.id).await.expect("the database");
            assert_eq!(answer.step, Step::Closed(expected));
        }
    }
}

#[tokio::test]
async fn pins_that_are_withdrawn_renewed_or_expired_are_wrong() {
    for exchange in Exchange::both().await {
        let called = exchange.meeting("4815162342", json!({}), json!({})).await;
        let is_right = async |digits: &str| {
            let step = exchange.dial("anonymous", &called, digits).await;
            assert!(matches!(step, Step::Known(_) | Step::Wrong(Again::Pin)), "{step:?}");
            matches!(step, Step::Known(_))
        };
        let (ann, pin) = exchange.invite(&called, ANN, json!({})).await;
        let before = exchange.digits(&pin);
        assert!(is_right(&before).await);
        let mut tx = exchange.app.store.write().await.expect("a transaction");
        let renewed = phone_pins::rotate(&mut tx, &exchange.app.installation, pin).await.expect("another PIN");
        tx.commit().await.expect("kept");
        let after = exchange.digits(&renewed);
        assert!(!is_right(&before).await && is_right(&after).await);
        let revoke = sql("UPDATE invitees SET revoked_at = 1 WHERE id = $1").bind(ann);
        execute(&exchange.database, revoke).await;
        assert!(!is_right(&after).await, "the row may be left for a while");
        let (_, pin) = exchange.invite(&called, "Bob", json!({})).await;
        for (seconds, expected) in [(1, true), (0, false), (-1, false)] {
            let end = exchange.at.utc + chrono::Duration::seconds(seconds);
            let update = sql("UPDATE phone_pins SET expires_at = $1 WHERE id = $2").bind(end).bind(pin.id);
            execute(&exchange.database, update).await;
            assert_eq!(is_right(&exchange.digits(&pin)).await, expected, "{seconds}");
        }
    }
}

#[tokio::test]
async fn where_pins_are_guessed_none_of_that_length_leads_further_than_to_the_lobby() {
    for exchange in Exchange::both().await {
        let called = exchange.meeting("4815162342", json!({ "lobby": "off" }), json!({})).await;
        let (ann, pin) = exchange.invite(&called, ANN, json!({ "phone_e164": ANNS_NUMBER })).await;
        let pin = exchange.digits(&pin);
        exchange.invite_many(&called, 499).await;
        assert!(!known(exchange.dial("anonymous", &called, &called.host_pin).await).waits);
        for _ in 0..30 {
            assert_eq!(exchange.dial("anonymous", &called, "000000").await, Step::Wrong(Again::Pin));
        }
        let found = known(exchange.dial("anonymous", &called, &called.room_pin).await);
        assert_eq!((found.who, found.waits), (Who::Room, true), "it proves nothing");
        let found = known(exchange.dial("anonymous", &called, &called.host_pin).await);
        assert_eq!((found.who, found.waits), (Who::Host, false), "a host comes in all the same");
        assert_eq!(known(exchange.dial("anonymous", &called, &pin).await).who, Who::Invitee(ann));
        for _ in 0..5 {
            assert_eq!(exchange.dial("anonymous", &called, "12345678").await, Step::Wrong(Again::Pin));
        }
        let found = known(exchange.dial("anonymous", &called, &called.host_pin).await);
        assert_eq!((found.who, found.waits), (Who::Host, false), "so much may be mistyped also where 500 are invited");
        for _ in 0..2 {
            assert_eq!(exchange.dial("anonymous", &called, "12345678").await, Step::Wrong(Again::Pin));
        }
        for digits in [&called.room_pin, &called.host_pin, &pin] {
            let found = known(exchange.dial("anonymous", &called, digits).await);
            assert_eq!((found.who, found.waits, found.name), (Who::Room, true, None), "it proves nothing");
        }
        let found = known(exchange.dial(ANNS_NUMBER, &called, &pin).await);
        assert_eq!((found.who, found.waits), (Who::Invitee(ann), false), "her number speaks for her");
        let events = exchange.audit_log().await;
        let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
        assert_eq!(actions, ["phone_codes.attack"]);
    }
}

#[tokio::test]
async fn while_the_database_is_away_nothing_is_counted() {
    let exchange = Exchange::on(TestStore::sqlite().await).await;
    let called = exchange.meeting("4815162342", json!({}), json!({})).await;
    let mut call = exchange.call("anonymous").await;
    assert_eq!(exchange.id(&mut call, &called.id).await, Step::AskPin { may_skip: false });
    exchange.database.store.close().await;
    for _ in 0..30 {
        assert!(call.id(&exchange.app, exchange.at, &called.id).await.is_err());
    }
    assert_eq!(call.tries.wrong(), 0);
    let source = Source { peer: [9; 32], ..*call.tries.source() };
    let (id, _) = exchange.app.phone.with(|attempts| attempts.begin_id(exchange.at.instant, &source));
    assert!(matches!(id, IdTry::Alone(_)), "as much is left as before");
}

#[tokio::test]
async fn a_call_from_a_blocked_number_is_declined_and_so_is_one_too_many() {
    for mut exchange in Exchange::both().await {
        exchange.at = Moment { instant: Instant::now(), utc: Utc::now() };
        for _ in 0..2 {
            let mut call = exchange.call(STRANGER_NUMBER).await;
            for _ in 0..3 {
                exchange.id(&mut call, "4815162399").await;
                exchange.pin(&mut call, "000000").await;
            }
        }
        let app = Arc::new(exchange.app);
        let first_notice = async |caller: &str| {
            let call = IncomingCall {
                bridge: 0,
                trunk: "provider".to_owned(),
                peer: Ipv4Addr::new(192, 0, 2, 1).into(),
                called: "+4930900".to_owned(),
                caller: Some(caller.to_owned()),
                is_withheld: false,
                call_id: "x".to_owned(),
            };
            let (mut line, end) = bus::phone::line(call);
            desk::take_up(&app, end);
            line.notices.recv().await.expect("a notice")
        };
        let blocked = first_notice(STRANGER_NUMBER).await;
        assert!(matches!(blocked, PhoneNotice::Declined(Decline::Blocked(_))), "{blocked:?}");
        assert!(matches!(first_notice(ANNS_NUMBER).await, PhoneNotice::Begun(_)));
        app.phone.calls.shut_down().await;
        assert_eq!(first_notice(ANNS_NUMBER).await, PhoneNotice::Declined(Decline::Unavailable));
    }
}
