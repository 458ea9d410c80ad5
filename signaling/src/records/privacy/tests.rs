// SPDX-License-Identifier: EUPL-1.2
//! A person with a name and an address that nobody else has is written down wherever that is possible. After the erasure
//! neither is found in any table, nor in the bytes of the file.

use std::io::Read as _;

use chrono::{DateTime, Duration, Utc};
use serde_json::Value as Json;
use store::testing::TestStore;
use store::{Location, Statement};

use super::*;
use crate::identity::tenants;
use crate::records::privacy::{erase, exports};

const NAME: &str = "Xaveria \"Xyz\" Marker-Mustermann";
const EMAIL: &str = "xaveria.marker@example.org";

/// What would be left of them: parts, so that escaping hides nothing.
const MARKS: [&str; 3] = ["Xaveria", "Marker-Mustermann", "xaveria.marker"];

/// The meeting that is over.
const OVER: &str = "0199a5b2-0000-7000-8000-000000000001";

struct World {
    database: TestStore,
    tenant: TenantId,
    user: UserId,
    other: UserId,
    now: DateTime<Utc>,
}

async fn run(database: &TestStore, statement: Statement) {
    let mut tx = database.store.write().await.expect("a transaction");
    tx.execute(statement).await.expect("done");
    tx.commit().await.expect("committed");
}

async fn add_user(database: &TestStore, tenant: TenantId, email: &str, name: &str) -> UserId {
    let id = UserId::new();
    let insert =
        sql("INSERT INTO users (id, tenant_id, email, name, role, feed_generation, revision, created_at, updated_at)
         VALUES ($1, $2, $3, $4, 'organizer', 0, 1, 0, 0)");
    run(database, insert.bind(id).bind(tenant).bind(email).bind(name)).await;
    id
}

impl World {
    async fn both() -> Vec<Self> {
        let mut worlds = Vec::new();
        for database in TestStore::both().await {
            worlds.push(Self::on(database).await);
        }
        worlds
    }

    async fn on(database: TestStore) -> Self {
        let mut tx = database.store.write().await.expect("a transaction");
        tenants::ensure_one(&mut tx).await.expect("a tenant");
        let tenant = tenants::named(&mut tx, None).await.expect("rows").expect("a tenant");
        tx.commit().await.expect("committed");
        let user = add_user(&database, tenant, EMAIL, NAME).await;
        let other = add_user(&database, tenant, "other@example.org", "Somebody Else").await;
        let now: DateTime<Utc> = "2026-10-25T12:00:00Z".parse().expect("a time");
        let world = Self { database, tenant, user, other, now };
        world.write_down_everywhere().await;
        world
    }

    async fn write_down_everywhere(&self) {
        let run = async |statement: Statement| run(&self.database, statement).await;
        run(sql("INSERT INTO user_sessions (token_hash, user_id, created_at, last_seen_at, expires_at)
             VALUES ('x', $1, 0, 0, 0)")
        .bind(self.user))
        .await;
        run(sql(
            "INSERT INTO api_tokens (id, tenant_id, name, prefix, token_hash, scopes, allowed_networks, created_by,
                 created_at, expires_at)
             VALUES ('t', $1, 'calendar', 'saal_', 'x', '[]', '[]', $2, 0, 0)",
        )
        .bind(self.tenant)
        .bind(self.user))
        .await;
        run(sql("INSERT INTO rooms (id, tenant_id, name, slug, owner_id, code, conference_id, revision, created_at,
                 updated_at)
             VALUES ('r', $1, 'Office', 'office', $2, 'r', 'r', 1, 0, 0)")
        .bind(self.tenant)
        .bind(self.user))
        .await;
        self.schedule(OVER, -100, Some(self.user)).await;
        self.schedule("0199a5b2-0000-7000-8000-000000000002", 100, Some(self.user)).await;
        self.schedule("0199a5b2-0000-7000-8000-000000000003", 100, None).await;
        for (id, user, email) in [("i1", Some(self.user), None), ("i2", None, Some(EMAIL))] {
            run(sql("INSERT INTO invitees (id, meeting_id, tenant_id, email, user_id, phone_e164, name, role, type,
                     response_status, response_sequence, lobby_bypass, link_generation, last_notified_sequence, revision,
                     created_at, updated_at)
                 VALUES ($1, '0199a5b2-0000-7000-8000-000000000001', $2, $3, $4, '+4930123', $5, 'attendee', 'internal', 'accepted', 0, FALSE, 0, 0, 1, 0, 0)")
                .bind(id).bind(self.tenant).bind(email).bind(user).bind(NAME)).await;
        }
        let body = serde_json::json!({ "name": NAME }).to_string();
        run(sql(
            "INSERT INTO idempotency_keys (caller, idempotency_key, request_hash, status, headers, body, created_at,
                 tenant_id)
             VALUES ('x', 'x', 'x', 201, '[]', $1, 0, $2)",
        )
        .bind(body)
        .bind(self.tenant))
        .await;
        let mut tx = self.database.store.write().await.expect("a transaction");
        let person = self.person(&mut tx).await;
        exports::request(&mut tx, &person, self.now).await.expect("asked for");
        tx.commit().await.expect("committed");
        exports::run_pending(&self.database.store, self.now).await.expect("put together");
    }

    async fn schedule(&self, id: &str, days: i64, organizer: Option<UserId>) {
        let starts_at = self.now + Duration::days(days);
        run(
            &self.database,
            sql("INSERT INTO meetings (id, tenant_id, code, conference_id, title, description, agenda, type, status,
                     starts_at, ends_at, time_zone, excluded_dates, organizer_id, organizer_email, organizer_name,
                     policy_overrides, expected_participants, ical_uid, sequence, invitation_delivery,
                     invitation_language, invitation_message, tags, revision, created_by, created_at, updated_at)
                 VALUES ($1, $2, $1, $1, 'Budget', '', '', 'scheduled', 'scheduled', $3, $4, 'UTC', '[]', $5, $6, $7, '{}',
                     '{}', $1, 0, '', '', '', '{}', 1, $8, 0, 0)")
            .bind(id)
            .bind(self.tenant)
            .bind(starts_at)
            .bind(starts_at + Duration::hours(1))
            .bind(organizer)
            .bind(EMAIL)
            .bind(NAME)
            .bind(self.user),
        )
        .await;
    }

    async fn person(&self, tx: &mut Tx) -> Person {
        Person::find(tx, self.tenant, Some(self.user), None).await.expect("rows").expect("the person")
    }

    /// All that is in the database, as text.
    async fn everything(&self) -> String {
        let mut file = Vec::new();
        store::backup::back_up(&self.database.store, &mut file, self.now).await.expect("a backup");
        let mut text = String::new();
        flate2::read::GzDecoder::new(file.as_slice()).read_to_string(&mut text).expect("text");
        text
    }

    async fn erase(&self, hand_over_to: Option<UserId>) -> super::model::Erasure {
        let mut tx = self.database.store.write().await.expect("a transaction");
        let person = self.person(&mut tx).await;
        let successor = match hand_over_to {
            Some(id) => erase::successor(&mut tx, &person, id).await.expect("rows"),
            None => None,
        };
        assert_eq!(successor.is_some(), hand_over_to.is_some());
        let erasure = erase::erase(&mut tx, &person, successor.as_ref(), self.now).await.expect("erased");
        tx.commit().await.expect("committed");
        erasure
    }
}

#[tokio::test]
async fn nothing_is_left_of_somebody_who_is_erased() {
    for world in World::both().await {
        let before = world.everything().await;
        let rows = |mark: &str| before.lines().filter(|line| line.contains(mark)).count();
        assert!(MARKS.iter().all(|mark| rows(mark) >= 6), "otherwise this shows nothing");
        let erasure = world.erase(None).await;
        assert_eq!((erasure.cancelled, erasure.handed_over), (2, 0));
        let counted = |name: &str| erasure.erased[name];
        assert_eq!((counted("account"), counted("invitations"), counted("rooms"), counted("exports")), (1, 2, 1, 1));
        let after = world.everything().await;
        let user = world.user.to_string();
        for mark in MARKS.into_iter().chain([user.as_str()]) {
            let left: Vec<_> = after.lines().filter(|line| line.contains(mark)).collect();
            assert!(left.is_empty(), "{mark}: {left:?}");
        }
        assert!(after.contains("Somebody Else"), "others stay");
        if let Location::Sqlite(file) = &world.database.location {
            // Closing folds the journal into the file.
            world.database.store.close().await;
            for file in [file.clone(), file.with_extension("db-wal")] {
                let bytes = std::fs::read(&file).unwrap_or_default();
                for mark in MARKS {
                    let is_left = bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
                    assert!(!is_left, "{mark} is in the bytes of {}", file.display());
                }
            }
        }
    }
}

#[tokio::test]
async fn what_is_to_come_can_be_handed_over() {
    for world in World::both().await {
        let erasure = world.erase(Some(world.other)).await;
        assert_eq!((erasure.cancelled, erasure.handed_over), (0, 2));
        struct Organised(String, Option<UserId>, String);
        impl FromRow for Organised {
            fn from_row(row: &Row) -> Result<Self, StoreError> {
                Ok(Self(row.get("id")?, row.get("organizer_id")?, row.get("organizer_email")?))
            }
        }
        let mut tx = world.database.store.read().await.expect("a transaction");
        let select = sql("SELECT id, organizer_id, organizer_email FROM meetings ORDER BY id");
        let meetings: Vec<Organised> = tx.all(select).await.expect("rows");
        for Organised(id, organizer, email) in meetings {
            let expected = if id == OVER { (None, "") } else { (Some(world.other), "other@example.org") };
            assert_eq!((organizer, email.as_str()), expected, "{id}");
        }
        drop(tx);
        let after = world.everything().await;
        assert!(MARKS.iter().all(|mark| !after.contains(mark)), "{after}");
        assert!(after.contains("Office"), "the room is somebody else's");
    }
}

#[tokio::test]
async fn an_export_has_all_that_is_kept_and_no_secrets() {
    for world in World::both().await {
        let mut tx = world.database.store.read().await.expect("a transaction");
        let select = sql("SELECT content FROM exports");
        struct Content(String);
        impl FromRow for Content {
            fn from_row(row: &Row) -> Result<Self, StoreError> {
                row.get("content").map(Self)
            }
        }
        let content: Content = tx.one(select).await.expect("an export");
        let content: Json = serde_json::from_str(&content.0).expect("JSON");
        assert_eq!(content["is_complete"], true);
        assert_eq!((&content["account"][0]["email"], &content["account"][0]["name"]), (&EMAIL.into(), &NAME.into()));
        let lengths = ["invitations", "meetings_organised", "rooms", "sessions", "api_tokens_made", "audit_events"]
            .map(|name| content[name].as_array().map(Vec::len));
        assert_eq!(lengths, [2, 3, 1, 1, 1, 0].map(Some), "{content}");
        assert_eq!(content["sessions"][0]["expires_at"], "1970-01-01T00:00:00Z");
        assert!(!content.to_string().contains("hash"), "{content}");
    }
}

#[tokio::test]
async fn somebody_without_an_account_is_found_by_their_address() {
    for world in World::both().await {
        let mut tx = world.database.store.write().await.expect("a transaction");
        let find = async |tx: &mut Tx, user, email| Person::find(tx, world.tenant, user, email).await.expect("rows");
        let guest = find(&mut tx, None, Some("Guest@Example.org ")).await.expect("anybody may be invited");
        assert_eq!((guest.user, guest.email.as_deref()), (None, Some("guest@example.org")));
        assert_eq!(
            find(&mut tx, None, Some("XAVERIA.marker@example.org")).await.and_then(|person| person.user),
            Some(world.user)
        );
        assert_eq!(find(&mut tx, Some(UserId::new()), None).await, None);
        let foreign = Person::find(&mut tx, TenantId::new(), Some(world.user), None).await.expect("rows");
        assert_eq!(foreign, None);
        // What has no account and no address of its own is not touched by an empty text.
        let erasure = erase::erase(&mut tx, &guest, None, world.now).await.expect("erased");
        assert!(erasure.erased.iter().all(|(place, count)| *count == 0 || place == "kept_answers"), "{erasure:?}");
    }
}
