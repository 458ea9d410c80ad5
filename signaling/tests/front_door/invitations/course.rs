// SPDX-License-Identifier: EUPL-1.2
//! The whole course of a series as those see it who are invited: each mail that they get, read by others.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use store::testing::TestStore;

use super::scene::{ALI, ORGANIZER, RULE, Scene, ZOFIE, german, nth};
use crate::support::mail::read_calendar;

/// Somebody with an account, who wants English.
const ANNA: &str = "anna@example.org";

/// What another reader makes of a mail's calendar, which stands in it twice.
async fn calendar(mail: &Value) -> Value {
    assert_eq!(mail["defects"], json!([]));
    assert_eq!(mail["kinds"], json!(["text/plain", "text/html", "text/calendar", "application/ics"]));
    assert_eq!(mail["calendar"], mail["attachment"]);
    let (first, last) = (nth(0) - Duration::days(30), nth(0) + Duration::days(400));
    let text = mail["calendar"].as_str().expect("a calendar");
    let read = read_calendar(text, &first.to_rfc3339(), &last.to_rfc3339()).await;
    assert_eq!(read["errors"], json!([]));
    assert_eq!(read["method"], mail["method"]);
    read
}

fn text(mail: &Value) -> &str {
    mail["text"].as_str().expect("text")
}

fn html(mail: &Value) -> &str {
    mail["html"].as_str().expect("HTML")
}

fn starts(read: &Value) -> Vec<String> {
    let times = read["times"].as_array().expect("times").iter();
    times.map(|time| time["start"].as_str().expect("a start").to_owned()).collect()
}

fn texts(starts: impl IntoIterator<Item = DateTime<Utc>>) -> Vec<String> {
    let mut starts: Vec<_> = starts.into_iter().collect();
    starts.sort();
    starts.iter().map(|start| start.format("%Y-%m-%dT%H:%M:%SZ").to_string()).collect()
}

fn subject(mail: &Value) -> &Value {
    &mail["headers"]["subject"]
}

#[tokio::test]
async fn who_is_invited_hears_of_everything_and_their_calendar_understands_it() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        let account = json!({ "email": ANNA, "name": "Anna Muster", "language": "en" });
        scene.done("POST /users", Some(&account)).await;
        let meeting = scene.schedule(&[ZOFIE, ANNA]).await;

        // They are invited.
        let mails = scene.mails.mails(2).await;
        let (to_anna, to_zofie) = (&mails[0], &mails[1]);
        assert_eq!((&to_anna["envelope_to"], &to_zofie["envelope_to"]), (&json!([ANNA]), &json!([ZOFIE])));
        assert_eq!(subject(to_zofie), "Einladung: Jour fixe Öffnung"); // spelling: no English
        assert_eq!(subject(to_anna), "Invitation: Jour fixe Öffnung"); // spelling: no English
        assert!(html(to_zofie).contains("<html lang=\"de\">"), "{}", html(to_zofie));
        assert!(html(to_anna).contains("<html lang=\"en\">"), "{}", html(to_anna));
        let when = format!("Wann: {}, 10:00–11:30 Uhr (ME", german(nth(0))); // spelling: no English
        assert!(text(to_zofie).contains(&when), "{}", text(to_zofie));
        assert!(text(to_anna).contains("every week on Tuesday, 30 times"), "{}", text(to_anna));
        for mail in &mails {
            assert!(text(mail).contains("https://www.example.org/privacy"), "{}", text(mail));
        }
        let headers = &to_zofie["headers"];
        assert_eq!(headers["from"], "Jörg Müller <invite@conf.example.org>");
        assert_eq!(headers["reply-to"], format!("Jörg Müller <{ORGANIZER}>"));
        assert_eq!(headers["to"], format!("Žofie Nováková <{ZOFIE}>"));
        assert_eq!(headers["auto-submitted"], "auto-generated");
        assert_eq!(headers["references"], format!("<{}@conf.example.org>", meeting.id));
        let read = calendar(to_zofie).await;
        assert_eq!((&read["method"], &read["zones"]), (&json!("REQUEST"), &json!(["Europe/Berlin"])));
        assert_eq!(starts(&read), texts((0..30).map(nth)), "the same times as ours, over the change of the clocks");
        let event = &read["events"][0];
        assert_eq!((&event["uid"], &event["sequence"], &event["rule"]), (&json!(meeting.uid), &json!(0), &json!(RULE)));
        let organizer = event["organizer"]["address"].as_str().expect("an address");
        assert!(organizer.starts_with("mailto:reply+") && organizer.ends_with("@conf.example.org"), "{organizer}");
        assert_eq!(event["organizer"]["cn"], "Jörg Müller");
        let attendees = event["attendees"].as_array().expect("people");
        assert_eq!(attendees.len(), 1, "nobody sees who else is invited");
        assert_eq!(attendees[0]["address"], format!("mailto:{ZOFIE}"));
        assert_eq!((&attendees[0]["partstat"], &attendees[0]["rsvp"]), (&json!("NEEDS-ACTION"), &json!("TRUE")));
        let path = meeting.path(&format!("/invitees/{}", meeting.invitee(ZOFIE)));
        let invitee = scene.get(&path).await.json();
        let (link, pin) = (&invitee["personal_join_url"], invitee["personal_pin"].as_str().expect("a PIN"));
        let by_browser = &event["conferences"][0];
        assert_eq!(&by_browser["uri"], link);
        assert_eq!(by_browser["label"], "An der Besprechung teilnehmen"); // spelling: no English
        let shown = scene.get(&meeting.path("")).await.json();
        let number = shown["dial_in"]["conference_id"].as_str().expect("a number");
        assert_eq!(event["conferences"][1]["uri"], format!("tel:+4936112345678,,{number}%23,,{pin}%23"));
        assert_eq!(
            (&event["conferences"][1]["feature"], &event["conferences"][1]["label"]),
            (&json!("PHONE"), &json!("Erfurt"))
        );
        let link = link.as_str().expect("a link");
        assert!(text(to_zofie).contains(link) && html(to_zofie).contains(link) && !text(to_anna).contains(link));
        scene.sent(&meeting, ZOFIE).await;
        scene.sent(&meeting, ANNA).await;

        // It takes place an hour later.
        let later = json!({ "starts_at": nth(0) + Duration::hours(1) });
        scene.done(&format!("PATCH {}", meeting.path("")), Some(&later)).await;
        let mails = scene.mails.mails(2).await;
        let to_zofie = &mails[1];
        assert_eq!(subject(to_zofie), "Geändert: Jour fixe Öffnung"); // spelling: no English
        let was = format!("Bisher: <s>{}, 10:00–11:30 Uhr (", german(nth(0))); // spelling: no English
        assert!(html(to_zofie).contains(&was), "{}", html(to_zofie));
        let now = format!("Neue Zeit: {}, 11:00–12:30 Uhr", german(nth(0))); // spelling: no English
        assert!(text(to_zofie).contains(&now), "{}", text(to_zofie));
        for mail in &mails {
            let read = calendar(mail).await;
            assert_eq!((&read["method"], &read["events"][0]["sequence"]), (&json!("REQUEST"), &json!(1)));
            assert_eq!(starts(&read), texts((0..30).map(|number| nth(number) + Duration::hours(1))));
        }
        scene.sent(&meeting, ZOFIE).await;
        scene.sent(&meeting, ANNA).await;

        // One time is on another day, and another one is left out.
        let number = |number: i64| nth(number) + Duration::hours(1);
        let id = |number: i64| (nth(number) + Duration::hours(1)).format("%Y%m%dT%H%M%SZ").to_string();
        let moved = number(2) + Duration::days(1);
        let path = meeting.path(&format!("/occurrences/{}", id(2)));
        scene.done(&format!("PATCH {path}"), Some(&json!({ "starts_at": moved }))).await;
        let mails = scene.mails.mails(2).await;
        let news = format!(
            "Der Termin am {}, 11:00 Uhr wurde auf {}, 11:00–12:30 Uhr", // spelling: no English
            german(number(2)),
            german(moved)
        );
        assert!(text(&mails[1]).find(&news).expect(&news) < text(&mails[1]).find("Wann:").expect("the time")); // spelling: no English
        let read = calendar(&mails[1]).await;
        let exception = &read["events"][1];
        assert_eq!(exception["recurrence_id"], texts([number(2)])[0]);
        assert_eq!((&exception["start"], &exception["uid"]), (&json!(texts([moved])[0]), &json!(meeting.uid)));
        let others = (0..30).filter(|index| *index != 2).map(number);
        assert_eq!(starts(&read), texts(others.chain([moved])));
        scene.sent(&meeting, ZOFIE).await;
        scene.sent(&meeting, ANNA).await;
        scene.done(&format!("DELETE {}", meeting.path(&format!("/occurrences/{}", id(3)))), None).await;
        let mails = scene.mails.mails(2).await;
        let news = format!("Der Termin am {}, 11:00 Uhr fällt aus.", german(number(3))); // spelling: no English
        assert!(text(&mails[1]).contains(&news), "{}", text(&mails[1]));
        let read = calendar(&mails[1]).await;
        let others = (0..30).filter(|index| ![2, 3].contains(index)).map(number);
        assert_eq!(starts(&read), texts(others.chain([moved])));
        let sequence = read["events"][0]["sequence"].as_i64().expect("a number");
        assert!(sequence >= 1);
        scene.sent(&meeting, ZOFIE).await;
        scene.sent(&meeting, ANNA).await;

        // Somebody is not invited any more, and only they hear of it.
        let path = meeting.path(&format!("/invitees/{}", meeting.invitee(ANNA)));
        scene.done(&format!("DELETE {path}"), None).await;
        let mail = scene.mails.mail().await;
        assert_eq!((&mail["envelope_to"], &mail["method"]), (&json!([ANNA]), &json!("CANCEL")));
        assert!(!text(&mail).contains("/m/") && !text(&mail).contains("/r/"), "their way in is closed");
        let read = calendar(&mail).await;
        assert_eq!(
            (&read["events"][0]["status"], &read["events"][0]["uid"]),
            (&json!("CANCELLED"), &json!(meeting.uid))
        );
        assert!(read["events"][0]["sequence"].as_i64() > Some(sequence));
        assert_eq!(read["events"].as_array().map(Vec::len), Some(1), "the whole series");
        scene.sent(&meeting, ANNA).await;

        // Nothing of it takes place.
        scene.done(&format!("DELETE {}", meeting.path("")), None).await;
        let mail = scene.mails.mail().await;
        assert_eq!((&mail["envelope_to"], &mail["method"]), (&json!([ZOFIE]), &json!("CANCEL")));
        assert_eq!(subject(&mail), "Abgesagt: Jour fixe Öffnung"); // spelling: no English
        let read = calendar(&mail).await;
        assert_eq!(read["events"][0]["status"], "CANCELLED");
        assert!(read["events"][0]["sequence"].as_i64() > Some(sequence), "newer than everything before");
        scene.sent(&meeting, ZOFIE).await;
        assert_eq!(scene.audited(&meeting, ZOFIE).await, ["invitee.mail_sent"; 5]);
    }
}

#[tokio::test]
async fn software_that_sends_itself_gets_the_words_and_the_file() {
    let scene = Scene::on(TestStore::sqlite().await).await;
    let meeting =
        scene.schedule_with(&[ZOFIE], json!({ "invitation": { "delivery": "none", "language": "de" } })).await;
    let id = meeting.invitee(ZOFIE);
    for (language, word) in [("de", "Einladung"), ("en", "Invitation")] {
        let path = meeting.path(&format!("/invitation?invitee_id={id}&language={language}"));
        let invitation = scene.get(&path).await.json();
        assert!(invitation["subject"].as_str().is_some_and(|subject| subject.starts_with(&format!("{word}: "))));
        assert_eq!((&invitation["delivery"], &invitation["is_mail_set_up"]), (&json!("none"), &json!(true)));
        assert!(invitation["html"].as_str().expect("HTML").contains(&format!("<html lang=\"{language}\">")));
        assert!(invitation["text"].as_str().expect("text").contains("#i="), "their own link");
        let ics = invitation["ics"].as_str().expect("a calendar");
        let read = read_calendar(ics, &nth(0).to_rfc3339(), &(nth(0) + Duration::days(400)).to_rfc3339()).await;
        assert_eq!((&read["method"], starts(&read).len()), (&json!("REQUEST"), 30));
    }
    let file = scene.get(&meeting.path("/invitation.ics")).await;
    assert!(file.head.contains("content-type: text/calendar; method=publish"), "{}", file.head);
    let read = read_calendar(file.text(), &nth(0).to_rfc3339(), &(nth(0) + Duration::days(8)).to_rfc3339()).await;
    assert_eq!((&read["events"][0]["attendees"], starts(&read).len()), (&json!([]), 2));
    scene.done(&format!("DELETE {}", meeting.path("")), None).await;
    let file = scene.get(&meeting.path("/invitation.ics")).await;
    assert!(file.head.contains("content-type: text/calendar; method=cancel"), "{}", file.head);
    assert!(file.text().contains("STATUS:CANCELLED") && !file.text().contains("/m/"), "{}", file.text());
    assert!(!file.text().contains("EXDATE"), "it is the series that is cancelled: {}", file.text());
    let unknown = "0198f2c4-7d1e-7c3a-9b1f-4f0d2f6f9fff";
    assert_eq!(scene.get(&format!("/meetings/{unknown}/invitation")).await.status, 404);
    assert_eq!(scene.get(&meeting.path(&format!("/invitation?invitee_id={unknown}"))).await.status, 404);
    assert_eq!(scene.get(&meeting.path("/invitation?language=fr")).await.status, 422);
    assert_eq!(scene.delivery(&meeting, ZOFIE).await["status"], "none");
}

#[tokio::test]
async fn who_has_no_account_is_written_to_in_a_language_of_their_own() {
    for database in TestStore::both().await {
        let mut scene = Scene::on(database).await;
        let account = json!({ "email": ANNA, "name": "Anna Muster", "language": "en" });
        scene.done("POST /users", Some(&account)).await;
        let invitees = json!({ "invitees": [
            { "email": ALI, "language": "en" }, { "email": ANNA, "language": "de" }, { "email": ZOFIE },
        ] });
        let meeting = scene.schedule_with(&[], invitees).await;
        let subjects: Vec<_> = scene.mails.mails(3).await.iter().map(|mail| subject(mail).clone()).collect();
        let (german, english) = ("Einladung: Jour fixe Öffnung", "Invitation: Jour fixe Öffnung"); // spelling: no English
        assert_eq!(subjects, [english, english, german], "Ali's, Anna's account's, and the meeting's");
        let path = meeting.path(&format!("/invitees/{}", meeting.invitee(ALI)));
        assert_eq!(scene.get(&path).await.json()["language"], "en");
        let invitation = meeting.path(&format!("/invitation?invitee_id={}", meeting.invitee(ALI)));
        let text = scene.get(&invitation).await.json();
        let (_, page) = text["text"].as_str().expect("text").split_once("/r/").expect("a link");
        let page = scene.server.get(&format!("/r/{}", page.split_once('?').expect("an answer").0)).await;
        assert!(page.text().contains("<html lang=\"en\">"), "{}", page.text());
        let ics = text["ics"].as_str().expect("a calendar").replace("\r\n ", "");
        assert!(ics.contains("LABEL=\"Join the meeting\""), "{ics}");
        // What else changes leaves it as it is; null is the meeting's again.
        scene.done(&format!("PATCH {path}"), Some(&json!({ "name": "Ali" }))).await;
        assert_eq!(scene.get(&path).await.json()["language"], "en");
        scene.done(&format!("PATCH {path}"), Some(&json!({ "language": null }))).await;
        assert_eq!(scene.get(&invitation).await.json()["subject"], german);
        assert_eq!(scene.ask(&format!("PATCH {path}"), Some(&json!({ "language": "fr" }))).await.status, 422);
    }
}
