// SPDX-License-Identifier: EUPL-1.2
//! Mails that are sent, received by a real server and read by others.

use chrono::Duration;
use serde_json::{Value, json};
use store::sql;
use store::testing::TestStore;

use super::stored::{ALI, MEETING, ORGANIZER, Scene, UID, ZOFIE, berlin, mail_config, nth};
use crate::support::mail::{MailServer, read_calendar};

const UNSENT: &str = "/meetings/0198f2c4-7d1e-7c3a-9b1f-4f0d2f6f9a01/unsent_mails";

fn has_none(found: &Value) -> bool {
    found["items"] == json!([])
}

async fn times(calendar: &Value) -> Value {
    let calendar = calendar.as_str().expect("a calendar");
    read_calendar(calendar, "2026-01-01T00:00:00+00:00", "2028-01-01T00:00:00+00:00").await
}

/// The meeting's starts as they should be.
fn starts() -> Vec<chrono::DateTime<chrono::Utc>> {
    (0..30).map(nth).collect()
}

fn seen_starts(read: &Value) -> Vec<String> {
    let times = read["times"].as_array().expect("times").iter();
    times.map(|time| time["start"].as_str().expect("a start").to_owned()).collect()
}

fn texts(starts: &[chrono::DateTime<chrono::Utc>]) -> Vec<String> {
    starts.iter().map(|start| start.format("%Y-%m-%dT%H:%M:%SZ").to_string()).collect()
}

#[tokio::test]
async fn everybody_who_is_invited_gets_a_mail_that_calendars_understand() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        scene.note("created", json!({})).await;
        let mails = scene.mails.mails(2).await;
        let (to_ali, to_zofie) = (&mails[0], &mails[1]);
        assert_eq!(to_ali["envelope_to"], json!([ALI.email]));
        assert_eq!(to_zofie["envelope_to"], json!(["zofie@xn--bauhof-sd-x9a.example"]));
        assert_eq!(to_zofie["defects"], json!([]));
        assert_eq!(to_zofie["kinds"], json!(["text/plain", "text/html", "text/calendar", "application/ics"]));
        assert_eq!((&to_zofie["method"], &to_zofie["calendar"]), (&json!("REQUEST"), &to_zofie["attachment"]));
        let headers = &to_zofie["headers"];
        assert_eq!(headers["subject"], "Einladung: Jour fixe Öffnung"); // spelling: no English
        assert_eq!(headers["from"], "Jörg Müller <invite@conf.example.org>");
        assert_eq!(headers["reply-to"], format!("Jörg Müller <{ORGANIZER}>"));
        assert_eq!(headers["to"], "Žofie Nováková <zofie@xn--bauhof-sd-x9a.example>");
        assert_eq!(headers["auto-submitted"], "auto-generated");
        assert_eq!(headers["references"], format!("<{MEETING}@conf.example.org>"));
        let read = times(&to_zofie["calendar"]).await;
        assert_eq!(read["errors"], json!([]));
        assert_eq!(seen_starts(&read), texts(&starts()), "the same times as ours, over both changes of the clocks");
        let event = &read["events"][0];
        assert_eq!((&event["uid"], &event["sequence"]), (&json!(UID), &json!(0)));
        assert_eq!(event["attendees"].as_array().map(Vec::len), Some(1), "nobody sees who else is invited");
        let link = |mail: &Value| {
            let text = mail["text"].as_str().expect("text");
            text.lines().find(|line| line.contains("/m/4cS9kQ2LrTvX7bNzPq8wYd#i=")).map(str::to_owned)
        };
        assert!(link(to_ali).is_some() && link(to_ali) != link(to_zofie), "each has a link of their own");
        scene.eventually(UNSENT, has_none).await;
        assert_eq!(scene.invitee(ZOFIE).await.last_notified_sequence, 0);
        assert_eq!(scene.audited(ZOFIE).await, ["invitee.mail_sent"]);
    }
}

#[tokio::test]
async fn what_changed_is_said_first_and_who_is_removed_is_told() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        scene.note("created", json!({})).await;
        scene.mails.mails(2).await;
        scene.eventually(UNSENT, has_none).await;
        let (moved, cancelled) = (berlin(2026, 11, 4, 14), nth(3));
        let update = sql("UPDATE occurrences SET starts_at = $1, ends_at = $2, is_exception = $3, sequence = 1
             WHERE recurrence_id = $4");
        scene.set(update.bind(moved).bind(moved + Duration::hours(1)).bind(true).bind(nth(2))).await;
        let update = sql("UPDATE occurrences SET status = 'cancelled', is_exception = $1 WHERE recurrence_id = $2");
        scene.set(update.bind(true).bind(cancelled)).await;
        scene.set(sql("UPDATE meetings SET sequence = 2")).await;
        scene.set(sql("UPDATE invitees SET revoked_at = $1 WHERE id = $2").bind(nth(0)).bind(ALI.id)).await;
        // In one transaction, so that they are told together.
        let id = |time: chrono::DateTime<chrono::Utc>| time.format("%Y%m%dT%H%M%SZ").to_string();
        scene.note("invitee_removed", json!({ "invitee_id": ALI.id })).await;
        scene.note("occurrence_changed", json!({ "recurrence_id": id(nth(2)), "fields": ["starts_at"] })).await;
        let mails = scene.mails.mails(2).await;
        let (to_ali, to_zofie) = (&mails[0], &mails[1]);
        assert_eq!((&to_ali["method"], &to_ali["kinds"][2]), (&json!("CANCEL"), &json!("text/calendar")));
        assert!(!to_ali["text"].as_str().expect("text").contains("/m/"), "their way in is closed");
        let read = times(&to_ali["calendar"]).await;
        assert_eq!((&read["events"][0]["status"], &read["events"][0]["sequence"]), (&json!("CANCELLED"), &json!(2)));
        let text = to_zofie["text"].as_str().expect("text");
        let news = "Der Termin am Dienstag, 3. November 2026, 10:00 Uhr ist verlegt auf Mittwoch, 4. November 2026, 14:00–15:00 Uhr"; // spelling: no English
        assert!(text.find(news).expect(news) < text.find("Wann:").expect("the time"), "{text}"); // spelling: no English
        let read = times(&to_zofie["calendar"]).await;
        let mut expected = starts();
        expected[2] = moved;
        expected.remove(3);
        expected.sort();
        assert_eq!(seen_starts(&read), texts(&expected));
        assert_eq!(to_zofie["headers"]["references"], to_ali["headers"]["references"]);
        scene.eventually(UNSENT, has_none).await;
        scene.set(sql("UPDATE meetings SET status = 'cancelled', sequence = 3")).await;
        scene.note("cancelled", json!({})).await;
        let mail = scene.mails.mail().await;
        assert_eq!((&mail["method"], &mail["envelope_to"]), (&json!("CANCEL"), &to_zofie["envelope_to"]));
        scene.eventually(UNSENT, has_none).await;
        assert_eq!(scene.invitee(ZOFIE).await.last_notified_sequence, 3);
    }
}

#[tokio::test]
async fn a_mail_that_is_not_taken_is_tried_again_as_it_was() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        scene.mails.answer("451 later").await;
        scene.note("invitee_added", json!({ "invitee_id": ZOFIE.id })).await;
        let is_refused = |found: &Value| found["items"][0]["problem"] == "refused";
        let found = scene.eventually(UNSENT, is_refused).await;
        assert_eq!((&found["items"][0]["attempts"], &found["items"][0]["given_up_at"]), (&json!(1), &Value::Null));
        assert!(found["items"][0]["next_attempt_at"].is_string());
        assert_eq!(scene.invitee(ZOFIE).await.last_notified_sequence, -1);
        let id = found["items"][0]["id"].as_str().expect("an id").to_owned();
        scene.mails.answer("250 OK").await;
        // The time for the next try has come.
        scene.set(sql("UPDATE mails SET due_at = 0")).await;
        let mail = scene.mails.mail().await;
        assert_eq!(mail["headers"]["message-id"], format!("<{id}@conf.example.org>"));
        scene.eventually(UNSENT, has_none).await;
    }
}

#[tokio::test]
async fn a_mail_that_no_server_wants_is_given_up_and_shown() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        scene.mails.answer("550 no such person").await;
        scene.note("invitee_added", json!({ "invitee_id": ZOFIE.id })).await;
        let is_given_up = |found: &Value| found["items"][0]["given_up_at"].is_string();
        let found = scene.eventually(UNSENT, is_given_up).await;
        assert_eq!(found["items"][0]["problem"], "rejected");
        assert_eq!(scene.audited(ZOFIE).await, ["invitee.mail_given_up"]);
        // Those who wait for three days are given up as well, and a new change is told all the same.
        scene.mails.answer("451 later").await;
        scene.note("invitee_added", json!({ "invitee_id": ALI.id })).await;
        let is_refused = |found: &Value| {
            found["items"].as_array().is_some_and(|items| items.iter().any(|item| item["problem"] == "refused"))
        };
        scene.eventually(UNSENT, is_refused).await;
        scene.set(sql("UPDATE mails SET created_at = 0, due_at = 0 WHERE invitee_id = $1").bind(ALI.id)).await;
        let all_given_up = |found: &Value| {
            found["items"].as_array().is_some_and(|items| items.iter().all(|item| item["given_up_at"].is_string()))
        };
        scene.eventually(UNSENT, all_given_up).await;
        scene.mails.answer("250 OK").await;
        scene.note("invitee_added", json!({ "invitee_id": ALI.id })).await;
        assert_eq!(scene.mails.mail().await["envelope_to"], json!([ALI.email]));
    }
}

#[tokio::test]
async fn a_server_that_is_away_or_has_no_tls_is_unreachable() {
    let mails = MailServer::start().await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let mut no_tls = mail_config(mails.port);
    no_tls.smtp_url = format!("smtp://127.0.0.1:{}?starttls", mails.port).as_str().into();
    for mail in [mail_config(gone), no_tls] {
        let scene = Scene::with(TestStore::sqlite().await, mail, MailServer::start().await).await;
        scene.note("invitee_added", json!({ "invitee_id": ZOFIE.id })).await;
        let has_failed = |found: &Value| found["items"][0]["problem"].is_string();
        let found = scene.eventually(UNSENT, has_failed).await;
        assert_eq!(
            (&found["items"][0]["problem"], &found["items"][0]["given_up_at"]),
            (&json!("unreachable"), &Value::Null)
        );
    }
}

#[tokio::test]
async fn starttls_is_used_and_the_certificate_checked() {
    let mails = MailServer::start_with_tls().await;
    let mut mail = mail_config(mails.port);
    mail.smtp_url = format!("smtp://127.0.0.1:{}?starttls", mails.port).as_str().into();
    // Nobody vouches for the server yet.
    let scene = Scene::with(TestStore::sqlite().await, mail.clone(), MailServer::start().await).await;
    scene.note("invitee_added", json!({ "invitee_id": ZOFIE.id })).await;
    let is_unreachable = |found: &Value| found["items"][0]["problem"] == "unreachable";
    scene.eventually(UNSENT, is_unreachable).await;
    mail.ca_pem.clone_from(&mails.certificate);
    let mut scene = Scene::with(TestStore::sqlite().await, mail, mails).await;
    scene.note("invitee_added", json!({ "invitee_id": ZOFIE.id })).await;
    assert_eq!(scene.mails.mail().await["is_tls"], true);
}

#[tokio::test]
async fn a_change_that_comes_while_a_mail_is_on_its_way_is_told_after_it() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        scene.mails.answer("hold").await;
        scene.note("invitee_added", json!({ "invitee_id": ZOFIE.id })).await;
        let is_under_way = |found: &Value| found["items"][0]["attempts"] == 1;
        scene.eventually(UNSENT, is_under_way).await;
        scene.set(sql("UPDATE meetings SET title = 'Neu', sequence = 1")).await;
        scene.note("updated", json!({ "fields": ["title"] })).await;
        let are_two = |found: &Value| {
            let items = found["items"].as_array().expect("items").iter();
            items.filter(|item| item["invitee_id"] == ZOFIE.id).count() == 2
        };
        scene.eventually(UNSENT, are_two).await;
        scene.mails.answer("250 OK").await;
        let mut subjects = Vec::new();
        for mail in scene.mails.mails(3).await {
            if mail["envelope_to"] != json!([ALI.email]) {
                subjects.push(mail["headers"]["subject"].as_str().expect("a subject").to_owned());
            }
        }
        // Whether the first one was written before the change or after it, it comes first.
        assert!(subjects[0].starts_with("Einladung: ") && subjects[1] == "Geändert: Neu", "{subjects:?}"); // spelling: no English
    }
}

#[tokio::test]
async fn a_mail_whose_process_died_is_sent_by_another_as_it_was() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        scene.mails.answer("hold").await;
        scene.note("invitee_added", json!({ "invitee_id": ZOFIE.id })).await;
        let is_under_way = |found: &Value| found["items"][0]["attempts"] == 1;
        let found = scene.eventually(UNSENT, is_under_way).await;
        let id = found["items"][0]["id"].as_str().expect("an id").to_owned();
        // As if the process that has it had died five minutes ago: what it still does is what a server does that took a
        // mail whose sender died before it noted that.
        scene.set(sql("UPDATE mails SET leased_until = 0")).await;
        let is_taken_again = |found: &Value| found["items"][0]["attempts"] == 2;
        scene.eventually(UNSENT, is_taken_again).await;
        scene.mails.answer("250 OK").await;
        for mail in scene.mails.mails(2).await {
            assert_eq!(mail["headers"]["message-id"], format!("<{id}@conf.example.org>"));
        }
        scene.eventually(UNSENT, has_none).await;
    }
}

#[tokio::test]
async fn invitations_can_be_fetched_by_those_who_send_them_otherwise() {
    let scene = Scene::on(TestStore::sqlite().await).await;
    let path = format!("/meetings/{MEETING}/invitation?invitee_id={}&language=en", ZOFIE.id);
    let invitation = scene.get(&path).await.json();
    assert_eq!(invitation["subject"], "Invitation: Jour fixe Öffnung");
    assert_eq!((&invitation["delivery"], &invitation["is_mail_set_up"]), (&json!("mail"), &json!(true)));
    let read = times(&invitation["ics"]).await;
    assert_eq!((&read["method"], seen_starts(&read).len()), (&json!("REQUEST"), 30));
    assert_eq!(read["events"][0]["attendees"][0]["partstat"], "NEEDS-ACTION");
    let file = scene.get(&format!("/meetings/{MEETING}/invitation.ics")).await;
    assert!(file.head.contains("content-type: text/calendar; method=publish"), "{}", file.head);
    let read = times(&json!(file.text())).await;
    assert_eq!(read["events"][0]["attendees"], json!([]));
    let unknown = "0198f2c4-7d1e-7c3a-9b1f-4f0d2f6f9fff";
    assert_eq!(scene.get(&format!("/meetings/{unknown}/invitation")).await.status, 404);
    assert_eq!(scene.get(&format!("/meetings/{MEETING}/invitation?invitee_id={unknown}")).await.status, 404);
}
