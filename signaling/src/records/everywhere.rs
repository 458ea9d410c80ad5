// SPDX-License-Identifier: EUPL-1.2
//! For tests: a database in which every table has something about one person, with a name, an address and a telephone
//! number that nobody else has. Whoever makes a table adds a row here; [`World::on`] fails until then.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, Utc};
use flate2::read::GzDecoder;
use serde_json::{Value as Json, json};
use store::Store;
use store::testing::TestStore;

use crate::api::ids::{InviteeId, MeetingId, TenantId, UserId};
use crate::identity::caller::Actor;
use crate::identity::keys::Keys;
use crate::identity::tenants;
use crate::phone::known_callers;
use crate::records::audit::{Cause, Event, append, verify};
use crate::records::privacy::{KnownBy, Person, exports};

pub(crate) const NAME: &str = "Xaveria \"Xyz\" Marker-Mustermann";
pub(crate) const EMAIL: &str = "xaveria.marker@example.org";
pub(crate) const PHONE: &str = "+4930987654321";

/// What would be left of the person: parts, so that escaping hides nothing.
pub(crate) const MARKS: [&str; 4] = ["Xaveria", "Marker-Mustermann", "xaveria.marker", "30987654321"];

/// The database, and who is in it.
pub(crate) struct World {
    pub(crate) database: TestStore,
    pub(crate) keys: Keys,
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) other: UserId,
    /// The person organised it, and it is over.
    pub(crate) over: MeetingId,
    /// The person organises it, and it is to come.
    pub(crate) to_come: MeetingId,
    /// Somebody else organises it, and has invited the person in three ways.
    pub(crate) foreign: MeetingId,
    pub(crate) now: DateTime<Utc>,
}

impl World {
    pub(crate) async fn both() -> Vec<Self> {
        let mut worlds = Vec::new();
        for database in TestStore::both().await {
            worlds.push(Self::on(database).await);
        }
        worlds
    }

    pub(crate) async fn on(database: TestStore) -> Self {
        let keys = Keys::load(&database.store).await.expect("keys");
        let tenant = tenant(&database.store).await;
        let (user, other) = (UserId::new(), UserId::new());
        let [over, to_come, foreign] = [(); 3].map(|()| MeetingId::new());
        let now = DateTime::from_timestamp_millis(Utc::now().timestamp_millis()).expect("a time");
        let world = Self { database, keys, tenant, user, other, over, to_come, foreign, now };
        let rows = [world.people(), world.meetings(), world.live(), world.messages()];
        world.database.insert_all(rows.into_iter().flatten()).await;
        let mark = known_callers::mark(&world.keys, PHONE);
        world.database.insert("phone_callers", json!({ "caller": &mark })).await;
        let called = json!({ "id": "a", "tenant_id": tenant, "caller": &mark });
        world.database.insert("dial_attempts", called).await;
        world.records().await;
        let empty: Vec<_> = world
            .database
            .row_counts()
            .await
            .into_iter()
            .filter(|(_, count)| *count == 0)
            .map(|(name, _)| name)
            .collect();
        assert!(empty.is_empty(), "no row of somebody in {empty:?}: say here what is in it");
        world
    }

    fn people(&self) -> Vec<(&'static str, Json)> {
        let mut rows = Vec::new();
        let mut insert = |table: &'static str, row: Json| rows.push((table, row));
        let user = |id: UserId, email: &str, name: &str| {
            let (role, revision) = ("organizer", 1);
            json!({ "id": id, "tenant_id": self.tenant, "email": email, "name": name, "role": role, "revision": revision })
        };
        let mut somebody = user(self.user, EMAIL, NAME);
        somebody["oidc_issuer"] = json!("https://idp.example.org");
        somebody["oidc_subject"] = json!(EMAIL);
        somebody["phone_e164"] = json!(PHONE);
        insert("users", somebody);
        insert("users", user(self.other, "other@example.org", "Somebody Else"));
        insert("user_sessions", json!({ "token_hash": "x", "user_id": self.user }));
        for table in ["api_tokens", "oauth_clients"] {
            let mut row = json!({ "id": UserId::new(), "tenant_id": self.tenant, "name": "calendar", "scopes": "[]",
                "allowed_networks": "[]", "created_by": self.user, "revoked_at": 0 });
            if table == "api_tokens" {
                row["token_hash"] = json!("x");
            }
            insert(table, row);
        }
        insert("oidc_logout_tokens", json!({ "jti_hash": "x" }));
        insert("policies", json!({ "id": "p", "tenant_id": self.tenant, "name": "Hearing", "rules": "{}" }));
        insert("jobs", json!({ "name": "other" }));
        insert("phone_budgets", json!({ "name": "strangers", "used_until": 0 }));
        insert("phone_trunks", json!({ "id": "provider", "networks": "[]", "dial_plan": "{}", "destinations": "[]" }));
        insert("phone_numbers", json!({ "id": "n", "number": "+4930900", "trunk_id": "provider", "languages": "[]" }));
        insert("phone_number_tenants", json!({ "number_id": "n", "tenant_id": self.tenant }));
        insert("dialled_calls", json!({ "id": "c", "tenant_id": self.tenant, "day": "2026-11-23", "minutes": 1 }));
        rows
    }

    fn meetings(&self) -> Vec<(&'static str, Json)> {
        let mut rows = Vec::new();
        let mut insert = |table: &'static str, row: Json| rows.push((table, row));
        insert(
            "rooms",
            json!({ "id": "r", "tenant_id": self.tenant, "name": "Office", "slug": "office", "owner_id": self.user,
                "code": "r", "conference_id": "r", "revision": 1 }),
        );
        for (id, days) in [(self.over, -100), (self.to_come, 100), (self.foreign, -100)] {
            let is_foreign = id == self.foreign;
            let starts_at = (self.now + Duration::days(days)).timestamp_millis();
            let ends_at = starts_at + 3_600_000;
            let organizer = if is_foreign { self.other } else { self.user };
            let (name, email) = if is_foreign { ("Somebody Else", "other@example.org") } else { (NAME, EMAIL) };
            insert(
                "meetings",
                json!({ "id": id, "tenant_id": self.tenant, "code": id, "conference_id": id, "title": "Budget",
                    "type": "scheduled", "status": "scheduled", "starts_at": starts_at, "ends_at": ends_at,
                    "time_zone": "UTC", "excluded_dates": "[]", "organizer_id": organizer, "organizer_email": email,
                    "organizer_name": name, "policy_overrides": "{}", "expected_participants": "{}", "ical_uid": id,
                    "invitation_delivery": "mail", "invitation_language": "de", "tags": "{}", "revision": 1,
                    "created_by": organizer }),
            );
            insert(
                "occurrences",
                json!({ "meeting_id": id, "recurrence_id": starts_at, "tenant_id": self.tenant, "starts_at": starts_at,
                    "ends_at": ends_at, "status": "scheduled", "policy_overrides": "{}" }),
            );
            insert("meeting_words", json!({ "meeting_id": id, "word": "budget", "tenant_id": self.tenant }));
            let change = json!({ "id": id, "tenant_id": self.tenant, "meeting_id": id, "kind": "created", "details": "{}",
                "mailed_at": 0, "published_at": 0 });
            insert("meeting_changes", change);
        }
        for (id, (user, email, phone)) in INVITATIONS.iter().zip([
            (Some(self.user), None, None),
            (None, Some(EMAIL), None),
            (None, None, Some(PHONE)),
        ]) {
            insert(
                "invitees",
                json!({ "id": id, "meeting_id": self.foreign, "tenant_id": self.tenant, "user_id": user, "email": email,
                    "phone_e164": phone, "name": NAME, "role": "attendee", "type": "internal",
                    "response_status": "accepted", "link_generation": 1, "revision": 1 }),
            );
            let pin =
                json!({ "id": id, "meeting_id": self.foreign, "kind": "personal", "invitee_id": id, "lookup": id });
            insert("phone_pins", pin);
            insert("told_times", json!({ "invitee_id": id, "time_zone": "UTC" }));
        }
        let revoked = json!({ "id": "revoked", "meeting_id": self.foreign, "tenant_id": self.tenant,
            "email": "revoked@example.org", "revoked_at": 1 });
        insert("invitees", revoked);
        let guest = json!({ "id": OTHERS_INVITATION, "meeting_id": self.to_come, "tenant_id": self.tenant,
            "email": "guest@example.org", "name": "Gus Guest", "role": "attendee", "type": "external",
            "response_status": "needs_action" });
        insert("invitees", guest);
        rows
    }

    /// What happened while meetings were going on, and of one that still is.
    fn live(&self) -> Vec<(&'static str, Json)> {
        let mut rows = Vec::new();
        let mut insert = |table: &'static str, row: Json| rows.push((table, row));
        for (id, meeting, ended_at) in [("s1", self.over, json!(7200)), ("s2", self.foreign, Json::Null)] {
            insert(
                "meeting_sessions",
                json!({ "id": id, "tenant_id": self.tenant, "meeting_id": meeting, "ended_at": ended_at }),
            );
            let people = [
                (format!("u_{}", self.user), Some(self.user), None, NAME),
                (format!("i_{}", INVITATIONS[1]), None, Some(INVITATIONS[1]), NAME),
                (format!("i_{}", INVITATIONS[2]), None, Some(INVITATIONS[2]), NAME),
                (format!("u_{}", self.other), Some(self.other), None, "Somebody Else"),
            ];
            for (identity, user, invitee, name) in people {
                let person = json!({ "session_id": id, "identity": identity, "user_id": user, "invitee_id": invitee,
                    "name": name, "role": "attendee" });
                insert("session_people", person);
                let message = json!({ "session_id": id, "message_id": identity, "sender": identity, "sender_name": name,
                    "content": format!("It is me, {name}.") });
                insert("session_messages", message);
                let marks = json!({ "id": format!("{id}{identity}"), "tenant_id": self.tenant, "meeting_id": meeting,
                    "venue_id": meeting, "user_id": user, "invitee_id": invitee, "name": name });
                insert("meeting_bans", marks.clone());
                let mut entry = marks;
                entry["identity"] = json!(identity);
                insert("lobby_entries", entry);
            }
        }
        rows
    }

    /// What waits to be sent.
    fn messages(&self) -> Vec<(&'static str, Json)> {
        let mut rows = Vec::new();
        let mut insert = |table: &'static str, row: Json| rows.push((table, row));
        for (id, meeting, invitee, news, recipient, message) in [
            ("m1", self.foreign, INVITATIONS[0], "invited", EMAIL, format!("To: {NAME}")),
            ("m2", self.foreign, INVITATIONS[1], "invited", EMAIL, format!("To: {EMAIL}")),
            ("m3", self.to_come, OTHERS_INVITATION, "invited", "guest@example.org", format!("From: {NAME}")),
            ("m4", self.to_come, OTHERS_INVITATION, "counter", EMAIL, format!("To: {NAME}")),
            ("m5", self.foreign, INVITATIONS[0], "counter", "other@example.org", format!("From: {NAME}")),
        ] {
            insert(
                "mails",
                json!({ "id": id, "tenant_id": self.tenant, "meeting_id": meeting, "invitee_id": invitee, "news": news,
                    "changes": "[]", "recipient": recipient, "message": message }),
            );
        }
        let webhook = json!({ "id": "w", "tenant_id": self.tenant, "url": "https://example.org/", "events": "[]" });
        insert("webhooks", webhook);
        let delivery = json!({ "id": "d", "webhook_id": "w", "tenant_id": self.tenant, "event_type": "invitee.changed",
            "payload": format!("{{\"data\":{{\"invitee_id\":\"{}\"}}}}", INVITATIONS[0]), "status": "delivered" });
        insert("webhook_deliveries", delivery);
        rows
    }

    async fn records(&self) {
        let mut rows = Vec::new();
        for (key, text) in [("name", NAME), ("email", EMAIL), ("phone", PHONE), ("user", &self.user.to_string())] {
            let row = json!({ "caller": "x", "idempotency_key": key, "status": 201, "headers": "[]",
                "body": json!({ "found": text }).to_string(), "tenant_id": self.tenant });
            rows.push(("idempotency_keys", row));
        }
        let removed = json!({ "room": "meeting-s1", "identity": format!("u_{}", self.user) });
        rows.push(("token_revocations", removed));
        let own = json!({ "caller": format!("user {}", self.user), "idempotency_key": "own", "headers": "[]" });
        rows.push(("idempotency_keys", own));
        self.database.insert_all(rows).await;
        let mut tx = self.database.store.write().await.expect("a transaction");
        let participant = Actor::Participant { room: "x".to_owned(), identity: format!("i_{}", INVITATIONS[1]) };
        for actor in [Actor::User(self.user), participant, Actor::User(self.other)] {
            let cause = Cause { tenant: Some(self.tenant), actor: &actor, request_id: None };
            let event = Event::new("user.update", self.user).changing(&["name"]);
            append(&mut tx, cause, &event).await.expect("appended");
        }
        tx.commit().await.expect("committed");
        for known_by in self.ways() {
            let mut tx = self.database.store.write().await.expect("a transaction");
            let person = self.person(&mut tx, &known_by).await;
            exports::request(&mut tx, &person, self.now).await.expect("asked for");
            tx.commit().await.expect("committed");
        }
        exports::run_pending(&self.database.store, self.now).await.expect("put together");
    }

    /// By what the person is known.
    pub(crate) fn ways(&self) -> [KnownBy; 2] {
        [KnownBy::Account(self.user), KnownBy::Phone(PHONE.to_owned())]
    }

    pub(crate) async fn person(&self, tx: &mut store::Tx, known_by: &KnownBy) -> Person {
        Person::find(tx, self.tenant, known_by).await.expect("rows").expect("the person")
    }

    /// See [`everything`].
    pub(crate) async fn everything(&self) -> Vec<String> {
        everything(&self.database.store).await
    }

    /// Fails when an audit chain is broken.
    pub(crate) async fn assert_chains_are_intact(&self) {
        assert_chains_are_intact(&self.database.store, self.tenant).await;
    }
}

/// All that is in a database, a sorted line for each row. Bytes are there as text, too.
pub(crate) async fn everything(store: &Store) -> Vec<String> {
    let mut file = Vec::new();
    store::backup::back_up(store, &mut file, Utc::now()).await.expect("a backup");
    let mut text = String::new();
    GzDecoder::new(file.as_slice()).read_to_string(&mut text).expect("text");
    let (mut table, mut columns) = (String::new(), Vec::new());
    let mut lines = Vec::new();
    for line in text.lines() {
        let line: Json = serde_json::from_str(line).expect("JSON");
        if let Some(name) = line["table"].as_str() {
            table = name.to_owned();
            columns = line["columns"].as_array().expect("columns").clone();
        }
        let Some(values) = line.as_array() else { continue };
        let show = |(column, value): (&Json, &Json)| {
            let decoded = match (column[1].as_str(), value.as_str()) {
                (Some("bytes"), Some(text)) => STANDARD.decode(text).expect("Base64"),
                _ => Vec::new(),
            };
            format!("{}={value}{}", column[0], String::from_utf8_lossy(&decoded))
        };
        let mut shown: Vec<_> = columns.iter().zip(values).map(show).collect();
        shown.sort();
        lines.push(format!("{table}: {}", shown.join(" ")));
    }
    lines.sort();
    lines
}

/// Fails when an audit chain is broken.
pub(crate) async fn assert_chains_are_intact(store: &Store, tenant: TenantId) {
    let mut tx = store.read().await.expect("a transaction");
    for chain in [String::new(), tenant.to_string()] {
        let report = verify::verify(&mut tx, &chain, &[]).await.expect("verified");
        assert!(report.is_intact(), "{report:?}");
    }
}

/// By account, by address and by telephone.
pub(crate) const INVITATIONS: [&str; 3] = [
    "0199a5b2-0000-7000-8000-0000000000a1",
    "0199a5b2-0000-7000-8000-0000000000a2",
    "0199a5b2-0000-7000-8000-0000000000a3",
];

/// Somebody else's, to what the person organises.
const OTHERS_INVITATION: &str = "0199a5b2-0000-7000-8000-0000000000b1";

/// The only tenant, made.
pub(crate) async fn tenant(store: &Store) -> TenantId {
    let mut tx = store.write().await.expect("a transaction");
    tenants::ensure_one(&mut tx).await.expect("a tenant");
    let tenant = tenants::named(&mut tx, None).await.expect("rows").expect("a tenant");
    tx.commit().await.expect("committed");
    tenant
}

/// Changes something, in a transaction of its own.
pub(crate) async fn execute(database: &TestStore, statement: store::Statement) {
    let mut tx = database.store.write().await.expect("a transaction");
    tx.execute(statement).await.expect("done");
    tx.commit().await.expect("committed");
}

#[test]
fn ids_are_ids() {
    assert!(INVITATIONS.iter().all(|id| InviteeId::parse(id).is_some()));
}

#[tokio::test]
async fn a_backup_has_every_table_and_can_go_into_the_other_kind_of_database() {
    for from in World::both().await {
        let mut file = Vec::new();
        let summary = store::backup::back_up(&from.database.store, &mut file, from.now).await.expect("a backup");
        let counts = from.database.row_counts().await;
        assert_eq!((summary.tables, summary.rows), (counts.len(), counts.values().sum::<usize>() as u64));
        let expected = from.everything().await;
        for into in TestStore::both().await {
            let bare = into.without_tables().await;
            let (store, restored) = store::backup::restore(&bare, file.as_slice(), false).await.expect("restored");
            assert_eq!(restored, summary);
            assert!(everything(&store).await == expected, "{bare:?} from {:?}", from.database.location);
            assert_chains_are_intact(&store, from.tenant).await;
            let refused = store::backup::restore(&bare, file.as_slice(), false).await;
            assert!(matches!(refused, Err(store::backup::BackupError::NotEmpty)), "{refused:?}");
        }
    }
}
