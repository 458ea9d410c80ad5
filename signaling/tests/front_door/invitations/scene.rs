// SPDX-License-Identifier: EUPL-1.2
//! A service that sends mails, with meetings that are scheduled by its API.

use std::collections::HashMap;

use chrono::{DateTime, Datelike as _, Duration, TimeZone as _, Utc, Weekday};
use chrono_tz::Tz;
use serde_json::{Value, json};
use signaling::commands::{NewApiToken, create_api_token};
use signaling::{Config, MailConfig};
use store::testing::TestStore;
use store::{FromRow, Row, Statement, Store, StoreError, sql};

use crate::support::mail::MailServer;
use crate::support::server::{Answer, Server, config};
use crate::support::soon;

pub(super) const ORGANIZER: &str = "joerg@example.org";
/// Somebody abroad, whose name and domain have letters that mails cannot hold.
pub(super) const ZOFIE: &str = "zofie@xn--bauhof-sd-x9a.example";
/// Somebody else.
pub(super) const ALI: &str = "ali@example.org";
/// What the times of the series are.
pub(super) const RULE: &str = "FREQ=WEEKLY;COUNT=30;BYDAY=TU";

/// A service, and the mail server that it uses.
pub(super) struct Scene {
    pub(super) server: Server,
    token: String,
    pub(super) mail: MailConfig,
    pub(super) mails: MailServer,
}

/// A meeting that the API has made.
pub(super) struct Scheduled {
    pub(super) id: String,
    pub(super) uid: String,
    /// Those who are invited, by their addresses.
    pub(super) invitees: HashMap<String, String>,
}

impl Scheduled {
    /// Its path, with what comes after it.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/meetings/{}{rest}", self.id)
    }

    /// The id of somebody who is invited.
    pub(super) fn invitee(&self, email: &str) -> &str {
        &self.invitees[email]
    }
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
        let scopes = "meetings:*,invitees:*,users:*";
        let wanted = NewApiToken { name: "test", scopes, tenant: None, is_for_installation: false, days: 1 };
        let token = create_api_token(&database.store, &wanted).await.expect("a token");
        write_tenant(&database.store).await;
        let config = Config {
            public_url: "https://conf.example.org".to_owned(),
            mail: Some(mail.clone()),
            // Tests wait by asking again and again.
            api_requests_per_second: 100_000,
            ..config()
        };
        Self { server: Server::start_on(database, config).await, token, mail, mails }
    }

    pub(super) fn store(&self) -> &Store {
        &self.server.database.store
    }

    /// A request with a JSON body, in view of whatever there is.
    pub(super) async fn ask(&self, head: &str, body: Option<&Value>) -> Answer {
        let (method, path) = head.split_once(' ').expect("a method and a path");
        let authorization = format!("Bearer {}", self.token);
        let mut headers = vec![("authorization", authorization.as_str())];
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        if matches!(method, "PATCH" | "PUT" | "DELETE") {
            headers.push(("if-match", "*"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        self.server.request(&format!("{method} /api/v1{path}"), &headers, body.as_bytes()).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), None).await
    }

    /// The same, and it works.
    pub(super) async fn done(&self, head: &str, body: Option<&Value>) {
        let answer = self.ask(head, body).await;
        assert!((200..300).contains(&answer.status), "{head}: {}", answer.text());
    }

    /// Schedules thirty Tuesdays, over a change of the clocks at least, to which these people are invited.
    pub(super) async fn schedule(&self, invited: &[&str]) -> Scheduled {
        self.schedule_with(invited, json!({})).await
    }

    /// The same with other fields.
    pub(super) async fn schedule_with(&self, invited: &[&str], fields: Value) -> Scheduled {
        let names = HashMap::from([(ZOFIE, "Žofie Nováková")]);
        let invitees: Vec<_> = invited
            .iter()
            .map(|email| json!({ "email": email, "name": names.get(email).copied().unwrap_or_default() }))
            .collect();
        let mut meeting = json!({
            "title": "Jour fixe Öffnung", "description": "Stand", "starts_at": nth(0), "duration_minutes": 90, // spelling: no English
            "time_zone": "Europe/Berlin", "recurrence_rule": RULE, "invitees": invitees,
            "organizer": { "email": ORGANIZER, "name": "Jörg Müller" }, "invitation": { "language": "de" },
        });
        for (name, value) in fields.as_object().expect("fields") {
            meeting[name] = value.clone();
        }
        let answer = self.ask("POST /meetings", Some(&meeting)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let made = answer.json();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let mut made = Scheduled { id: text(&made["id"]), uid: text(&made["ical_uid"]), invitees: HashMap::new() };
        for invitee in self.get(&made.path("/invitees")).await.json()["items"].as_array().expect("invitees") {
            made.invitees.insert(text(&invitee["email"]), text(&invitee["id"]));
        }
        made
    }

    /// What became of the mails to somebody.
    pub(super) async fn delivery(&self, meeting: &Scheduled, email: &str) -> Value {
        let found = self.get(&meeting.path("/deliveries")).await.json();
        let mut items = found["items"].as_array().unwrap_or_else(|| panic!("{found}")).iter();
        items.find(|item| item["invitee_id"] == meeting.invitee(email)).expect("an entry").clone()
    }

    /// Waits until that is what is wanted.
    pub(super) async fn delivered(
        &self,
        meeting: &Scheduled,
        email: &str,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        soon(async {
            loop {
                let found = self.delivery(meeting, email).await;
                if is_wanted(&found) {
                    return found;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// Waits until the last mail to somebody is sent.
    pub(super) async fn sent(&self, meeting: &Scheduled, email: &str) -> Value {
        self.delivered(meeting, email, |delivery| delivery["status"] == "sent").await
    }

    /// Lets time pass for what is stored: a mail's next try, a lease that ends.
    pub(super) async fn set(&self, statement: Statement) {
        let mut tx = self.store().write().await.expect("a transaction");
        assert!(tx.execute(statement).await.expect("a change") > 0, "nothing was changed");
        tx.commit().await.expect("kept");
    }

    /// The one text that the database has.
    pub(super) async fn text(&self, select: &'static str) -> String {
        let found: Text = self.store().read().await.expect("a transaction").one(sql(select)).await.expect("a text");
        found.0
    }

    /// Waits until the database has that text.
    pub(super) async fn eventually(&self, select: &'static str, wanted: &str) {
        soon(async {
            while self.text(select).await != wanted {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// What somebody answered.
    pub(super) async fn response(&self, meeting: &Scheduled, email: &str) -> String {
        let path = meeting.path(&format!("/invitees/{}", meeting.invitee(email)));
        self.get(&path).await.json()["response_status"].as_str().expect("an answer").to_owned()
    }

    /// The actions that the audit log has about somebody who is invited.
    pub(super) async fn audited(&self, meeting: &Scheduled, email: &str) -> Vec<String> {
        let select =
            sql("SELECT action FROM audit_events WHERE target_id = $1 ORDER BY number").bind(meeting.invitee(email));
        let found: Vec<Action> = self.store().read().await.expect("a transaction").all(select).await.expect("events");
        found.into_iter().map(|action| action.0).collect()
    }
}

struct Text(String);

impl FromRow for Text {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("text").map(Self)
    }
}

struct Action(String);

impl FromRow for Action {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("action").map(Self)
    }
}

/// The start of the series' n-th time: Tuesdays at ten in Berlin, in winter as in summer, from two weeks on.
pub(super) fn nth(number: i64) -> DateTime<Utc> {
    let soonest = Utc::now().date_naive() + Duration::days(14);
    let mut days = soonest.iter_days();
    let first = days.find(|day| day.weekday() == Weekday::Tue).expect("a Tuesday");
    berlin((first + Duration::weeks(number)).and_hms_opt(10, 0, 0).expect("a time"))
}

/// A time of Berlin's clocks.
pub(super) fn berlin(local: chrono::NaiveDateTime) -> DateTime<Utc> {
    Tz::Europe__Berlin.from_local_datetime(&local).earliest().expect("a time").to_utc()
}

/// How a mail in German names a day.
pub(super) fn german(at: DateTime<Utc>) -> String {
    let day = at.with_timezone(&Tz::Europe__Berlin);
    let weekdays = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"]; // spelling: no English
    let months = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"; // spelling: no English
    let weekday = weekdays[usize::try_from(day.weekday().num_days_from_monday()).expect("small")];
    let month = months.split(' ').nth(usize::try_from(day.month0()).expect("small")).expect("a month");
    format!("{weekday}, {}. {month} {}", day.day(), day.year())
}

/// A number to dial in, and where it is said how personal data is dealt with.
async fn write_tenant(store: &Store) {
    let settings = json!({
        "dial_in": { "numbers": [{ "e164": "+4936112345678", "label": "Erfurt" }] },
        "legal": { "privacy_url": "https://www.example.org/privacy" },
    });
    let mut tx = store.write().await.expect("a transaction");
    tx.execute(sql("UPDATE tenants SET settings = $1").bind(&settings)).await.expect("settings");
    tx.commit().await.expect("kept");
}
