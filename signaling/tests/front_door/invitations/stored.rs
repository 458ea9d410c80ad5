// SPDX-License-Identifier: EUPL-1.2
//! A weekly meeting in the database with those who are invited, and a service that sends mails.

use chrono::{DateTime, Duration, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use signaling::commands::{NewApiToken, create_api_token};
use signaling::{Config, MailConfig};
use store::testing::TestStore;
use store::{FromRow, Row, Store, StoreError, sql};

use crate::support::mail::MailServer;
use crate::support::server::{Answer, Server, config};
use crate::support::soon;

pub(super) const ORGANIZER: &str = "joerg@example.org";
pub(super) const UID: &str = "0198f2c4-7d1e-7c3a-9b1f-4f0d2f6f9a01@conf.example.org";
pub(super) const MEETING: &str = "0198f2c4-7d1e-7c3a-9b1f-4f0d2f6f9a01";
/// Somebody abroad.
pub(super) const ZOFIE: Invited =
    Invited { id: "0198f2c4-7d1e-7c3a-9b1f-4f0d2f6f9b01", email: "zofie@bauhof-süd.example" };
/// Somebody else.
pub(super) const ALI: Invited = Invited { id: "0198f2c4-7d1e-7c3a-9b1f-4f0d2f6f9b02", email: "ali@example.org" };

/// Somebody who is invited.
#[derive(Clone, Copy)]
pub(super) struct Invited {
    pub(super) id: &'static str,
    pub(super) email: &'static str,
}

/// A service with the meeting, and the mail server that it uses.
pub(super) struct Scene {
    pub(super) server: Server,
    pub(super) token: String,
    pub(super) mail: MailConfig,
    pub(super) mails: MailServer,
}

/// A service that sends mails by that server at once.
pub(super) fn mail_config(port: u16) -> MailConfig {
    let mut mail =
        MailConfig::new(format!("smtp://127.0.0.1:{port}").as_str().into(), "invite@conf.example.org".into());
    mail.replies = Some("reply+{token}@conf.example.org".to_owned());
    mail.fold = Duration::zero();
    mail.poll = std::time::Duration::from_millis(20);
    mail
}

impl Scene {
    pub(super) async fn on(database: TestStore) -> Self {
        let mails = MailServer::start().await;
        let mail = mail_config(mails.port);
        Self::with(database, mail, mails).await
    }

    pub(super) async fn with(database: TestStore, mail: MailConfig, mails: MailServer) -> Self {
        let wanted = NewApiToken {
            name: "test",
            scopes: "meetings:*,invitees:*",
            tenant: None,
            is_for_installation: false,
            days: 1,
        };
        let token = create_api_token(&database.store, &wanted).await.expect("a token");
        write_meeting(&database.store).await;
        let config = Config { public_url: "https://conf.example.org".to_owned(), mail: Some(mail.clone()), ..config() };
        Self { server: Server::start_on(database, config).await, token, mail, mails }
    }

    pub(super) fn store(&self) -> &Store {
        &self.server.database.store
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        self.server.request(&format!("GET /api/v1{path}"), &[("authorization", &authorization)], &[]).await
    }

    /// Waits until a read shows what is wanted.
    pub(super) async fn eventually(&self, path: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        soon(async {
            loop {
                let found = self.get(path).await.json();
                if is_wanted(&found) {
                    return found;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// Runs a statement that brings the meeting into another state.
    pub(super) async fn set(&self, statement: store::Statement) {
        let mut tx = self.store().write().await.expect("a transaction");
        assert!(tx.execute(statement).await.expect("a change") > 0, "nothing was changed");
        tx.commit().await.expect("kept");
    }

    /// Notes that something became of the meeting.
    pub(super) async fn note(&self, kind: &str, details: Value) {
        note(self.store(), kind, details).await;
    }

    pub(super) async fn invitee(&self, invited: Invited) -> StoredInvitee {
        let select = sql("SELECT * FROM invitees WHERE id = $1").bind(invited.id);
        self.store().read().await.expect("a transaction").one(select).await.expect("an invitee")
    }

    /// The actions that the audit log has about somebody.
    pub(super) async fn audited(&self, invited: Invited) -> Vec<String> {
        let select = sql("SELECT action FROM audit_events WHERE target_id = $1 ORDER BY number").bind(invited.id);
        let found: Vec<Action> = self.store().read().await.expect("a transaction").all(select).await.expect("events");
        found.into_iter().map(|action| action.0).collect()
    }
}

#[derive(Debug, PartialEq)]
pub(super) struct StoredInvitee {
    pub(super) response: String,
    pub(super) response_sequence: i64,
    pub(super) last_notified_sequence: i64,
}

impl FromRow for StoredInvitee {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            response: row.get("response_status")?,
            response_sequence: row.get("response_sequence")?,
            last_notified_sequence: row.get("last_notified_sequence")?,
        })
    }
}

struct Action(String);

impl FromRow for Action {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("action").map(Self)
    }
}

struct Id(String);

impl FromRow for Id {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("id").map(Self)
    }
}

/// A time in Berlin.
pub(super) fn berlin(year: i32, month: u32, day: u32, hour: u32) -> DateTime<Utc> {
    Tz::Europe__Berlin.with_ymd_and_hms(year, month, day, hour, 0, 0).earliest().expect("a time").to_utc()
}

/// The start of the meeting's n-th time: Tuesdays at ten, in winter as in summer.
pub(super) fn nth(number: i64) -> DateTime<Utc> {
    let day = berlin(2026, 10, 20, 10).with_timezone(&Tz::Europe__Berlin).naive_local() + Duration::weeks(number);
    Tz::Europe__Berlin.from_local_datetime(&day).earliest().expect("a time").to_utc()
}

pub(super) async fn note(store: &Store, kind: &str, details: Value) {
    let mut tx = store.write().await.expect("a transaction");
    let tenant: Id = tx.one(sql("SELECT id FROM tenants")).await.expect("a tenant");
    let insert = sql("INSERT INTO meeting_changes (id, tenant_id, meeting_id, kind, details, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)");
    let insert = insert.bind(uuid::Uuid::now_v7().to_string()).bind(&tenant.0).bind(MEETING).bind(kind);
    tx.execute(insert.bind(&details).bind(Utc::now())).await.expect("noted");
    tx.commit().await.expect("kept");
}

/// Thirty Tuesdays over both changes of the clocks.
async fn write_meeting(store: &Store) {
    let mut tx = store.write().await.expect("a transaction");
    let tenant: Id = tx.one(sql("SELECT id FROM tenants")).await.expect("a tenant");
    let dial_in = serde_json::json!({ "dial_in": { "numbers": [{ "e164": "+4936112345678", "label": "Erfurt" }] } });
    tx.execute(sql("UPDATE tenants SET settings = $1").bind(&dial_in)).await.expect("settings");
    let insert = sql("INSERT INTO meetings (id, tenant_id, code, conference_id, title, description, agenda, type, status,
             starts_at, ends_at, time_zone, recurrence_rule, excluded_dates, organizer_email, organizer_name,
             policy_overrides, expected_participants, ical_uid, sequence, invitation_delivery, invitation_language,
             invitation_message, tags, revision, created_by, created_at, updated_at)
         VALUES ($1, $2, '4cS9kQ2LrTvX7bNzPq8wYd', '491234567', 'Jour fixe Öffnung', 'Stand', '', 'recurring', 'scheduled',
             $3, $4, 'Europe/Berlin', 'FREQ=WEEKLY;BYDAY=TU;COUNT=30', '[]', $5, 'Jörg Müller',
             '{}', '{}', $6, 0, 'mail', 'de', '', '{}', 1, 'test', $3, $3)");
    let (start, end) = (nth(0), nth(0) + Duration::minutes(90));
    let insert = insert.bind(MEETING).bind(&tenant.0).bind(start).bind(end).bind(ORGANIZER).bind(UID);
    tx.execute(insert).await.expect("a meeting");
    for number in 0..30 {
        let insert = sql("INSERT INTO occurrences (meeting_id, recurrence_id, tenant_id, starts_at, ends_at, status,
                 is_exception, policy_overrides, sequence, expected_total, expected_phone)
             VALUES ($1, $2, $3, $2, $4, 'scheduled', $5, '{}', 0, 0, 0)");
        let end = nth(number) + Duration::minutes(90);
        let insert = insert.bind(MEETING).bind(nth(number)).bind(&tenant.0).bind(end).bind(false);
        tx.execute(insert).await.expect("an occurrence");
    }
    for (invited, name) in [(ZOFIE, "Žofie Nováková"), (ALI, "")] {
        let insert = sql("INSERT INTO invitees (id, meeting_id, tenant_id, email, name, role, type, response_status,
                 response_sequence, lobby_bypass, link_generation, last_notified_sequence, revision, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, 'attendee', 'external', 'needs_action', -1, $6, 0, -1, 1, $7, $7)");
        let insert = insert.bind(invited.id).bind(MEETING).bind(&tenant.0).bind(invited.email).bind(name);
        tx.execute(insert.bind(false).bind(start)).await.expect("an invitee");
    }
    tx.commit().await.expect("kept");
}
