// SPDX-License-Identifier: EUPL-1.2
//! Callers with a right PIN while PINs are being guessed, so that it proves nothing.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bus::phone::{Refusal, Verdict, WaitReason};
use serde_json::json;
use store::sql;
use store::testing::TestStore;

use super::{ANNS_NUMBER, BOBS_NUMBER, Exchange, ID, pin};
use crate::support::hall::{INVITEE, MEETING, Text};

const DAY_MS: i64 = 24 * 3_600_000;

impl Exchange {
    /// More wrong PINs of single people were typed for the meeting than may be.
    async fn is_guessed(&self) {
        let database = &self.hall.server.database;
        let mut tx = database.store.read().await.expect("a transaction");
        let secret: Text = tx.one(sql("SELECT secret AS text FROM installation_secrets")).await.expect("a secret");
        drop(tx);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(secret.0).expect("a secret"));
        let mut context = hmac::Context::with_key(&key);
        for part in ["saal phone caller", "place", MEETING] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut name = "long ".to_owned();
        for byte in context.sign().as_ref() {
            write!(name, "{byte:02x}").expect("text");
        }
        let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis()).expect("soon");
        let budget = json!({ "name": name, "used_until": now + 3 * DAY_MS });
        database.insert("phone_budgets", budget).await;
    }
}

#[tokio::test]
async fn where_no_guests_may_come_a_host_says_whether_somebody_whose_pin_proves_nothing_may() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({ "guests": "forbidden", "lobby": "off" })).await;
        let hall = &exchange.hall;
        let host_pin = pin(hall, json!({ "kind": "host" })).await;
        let iris = pin(hall, json!({ "kind": "personal", "invitee_id": INVITEE })).await;
        let refused = Verdict::Refused(Refusal::NotAllowed);
        for (caller, pin) in [(ANNS_NUMBER, &iris), (BOBS_NUMBER, &exchange.room_pin)] {
            assert_eq!(exchange.dial(caller).await.enter(ID, pin).await, refused, "has no account");
        }
        exchange.is_guessed().await;
        let opened = hall.administer(&format!("POST /meetings/{MEETING}/sessions"), None).await;
        assert_eq!(opened.status, 201, "{}", opened.text());
        let session = opened.json()["id"].as_str().expect("an id").to_owned();
        let mut ann = exchange.dial(ANNS_NUMBER).await;
        assert_eq!(ann.enter(ID, &host_pin).await, Verdict::Wait(WaitReason::NoHost), "she is no host by that now");
        let mut bob = exchange.dial(BOBS_NUMBER).await;
        assert_eq!(bob.enter(ID, &exchange.room_pin).await, refused, "that PIN was never enough");
        assert_eq!(hall.moderate(&hall.api_token, &session, "admit", Some(json!({}))).await, 204);
        assert_eq!(ann.verdict().await, Verdict::Admitted);
        assert_eq!(ann.arrive().await.count, 1);
    }
}
