// SPDX-License-Identifier: EUPL-1.2
//! PINs that are right while those of their meeting are being guessed: whoever hears that one is right may have found it, and can
//! come back with it.

use super::*;

/// After so long all may be tried again.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

impl Exchange {
    /// Uses up what may be tried of the PINs that are as long.
    async fn guess(&self, called: &Called, wrong: &str) {
        for _ in 0..30 {
            assert_eq!(self.dial("anonymous", called, wrong).await, Step::Wrong(Again::Pin));
        }
    }

    /// Gives a PIN other digits.
    pub(super) async fn renew(&self, called: &Called, digits: &str) -> String {
        let keys = &self.app.installation;
        let mut tx = self.app.store.write().await.expect("a transaction");
        let pin = phone_pins::by_digits(&mut tx, keys, called.place, digits).await.expect("rows").expect("a PIN");
        let pin = phone_pins::rotate(&mut tx, keys, pin).await.expect("another PIN");
        tx.commit().await.expect("kept");
        self.digits(&pin)
    }

    /// As whom somebody comes whom nobody knows, and whether they wait.
    async fn reaches(&self, called: &Called, pin: &str) -> (Who, bool) {
        let known = known(self.dial("anonymous", called, pin).await);
        (known.who, known.waits)
    }

    /// What the tenant's audit log says of PINs that somebody may have found: what they are, and the details.
    async fn exposures(&self) -> Vec<(String, Value)> {
        let mut tx = self.app.store.read().await.expect("a transaction");
        let select =
            sql("SELECT * FROM audit_events WHERE tenant_id = $1 AND action = 'phone_pin.expose' ORDER BY number");
        let events: Vec<Link> = tx.all(select.bind(self.tenant)).await.expect("events");
        let details = |event: &Link| serde_json::from_str(&event.details).expect("JSON");
        events.iter().map(|event| (event.target_id.clone(), details(event))).collect()
    }
}

#[tokio::test]
async fn a_pin_that_is_found_by_guessing_leads_to_the_lobby_until_it_has_other_digits() {
    for mut exchange in Exchange::both().await {
        let called = exchange.meeting("4815162342", json!({ "lobby": "off" }), json!({})).await;
        let (ann, anns) = exchange.invite(&called, ANN, json!({ "phone_e164": ANNS_NUMBER })).await;
        let (bob, bobs) = exchange.invite(&called, "Bob", json!({})).await;
        let anns = exchange.digits(&anns);
        exchange.invite_many(&called, 498).await;
        let found = [
            (called.host_pin.clone(), Who::Host, "host"),
            (exchange.digits(&bobs), Who::Invitee(bob), "personal"),
            (called.room_pin.clone(), Who::Room, "room"),
        ];
        for (pin, who, kind) in &found {
            assert_eq!(exchange.reaches(&called, pin).await, (*who, false), "{kind}");
        }
        assert!(exchange.exposures().await.is_empty(), "nobody guesses");

        exchange.guess(&called, "000000").await;
        exchange.guess(&called, "12345678").await;
        for (pin, _, kind) in found.iter().chain(&found) {
            assert_eq!(exchange.reaches(&called, pin).await, (Who::Room, true), "{kind}");
        }
        let proven = known(exchange.dial(ANNS_NUMBER, &called, &anns).await);
        assert_eq!((proven.who, proven.waits), (Who::Invitee(ann), false), "her number speaks for her");
        let told: Vec<_> = exchange.exposures().await.into_iter().map(|(_, details)| details).collect();
        let expected = found.each_ref().map(|(_, _, kind)| json!({ "kind": kind, "meeting_id": called.place.id() }));
        assert_eq!(told, expected, "each once, and no digits");

        exchange.later(WEEK);
        exchange.app = app(&exchange.database).await;
        for (pin, _, kind) in &found {
            assert_eq!(exchange.reaches(&called, pin).await, (Who::Room, true), "whoever found it comes back: {kind}");
        }
        assert_eq!(exchange.reaches(&called, &anns).await, (Who::Invitee(ann), false), "nobody has found hers");
        let host = known(exchange.dial(ANNS_NUMBER, &called, &called.host_pin).await);
        assert_eq!((host.who, host.waits), (Who::Host, false), "her number speaks for her");
        assert_eq!(exchange.exposures().await.len(), found.len(), "that is known");
        for (pin, who, kind) in &found {
            let renewed = exchange.renew(&called, pin).await;
            assert_eq!(exchange.reaches(&called, &renewed).await, (*who, false), "{kind}");
            assert_eq!(exchange.dial("anonymous", &called, pin).await, Step::Wrong(Again::Pin), "{kind}");
        }
    }
}

#[tokio::test]
async fn that_the_pin_of_a_permanent_room_was_found_is_told_with_the_room() {
    for exchange in Exchange::both().await {
        let (room, called) = exchange.permanent_room().await;
        exchange.guess(&called, "000000").await;
        assert_eq!(exchange.reaches(&called, &called.room_pin).await, (Who::Room, true));
        let mut tx = exchange.app.store.read().await.expect("a transaction");
        let pins = phone_pins::table::of_place(&mut tx, called.place).await.expect("PINs");
        drop(tx);
        let noted: Vec<_> = pins.iter().filter(|pin| pin.exposed_at == Some(exchange.at.utc)).collect();
        let [pin] = noted.as_slice() else { panic!("{noted:?}") };
        let details = json!({ "kind": "room", "room_id": room.to_string() });
        assert_eq!(exchange.exposures().await, [(pin.id.to_string(), details)]);
    }
}
