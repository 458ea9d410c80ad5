// SPDX-License-Identifier: EUPL-1.2
//! What calendars are told of meetings, line by line.

use chrono::Duration;

use super::*;
use crate::invitations::invitation::News;
use crate::invitations::samples::{berlin, single, weekly};

/// Its lines, unfolded.
fn lines(invitation: &Invitation) -> Vec<String> {
    let text = write(invitation);
    assert!(text.ends_with("END:VCALENDAR\r\n"));
    text.replace("\r\n ", "").split("\r\n").map(str::to_owned).collect()
}

fn values<'a>(lines: &'a [String], name: &str) -> Vec<&'a str> {
    lines.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix([':', ';'])).collect()
}

#[test]
fn an_invitation_asks_one_person_and_shows_the_ways_in() {
    let lines = lines(&single());
    assert_eq!(values(&lines, "METHOD"), ["REQUEST"]);
    assert_eq!(values(&lines, "DTEND"), ["TZID=Europe/Berlin:20261020T113000"]);
    assert_eq!(values(&lines, "SUMMARY"), ["Jour fixe Straßenbau\\; Öffnung\\, Teil 2"]); // spelling: no English
    assert_eq!(
        values(&lines, "ORGANIZER"),
        ["CN=\"Dr. Jörg ^'Jo^' Müller, MdL\";SENT-BY=\"mailto:einladung@conf.example.org\":mailto:joerg@example.org"]
    );
    assert_eq!(
        values(&lines, "ATTENDEE"),
        [
            "CN=\"Žofie Nováková\";ROLE=REQ-PARTICIPANT;CUTYPE=INDIVIDUAL;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:zofie@xn--bauhof-sd-x9a.example"
        ]
    );
    assert_eq!(
        values(&lines, "CONFERENCE"),
        [
            "VALUE=URI;FEATURE=AUDIO,VIDEO;LABEL=\"An der Besprechung teilnehmen\":https://conf.example.org/m/4cS9kQ2LrTvX7bNzPq8wYd#i=0hJ1mZ-_8aK", // spelling: no English
            "VALUE=URI;FEATURE=PHONE;LABEL=Erfurt:tel:+4936112345678,,491234567%23,,73914420%23",
        ]
    );
    let description = values(&lines, "DESCRIPTION")[0];
    assert!(description.contains("PIN: 73914420") && description.contains("Haushalt \\\\ Mittel"), "{description}"); // spelling: no English
}

#[test]
fn a_series_has_its_rule_and_each_time_that_differs_is_an_event() {
    let lines = lines(&weekly());
    assert_eq!(values(&lines, "DTSTART").last(), Some(&"TZID=Europe/Berlin:20261104T140000"));
    assert_eq!(values(&lines, "RECURRENCE-ID"), ["TZID=Europe/Berlin:20261103T100000"]);
    assert_eq!(values(&lines, "EXDATE"), ["TZID=Europe/Berlin:20261110T100000"]);
    assert_eq!(values(&lines, "SEQUENCE"), ["3", "3"]);
    assert_eq!(values(&lines, "UID").len(), 2);
}

#[test]
fn who_is_told_that_it_is_cancelled_gets_no_way_in() {
    let invitation = Invitation { method: Method::Cancel, news: News::Cancelled, ..weekly() };
    let lines = lines(&invitation);
    assert_eq!(values(&lines, "STATUS"), ["CANCELLED"]);
    for name in ["CONFERENCE", "URL", "LOCATION", "DESCRIPTION", "RECURRENCE-ID", "EXDATE"] {
        assert!(values(&lines, name).is_empty(), "{name}");
    }
    assert!(!lines.iter().any(|line| line.contains("73914420") || line.contains("/m/")));
}

#[test]
fn answers_go_where_they_are_read() {
    let invitation = Invitation { reply_address: Some("antwort+t0k3n@conf.example.org".to_owned()), ..single() };
    let lines = lines(&invitation);
    assert!(values(&lines, "ORGANIZER")[0].ends_with(":mailto:antwort+t0k3n@conf.example.org"));
}

#[test]
fn a_time_that_the_clocks_show_twice_is_not_mistaken_for_the_first() {
    // Half past two comes twice on 25 October: at 00:30 and at 01:30 UTC.
    let at = |hours: i64, minutes: i64| berlin(2026, 10, 25, 0, 0) + Duration::minutes(hours * 60 + minutes);
    let times = |starts_at, ends_at| {
        let mut invitation = single();
        let schedule = invitation.schedule.as_mut().expect("a time");
        (schedule.starts_at, schedule.ends_at) = (starts_at, ends_at);
        let lines = lines(&invitation);
        let value = |name| values(&lines, name).last().map(|value| (*value).to_owned());
        (value("DTSTART").expect("a start"), value("DTEND"), value("DURATION"))
    };
    let local = |time: &str| format!("TZID=Europe/Berlin:20261025T{time}");
    assert_eq!(times(at(2, 30), at(3, 30)), (local("023000"), None, Some("PT3600S".to_owned())));
    assert_eq!(times(at(3, 30), at(4, 30)), ("20261025T013000Z".to_owned(), Some("20261025T023000Z".to_owned()), None));
    assert_eq!(times(at(4, 0), at(5, 0)), (local("030000"), Some(local("040000")), None));
}
