// SPDX-License-Identifier: EUPL-1.2
//! Times and rules in words, in both languages.

use chrono::Duration;
use chrono_tz::Tz;

use super::*;
use crate::invitations::samples::{berlin, single};

#[test]
fn a_time_names_its_zone_and_the_day_that_it_ends_on() {
    let mut invitation = single();
    let (de, en) = (of(Language::De), of(Language::En));
    assert_eq!(de.when(&invitation), "Dienstag, 20. Oktober 2026, 10:00–11:30 Uhr (MESZ)"); // spelling: no English
    assert_eq!(en.when(&invitation), "Tuesday, 20 October 2026, 10:00–11:30 (Europe/Berlin, CEST)");
    let schedule = invitation.schedule.as_mut().expect("a time");
    schedule.ends_at += Duration::days(1);
    schedule.time_zone = Tz::America__Sao_Paulo;
    let expected = "Tuesday, 20 October 2026, 05:00–Wednesday, 21 October 2026, 06:30 (America/Sao_Paulo, UTC-03:00)";
    assert_eq!(en.when(&invitation), expected);
}

#[test]
fn usual_rules_have_words() {
    let start = berlin(2026, 10, 20, 10, 0);
    let check = |rule, german: &str, english: &str| {
        assert_eq!(of(Language::De).rule(rule, Tz::Europe__Berlin, start), german, "{rule}");
        assert_eq!(of(Language::En).rule(rule, Tz::Europe__Berlin, start), english, "{rule}");
    };
    check("FREQ=DAILY", "jeden Tag", "every day"); // spelling: no English
    check("FREQ=WEEKLY", "jede Woche am Dienstag", "every week on Tuesday"); // spelling: no English
    check(
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR;COUNT=10;WKST=MO",
        "alle 2 Wochen am Montag, Mittwoch und Freitag, 10 Mal", // spelling: no English
        "every 2 weeks on Monday, Wednesday and Friday, 10 times",
    );
    check(
        "FREQ=MONTHLY;BYDAY=2TU;UNTIL=20261231T230000Z",
        "jeden Monat am 2. Dienstag, bis Freitag, 1. Januar 2027", // spelling: no English
        "every month on Tuesday no. 2, until Friday, 1 January 2027",
    );
    check("FREQ=MONTHLY;BYDAY=-1FR", "jeden Monat am letzten Freitag", "every month on the last Friday"); // spelling: no English
    check("FREQ=MONTHLY;BYMONTHDAY=15", "jeden Monat am 15.", "every month on day 15"); // spelling: no English
    // The order is the calendar's, and small letters are letters.
    check("FREQ=WEEKLY;BYDAY=WE,mo", "jede Woche am Montag und Mittwoch", "every week on Monday and Wednesday"); // spelling: no English
    check("FREQ=YEARLY", "jedes Jahr", "every year"); // spelling: no English
    for rule in [
        "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "FREQ=DAILY;BYHOUR=8",
        "FREQ=WEEKLY;BYDAY=é",
        "x",
        "",
    ] {
        check(rule, de::WORDS.own_rule, en::WORDS.own_rule);
    }
}
