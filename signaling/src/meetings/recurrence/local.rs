// SPDX-License-Identifier: EUPL-1.2
//! From wall-clock time to instants.

use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, Offset as _, TimeZone as _, Utc};
use chrono_tz::Tz;

/// The longest time that clocks ever left out: Samoa went without 30 December 2011.
const LONGEST_GAP_HOURS: i64 = 26;

/// When the clocks of that zone show this. A time that they show twice is the first of the two; one that they leave out
/// is read with the offset that held before (RFC 5545 §3.3.5).
pub(crate) fn instant(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time.to_utc(),
        LocalResult::None => {
            let before = (1..=LONGEST_GAP_HOURS).find_map(|hours| {
                let earlier = local.checked_sub_signed(Duration::hours(hours))?;
                zone.from_local_datetime(&earlier).latest()
            });
            let offset_seconds = before.map_or(0, |time| time.offset().fix().local_minus_utc());
            (local - Duration::seconds(offset_seconds.into())).and_utc()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_left_out_or_comes_twice_follows_the_standard() {
        let check = |zone: Tz, local: &str, expected: &str| {
            let local = NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M").expect("a time");
            assert_eq!(instant(zone, local).format("%Y-%m-%d %H:%M").to_string(), expected, "{zone} {local}");
        };
        check(Tz::Europe__Berlin, "2026-03-29 01:59", "2026-03-29 00:59");
        check(Tz::Europe__Berlin, "2026-03-29 02:30", "2026-03-29 01:30");
        check(Tz::Europe__Berlin, "2026-03-29 03:00", "2026-03-29 01:00");
        check(Tz::Europe__Berlin, "2026-10-25 02:30", "2026-10-25 00:30");
        check(Tz::Europe__Berlin, "2026-10-25 03:00", "2026-10-25 02:00");
        // The standard's own examples.
        check(Tz::America__New_York, "2007-03-11 02:30", "2007-03-11 07:30");
        check(Tz::America__New_York, "2007-11-04 01:30", "2007-11-04 05:30");
        check(Tz::Pacific__Apia, "2011-12-30 12:00", "2011-12-30 22:00");
        check(Tz::Australia__Lord_Howe, "2026-10-04 02:15", "2026-10-03 15:45");
    }
}
