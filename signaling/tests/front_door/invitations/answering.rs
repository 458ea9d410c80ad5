// SPDX-License-Identifier: EUPL-1.2
//! What invited people answer: on the page, and with their calendar.

use serde_json::json;
use signaling::commands::take_mail;
use store::sql;
use store::testing::TestStore;

use super::stored::{ALI, MEETING, ORGANIZER, Scene, UID, ZOFIE};

/// What a calendar sends.
fn reply(method: &str, from: &str, to: &str, partstat: &str, sequence: i64) -> String {
    format!(
        "From: <{from}>\r\nTo: <{to}>\r\nSubject: Re\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nOK\r\n--b\r\n\
         Content-Type: text/calendar; method={method}; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:{method}\r\n\
         BEGIN:VEVENT\r\nUID:{UID}\r\nSEQUENCE:{sequence}\r\nATTENDEE;PARTSTAT={partstat}:MAILTO:{from}\r\nEND:VEVENT\r\n\
         END:VCALENDAR\r\n--b--\r\n"
    )
}

/// The token of the page in an invitation.
async fn answer_token(scene: &Scene, invitee: &str) -> String {
    let path = format!("/meetings/{MEETING}/invitation?invitee_id={invitee}");
    let invitation = scene.get(&path).await.json();
    let text = invitation["text"].as_str().expect("a text").to_owned();
    let (_, rest) = text.split_once("/r/").expect("a link");
    rest.split_once('?').expect("an answer").0.to_owned()
}

#[tokio::test]
async fn a_link_leads_to_a_page_and_only_its_button_answers() {
    for database in TestStore::both().await {
        let scene = Scene::on(database).await;
        let token = answer_token(&scene, ZOFIE.id).await;
        let page = scene.server.get(&format!("/r/{token}?answer=declined")).await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("value=\"declined\" class=\"chosen\"") && page.text().contains("Jour fixe"));
        assert!(page.head.contains("content-security-policy: default-src 'none'; style-src 'sha256-"), "{}", page.head);
        assert!(page.head.contains("cache-control: no-store"), "{}", page.head);
        assert_eq!(scene.invitee(ZOFIE).await.response, "needs_action", "looking is no answer");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let path = format!("POST /r/{token}");
        let thanks = scene.server.request(&path, &form, b"answer=tentative").await;
        assert_eq!(thanks.status, 200);
        assert!(thanks.text().contains("Vielen Dank"), "{}", thanks.text()); // spelling: no English
        let invitee = scene.invitee(ZOFIE).await;
        assert_eq!((invitee.response.as_str(), invitee.response_sequence), ("tentative", 0));
        assert_eq!(scene.audited(ZOFIE).await, ["invitee.respond"]);
        scene.server.request(&path, &form, b"answer=tentative").await;
        assert_eq!(scene.audited(ZOFIE).await, ["invitee.respond"], "the same answer is no news");
        scene.server.request(&path, &form, b"answer=perhaps").await;
        assert_eq!(scene.invitee(ZOFIE).await.response, "tentative");
        scene.set(sql("UPDATE invitees SET revoked_at = 1 WHERE id = $1").bind(ZOFIE.id)).await;
        assert_eq!(scene.server.request(&path, &form, b"answer=accepted").await.status, 410);
        assert_eq!(scene.invitee(ZOFIE).await.response, "tentative");
    }
}

#[tokio::test]
async fn a_made_up_link_is_gone() {
    let scene = Scene::on(TestStore::sqlite().await).await;
    let token = answer_token(&scene, ZOFIE.id).await;
    let other = answer_token(&scene, ALI.id).await;
    let mixed = format!("{}{}", &token[..26], &other[26..]);
    for wrong in ["x", &token[..44], &mixed, &token.to_uppercase()] {
        assert_eq!(scene.server.get(&format!("/r/{wrong}")).await.status, 410, "{wrong}");
    }
}

#[tokio::test]
async fn calendars_answer_for_those_whose_address_it_is() {
    for database in TestStore::both().await {
        let scene = Scene::on(database).await;
        let take = async |mail: String| take_mail(scene.store(), &scene.mail, mail.as_bytes()).await.expect("taken");
        let ours = "reply@conf.example.org";
        assert_eq!(take(reply("REPLY", ALI.email, ours, "ACCEPTED", 0)).await, "kept");
        assert_eq!(scene.invitee(ALI).await.response, "accepted");
        // Whoever writes from another address is somebody else.
        let forged = reply("REPLY", ALI.email, ours, "DECLINED", 0);
        let forged = forged.replace(&format!("From: <{}>", ALI.email), "From: <eve@example.org>");
        assert_eq!(take(forged).await, "not_for_us");
        // By their own address of ours they may answer from any.
        let own = format!("Reply+{}@conf.example.org", answer_token(&scene, ALI.id).await.to_uppercase());
        assert_eq!(take(reply("REPLY", "private@example.net", &own, "TENTATIVE", 0)).await, "kept");
        assert_eq!(scene.invitee(ALI).await.response, "tentative");
        scene.set(sql("UPDATE meetings SET sequence = 1")).await;
        assert_eq!(take(reply("REPLY", ALI.email, ours, "ACCEPTED", 0)).await, "outdated");
        assert_eq!(take(reply("REPLY", ALI.email, ours, "DECLINED", 1)).await, "kept");
        let invitee = scene.invitee(ALI).await;
        assert_eq!((invitee.response.as_str(), invitee.response_sequence), ("declined", 1));
        assert_eq!(take(reply("REPLY", ALI.email, ours, "DELEGATED", 1)).await, "not_for_us");
        assert_eq!(take("no mail at all".to_owned()).await, "not_for_us");
        assert_eq!(scene.audited(ALI).await, ["invitee.respond"; 3]);
    }
}

#[tokio::test]
async fn another_time_is_proposed_to_the_organizer() {
    let mut scene = Scene::on(TestStore::sqlite().await).await;
    let counter = reply("COUNTER", ALI.email, "reply@conf.example.org", "TENTATIVE", 0);
    let taken = take_mail(scene.store(), &scene.mail, counter.as_bytes()).await.expect("taken");
    assert_eq!(taken, "forwarded");
    let mail = scene.mails.mail().await;
    assert_eq!(mail["envelope_to"], json!([ORGANIZER]));
    assert_eq!(mail["headers"]["subject"], "Terminvorschlag: Jour fixe Öffnung"); // spelling: no English
    assert!(mail["attachment"].as_str().expect("the proposal").contains("METHOD:COUNTER"));
    assert_eq!(scene.invitee(ALI).await.response, "needs_action");
}
