// SPDX-License-Identifier: EUPL-1.2
//! What callers come to while codes are guessed.

use super::*;

#[tokio::test]
async fn during_an_attack_only_id_and_pin_together_get_in() {
    for exchange in Exchange::both().await {
        let called = exchange.meeting("4815162342", json!({ "guests": "link" }), json!({})).await;
        assert_eq!(exchange.counted("sip_code_attack "), ["sip_code_attack 0"]);
        exchange.attack();
        assert_eq!(exchange.counted("sip_code_attack "), ["sip_code_attack 1"]);
        let answers = async |id: &str, pin: &str| {
            let mut call = exchange.call("anonymous").await;
            let first = call.id(&exchange.app, exchange.at, id).await.expect("the database");
            (first, call.pin(&exchange.app, exchange.at, pin).await.expect("the database"))
        };
        let right = answers(&called.id, "").await;
        assert_eq!(right, answers("4815162343", "").await, "whether there is such a meeting, nobody learns");
        assert_eq!(answers(&called.id, "000000").await, answers("4815162343", &called.room_pin).await);
        assert_eq!((right.0.step, right.1.step), (Step::AskPin { may_skip: false }, Step::Wrong(Again::Id)));
        assert!(right.0.after == right.1.after && right.0.after >= Duration::from_secs(1));
        let (_, joined) = answers(&called.id, &called.room_pin).await;
        assert_eq!(joined.after, right.1.after);
        assert_eq!(known(joined.step).who, Who::Room);
    }
}

#[tokio::test]
async fn during_an_attack_callers_who_are_known_are_served_as_always() {
    for mut exchange in Exchange::both().await {
        let called = exchange.meeting("4815162342", json!({ "guests": "link" }), json!({})).await;
        let first = exchange.meeting("4815162343", json!({}), json!({})).await;
        let user = UserId::new();
        let row = json!({ "id": user, "tenant_id": exchange.tenant, "email": "ann@example.org", "role": "organizer" });
        exchange.insert("users", row).await;
        exchange.invite(&called, ANN, json!({ "phone_e164": ANNS_NUMBER })).await;
        let account = json!({ "phone_e164": "+4930333333", "user_id": user });
        exchange.invite(&first, "Bob", account).await;
        for (number, is_clean) in [("+4930444444", true), ("+4930555555", false)] {
            let mut call = exchange.call(number).await;
            exchange.let_in(&call).await;
            if !is_clean {
                assert_eq!(exchange.id(&mut call, "4815162399").await, Step::Wrong(Again::Id));
            }
            assert_eq!(exchange.id(&mut call, &called.id).await, Step::AskPin { may_skip: true });
            known(exchange.pin(&mut call, "").await);
            exchange.let_in(&call).await;
        }
        exchange.attack();
        let is_served = async |exchange: &Exchange, number: &str, trusts: bool| {
            let Begun::Call(mut call) = exchange.begin(number, Serves::All, trusts).await else { panic!("blocked") };
            exchange.id(&mut call, &called.id).await == Step::AskPin { may_skip: true }
        };
        for (number, expected) in [
            (ANNS_NUMBER, true),
            ("+4930333333", true),
            ("+4930444444", true),
            ("+4930555555", false),
            (STRANGER_NUMBER, false),
        ] {
            assert_eq!(is_served(&exchange, number, true).await, expected, "{number}");
            assert!(!is_served(&exchange, number, false).await, "a number that anybody can say: {number}");
        }
        let mut ann = exchange.call(ANNS_NUMBER).await;
        assert_eq!(exchange.id(&mut ann, &first.id).await, Step::AskPin { may_skip: false });
        assert_eq!(exchange.pin(&mut ann, "000000").await, Step::Wrong(Again::Id), "she is known at her meeting only");
        let mut tx = exchange.app.store.read().await.expect("a transaction");
        let kept: Vec<Single<String>> = tx.all(sql("SELECT caller FROM phone_callers")).await.expect("rows");
        drop(tx);
        assert!(matches!(kept.as_slice(), [Single(one)] if one.len() == 64), "one, and no number");
        exchange.later(Duration::from_secs(31 * 24 * 3600));
        exchange.attack();
        assert!(!is_served(&exchange, "+4930444444", true).await, "that was long ago");
    }
}

#[tokio::test]
async fn a_number_with_many_wrong_codes_is_not_answered_for_a_while_and_that_is_told() {
    for mut exchange in Exchange::both().await {
        let called = exchange.meeting("4815162342", json!({}), json!({})).await;
        let mut call = exchange.call(STRANGER_NUMBER).await;
        assert_eq!(exchange.id(&mut call, &called.id).await, Step::AskPin { may_skip: false });
        known(exchange.pin(&mut call, &called.room_pin).await);
        exchange.let_in(&call).await;
        let mut last = Step::Ended;
        for _ in 0..2 {
            let mut call = exchange.call(STRANGER_NUMBER).await;
            for wrong in ["4815162399", "4815162398", "4815162397"] {
                last = exchange.id(&mut call, wrong).await;
            }
            assert_eq!(last, Step::Ended);
            assert_eq!(exchange.id(&mut call, &called.id).await, Step::Ended, "three are enough");
        }
        let Begun::Blocked(wait) = exchange.begin(STRANGER_NUMBER, Serves::All, true).await else { panic!("answered") };
        assert!(matches!(exchange.begin(ANNS_NUMBER, Serves::All, true).await, Begun::Call(_)), "somebody else");
        assert!(matches!(exchange.begin("anonymous", Serves::All, true).await, Begun::Call(_)));
        let events = exchange.audit_log().await;
        let [event] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((event.action.as_str(), event.target_type.as_str()), ("phone_source.block", "phone_source"));
        let details: Value = serde_json::from_str(&event.details).expect("JSON");
        assert_eq!(details, json!({ "trunk": "provider", "seconds": wait.as_secs() }));
        assert_eq!(event.target_id.len(), 16);
        for digits in ["111111", "481516"] {
            assert!(!format!("{event:?}").contains(digits), "neither numbers nor codes");
        }
        let mut tx = exchange.app.store.read().await.expect("a transaction");
        let kept: Vec<Single<String>> = tx.all(sql("SELECT caller FROM phone_callers")).await.expect("rows");
        drop(tx);
        assert!(kept.is_empty(), "it is not known any more");
        assert_eq!(exchange.counted("sip_blocked_calls_total"), ["sip_blocked_calls_total 1"]);
        assert!(exchange.counted("sip_wrong_codes_total").iter().any(|line| line.contains("source_blocked")));
        exchange.later(wait);
        known(exchange.dial(STRANGER_NUMBER, &called, &called.room_pin).await);
    }
}
