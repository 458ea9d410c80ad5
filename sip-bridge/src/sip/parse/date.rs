// SPDX-License-Identifier: EUPL-1.2
//! Date (RFC 3261 §20.17): as in `Sat, 13 Nov 2010 23:29:00 GMT`, and always GMT.

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Whether a value has that form. Whether the day is one of the calendar does not matter to us.
pub(super) fn is_date(value: &str) -> bool {
    let parts: Vec<&str> = value.split(' ').take(7).collect();
    let [day_name, day, month, year, time, zone] = parts.as_slice() else {
        return false;
    };
    let times: Vec<&str> = time.split(':').take(4).collect();
    day_name.strip_suffix(',').is_some_and(|name| is_one_of(&DAYS, name))
        && has_digits(day, 2)
        && is_one_of(&MONTHS, month)
        && has_digits(year, 4)
        && times.len() == 3
        && times.iter().all(|part| has_digits(part, 2))
        && zone.eq_ignore_ascii_case("GMT")
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn has_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::is_date;

    #[test]
    fn only_dates_in_gmt_are_dates() {
        assert!(is_date("Sat, 13 Nov 2010 23:29:00 GMT"));
        for wrong in [
            "Fri, 01 Jan 2010 16:00:00 EST",
            "Sat, 13 Nov 2010 23:29 GMT",
            "2010-11-13",
            "",
            "Sat, 13 Nov 2010 23:29:00 GMT GMT",
        ] {
            assert!(!is_date(wrong), "{wrong}");
        }
    }
}
