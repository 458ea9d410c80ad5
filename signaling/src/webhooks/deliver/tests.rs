// SPDX-License-Identifier: EUPL-1.2
//! Messages to a real HTTP receiver on loopback. The clock is an argument.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use store::testing::TestStore;
use tokio::net::TcpListener;

use super::*;
use crate::api::ids::{MeetingId, TenantId, WebhookId};
use crate::identity::tenants;
use crate::meetings::changes::{self, ChangeKind, MeetingChange};
use crate::webhooks::model::WebhookInput;
use crate::webhooks::{Happening, WebhookEvent, note as note_happening, table};

/// What arrived: id, time, signature and body.
type Arrived = (String, String, String, String);

/// Whoever receives the messages.
#[derive(Clone, Default)]
struct Receiver {
    arrived: Arc<Mutex<Vec<Arrived>>>,
    /// What is answered next; 204 afterwards.
    answers: Arc<Mutex<VecDeque<u16>>>,
    /// Whoever holds it for writing keeps the answers back.
    answering: Arc<tokio::sync::RwLock<()>>,
}

impl Receiver {
    async fn serve(&self) -> SocketAddr {
        let router = Router::new().route("/hook", post(receive)).with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async { axum::serve(listener, router).await });
        address
    }

    fn bodies(&self) -> Vec<String> {
        self.arrived.lock().expect("unpoisoned").iter().map(|arrived| arrived.3.clone()).collect()
    }

    /// The numbers of the meetings that it heard of.
    fn heard(&self) -> Vec<i64> {
        let number = |body: &String| serde_json::from_str::<Json>(body).expect("JSON")["data"]["number"].as_i64();
        self.bodies().iter().filter_map(number).collect()
    }

    fn will_answer(&self, statuses: &[u16]) {
        self.answers.lock().expect("unpoisoned").extend(statuses);
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers[name].to_str().expect("text").to_owned();
    let body = String::from_utf8(body.to_vec()).expect("text");
    let arrived = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"), body);
    receiver.arrived.lock().expect("unpoisoned").push(arrived);
    drop(receiver.answering.read().await);
    let answer = receiver.answers.lock().expect("unpoisoned").pop_front();
    StatusCode::from_u16(answer.unwrap_or(204)).expect("a status")
}

struct Test {
    database: TestStore,
    receiver: Receiver,
    deliverer: Deliverer,
    tenant: TenantId,
    webhook: Webhook,
    now: DateTime<Utc>,
}

impl Test {
    async fn both() -> Vec<Self> {
        let mut tests = Vec::new();
        for database in TestStore::both().await {
            tests.push(Self::on(database).await);
        }
        tests
    }

    async fn on(database: TestStore) -> Self {
        let receiver = Receiver::default();
        let address = receiver.serve().await;
        let keys = Keys::load(&database.store).await.expect("keys");
        let deliverer = Deliverer::new(database.store.clone(), keys, Reach::new(&[], true));
        let mut tx = database.store.write().await.expect("a transaction");
        tenants::ensure_one(&mut tx).await.expect("a tenant");
        let tenant = tenants::named(&mut tx, None).await.expect("rows").expect("a tenant");
        let now = "2026-10-25T12:00:00Z".parse().expect("a time");
        let webhook = Webhook {
            id: WebhookId::new(),
            tenant_id: tenant,
            input: WebhookInput {
                url: format!("http://{address}/hook"),
                description: String::new(),
                events: vec![WebhookEvent::MeetingCreated],
                is_active: true,
            },
            failing_since: None,
            disabled_at: None,
            revision: 1,
            created_at: now,
            updated_at: now,
            secret_generation: 1,
            secret_rotated_at: None,
        };
        table::insert(&mut tx, &webhook).await.expect("inserted");
        tx.commit().await.expect("committed");
        Self { database, receiver, deliverer, tenant, webhook, now }
    }

    async fn note(&self, event: WebhookEvent, number: i64) {
        let mut tx = self.database.store.write().await.expect("a transaction");
        let happening = Happening { event, data: json!({ "number": number }) };
        note_happening(&mut tx, self.tenant, &happening, self.now).await.expect("noted");
        tx.commit().await.expect("committed");
    }

    async fn webhook(&self) -> Webhook {
        let mut tx = self.database.store.read().await.expect("a transaction");
        table::find(&mut tx, None, self.webhook.id).await.expect("rows").expect("the webhook")
    }

    /// Changes the webhook, as its administrators do.
    async fn change(&self, change: impl FnOnce(&mut Webhook)) {
        let mut webhook = self.webhook().await;
        change(&mut webhook);
        let mut tx = self.database.store.write().await.expect("a transaction");
        assert!(table::update(&mut tx, &webhook).await.expect("changed"));
        tx.commit().await.expect("committed");
    }

    /// The address, as this process takes it for itself.
    async fn claim(&self) -> Claimed {
        self.deliverer.claim(self.now, 10).await.expect("claimed").pop().expect("a claim")
    }

    async fn deliveries(&self) -> Vec<(WebhookDeliveryStatus, i64, Option<i64>, Option<String>)> {
        let mut tx = self.database.store.read().await.expect("a transaction");
        let select = sql("SELECT * FROM webhook_deliveries ORDER BY id");
        let found: Vec<WebhookDelivery> = tx.all(select).await.expect("rows");
        let shown = |found: WebhookDelivery| (found.status, found.attempts, found.last_status, found.last_error);
        found.into_iter().map(shown).collect()
    }
}

#[tokio::test]
async fn messages_arrive_in_order_and_signed() {
    for test in Test::both().await {
        for number in 0..30 {
            test.note(WebhookEvent::MeetingCreated, number).await;
            test.note(WebhookEvent::SessionEnded, -1).await;
        }
        test.deliverer.run_once(test.now).await;
        assert_eq!(test.receiver.heard(), (0..20).collect::<Vec<_>>(), "then others have their turn");
        test.deliverer.run_once(test.now).await;
        assert_eq!(test.receiver.heard(), (0..30).collect::<Vec<_>>());
        test.deliverer.run_once(test.now).await;
        assert_eq!(test.receiver.heard().len(), 30, "once each");
        let arrived = test.receiver.arrived.lock().expect("unpoisoned").clone();
        let (id, time, signature, body) = &arrived[7];
        let time = DateTime::from_timestamp(time.parse().expect("a number"), 0).expect("a time");
        assert!((Duration::zero()..Duration::minutes(1)).contains(&(time - test.now)), "{time}");
        let expected = sign::signature(&test.deliverer.keys, &test.webhook, id, time, body);
        assert_eq!(signature, &expected);
        let body: Json = serde_json::from_str(body).expect("JSON");
        assert_eq!(
            body,
            json!({"type": "meeting.created", "timestamp": "2026-10-25T12:00:00Z", "data": {"number": 7}})
        );
    }
}

#[tokio::test]
async fn what_becomes_of_meetings_is_told() {
    for test in Test::both().await {
        let meeting_id = MeetingId::new();
        let mut tx = test.database.store.write().await.expect("a transaction");
        for kind in [ChangeKind::Created, ChangeKind::Cancelled] {
            let change = MeetingChange { tenant_id: test.tenant, meeting_id, kind };
            changes::note(&mut tx, change).await.expect("noted");
        }
        tx.commit().await.expect("committed");
        test.deliverer.run_once(test.now).await;
        test.deliverer.run_once(test.now).await;
        let bodies = test.receiver.bodies();
        assert_eq!(bodies.len(), 1, "once, and only what it wants to know: {bodies:?}");
        let body: Json = serde_json::from_str(&bodies[0]).expect("JSON");
        assert_eq!((&body["type"], &body["data"]["meeting_id"]), (&json!("meeting.created"), &json!(meeting_id)));
    }
}

#[tokio::test]
async fn what_does_not_arrive_is_tried_again_before_what_comes_after_it() {
    for test in Test::both().await {
        for number in 0..3 {
            test.note(WebhookEvent::MeetingCreated, number).await;
        }
        test.receiver.will_answer(&[204, 500, 302]);
        test.deliverer.run_once(test.now).await;
        assert_eq!(test.receiver.heard(), [0, 1]);
        let since = test.webhook().await.failing_since.expect("it fails");
        assert!((Duration::zero()..Duration::seconds(4)).contains(&(since - test.now)), "{since}");
        test.deliverer.run_once(test.now + Duration::seconds(4)).await;
        assert_eq!(test.receiver.heard(), [0, 1], "not yet");
        test.deliverer.run_once(test.now + Duration::seconds(6)).await;
        assert_eq!(test.receiver.heard(), [0, 1, 1], "a redirect is a failure");
        test.deliverer.run_once(test.now + Duration::seconds(30)).await;
        assert_eq!(test.receiver.heard(), [0, 1, 1], "the pauses grow");
        test.deliverer.run_once(test.now + Duration::seconds(40)).await;
        assert_eq!(test.receiver.heard(), [0, 1, 1, 1, 2]);
        assert_eq!(test.webhook().await.failing_since, None);
        let ids: Vec<_> =
            test.receiver.arrived.lock().expect("unpoisoned").iter().map(|found| found.0.clone()).collect();
        assert!(ids[1] == ids[2] && ids[2] == ids[3] && ids[3] != ids[4]);
        let statuses: Vec<_> =
            test.deliveries().await.into_iter().map(|(status, attempts, ..)| (status, attempts)).collect();
        let delivered = WebhookDeliveryStatus::Delivered;
        assert_eq!(statuses, [(delivered, 1), (delivered, 3), (delivered, 1)]);
    }
}

#[tokio::test]
async fn after_three_days_without_success_a_webhook_is_disabled() {
    for test in Test::both().await {
        test.note(WebhookEvent::MeetingCreated, 1).await;
        test.note(WebhookEvent::MeetingCreated, 2).await;
        test.receiver.will_answer(&[503; 100]);
        let mut hours = 0;
        while test.webhook().await.input.is_active {
            assert!(hours < 100, "it never ends");
            test.deliverer.run_once(test.now + Duration::hours(hours)).await;
            hours += 1;
        }
        // An attempt takes a moment, so the one at 72 hours may be that moment too early, and a pause of four hours five steps.
        assert!((73..=78).contains(&hours), "{hours}");
        let webhook = test.webhook().await;
        assert!(webhook.disabled_at.is_some() && webhook.revision == 2);
        let deliveries = test.deliveries().await;
        assert_eq!((deliveries[0].0, deliveries[0].2), (WebhookDeliveryStatus::Failed, Some(503)));
        assert_eq!(deliveries[1].0, WebhookDeliveryStatus::Pending, "it is sent when somebody mends the webhook");
        struct Action(String);
        impl store::FromRow for Action {
            fn from_row(row: &store::Row) -> Result<Self, StoreError> {
                row.get("action").map(Self)
            }
        }
        let mut tx = test.database.store.read().await.expect("a transaction");
        let last: Action = tx.one(sql("SELECT action FROM audit_events ORDER BY number DESC")).await.expect("an event");
        assert_eq!(last.0, "webhook.disable");
        drop(tx);
        test.note(WebhookEvent::MeetingCreated, 3).await;
        assert_eq!(test.deliveries().await.len(), 2, "it is told nothing any more");
    }
}

#[tokio::test]
async fn whoever_is_gone_for_good_says_so() {
    for test in Test::both().await {
        test.note(WebhookEvent::MeetingCreated, 1).await;
        test.receiver.will_answer(&[410]);
        test.deliverer.run_once(test.now).await;
        assert!(!test.webhook().await.input.is_active);
    }
}

#[tokio::test]
async fn what_waits_survives_the_process_and_is_sent_by_another() {
    for test in Test::both().await {
        test.note(WebhookEvent::MeetingCreated, 1).await;
        let claimed = test.deliverer.claim(test.now, 10).await.expect("claimed");
        assert_eq!(claimed.len(), 1);
        assert!(test.deliverer.claim(test.now, 10).await.expect("claimed").is_empty(), "one has it to itself");
        // That process dies here.
        test.deliverer.run_once(test.now + CLAIM).await;
        assert_eq!(test.receiver.heard(), [1]);
        // If it was only slow, it notices that another has taken over.
        let mut late = claimed.into_iter().next().expect("a claim");
        let goes_on = test.deliverer.deliver_next(&mut late, test.now + CLAIM, Instant::now(), false).await;
        assert_eq!(goes_on, Ok(false));
    }
}

#[tokio::test]
async fn what_became_unreachable_is_not_asked() {
    let test = Test::on(TestStore::sqlite().await).await;
    let keys = test.deliverer.keys.clone();
    let strict = Deliverer::new(test.database.store.clone(), keys, Reach::new(&[], false));
    test.note(WebhookEvent::MeetingCreated, 1).await;
    strict.run_once(test.now).await;
    assert!(test.receiver.bodies().is_empty());
    assert_eq!(test.deliveries().await, [(WebhookDeliveryStatus::Pending, 1, None, Some("not-public".to_owned()))]);
}

#[tokio::test]
async fn for_a_day_after_a_secret_is_replaced_messages_are_signed_with_both() {
    for test in Test::both().await {
        let keys = &test.deliverer.keys;
        let old = sign::secret(keys, &test.webhook);
        let update = sql("UPDATE webhooks SET secret_generation = 2, secret_rotated_at = $1").bind(test.now);
        let mut tx = test.database.store.write().await.expect("a transaction");
        tx.execute(update).await.expect("rotated");
        tx.commit().await.expect("committed");
        let new = sign::secret(keys, &test.webhook().await);
        for (number, later) in [Duration::hours(23), Duration::hours(25)].into_iter().enumerate() {
            test.note(WebhookEvent::MeetingCreated, i64::try_from(number).expect("few")).await;
            test.deliverer.run_once(test.now + later).await;
        }
        let arrived = test.receiver.arrived.lock().expect("unpoisoned").clone();
        let signed_with = |(id, time, signatures, body): &Arrived, secret: &str| {
            let key = STANDARD.decode(secret.trim_start_matches("whsec_")).expect("Base64");
            let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
            let content = format!("{id}.{time}.{body}");
            signatures.split(' ').any(|signature| {
                let tag = STANDARD.decode(signature.trim_start_matches("v1,")).expect("Base64");
                hmac::verify(&key, content.as_bytes(), &tag).is_ok()
            })
        };
        let by = |index: usize| (signed_with(&arrived[index], &old), signed_with(&arrived[index], &new));
        assert_eq!([by(0), by(1)], [(true, true), (false, true)]);
    }
}

#[tokio::test]
async fn a_webhook_that_is_changed_is_told_the_rest_as_it_is_then() {
    for test in Test::both().await {
        let other = Receiver::default();
        let address = other.serve().await;
        for number in 0..3 {
            test.note(WebhookEvent::MeetingCreated, number).await;
        }
        let mut claimed = test.claim().await;
        let first = test.deliverer.deliver_next(&mut claimed, test.now, Instant::now(), false).await;
        assert_eq!((first, test.receiver.heard()), (Ok(true), vec![0]));
        test.change(|webhook| {
            webhook.input.url = format!("http://{address}/hook");
            webhook.secret_generation += 1;
        })
        .await;
        test.deliverer.deliver(claimed, test.now).await;
        assert_eq!((test.receiver.heard(), other.heard()), (vec![0], vec![1, 2]));
        let (id, time, signature, body) = other.arrived.lock().expect("unpoisoned")[0].clone();
        let time = DateTime::from_timestamp(time.parse().expect("a number"), 0).expect("a time");
        let expected = sign::signature(&test.deliverer.keys, &test.webhook().await, &id, time, &body);
        assert_eq!(signature, expected, "with the new secret");
    }
}

#[tokio::test]
async fn when_too_much_waits_a_webhook_is_disabled_and_what_happens_goes_on() {
    for test in Test::both().await {
        let webhook = test.webhook.id.to_string();
        let mut tx = test.database.store.write().await.expect("a transaction");
        let insert =
            sql("INSERT INTO webhook_deliveries (id, webhook_id, tenant_id, event_type, payload, status, attempts,
                 created_at)
             WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 10000)
             SELECT CAST(number AS TEXT), $1, $2, 'meeting.created', '{}', 'pending', 0, 0 FROM numbers");
        tx.execute(insert.bind(&webhook).bind(test.tenant)).await.expect("inserted");
        tx.commit().await.expect("committed");
        test.note(WebhookEvent::MeetingCreated, 1).await;
        assert!(!test.webhook().await.input.is_active);
        assert_eq!(test.deliveries().await.len(), 10_000);
    }
}

/// A receiver that answers slowly, or sends its readers elsewhere, gets no more than others.
#[tokio::test]
async fn a_redirect_into_our_own_network_is_not_followed() {
    for test in Test::both().await {
        let secret = Receiver::default();
        let inside = secret.serve().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let location = format!("http://{inside}/hook");
        let redirect = post(move || async move { (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]) });
        let router = Router::new().route("/hook", redirect);
        tokio::spawn(async { axum::serve(listener, router).await });
        let mut tx = test.database.store.write().await.expect("a transaction");
        tx.execute(sql("UPDATE webhooks SET url = $1").bind(format!("http://{address}/hook"))).await.expect("changed");
        tx.commit().await.expect("committed");
        test.note(WebhookEvent::MeetingCreated, 1).await;
        test.deliverer.run_once(test.now).await;
        assert_eq!(test.deliveries().await, [(WebhookDeliveryStatus::Pending, 1, Some(307), None)]);
        assert!(secret.bodies().is_empty());
    }
}

#[tokio::test]
async fn a_webhook_that_is_switched_off_is_told_nothing_more() {
    for test in Test::both().await {
        test.note(WebhookEvent::MeetingCreated, 1).await;
        let claimed = test.claim().await;
        test.change(|webhook| webhook.input.is_active = false).await;
        test.deliverer.deliver(claimed, test.now).await;
        assert!(test.receiver.heard().is_empty());
        test.change(|webhook| webhook.input.is_active = true).await;
        test.deliverer.run_once(test.now).await;
        assert_eq!(test.receiver.heard(), [1], "and at once when it is switched on");
    }
}

#[tokio::test]
async fn a_failure_of_the_old_address_does_not_disable_the_new_one() {
    for test in Test::both().await {
        test.note(WebhookEvent::MeetingCreated, 1).await;
        let mut tx = test.database.store.write().await.expect("a transaction");
        let update = sql("UPDATE webhooks SET failing_since = $1").bind(test.now - PATIENCE);
        tx.execute(update).await.expect("changed");
        tx.commit().await.expect("committed");
        test.receiver.will_answer(&[503]);
        let mut claimed = test.claim().await;
        let held = test.receiver.answering.write().await;
        let told = test.deliverer.deliver_next(&mut claimed, test.now, Instant::now(), false);
        let changed = async {
            while test.receiver.bodies().is_empty() {
                tokio::task::yield_now().await;
            }
            test.change(|webhook| webhook.input.description = "mended".to_owned()).await;
            drop(held);
        };
        let (goes_on, ()) = tokio::join!(told, changed);
        assert_eq!(goes_on, Ok(false));
        let webhook = test.webhook().await;
        assert!(webhook.input.is_active && webhook.failing_since.is_none(), "it was mended meanwhile");
        assert_eq!(test.deliveries().await, [(WebhookDeliveryStatus::Pending, 0, None, None)]);
        test.deliverer.run_once(test.now).await;
        assert_eq!(test.receiver.heard(), [1, 1]);
    }
}
