// SPDX-License-Identifier: EUPL-1.2
//! Many who call one meeting at once.

use futures_util::future::join_all;

use super::*;

/// What PINs come to that are typed at once, each in a call of its own.
async fn type_at_once(exchange: &Exchange, called: &Called, pins: &[String]) -> Vec<Known> {
    let mut calls = Vec::new();
    for _ in pins {
        let mut call = exchange.call("anonymous").await;
        assert_eq!(exchange.id(&mut call, &called.id).await, Step::AskPin { may_skip: false });
        calls.push(call);
    }
    let steps = join_all(calls.iter_mut().zip(pins).map(|(call, pin)| exchange.pin(call, pin))).await;
    steps.into_iter().map(known).collect()
}

#[tokio::test]
async fn right_pins_that_are_looked_up_at_once_are_not_taken_for_guesses() {
    for exchange in Exchange::both().await {
        let called = exchange.meeting("4815162342", json!({ "lobby": "off" }), json!({})).await;
        let (mut people, mut long) = (vec![Who::Host], vec![called.host_pin.clone()]);
        for _ in 0..9 {
            let (id, pin) = exchange.invite(&called, ANN, json!({})).await;
            people.push(Who::Invitee(id));
            long.push(exchange.digits(&pin));
        }
        exchange.invite_many(&called, 491).await;
        let found = type_at_once(&exchange, &called, &long).await;
        assert_eq!(found.iter().map(|known| known.who).collect::<Vec<_>>(), people);
        let short = vec![called.room_pin.clone(); 40];
        let found = type_at_once(&exchange, &called, &short).await;
        assert!(found.iter().all(|known| !known.waits), "{found:?}");
    }
}
