// SPDX-License-Identifier: EUPL-1.2
//! Moderators call their own telephones: these come under their names and host nothing, for whoever answers may be somebody else.

use bus::phone::{MeetingEvent, PhoneNotice, Refusal, RoomStatus, Verdict};
use serde_json::{Value, json};
use store::sql;
use store::testing::TestStore;

use super::{ANSWERED, NUMBER, Scene, come_in, told};
use crate::support::hall::{HOST, INVITEE};
use crate::support::phone::Phone;

impl Scene {
    /// Calls the host's own telephone, which somebody answers.
    async fn call_own(&self, number: &str) -> (Value, Phone) {
        let (call, phone, _) = self.call(json!({ "number": number, "is_for_me": true })).await;
        phone.progress(ANSWERED).await;
        self.is(&call, "answered").await;
        (call, phone)
    }

    /// The participant as whom somebody has come in by such a call.
    async fn came(&self, call: &Value) -> Value {
        let identity = self.is(call, "in_meeting").await["participant_id"].clone();
        let people = self.participants().await;
        people.into_iter().find(|person| person["identity"] == identity).expect("somebody")
    }

    async fn moderate(&self, action: &str, body: Option<Value>) -> u16 {
        self.hall.moderate(&self.host.token, &self.host.session, action, body).await
    }
}

#[tokio::test]
async fn the_telephone_of_a_moderator_has_their_name_and_hosts_nothing() {
    for database in TestStore::both().await {
        let scene = Scene::usual(database).await;
        let (call, mut phone) = scene.call_own(NUMBER).await;
        assert_eq!(call["name"], "Henry Host");
        let status = RoomStatus { count: 2, is_muted: true, may_unmute: true, recording: None };
        assert_eq!(phone.room().await, Verdict::Admitted, "past the lobby");
        assert_eq!(phone.arrive().await, status, "and muted like whoever comes");
        let person = scene.came(&call).await;
        assert_eq!([&person["kind"], &person["name"], &person["role"]], ["phone", "Henry Host", "attendee"]);
        assert_eq!(scene.participants().await.len(), 2, "and they are there with their browser, too");

        let (call, mut late) = scene.call_own("+49 89 7654321").await;
        assert_eq!(scene.moderate("lock", None).await, 204);
        assert_eq!(late.room().await, Verdict::Refused(Refusal::Locked), "a lock keeps out all but hosts");
        drop(late);
        assert_eq!(scene.ended(&call).await, "not_admitted");
        assert_eq!(scene.moderate("unlock", None).await, 204);

        let removal = json!({ "identity": scene.host.identity });
        let removed = scene.hall.moderate(&scene.hall.api_token, &scene.host.session, "remove", Some(removal)).await;
        assert_eq!(removed, 204);
        let invitation = scene.hall.invitation(INVITEE).await;
        let waiting = scene.hall.knock(None, json!({ "invitation": invitation })).await;
        assert_eq!((waiting.status, &waiting.json()["waits_for"]), (202, &json!("host")), "only a telephone is there");
    }
}

#[tokio::test]
async fn software_has_no_telephone() {
    let scene = Scene::usual(TestStore::sqlite().await).await;
    let head = format!("POST {}", scene.path());
    let asked = scene.hall.administer(&head, Some(json!({ "number": NUMBER, "is_for_me": true }))).await;
    assert_eq!(asked.status, 422, "{}", asked.text());
}

#[tokio::test]
async fn whoever_answers_is_banned_without_whoever_called() {
    for database in TestStore::both().await {
        let scene = Scene::usual(database).await;
        let (call, mut phone) = scene.call_own(NUMBER).await;
        come_in(&mut phone).await;
        let removal = json!({ "identity": scene.came(&call).await["identity"], "ban": true });
        assert_eq!(scene.moderate("remove", Some(removal)).await, 204);
        assert_eq!(told(&mut phone).await, PhoneNotice::Event(MeetingEvent::Removed));
        drop(phone);
        assert_eq!(scene.ended(&call).await, "removed");
        let (_, mut again) = scene.call_own(NUMBER).await;
        assert_eq!(again.room().await, Verdict::Refused(Refusal::Banned));
        let invitation = scene.hall.invitation(HOST).await;
        let host = scene.hall.knock(None, json!({ "invitation": invitation })).await;
        assert_eq!(host.status, 200, "{}", host.text());
    }
}

#[tokio::test]
async fn a_telephone_that_is_moved_does_not_host_where_its_owner_does() {
    const ACCOUNT: &str = "0190c0de-0000-7000-8000-0000000000aa";
    const SECOND: &str = "0190c0de-0000-7000-8000-000000000002";
    for database in TestStore::both().await {
        let mut scene = Scene::usual(database).await;
        let account = sql("INSERT INTO users (id, tenant_id, email, name, role, feed_generation, revision, created_at,
                 updated_at)
             VALUES ($1, $2, 'henry@example.org', 'Henry Host', 'organizer', 0, 1, 0, 0)");
        scene.execute(account.bind(ACCOUNT).bind(scene.hall.tenant().await)).await;
        scene.execute(sql("UPDATE invitees SET user_id = $1 WHERE id = $2").bind(ACCOUNT).bind(HOST)).await;
        scene.hall.add_meeting(SECOND, "SecondCodeOfMeeting0000", "987654321", json!({})).await;
        scene.execute(sql("UPDATE meetings SET organizer_id = $1 WHERE id = $2").bind(ACCOUNT).bind(SECOND)).await;
        let opened = scene.hall.administer(&format!("POST /meetings/{SECOND}/sessions"), None).await;
        assert_eq!(opened.status, 201, "{}", opened.text());
        let second = opened.json()["id"].as_str().expect("a session").to_owned();
        // With the account from now on.
        let (_client, host) = scene.hall.come(HOST).await;
        scene.host = host;

        let (call, mut phone) = scene.call_own(NUMBER).await;
        come_in(&mut phone).await;
        let identity = scene.came(&call).await["identity"].clone();
        let moved = json!({ "identity": identity, "to_session_id": second });
        assert_eq!(scene.hall.moderate(&scene.hall.api_token, &scene.host.session, "move", Some(moved)).await, 204);
        assert!(matches!(told(&mut phone).await, PhoneNotice::Connected { .. }));
        assert!(matches!(told(&mut phone).await, PhoneNotice::Event(MeetingEvent::Moved(..))));
        let people = scene.hall.session(&second).await["participants"].clone();
        assert_eq!((&people[0]["identity"], &people[0]["role"]), (&identity, &json!("attendee")), "{people}");
    }
}
