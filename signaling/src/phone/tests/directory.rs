// SPDX-License-Identifier: EUPL-1.2
//! Callers are named by the directory, which are the telephone numbers of accounts, and get nothing else by it.

use super::*;

const BOB: &str = "Bob Beispiel";

impl Exchange {
    /// Somebody of the tenant with that number, and what differs.
    async fn account(&self, name: &str, number: &str, differs: Value) -> UserId {
        let id = UserId::new();
        let mut row = json!({ "id": id, "tenant_id": self.tenant, "email": format!("{id}@example.org"), "name": name,
            "role": "tenant_admin", "phone_e164": number });
        for (name, value) in differs.as_object().into_iter().flatten() {
            row[name] = value.clone();
        }
        self.insert("users", row).await;
        id
    }

    /// What somebody is called who dials a place and its PIN for everybody.
    async fn named(&self, number: &str, called: &Called) -> Option<String> {
        known(self.dial(number, called, &called.room_pin).await).name
    }
}

#[tokio::test]
async fn whoever_calls_from_the_number_of_an_account_has_its_name_and_none_of_its_rights() {
    for exchange in Exchange::both().await {
        exchange.account(ANN, ANNS_NUMBER, json!({})).await;
        let called = exchange.meeting("4815162342", json!({}), json!({})).await;
        let found = known(exchange.dial("030222222", &called, &called.room_pin).await);
        let place = called.place;
        assert_eq!(found, Known { place, who: Who::Room, waits: true, name: Some(ANN.to_owned()) });
        assert_eq!(exchange.named(STRANGER_NUMBER, &called).await, None);
        let number = E164::written(ANNS_NUMBER).expect("a number");
        let Place::Meeting(meeting) = place else { panic!("a meeting") };
        let keys = &exchange.app.installation;
        let mut tx = exchange.app.store.read().await.expect("a transaction");
        let is_known = known_callers::is_known(&mut tx, keys, &number, &Serves::All, exchange.at.utc).await;
        let is_invited = known_callers::is_invited(&mut tx, meeting, &number).await;
        assert_eq!((is_known.expect("rows"), is_invited.expect("rows")), (false, false));
        drop(tx);
        let mut call = exchange.call(ANNS_NUMBER).await;
        assert_eq!(exchange.id(&mut call, &called.id).await, Step::AskPin { may_skip: false });
        assert_eq!(exchange.pin(&mut call, "").await, Step::Wrong(Again::Pin), "the number is no PIN");
        let (room, called) = exchange.permanent_room().await;
        let found = known(exchange.dial(ANNS_NUMBER, &called, &called.room_pin).await);
        let place = Place::Room(room);
        assert_eq!(found, Known { place, who: Who::Room, waits: true, name: Some(ANN.to_owned()) });
    }
}

#[tokio::test]
async fn a_number_that_several_share_is_nobodys() {
    for exchange in Exchange::both().await {
        let called = exchange.meeting("4815162342", json!({}), json!({})).await;
        exchange.account(ANN, ANNS_NUMBER, json!({})).await;
        let bob = exchange.account(BOB, ANNS_NUMBER, json!({})).await;
        assert_eq!(exchange.named(ANNS_NUMBER, &called).await, None);
        let disable = sql("UPDATE users SET disabled_at = 0 WHERE id = $1").bind(bob);
        execute(&exchange.database, disable).await;
        assert_eq!(exchange.named(ANNS_NUMBER, &called).await.as_deref(), Some(ANN), "it is hers alone now");
    }
}

#[tokio::test]
async fn who_is_kept_from_signing_in_or_belongs_to_another_tenant_is_not_in_the_directory() {
    for exchange in Exchange::both().await {
        let called = exchange.meeting("4815162342", json!({}), json!({})).await;
        exchange.account(ANN, ANNS_NUMBER, json!({ "disabled_at": 0 })).await;
        assert_eq!(exchange.named(ANNS_NUMBER, &called).await, None);
        let other = TenantId::new();
        exchange.insert("tenants", json!({ "id": other, "slug": "other", "name": "Other" })).await;
        exchange.account(BOB, STRANGER_NUMBER, json!({ "tenant_id": other })).await;
        assert_eq!(exchange.named(STRANGER_NUMBER, &called).await, None);
        exchange.account(ANN, STRANGER_NUMBER, json!({})).await;
        assert_eq!(
            exchange.named(STRANGER_NUMBER, &called).await.as_deref(),
            Some(ANN),
            "others' numbers do not count"
        );
    }
}

#[tokio::test]
async fn what_the_meeting_says_of_a_number_comes_first() {
    for exchange in Exchange::both().await {
        exchange.account(ANN, ANNS_NUMBER, json!({})).await;
        let number = json!({ "phone_e164": ANNS_NUMBER });
        let called = exchange.meeting("4815162342", json!({}), json!({})).await;
        exchange.invite(&called, BOB, number.clone()).await;
        assert_eq!(exchange.named(ANNS_NUMBER, &called).await.as_deref(), Some(BOB));
        exchange.invite(&called, ANN, number.clone()).await;
        assert_eq!(exchange.named(ANNS_NUMBER, &called).await, None, "the meeting says that several have it");
        let called = exchange.meeting("4815162343", json!({}), json!({})).await;
        exchange.invite(&called, "", number).await;
        assert_eq!(exchange.named(ANNS_NUMBER, &called).await.as_deref(), Some(ANN), "the meeting gives it no name");
    }
}

#[tokio::test]
async fn a_number_that_the_trunk_does_not_vouch_for_or_the_caller_withholds_has_no_name() {
    for exchange in Exchange::both().await {
        exchange.account(ANN, ANNS_NUMBER, json!({})).await;
        let called = exchange.meeting("4815162342", json!({}), json!({})).await;
        for (trusts_caller_ids, is_withheld, expected) in
            [(true, false, Some(ANN)), (false, false, None), (true, true, None)]
        {
            let dial_plan = DialPlan::default();
            let trunk = Trunk { id: "provider".to_owned(), trusts_caller_ids, dial_plan };
            let number = CallerNumber::read(ANNS_NUMBER, is_withheld, &trunk.dial_plan);
            let peer = Ipv4Addr::new(192, 0, 2, 1).into();
            let incoming = Incoming { trunk: &trunk, peer, number, serves: Serves::All };
            let begun = Call::begin(&exchange.app, exchange.at, incoming).await.expect("the database");
            let Begun::Call(mut call) = begun else { panic!("blocked") };
            exchange.id(&mut call, &called.id).await;
            let found = known(exchange.pin(&mut call, &called.room_pin).await);
            assert_eq!(found.name.as_deref(), expected, "{trusts_caller_ids} {is_withheld}");
        }
    }
}
