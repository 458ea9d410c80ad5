// SPDX-License-Identifier: EUPL-1.2
//! Rules against the standard's examples, against another implementation, and against people who mean no good.

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use chrono_tz::Tz;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::local::instant;
use super::rule::RuleError;
use super::*;

fn local(text: &str, zone: Tz) -> DateTime<Utc> {
    let time = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").expect("a time");
    instant(zone, time)
}

fn starts(rule: &str, start: &str, zone: Tz, days: i64, limit: usize) -> Vec<String> {
    let rule = Rule::parse(rule, zone).unwrap_or_else(|error| panic!("{rule}: {error}"));
    let from = local(start, zone);
    let window = Window { from, to: from + Duration::days(days), limit };
    let found = expand(&rule, from, zone, window).expect("a short rule");
    found.starts.iter().map(|time| time.with_timezone(&zone).format("%Y%m%dT%H%M").to_string()).collect()
}

/// Starts at nine o'clock in New York, as the standard's examples do. `expected` names days, and hours where they are
/// others.
fn check(start: &str, rule: &str, expected: &str) {
    let expected: Vec<_> =
        expected.split(' ').map(|day| if day.contains('T') { day.to_owned() } else { format!("{day}T0900") }).collect();
    let start = format!("{start}T090000");
    let found = starts(rule, &start, Tz::America__New_York, 20_000, expected.len());
    assert_eq!(found, expected, "{rule}");
}

/// RFC 5545 §3.8.5.3.
#[test]
fn the_examples_of_the_standard_hold() {
    let september = "19970902";
    check(september, "FREQ=DAILY;COUNT=3", "19970902 19970903 19970904");
    check(september, "FREQ=DAILY;INTERVAL=2", "19970902 19970904 19970906 19970908");
    check(september, "FREQ=DAILY;INTERVAL=10;COUNT=5", "19970902 19970912 19970922 19971002 19971012");
    check("19980101", "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA", "19980101 19980102");
    check("19980101", "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", "19980101 19980102");
    check(
        september,
        "FREQ=WEEKLY;COUNT=10",
        "19970902 19970909 19970916 19970923 19970930 19971007 19971014 19971021 19971028 19971104",
    );
    check(september, "FREQ=WEEKLY;INTERVAL=2;WKST=SU", "19970902 19970916 19970930 19971014 19971028 19971111");
    check(september, "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", "19970902 19970904 19970909 19970911 19970916");
    check(
        "19970901",
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        "19970901 19970903 19970905 19970915 19970917 19970919 19970929",
    );
    check(
        september,
        "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
        "19970902 19970904 19970916 19970918 19970930 19971002 19971014 19971016",
    );
    check("19970905", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "19970905 19971003 19971107 19971205 19980102 19980206");
    check(
        "19970907",
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        "19970907 19970928 19971102 19971130 19980104 19980125",
    );
    check("19970922", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "19970922 19971020 19971117 19971222 19980119 19980216");
    check("19970928", "FREQ=MONTHLY;BYMONTHDAY=-3", "19970928 19971029 19971128 19971229 19980129 19980226");
    check(september, "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", "19970902 19970915 19971002 19971015 19971102");
    check(
        "19970930",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        "19970930 19971001 19971031 19971101 19971130 19971201 19971231",
    );
    check(
        "19970910",
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        "19970910 19970911 19970912 19970913 19970914 19970915 19990310 19990311",
    );
    check(september, "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", "19970902 19970909 19970916 19970923 19970930 19971104");
    check("19970610", "FREQ=YEARLY;COUNT=10;BYMONTH=6,7", "19970610 19970710 19980610 19980710");
    check("19970310", "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3", "19970310 19990110 19990210 19990310 20010110");
    check(
        "19970101",
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        "19970101 19970410 19970719 20000101 20000409 20000718",
    );
    check("19970519", "FREQ=YEARLY;BYDAY=20MO", "19970519 19980518 19990517");
    check("19970512", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "19970512 19980511 19990517");
    check("19970313", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "19970313 19970320 19970327 19980305 19980312");
    check("19970605", "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8", "19970605 19970612 19970619 19970626 19970703");
    check("19970902", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "19980213 19980313 19981113 19990813 20001013");
    check("19970913", "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", "19970913 19971011 19971108 19971213");
    check(
        "19961105",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        "19961105 20001107 20041102",
    );
    check("19970904", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "19970904 19971007 19971106");
    check("19970929", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "19970929 19971030 19971127 19971230 19980129");
    check(
        september,
        "FREQ=DAILY;BYHOUR=9,12,15;BYMINUTE=0,20",
        "19970902T0900 19970902T0920 19970902T1200 19970902T1220 19970902T1500 19970902T1520 19970903T0900",
    );
    check("19970805", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "19970805 19970810 19970819 19970824");
    check("19970805", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "19970805 19970817 19970819 19970831");
    check("20070115", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "20070115 20070130 20070215 20070315 20070330");
    check("20240229", "FREQ=YEARLY", "20240229 20280229 20320229");
    check("20260131", "FREQ=MONTHLY", "20260131 20260331 20260531 20260731");
}

#[test]
fn counts_and_ends_are_kept() {
    let new_york = Tz::America__New_York;
    assert_eq!(starts("FREQ=DAILY;COUNT=10", "19970902T090000", new_york, 400, 1000).len(), 10);
    let until = starts("FREQ=DAILY;UNTIL=19971224T000000Z", "19970902T090000", new_york, 400, 1000);
    assert_eq!((until.len(), until.last().map(String::as_str)), (113, Some("19971223T0900")));
    let day = starts("freq=weekly;until=19970916", "19970902T090000", new_york, 400, 1000);
    assert_eq!(day.len(), 3, "the last day is one of them");
    // Counting begins at the start, not at the window.
    let rule = Rule::parse("FREQ=DAILY;COUNT=10", new_york).expect("a rule");
    let start = local("19970902T090000", new_york);
    let window = Window { from: start + Duration::days(7), to: start + Duration::days(400), limit: 1000 };
    let found = expand(&rule, start, new_york, window).expect("short");
    assert_eq!((found.starts.len(), found.is_complete()), (3, true));
    let short = Window { limit: 2, ..window };
    assert!(!expand(&rule, start, new_york, short).expect("short").is_complete());
    let all_but_one = Window { to: start + Duration::days(9), ..window };
    assert!(!expand(&rule, start, new_york, all_but_one).expect("short").is_complete());
}

#[test]
fn ten_o_clock_stays_ten_o_clock_when_the_clocks_change() {
    let instants = |start: &str, rule: &str, count: usize| -> Vec<String> {
        let zone = Tz::Europe__Berlin;
        let start = local(start, zone);
        let window = Window { from: start, to: start + Duration::days(60), limit: count };
        let found = expand(&Rule::parse(rule, zone).expect("a rule"), start, zone, window).expect("short");
        found.starts.iter().map(|time| time.format("%m-%dT%H:%M").to_string()).collect()
    };
    assert_eq!(instants("20261019T100000", "FREQ=WEEKLY", 3), ["10-19T08:00", "10-26T09:00", "11-02T09:00"]);
    assert_eq!(instants("20270322T100000", "FREQ=WEEKLY", 3), ["03-22T09:00", "03-29T08:00", "04-05T08:00"]);
    // On 29 March 2026 the clocks show no half past two: it is read with the offset before, which is half past three.
    assert_eq!(instants("20260328T023000", "FREQ=DAILY", 3), ["03-28T01:30", "03-29T01:30", "03-30T00:30"]);
    // On 25 October 2026 they show it twice: the first is meant.
    assert_eq!(instants("20261024T023000", "FREQ=DAILY", 3), ["10-24T00:30", "10-25T00:30", "10-26T01:30"]);
    // Half past two is left out and lands on half past three, which is there as well: once.
    let twice = instants("20260328T023000", "FREQ=DAILY;BYHOUR=2,3", 5);
    assert_eq!(twice, ["03-28T01:30", "03-28T02:30", "03-29T01:30", "03-30T00:30", "03-30T01:30"]);
}

/// A start that is the second of two times that the clocks show is what the rule says, too.
#[test]
fn a_series_may_begin_in_the_hour_that_comes_twice() {
    let start = "2026-10-25T01:30:00Z".parse().expect("a time");
    let rule = Rule::parse("FREQ=WEEKLY", Tz::Europe__Berlin).expect("a rule");
    let window = Window { from: start, to: start + Duration::days(10), limit: 10 };
    let found = expand(&rule, start, Tz::Europe__Berlin, window).expect("short");
    assert_eq!(found.starts, [start, "2026-11-01T01:30:00Z".parse().expect("a time")]);
}

#[test]
fn what_is_no_rule_is_refused() {
    for bad in [
        "",
        ";",
        "FREQ",
        "FREQ=",
        "FREQ=OFTEN",
        "INTERVAL=2",
        "FREQ=DAILY;",
        ";FREQ=DAILY",
        "FREQ=DAILY;FREQ=DAILY",
        "RRULE:FREQ=DAILY",
        "FREQ=DAILY;DTSTART=20260101",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=-1",
        "FREQ=DAILY;COUNT=1;UNTIL=20260101T000000Z",
        "FREQ=DAILY;COUNT=99999999999999999999",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=+1",
        "FREQ=DAILY;UNTIL=tomorrow",
        "FREQ=DAILY;UNTIL=20261399",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=MONTHLY;BYWEEKNO=1",
        "FREQ=MONTHLY;BYYEARDAY=1",
        "FREQ=YEARLY;BYMONTH=13",
        "FREQ=YEARLY;BYMONTH=-1",
        "FREQ=YEARLY;BYMONTH=",
        "FREQ=YEARLY;BYMONTHDAY=0",
        "FREQ=YEARLY;BYMONTHDAY=32",
        "FREQ=YEARLY;BYDAY=XX",
        "FREQ=YEARLY;BYDAY=54MO",
        "FREQ=YEARLY;BYDAY=0MO",
        "FREQ=YEARLY;BYDAY=M",
        "FREQ=YEARLY;BYDAY=1MÖ",
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO",
        "FREQ=DAILY;BYSETPOS=1",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYMINUTE=60",
        "FREQ=DAILY;BYEASTER=0",
        "FREQ=DAILY;WKST=1MO",
        "FREQ=DAILY\r\nX:Y",
        "FREQ=DAILY;BYSETPOS=367;BYHOUR=1",
        "FREQ=DAILY;X-WR=1",
    ] {
        assert_eq!(Rule::parse(bad, Tz::UTC), Err(RuleError::Malformed), "{bad}");
    }
    for often in ["FREQ=HOURLY", "FREQ=MINUTELY;COUNT=1", "FREQ=SECONDLY;BYDAY=MO"] {
        assert_eq!(Rule::parse(often, Tz::UTC), Err(RuleError::TooOften), "{often}");
    }
    let minutes = (0..60).map(|minute| minute.to_string()).collect::<Vec<_>>().join(",");
    assert_eq!(Rule::parse(&format!("FREQ=DAILY;BYMINUTE={minutes}"), Tz::UTC), Err(RuleError::TooOften));
}

#[test]
fn what_is_stored_is_read_as_the_same() {
    let text = |rule: &str| Rule::parse(rule, Tz::Europe__Berlin).expect("a rule").to_string();
    assert_eq!(text("freq=weekly;until=20261231;byday=mo"), "FREQ=WEEKLY;UNTIL=20261231T225959Z;BYDAY=MO");
    assert_eq!(text("FREQ=WEEKLY;UNTIL=20260701T100000"), "FREQ=WEEKLY;UNTIL=20260701T080000Z");
    assert_eq!(text(&text("FREQ=WEEKLY;UNTIL=20260701")), text("FREQ=WEEKLY;UNTIL=20260701"));
}

/// Rules that other implementations chew on for long: the work stays within days of the window times a few.
#[test]
fn a_hostile_rule_costs_little() {
    let all = |highest: i32| (1..=highest).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let start: DateTime<Utc> = "2016-02-29T00:00:00Z".parse().expect("a time");
    let window = Window { from: start, to: start + Duration::days(5000), limit: usize::MAX };
    for hostile in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30".to_owned(),
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;INTERVAL=1000;COUNT=100000".to_owned(),
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30".to_owned(),
        "FREQ=YEARLY;BYWEEKNO=53;BYYEARDAY=1;BYMONTH=6".to_owned(),
        format!(
            "FREQ=YEARLY;BYYEARDAY={};BYHOUR={};BYSETPOS=-366",
            all(366),
            (0..24).map(|n| n.to_string()).collect::<Vec<_>>().join(",")
        ),
        format!(
            "FREQ=DAILY;COUNT=100000;BYMONTHDAY={};BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23",
            all(31)
        ),
    ] {
        let rule = Rule::parse(&hostile, Tz::UTC).unwrap_or_else(|error| panic!("{hostile}: {error}"));
        let found = expand(&rule, start, Tz::UTC, window).expect("bounded");
        assert!(found.starts.len() <= 5002 * 24, "{hostile}");
    }
    let ages = Window { to: start + Duration::days(4_000_000), ..window };
    let never = Rule::parse("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", Tz::UTC).expect("a rule");
    assert_eq!(expand(&never, start, Tz::UTC, ages), Err(RuleError::TooOften), "it gives up");
    let end: DateTime<Utc> = DateTime::from_timestamp(8_000_000_000_000, 0).expect("the far future");
    let late = Window { from: end, to: end + Duration::days(366_000), limit: 10 };
    let yearly = Rule::parse("FREQ=YEARLY;INTERVAL=1000", Tz::UTC).expect("a rule");
    assert!(expand(&yearly, end, Tz::UTC, late).is_ok(), "the calendar ends, and nothing breaks");
}

/// Random rules mean the same to another implementation.
#[test]
fn another_implementation_agrees() {
    let mut random = StdRng::seed_from_u64(5545);
    let mut compared = 0;
    for _ in 0..1000 {
        let text = random_rule(&mut random);
        let start: DateTime<Utc> =
            DateTime::from_timestamp(random.random_range(0..40_000) * 86_400 + 36_000, 0).expect("a time");
        let other = format!("DTSTART:{}\nRRULE:{text}", start.format("%Y%m%dT%H%M%SZ"));
        let Ok(other) = other.parse::<rrule::RRuleSet>() else { continue };
        let window = Window { from: start, to: start + Duration::days(3650), limit: 50 };
        let Ok(rule) = Rule::parse(&text, Tz::UTC) else { panic!("{text} is a rule to others") };
        let ours = expand(&rule, start, Tz::UTC, window).expect("bounded").starts;
        let theirs: Vec<_> =
            other.into_iter().take_while(|time| *time < window.to).take(50).map(|time| time.to_utc()).collect();
        assert_eq!(ours, theirs, "{text} from {start}");
        compared += 1;
    }
    assert!(compared > 600, "{compared}");
}

fn random_rule(random: &mut StdRng) -> String {
    let frequency = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"][random.random_range(0..4)];
    // It takes a mixture of nth and every weekdays for those that are both, which the standard does not say.
    let is_nth = matches!(frequency, "MONTHLY" | "YEARLY") && random.random_bool(0.5);
    let mut rule = format!("FREQ={frequency};INTERVAL={}", random.random_range(1..4));
    let mut list = |name: &str, chance: f64, mut item: Box<dyn FnMut(&mut StdRng) -> String>| {
        if random.random_bool(chance) {
            let mut items: Vec<_> = (0..random.random_range(1..4)).map(|_| item(random)).collect();
            items.sort();
            items.dedup();
            rule += &format!(";{name}={}", items.join(","));
            true
        } else {
            false
        }
    };
    let days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let mut has_part = list("BYMONTH", 0.3, Box::new(|random| random.random_range(1..13).to_string()));
    // Not the weeks at the ends of a year: it miscounts the weeks of the year before (52 of 2001 from Thursdays on).
    let by_week =
        frequency == "YEARLY" && list("BYWEEKNO", 0.2, Box::new(|random| random.random_range(2..52).to_string()));
    if by_week {
        // What is meant without days is not agreed upon.
        has_part |= list("BYDAY", 1.0, Box::new(move |random| days[random.random_range(0..7)].to_owned()));
    } else {
        has_part |= list(
            "BYDAY",
            0.5,
            Box::new(move |random| {
                let day = days[random.random_range(0..7)];
                let nth: i32 = [1, 2, 3, 4, -1, -2][random.random_range(0..6)];
                if is_nth { format!("{nth}{day}") } else { day.to_owned() }
            }),
        );
    }
    if frequency != "WEEKLY" {
        has_part |= list(
            "BYMONTHDAY",
            0.3,
            Box::new(|random| match random.random_range(-31..32) {
                0 => "1".to_owned(),
                day => day.to_string(),
            }),
        );
    }
    has_part |= list("BYHOUR", 0.2, Box::new(|random| random.random_range(0..24).to_string()));
    // It cuts off a first week before the start, other than a first month, and so counts other positions there.
    if has_part && frequency != "WEEKLY" {
        list("BYSETPOS", 0.3, Box::new(|random| [1, 2, -1, -2][random.random_range(0..4)].to_string()));
    }
    if random.random_bool(0.3) {
        rule += &format!(";COUNT={}", random.random_range(1..30));
    }
    if random.random_bool(0.3) {
        rule += &format!(";WKST={}", days[random.random_range(0..7)]);
    }
    rule
}
