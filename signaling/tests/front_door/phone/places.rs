// SPDX-License-Identifier: EUPL-1.2
//! Callers before a meeting that is full or locked: who waits for a place keeps their turn, and who was there comes back.

use bus::phone::{PhoneRequest, Refusal, Verdict, WaitReason};
use livekit_protocol::participant_info::State;
use serde_json::json;
use store::sql;
use store::testing::TestStore;

use super::{ANNS_NUMBER, BOBS_NUMBER, Exchange, ID, pin};
use crate::support::hall::{Guest, HOST, INVITEE};
use crate::support::phone::Phone;

/// What somebody hears who waits for a place, also when they move up or down.
const FULL: Verdict = Verdict::Wait(WaitReason::Full);

impl Exchange {
    /// Somebody who calls and comes in.
    async fn comes_in(&self, caller: &str) -> Phone {
        let mut phone = self.dial(caller).await;
        assert_eq!(phone.enter(ID, &self.room_pin).await, Verdict::Admitted);
        phone.arrive().await;
        phone
    }

    /// Somebody who calls and is let in, whereupon the host locks before they are in.
    async fn is_let_in_and_locked_out(&self, host: &Guest) -> Phone {
        let mut phone = self.dial(ANNS_NUMBER).await;
        assert_eq!(phone.enter(ID, &self.room_pin).await, Verdict::Admitted);
        assert_eq!(self.hall.moderate(&host.token, &host.session, "lock", None).await, 204);
        phone
    }

    /// Somebody who calls and waits for a place.
    async fn waits(&self, caller: &str) -> Phone {
        let mut phone = self.dial(caller).await;
        assert_eq!(phone.enter(ID, &self.room_pin).await, FULL);
        phone
    }
}

#[tokio::test]
async fn who_finds_a_meeting_full_waits_until_somebody_goes() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({ "lobby": "off", "max_participants": 2 })).await;
        let (_client, host) = exchange.hall.come(HOST).await;
        let (mut ann, mut bob) = (exchange.dial(ANNS_NUMBER).await, exchange.dial(BOBS_NUMBER).await);
        for phone in [&mut ann, &mut bob] {
            assert_eq!(phone.enter(ID, &exchange.room_pin).await, Verdict::Admitted, "nobody else is there yet");
        }
        ann.arrive().await;
        bob.ask(PhoneRequest::Join).await;
        assert_eq!(bob.verdict().await, Verdict::Wait(WaitReason::Full), "Ann was quicker");
        let mut cem = exchange.dial("anonymous").await;
        assert_eq!(cem.enter(ID, &exchange.room_pin).await, Verdict::Wait(WaitReason::Full));
        assert_eq!(exchange.lobby(&host).await.len(), 2);
        drop(cem);
        drop(ann);
        assert_eq!(bob.verdict().await, Verdict::Admitted);
        assert_eq!(bob.arrive().await.count, 2);
    }
}

#[tokio::test]
async fn who_is_let_in_by_hand_while_there_is_no_place_keeps_theirs_in_the_queue() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({ "lobby": "off", "max_participants": 2 })).await;
        let (_client, host) = exchange.hall.come(HOST).await;
        let ann = exchange.comes_in(ANNS_NUMBER).await;
        let (first, mut bob) = (exchange.waits("anonymous").await, exchange.waits(BOBS_NUMBER).await);
        let (next, mut last) = (exchange.waits("anonymous").await, exchange.waits("anonymous").await);
        let queue = exchange.lobby(&host).await;
        exchange.decide(&host, "admit", &queue[1]).await;
        assert_eq!(last.verdict().await, FULL, "Bob is not shown in the lobby any more");
        drop(first);
        assert_eq!(bob.verdict().await, FULL, "there is no place yet, and one fewer is ahead");
        assert_eq!(last.verdict().await, FULL, "and one fewer of him, too");
        drop(ann);
        assert_eq!(bob.verdict().await, Verdict::Admitted, "before those who came after him");
        drop(next);
        assert_eq!(last.verdict().await, FULL, "is the first by now, but the place is Bob's");
        assert_eq!(bob.arrive().await.count, 2);
        drop(bob);
        assert_eq!(last.verdict().await, Verdict::Admitted, "heard nothing else until Bob had gone");
        assert_eq!(last.arrive().await.count, 2);
    }
}

#[tokio::test]
async fn a_lock_holds_for_callers_who_were_let_in_a_moment_before() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({ "lobby": "off" })).await;
        let (_client, host) = exchange.hall.come(HOST).await;
        let mut ann = exchange.is_let_in_and_locked_out(&host).await;
        ann.ask(PhoneRequest::Join).await;
        assert_eq!(ann.verdict().await, Verdict::Refused(Refusal::Locked));
    }
}

#[tokio::test]
async fn a_place_that_comes_free_is_for_one_until_they_are_in_or_have_gone() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({ "lobby": "off", "max_participants": 2 })).await;
        let (_client, _host) = exchange.hall.come(HOST).await;
        let ann = exchange.comes_in(ANNS_NUMBER).await;
        let (mut bob, mut cem) = (exchange.waits(BOBS_NUMBER).await, exchange.waits("anonymous").await);
        let mut dia = exchange.waits("anonymous").await;
        drop(ann);
        assert_eq!(bob.verdict().await, Verdict::Admitted);
        assert_eq!(cem.verdict().await, FULL, "the place is Bob's, who is not in yet");
        assert_eq!(dia.verdict().await, FULL, "moves up");
        let mut eve = exchange.waits("anonymous").await;
        assert_eq!(bob.arrive().await.count, 2);
        drop(bob);
        assert_eq!(cem.verdict().await, Verdict::Admitted, "Bob has nothing in the queue any more");
        assert_eq!((dia.verdict().await, eve.verdict().await), (FULL, FULL), "move up");
        drop(cem);
        assert_eq!(dia.verdict().await, Verdict::Admitted, "who hangs up before they are in keeps it from nobody");
        assert_eq!(eve.verdict().await, FULL, "moves up");
        assert_eq!(dia.arrive().await.count, 2);
    }
}

#[tokio::test]
async fn who_finds_that_somebody_else_was_quicker_keeps_their_turn() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({ "lobby": "off", "max_participants": 2 })).await;
        let (_client, host) = exchange.hall.come(HOST).await;
        let ann = exchange.comes_in(ANNS_NUMBER).await;
        let (mut bob, mut cem) = (exchange.waits(BOBS_NUMBER).await, exchange.waits("anonymous").await);
        drop(ann);
        assert_eq!(bob.verdict().await, Verdict::Admitted);
        assert_eq!(cem.verdict().await, FULL, "moves up");
        let (_browser, iris) = exchange.hall.come(INVITEE).await;
        bob.ask(PhoneRequest::Join).await;
        assert_eq!(bob.verdict().await, FULL, "browsers wait in no queue");
        assert_eq!(cem.verdict().await, FULL, "is behind him as before");
        let queue = exchange.lobby(&host).await;
        let names: Vec<_> = queue.iter().map(|entry| entry["name"].clone()).collect();
        assert_eq!(names, [json!("Telefon …333"), json!("Telefon")]);
        let removal = json!({ "identity": iris.identity, "ban": false });
        assert_eq!(exchange.hall.moderate(&host.token, &host.session, "remove", Some(removal)).await, 204);
        assert_eq!(bob.verdict().await, Verdict::Admitted);
        assert_eq!(cem.verdict().await, FULL, "moves up");
        assert_eq!(bob.arrive().await.count, 2);
    }
}

#[tokio::test]
async fn who_is_turned_away_and_may_come_by_then_is_let_in_again() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({ "lobby": "off" })).await;
        let (_client, host) = exchange.hall.come(HOST).await;
        let mut ann = exchange.is_let_in_and_locked_out(&host).await;
        // As while it is being opened again: it is written down first, and then the room is told.
        let mut tx = exchange.hall.server.database.store.write().await.expect("a transaction");
        tx.execute(sql("UPDATE meeting_sessions SET is_locked = $1").bind(false)).await.expect("opened");
        tx.commit().await.expect("kept");
        ann.ask(PhoneRequest::Join).await;
        assert_eq!(ann.verdict().await, Verdict::Admitted);
        assert_eq!(ann.arrive().await.count, 2);
    }
}

#[tokio::test]
async fn who_is_let_in_by_hand_keeps_their_turn_though_it_is_locked_then() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({ "lobby": "off", "max_participants": 2 })).await;
        let (_client, host) = exchange.hall.come(HOST).await;
        let ann = exchange.comes_in(ANNS_NUMBER).await;
        let (cem, mut bob) = (exchange.waits("anonymous").await, exchange.waits(BOBS_NUMBER).await);
        let queue = exchange.lobby(&host).await;
        exchange.decide(&host, "admit", &queue[1]).await;
        assert_eq!(exchange.hall.moderate(&host.token, &host.session, "lock", None).await, 204);
        drop(cem);
        assert_eq!(bob.verdict().await, FULL, "moves up, and there is no place yet");
        drop(ann);
        assert_eq!(bob.verdict().await, Verdict::Admitted);
        assert_eq!(bob.arrive().await.count, 2);
    }
}

#[tokio::test]
async fn who_was_cut_off_comes_back_by_their_own_pin_though_it_is_locked() {
    for database in TestStore::both().await {
        let exchange = Exchange::on(database, json!({ "lobby": "off" })).await;
        let iris = pin(&exchange.hall, json!({ "kind": "personal", "invitee_id": INVITEE })).await;
        let identity = format!("p_{INVITEE}");
        let (mut client, host) = exchange.hall.come(HOST).await;
        let mut ann = exchange.dial(ANNS_NUMBER).await;
        assert_eq!(ann.enter(ID, &iris).await, Verdict::Admitted);
        ann.arrive().await;
        let bob = exchange.comes_in(BOBS_NUMBER).await;
        assert_eq!(exchange.hall.moderate(&host.token, &host.session, "lock", None).await, 204);
        drop(bob);
        let mut bob = exchange.dial(BOBS_NUMBER).await;
        let locked = Verdict::Refused(Refusal::Locked);
        assert_eq!(bob.enter(ID, &exchange.room_pin).await, locked, "nobody knows that it is him");
        drop(ann);
        client.update(|person| person.identity == identity && person.state() == State::Disconnected).await;
        let mut ann = exchange.dial(ANNS_NUMBER).await;
        assert_eq!(ann.enter(ID, &iris).await, Verdict::Admitted);
        ann.arrive().await;
        let removal = json!({ "identity": identity, "ban": false });
        assert_eq!(exchange.hall.moderate(&host.token, &host.session, "remove", Some(removal)).await, 204);
        assert_eq!(exchange.dial(ANNS_NUMBER).await.enter(ID, &iris).await, locked, "was made to go");
    }
}
