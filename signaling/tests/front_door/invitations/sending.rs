// SPDX-License-Identifier: EUPL-1.2
//! Mails on their way: servers that are slow, away, picky or want to know who sends; processes that die.

use serde_json::{Value, json};
use store::sql;
use store::testing::TestStore;

use super::scene::{ALI, ORGANIZER, Scene, ZOFIE, mail_config};
use crate::support::mail::MailServer;

/// Whether the last try failed for that reason, and there will be another.
fn waits_for(problem: &str) -> impl Fn(&Value) -> bool {
    move |delivery| delivery["status"] == "waiting" && delivery["problem"] == problem
}

fn has_failed(delivery: &Value) -> bool {
    delivery["status"] == "failed"
}

#[tokio::test]
async fn a_mail_that_is_wanted_later_is_tried_again_as_it_was() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        // Lists of greylisted senders let the second try through.
        let grey = "grey@example.org";
        let meeting = scene.schedule(&[grey, ALI]).await;
        assert_eq!(scene.mails.mail().await["envelope_to"], json!([ALI]), "the others do not wait");
        let found = scene.delivered(&meeting, grey, waits_for("refused")).await;
        assert_eq!((&found["attempts"], &found["failed_at"]), (&json!(1), &Value::Null));
        assert!(found["next_attempt_at"].is_string() && found["sequence"].is_null(), "{found}");
        let id = scene.text("SELECT id AS text FROM mails WHERE problem = 'refused'").await;
        scene.set(sql("UPDATE mails SET due_at = 0")).await;
        let mail = scene.mails.mail().await;
        assert_eq!(mail["headers"]["message-id"], format!("<{id}@conf.example.org>"));
        let found = scene.sent(&meeting, grey).await;
        assert_eq!((&found["sequence"], &found["news"]), (&json!(0), &Value::Null));
    }
}

#[tokio::test]
async fn only_the_one_fails_whom_nobody_knows() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        let nobody = "nobody@example.org";
        let meeting = scene.schedule(&[ZOFIE, nobody, ALI]).await;
        let mails = scene.mails.mails(2).await;
        assert_eq!((&mails[0]["envelope_to"], &mails[1]["envelope_to"]), (&json!([ALI]), &json!([ZOFIE])));
        let found = scene.delivered(&meeting, nobody, has_failed).await;
        assert_eq!((&found["problem"], &found["news"]), (&json!("rejected"), &json!("invited")));
        assert!(found["failed_at"].is_string() && found["next_attempt_at"].is_null(), "{found}");
        assert_eq!(scene.audited(&meeting, nobody).await, ["invitee.mail_given_up"]);
        scene.sent(&meeting, ALI).await;
        // Whoever corrects the address invites them.
        let path = meeting.path(&format!("/invitees/{}", meeting.invitee(nobody)));
        scene.done(&format!("PATCH {path}"), Some(&json!({ "email": "somebody@example.org" }))).await;
        let mail = scene.mails.mail().await;
        assert_eq!((&mail["envelope_to"], &mail["method"]), (&json!(["somebody@example.org"]), &json!("REQUEST")));
        assert!(mail["headers"]["subject"].as_str().is_some_and(|subject| subject.starts_with("Einladung: "))); // spelling: no English
        let found = scene.sent(&meeting, nobody).await;
        assert_eq!((&found["problem"], &found["failed_at"]), (&Value::Null, &Value::Null), "what failed is history");
    }
}

#[tokio::test]
async fn who_invites_without_an_account_gets_a_link_of_their_own_and_is_not_asked_whether_they_come() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        let as_co_host = json!({ "co_hosts": [{ "email": ORGANIZER }] });
        let meeting = scene.schedule_with(&[ALI], as_co_host.clone()).await;
        let mails = scene.mails.mails(2).await;
        let found = |email: &str| mails.iter().find(|mail| mail["envelope_to"] == json!([email])).expect("their mail");
        assert_eq!((&found(ALI)["method"], &found(ORGANIZER)["method"]), (&json!("REQUEST"), &json!("PUBLISH")));
        let text = |email: &str| found(email)["text"].as_str().expect("a text").to_owned();
        let [own, asked] = [ORGANIZER, ALI].map(text);
        assert!(own.contains("/m/") && own.contains("#i=") && !own.contains("/r/"), "{own}");
        assert!(asked.contains("/r/"), "{asked}");
        let path = meeting.path("/invitees");
        assert_eq!(scene.get(&path).await.json()["items"].as_array().map(Vec::len), Some(2));
        // With an account it is among their meetings, and mails would only repeat that.
        scene.done("POST /users", Some(&json!({ "email": ORGANIZER, "name": "Jörg Müller" }))).await;
        let second = scene.schedule_with(&[ALI], as_co_host).await;
        assert_eq!(scene.mails.mail().await["envelope_to"], json!([ALI]));
        scene.sent(&second, ALI).await;
        let items = scene.get(&second.path("/deliveries")).await.json()["items"].clone();
        let states: Vec<_> = items.as_array().expect("entries").iter().map(|item| &item["status"]).collect();
        assert_eq!((states.len(), states.contains(&&json!("none"))), (2, true), "{states:?}");
    }
}

#[tokio::test]
async fn who_is_not_let_send_at_all_loses_no_mail() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        scene.mails.answer("sender 554 your address is on a list").await;
        let meeting = scene.schedule(&[ALI]).await;
        let found = scene.delivered(&meeting, ALI, waits_for("not_allowed")).await;
        assert!(found["next_attempt_at"].is_string() && found["failed_at"].is_null(), "{found}");
        scene.mails.answer("sender 250 OK").await;
        scene.set(sql("UPDATE mails SET due_at = 0")).await;
        assert_eq!(scene.mails.mail().await["envelope_to"], json!([ALI]));
        scene.sent(&meeting, ALI).await;
    }
}

#[tokio::test]
async fn a_mail_that_makes_no_sense_keeps_no_other_waiting() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        scene.mails.answer("sender 451 later").await;
        let meeting = scene.schedule(&[ALI, ZOFIE]).await;
        scene.delivered(&meeting, ALI, waits_for("refused")).await;
        scene.delivered(&meeting, ZOFIE, waits_for("refused")).await;
        // As if a newer version had written them, which was rolled back.
        let update = sql("UPDATE mails SET news = 'teleported' WHERE invitee_id = $1");
        scene.set(update.bind(meeting.invitee(ALI))).await;
        scene.mails.answer("sender 250 OK").await;
        scene.set(sql("UPDATE mails SET due_at = 0")).await;
        assert_eq!(scene.mails.mail().await["envelope_to"], json!([ZOFIE]));
        let select = "SELECT problem AS text FROM mails";
        scene.eventually(select, "unreadable").await;
        assert!(has_failed(&scene.delivery(&meeting, ALI).await));
    }
}

#[tokio::test]
async fn who_is_removed_and_invited_again_hears_so_and_calendars_follow() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        let meeting = scene.schedule(&[ALI]).await;
        let mut told = vec![scene.mails.mail().await];
        scene.sent(&meeting, ALI).await;
        let path = meeting.path(&format!("/invitees/{}", meeting.invitee(ALI)));
        scene.done(&format!("DELETE {path}"), None).await;
        told.push(scene.mails.mail().await);
        scene.sent(&meeting, ALI).await;
        let back = json!({ "title": "Neu", "invitees": [{ "email": ALI }] });
        scene.done(&format!("PATCH {}", meeting.path("")), Some(&back)).await;
        told.push(scene.mails.mail().await);
        let subjects: Vec<_> = told.iter().map(|mail| mail["headers"]["subject"].as_str().expect("one")).collect();
        let expected = ["Einladung: Jour fixe Öffnung", "Abgesagt: Jour fixe Öffnung", "Einladung: Neu"]; // spelling: no English
        assert_eq!(subjects, expected, "they do not know of the time without them");
        let mut sequences = Vec::new();
        for mail in &told {
            let calendar = mail["calendar"].as_str().expect("a calendar").lines();
            sequences.extend(calendar.filter_map(|line| line.strip_prefix("SEQUENCE:")).map(str::to_owned));
        }
        assert_eq!(sequences, ["0", "1", "2"], "each is newer than the one before");
        assert_eq!(scene.sent(&meeting, ALI).await["sequence"], 0, "of the meeting nothing has moved");
    }
}

#[tokio::test]
async fn a_meeting_whose_invitations_go_out_by_mail_from_now_on_invites_everybody() {
    let mut scene = Scene::on(TestStore::sqlite().await).await;
    let silent = json!({ "invitation": { "delivery": "none", "language": "de" } });
    let meeting = scene.schedule_with(&[ALI], silent).await;
    // Nobody was told anything when it was made.
    scene.eventually("SELECT CAST(COUNT(*) AS TEXT) AS text FROM meeting_changes WHERE mailed_at IS NULL", "0").await;
    let mail = json!({ "invitation": { "delivery": "mail" } });
    scene.done(&format!("PATCH {}", meeting.path("")), Some(&mail)).await;
    assert_eq!(scene.mails.mail().await["envelope_to"], json!([ALI]));
}

#[tokio::test]
async fn a_mail_is_given_up_after_three_days() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        scene.mails.answer("451 later").await;
        let meeting = scene.schedule(&[ALI]).await;
        scene.delivered(&meeting, ALI, waits_for("refused")).await;
        scene.set(sql("UPDATE mails SET created_at = 0, due_at = 0")).await;
        let found = scene.delivered(&meeting, ALI, has_failed).await;
        assert_eq!((&found["problem"], &found["attempts"]), (&json!("refused"), &json!(2)));
        // What changes later is told all the same, and they still have to be invited.
        scene.mails.answer("250 OK").await;
        scene.done(&format!("PATCH {}", meeting.path("")), Some(&json!({ "title": "Neu" }))).await;
        assert_eq!(scene.mails.mail().await["headers"]["subject"], "Einladung: Neu"); // spelling: no English
    }
}

#[tokio::test]
async fn mails_wait_for_a_server_that_is_away() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let mut scene = Scene::with(TestStore::sqlite().await, mail_config(gone), MailServer::start().await).await;
    let meeting = scene.schedule(&[ZOFIE, ALI]).await;
    let is_unreachable = waits_for("unreachable");
    let is_waiting = |delivery: &Value| delivery["status"] == "waiting";
    // One of them finds out; the other need not.
    let first = scene.delivered(&meeting, ALI, is_waiting).await;
    if !is_unreachable(&first) {
        scene.delivered(&meeting, ZOFIE, is_unreachable).await;
    }
    scene.mails = MailServer::start_on(gone).await;
    scene.set(sql("UPDATE mails SET due_at = 0")).await;
    for mail in scene.mails.mails(2).await {
        assert!(mail["headers"]["subject"].as_str().is_some_and(|subject| subject.starts_with("Einladung: "))); // spelling: no English
    }
    scene.sent(&meeting, ZOFIE).await;
    scene.sent(&meeting, ALI).await;
}

#[tokio::test]
async fn who_never_heard_of_a_meeting_does_not_hear_that_it_is_cancelled() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let mut scene = Scene::with(TestStore::sqlite().await, mail_config(gone), MailServer::start().await).await;
    let cancelled = scene.schedule(&[ALI]).await;
    scene.delivered(&cancelled, ALI, waits_for("unreachable")).await;
    scene.done(&format!("DELETE {}", cancelled.path("")), None).await;
    scene.delivered(&cancelled, ALI, |delivery| delivery["status"] == "none").await;
    let other = scene.schedule(&[ZOFIE]).await;
    scene.mails = MailServer::start_on(gone).await;
    assert_eq!(scene.mails.mail().await["envelope_to"], json!([ZOFIE]), "the only mail");
    scene.sent(&other, ZOFIE).await;
}

#[tokio::test]
async fn a_server_without_tls_gets_nothing_where_tls_is_wanted() {
    let mails = MailServer::start().await;
    let mut mail = mail_config(mails.port);
    mail.smtp_url = format!("smtp://127.0.0.1:{}?starttls", mails.port).as_str().into();
    let scene = Scene::with(TestStore::sqlite().await, mail, mails).await;
    let meeting = scene.schedule(&[ALI]).await;
    scene.delivered(&meeting, ALI, waits_for("unreachable")).await;
}

#[tokio::test]
async fn tls_is_used_and_the_certificate_checked() {
    for (is_wrapped, address) in [(false, "smtp://127.0.0.1:{}?starttls"), (true, "smtps://127.0.0.1:{}")] {
        let mails = MailServer::start_with_tls(json!({ "is_wrapped": is_wrapped })).await;
        let mut mail = mail_config(mails.port);
        mail.smtp_url = address.replace("{}", &mails.port.to_string()).as_str().into();
        // Nobody vouches for the server yet.
        let scene = Scene::with(TestStore::sqlite().await, mail.clone(), MailServer::start().await).await;
        let meeting = scene.schedule(&[ZOFIE]).await;
        scene.delivered(&meeting, ZOFIE, waits_for("unreachable")).await;
        mail.ca_pem.clone_from(&mails.certificate);
        let mut scene = Scene::with(TestStore::sqlite().await, mail, mails).await;
        scene.schedule(&[ZOFIE]).await;
        assert_eq!(scene.mails.mail().await["is_tls"], true, "{address}");
    }
}

#[tokio::test]
async fn who_sends_is_proven_by_a_password_where_it_is_wanted() {
    let mut mails = Some(MailServer::start_with_tls(json!({ "login": ["saal", "s:pass@"] })).await);
    let port = mails.as_ref().expect("a server").port;
    let certificate = mails.as_ref().expect("a server").certificate.clone();
    for (login, problem) in
        [("saal:wrong@", Some("not_allowed")), ("", Some("not_allowed")), ("saal:s%3Apass%40@", None)]
    {
        let mut mail = mail_config(port);
        mail.smtp_url = format!("smtp://{login}127.0.0.1:{port}?starttls").as_str().into();
        mail.ca_pem.clone_from(&certificate);
        let own = if problem.is_none() { mails.take().expect("a server") } else { MailServer::start().await };
        let mut scene = Scene::with(TestStore::sqlite().await, mail, own).await;
        let meeting = scene.schedule(&[ALI]).await;
        match problem {
            Some(problem) => drop(scene.delivered(&meeting, ALI, waits_for(problem)).await),
            None => {
                let mail = scene.mails.mail().await;
                assert_eq!((&mail["is_tls"], &mail["is_authenticated"]), (&json!(true), &json!(true)));
            }
        }
    }
}

#[tokio::test]
async fn a_change_that_comes_while_a_mail_is_on_its_way_is_told_after_it() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        scene.mails.answer("hold").await;
        let meeting = scene.schedule(&[ZOFIE]).await;
        scene.delivered(&meeting, ZOFIE, |delivery| delivery["attempts"] == 1).await;
        scene.done(&format!("PATCH {}", meeting.path("")), Some(&json!({ "title": "Neu" }))).await;
        scene.eventually("SELECT CAST(COUNT(*) AS TEXT) AS text FROM mails", "2").await;
        scene.mails.answer("250 OK").await;
        let mut subjects = Vec::new();
        for mail in [scene.mails.mail().await, scene.mails.mail().await] {
            subjects.push(mail["headers"]["subject"].as_str().expect("a subject").to_owned());
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
        let meeting = scene.schedule(&[ZOFIE]).await;
        scene.delivered(&meeting, ZOFIE, |delivery| delivery["attempts"] == 1).await;
        let id = scene.text("SELECT id AS text FROM mails").await;
        // As if the process that has it had died five minutes ago: what it still does is what a server does that took a
        // mail whose sender died before it noted that. So a mail comes at least once.
        scene.set(sql("UPDATE mails SET leased_until = 0")).await;
        scene.delivered(&meeting, ZOFIE, |delivery| delivery["attempts"] == 2).await;
        scene.mails.answer("250 OK").await;
        for mail in scene.mails.mails(2).await {
            assert_eq!(mail["headers"]["message-id"], format!("<{id}@conf.example.org>"));
        }
        scene.sent(&meeting, ZOFIE).await;
    }
}

#[tokio::test]
async fn a_slow_server_keeps_no_other_tenant_waiting_for_all_of_ones_mails() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        scene.mails.answer("hold").await;
        // Four are under way and wait for the server. The others wait for them, and a tenant that comes last is next.
        let crowd: Vec<_> = (0..12).map(|number| format!("p{number}@example.org")).collect();
        let crowd: Vec<_> = crowd.iter().map(String::as_str).collect();
        let large = scene.schedule(&crowd).await;
        scene.eventually("SELECT CAST(COUNT(*) AS TEXT) AS text FROM mails WHERE attempts = 1", "4").await;
        let small = scene.schedule(&[ALI]).await;
        scene.eventually("SELECT CAST(COUNT(*) AS TEXT) AS text FROM mails", "13").await;
        // As if it were another tenant's, whose meetings and mails sort behind.
        let other = "ffffffff-ffff-7fff-bfff-ffffffffffff";
        let update =
            sql("UPDATE mails SET tenant_id = $1, message = $2, recipient = $3, sequence = 0 WHERE meeting_id = $4");
        let message = b"Subject: x\r\n\r\nx".as_slice();
        scene.set(update.bind(other).bind(message).bind(ALI).bind(&small.id)).await;
        scene.mails.answer("250 OK").await;
        let mut order = Vec::new();
        for _ in 0..13 {
            order.push(scene.mails.mail().await["envelope_to"][0].as_str().expect("an address").to_owned());
        }
        let place = order.iter().position(|address| address == ALI).expect("it came");
        assert!(place < 9, "after those under way, and those that took their places at once: {order:?}");
        drop(large);
    }
}
