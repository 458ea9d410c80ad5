// SPDX-License-Identifier: EUPL-1.2
//! What invited people answer: on the page, and with their calendar.

use chrono::Duration;
use futures_util::future::join_all;
use serde_json::json;
use signaling::MailConfig;
use signaling::commands::take_mail;
use store::testing::TestStore;

use super::scene::{ALI, ORGANIZER, Scene, Scheduled, ZOFIE, nth};
use crate::support::server::Answer;

const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

/// What a calendar sends.
#[derive(Clone, Copy)]
struct Reply<'a> {
    method: &'a str,
    from: &'a str,
    to: &'a str,
    uid: &'a str,
    attendee: &'a str,
    partstat: &'a str,
    sequence: i64,
}

impl Reply<'_> {
    fn mail(&self) -> String {
        let Self { method, from, to, uid, attendee, partstat, sequence } = self;
        format!(
            "From: <{from}>\r\nTo: <{to}>\r\nSubject: Re\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nOK\r\n--b\r\n\
             Content-Type: text/calendar; method={method}; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:{method}\r\n\
             BEGIN:VEVENT\r\nUID:{uid}\r\nSEQUENCE:{sequence}\r\nATTENDEE;PARTSTAT={partstat}:MAILTO:{attendee}\r\n\
             END:VEVENT\r\nEND:VCALENDAR\r\n--b--\r\n"
        )
    }
}

/// The token of the page in an invitation.
async fn answer_token(scene: &Scene, meeting: &Scheduled, email: &str) -> String {
    let path = meeting.path(&format!("/invitation?invitee_id={}", meeting.invitee(email)));
    let invitation = scene.get(&path).await.json();
    let text = invitation["text"].as_str().expect("a text").to_owned();
    let (_, rest) = text.split_once("/r/").expect("a link");
    rest.split_once('?').expect("an answer").0.to_owned()
}

async fn press(scene: &Scene, token: &str, answer: &str) -> Answer {
    scene.server.request(&format!("POST /r/{token}"), &FORM, format!("answer={answer}").as_bytes()).await
}

#[tokio::test]
async fn a_link_leads_to_a_page_and_only_its_button_answers() {
    for database in TestStore::both().await {
        let scene = Scene::on(database).await;
        let meeting = scene.schedule(&[ZOFIE]).await;
        let token = answer_token(&scene, &meeting, ZOFIE).await;
        let page = scene.server.get(&format!("/r/{token}?answer=declined")).await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("value=\"declined\" class=\"chosen\"") && page.text().contains("Öffnung"));
        assert!(page.text().contains("Bitte bestätigen Sie Ihre Antwort"), "{}", page.text()); // spelling: no English
        assert!(!page.text().contains("<script") && page.text().contains("<html lang=\"de\">"), "{}", page.text());
        assert!(page.head.contains("content-security-policy: default-src 'none'; style-src 'sha256-"), "{}", page.head);
        assert!(page.head.contains("cache-control: no-store"), "{}", page.head);
        assert_eq!(scene.response(&meeting, ZOFIE).await, "needs_action", "looking is no answer");
        let head = scene.server.request(&format!("HEAD /r/{token}?answer=declined"), &[], &[]).await;
        assert_eq!((head.status, scene.response(&meeting, ZOFIE).await.as_str()), (200, "needs_action"));
        let thanks = press(&scene, &token, "tentative").await;
        assert_eq!(thanks.status, 200);
        assert!(thanks.text().contains("Vielen Dank"), "{}", thanks.text()); // spelling: no English
        assert_eq!(scene.response(&meeting, ZOFIE).await, "tentative");
        let responded = |actions: Vec<String>| actions.iter().filter(|action| *action == "invitee.respond").count();
        assert_eq!(responded(scene.audited(&meeting, ZOFIE).await), 1);
        press(&scene, &token, "tentative").await;
        assert_eq!(responded(scene.audited(&meeting, ZOFIE).await), 1, "the same answer is no news");
        press(&scene, &token, "perhaps").await;
        assert_eq!(scene.response(&meeting, ZOFIE).await, "tentative");
        // Who comes back sees what they said; a new time is a new question.
        let said = "Sie kommen vielleicht."; // spelling: no English
        assert!(scene.server.get(&format!("/r/{token}")).await.text().contains(said));
        let later = json!({ "starts_at": nth(0) + Duration::hours(1) });
        scene.done(&format!("PATCH {}", meeting.path("")), Some(&later)).await;
        assert!(!scene.server.get(&format!("/r/{token}")).await.text().contains(said));
        assert_eq!(scene.response(&meeting, ZOFIE).await, "needs_action", "as their calendar shows it");
        press(&scene, &token, "declined").await;
        assert_eq!(scene.response(&meeting, ZOFIE).await, "declined");
        let path = meeting.path(&format!("/invitees/{}", meeting.invitee(ZOFIE)));
        scene.done(&format!("DELETE {path}"), None).await;
        assert_eq!(press(&scene, &token, "accepted").await.status, 410);
        assert_eq!(scene.response(&meeting, ZOFIE).await, "declined");
    }
}

#[tokio::test]
async fn a_made_up_link_is_gone() {
    let scene = Scene::on(TestStore::sqlite().await).await;
    let meeting = scene.schedule(&[ZOFIE, ALI]).await;
    let token = answer_token(&scene, &meeting, ZOFIE).await;
    let other = answer_token(&scene, &meeting, ALI).await;
    let mixed = format!("{}{}", &token[..26], &other[26..]);
    for wrong in ["x", &token[..44], &mixed, &token.to_uppercase()] {
        let answer = scene.server.request(&format!("GET /r/{wrong}"), &[("accept-language", "en")], &[]).await;
        assert_eq!(answer.status, 410, "{wrong}");
        assert!(answer.text().contains("This link is no longer valid"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_link_is_not_opened_endlessly() {
    let scene = Scene::on(TestStore::sqlite().await).await;
    let meeting = scene.schedule(&[ZOFIE, ALI]).await;
    let token = answer_token(&scene, &meeting, ZOFIE).await;
    let path = format!("/r/{token}");
    let opened = join_all((0..50).map(|_| scene.server.get(&path))).await;
    let busy: Vec<_> = opened.iter().filter(|page| page.status == 429).collect();
    let opened = opened.iter().filter(|page| page.status == 200).count();
    assert!(opened >= 30 && busy.len() + opened == 50, "{opened} of 50");
    let busy = busy.first().expect("a page that says so");
    assert!(busy.head.contains("retry-after: ") && busy.head.contains("text/html"), "{}", busy.head);
    let other = answer_token(&scene, &meeting, ALI).await;
    assert_eq!(scene.server.get(&format!("/r/{other}")).await.status, 200, "others have their own");
    // An address that tries many is stopped before anything is looked up; pages and calendars are counted together.
    let tried =
        (0..300).map(|number| if number % 2 == 0 { format!("/r/{number}") } else { format!("/calendar/{number}.ics") });
    let tried: Vec<_> = tried.collect();
    let tried = join_all(tried.iter().map(|path| scene.server.get(path))).await;
    let stopped = |kind: &str| tried.iter().any(|page| page.status == 429 && page.head.contains(kind));
    assert!(stopped("text/html") && stopped("text/plain"));
}

#[tokio::test]
async fn calendars_answer_by_the_address_that_each_person_has() {
    for database in TestStore::both().await {
        let scene = Scene::on(database).await;
        let meeting = scene.schedule(&[ZOFIE, ALI]).await;
        let take = async |mail: String| take_mail(scene.store(), &scene.mail, mail.as_bytes()).await.expect("taken");
        let own = format!("reply+{}@conf.example.org", answer_token(&scene, &meeting, ALI).await);
        let good = Reply {
            method: "REPLY",
            from: ALI,
            to: &own,
            uid: &meeting.uid,
            attendee: ALI,
            partstat: "ACCEPTED",
            sequence: 0,
        };
        assert_eq!(take(good.mail()).await, "kept");
        assert_eq!(scene.response(&meeting, ALI).await, "accepted");
        // Anybody can write that they are Ali. Without Ali's address of ours it is not believed.
        let forged = Reply { to: "reply@conf.example.org", partstat: "DECLINED", ..good };
        assert_eq!(take(forged.mail()).await, "not_for_us");
        let made_up = format!("reply+{}@conf.example.org", "a".repeat(45));
        assert_eq!(take(Reply { to: &made_up, partstat: "DECLINED", ..good }.mail()).await, "not_for_us");
        assert_eq!(scene.response(&meeting, ALI).await, "accepted");
        // With the address of one meeting nobody answers another.
        let other = scene.schedule(&[ALI]).await;
        assert_eq!(take(Reply { uid: &other.uid, partstat: "DECLINED", ..good }.mail()).await, "not_for_us");
        assert_eq!(scene.response(&other, ALI).await, "needs_action");
        // Nor does it answer for others.
        let for_zofie = Reply { attendee: ZOFIE, from: ZOFIE, partstat: "DECLINED", ..good };
        take(for_zofie.mail()).await;
        assert_eq!(scene.response(&meeting, ZOFIE).await, "needs_action");
        // Their calendar may know them by another address, and their mail server may change the letters.
        let upper = own.to_uppercase();
        let private =
            Reply { from: "p@example.net", attendee: "p@example.net", to: &upper, partstat: "TENTATIVE", ..good };
        assert_eq!(take(private.mail()).await, "kept");
        assert_eq!(scene.response(&meeting, ALI).await, "tentative");
        let later = json!({ "starts_at": nth(0) + Duration::hours(1) });
        scene.done(&format!("PATCH {}", meeting.path("")), Some(&later)).await;
        assert_eq!(take(good.mail()).await, "outdated");
        assert_eq!(take(Reply { partstat: "DECLINED", sequence: 1, ..good }.mail()).await, "kept");
        assert_eq!(scene.response(&meeting, ALI).await, "declined");
        assert_eq!(take(Reply { partstat: "DELEGATED", sequence: 1, ..good }.mail()).await, "not_for_us");
        assert_eq!(take("no mail at all".to_owned()).await, "not_for_us");
    }
}

#[tokio::test]
async fn without_addresses_of_their_own_the_sender_counts() {
    let scene = Scene::on(TestStore::sqlite().await).await;
    let meeting = scene.schedule(&[ALI]).await;
    let ours = "reply@conf.example.org";
    let mail = MailConfig { replies: Some(ours.to_owned()), ..scene.mail.clone() };
    let take = async |text: String| take_mail(scene.store(), &mail, text.as_bytes()).await.expect("taken");
    let good = Reply {
        method: "REPLY",
        from: ALI,
        to: ours,
        uid: &meeting.uid,
        attendee: ALI,
        partstat: "ACCEPTED",
        sequence: 0,
    };
    assert_eq!(take(Reply { from: "eve@example.org", ..good }.mail()).await, "not_for_us");
    assert_eq!(take(Reply { attendee: "eve@example.org", ..good }.mail()).await, "not_for_us");
    assert_eq!(scene.response(&meeting, ALI).await, "needs_action");
    assert_eq!(take(good.mail()).await, "kept");
    assert_eq!(scene.response(&meeting, ALI).await, "accepted");
}

#[tokio::test]
async fn what_only_the_organizer_can_decide_is_passed_on() {
    let mut scene = Scene::on(TestStore::sqlite().await).await;
    let meeting = scene.schedule(&[ALI]).await;
    scene.mails.mail().await;
    let own = format!("reply+{}@conf.example.org", answer_token(&scene, &meeting, ALI).await);
    let counter = Reply {
        method: "COUNTER",
        from: ALI,
        to: &own,
        uid: &meeting.uid,
        attendee: ALI,
        partstat: "TENTATIVE",
        sequence: 0,
    };
    let one_time = Reply { method: "REPLY", ..counter }.mail();
    let one_time = one_time.replace("SEQUENCE:0", "SEQUENCE:0\r\nRECURRENCE-ID:20261103T090000Z");
    for (mail, method, subject) in [
        (counter.mail(), "METHOD:COUNTER", "Terminvorschlag: Jour fixe Öffnung"), // spelling: no English
        (one_time, "METHOD:REPLY", "Antwort zu einem Termin: Jour fixe Öffnung"), // spelling: no English
    ] {
        let taken = take_mail(scene.store(), &scene.mail, mail.as_bytes()).await.expect("taken");
        assert_eq!(taken, "forwarded");
        let mail = scene.mails.mail().await;
        assert_eq!(mail["envelope_to"], json!([ORGANIZER]));
        assert_eq!(mail["headers"]["subject"], subject);
        assert!(mail["attachment"].as_str().expect("the proposal").contains(method));
        assert_eq!(scene.response(&meeting, ALI).await, "needs_action");
    }
}
