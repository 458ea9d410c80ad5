// SPDX-License-Identifier: EUPL-1.2
//! What is borne of wrong codes where several servers answer calls, one after the other or at once.

use super::*;
use crate::joining::venue::Venue;

#[tokio::test]
async fn what_is_borne_of_ids_alone_is_shared_by_all_servers_and_outlasts_a_start() {
    for mut exchange in Exchange::both().await {
        let called = exchange.meeting("4815162342", json!({ "guests": "link" }), json!({})).await;
        let takes_strangers = async |exchange: &Exchange| {
            let Place::Meeting(meeting) = called.place else { panic!("a meeting") };
            let (mut tx, now) = (exchange.app.store.read().await.expect("a transaction"), exchange.at.utc);
            let venue = Venue::find(&mut tx, Some(meeting), None).await.expect("rows").expect("a meeting");
            let terms = venue.terms(&mut tx, now, None).await.expect("rows");
            takes_strangers(&mut tx, &venue, &terms, false, now).await.expect("rows")
        };
        // What one address of a trunk has, is each server's own.
        for expected in [12, 12, 0] {
            assert_eq!(takes_strangers(&exchange).await, expected > 0);
            let mut answered = 0;
            while exchange.id(&mut exchange.call("anonymous").await, "4815162399").await == Step::Wrong(Again::Id) {
                answered += 1;
            }
            assert_eq!(answered, expected);
            exchange.app = app(&exchange.database).await;
        }
        exchange.later(Duration::from_secs(20 * 60));
        assert!(takes_strangers(&exchange).await, "one");
        let mut call = exchange.call("anonymous").await;
        assert_eq!(exchange.id(&mut call, &called.id).await, Step::AskPin { may_skip: true });
        assert!(takes_strangers(&exchange).await, "which the right one has not used up");
    }
}

#[tokio::test]
async fn what_is_borne_of_a_meetings_pins_is_shared_by_all_servers_and_outlasts_a_start() {
    for mut exchange in Exchange::both().await {
        let called = exchange.meeting("4815162342", json!({ "lobby": "off" }), json!({})).await;
        let waits = async |exchange: &Exchange, pin: &str| known(exchange.dial("anonymous", &called, pin).await).waits;
        for _server in 0..4 {
            for _ in 0..5 {
                assert!(!waits(&exchange, &called.room_pin).await, "the right one costs nothing");
                assert_eq!(exchange.dial("anonymous", &called, "000000").await, Step::Wrong(Again::Pin));
            }
            exchange.app = app(&exchange.database).await;
        }
        assert!(waits(&exchange, &called.room_pin).await, "each server knows what was tried at the others");
        let host = known(exchange.dial("anonymous", &called, &called.host_pin).await);
        assert_eq!((host.who, host.waits), (Who::Host, false), "another budget");
        exchange.later(Duration::from_secs(2 * 3600));
        let renewed = exchange.renew(&called, &called.room_pin).await;
        assert!(!waits(&exchange, &renewed).await, "one");

        exchange.later(Duration::from_secs(7 * 24 * 3600));
        let other = exchange.meeting("4815162343", json!({}), json!({})).await;
        assert_eq!(exchange.dial("anonymous", &other, "000000").await, Step::Wrong(Again::Pin));
        let mut tx = exchange.database.store.read().await.expect("a transaction");
        let kept: Vec<Single<String>> = tx.all(sql("SELECT name FROM phone_budgets")).await.expect("rows");
        assert_eq!(kept.len(), 1, "what is there again is not kept");
    }
}
