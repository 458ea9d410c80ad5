// SPDX-License-Identifier: EUPL-1.2
//! Which country a number is of, and how numbers begin within a country (ITU-T E.164, list of assigned codes). It looks nothing
//! up.

/// North America's numbering plan, which some twenty countries share.
pub(super) const NORTH_AMERICA: &str = "1";

/// The codes of countries and territories. What is missing is nobody's, or a service's or a satellite's at up to several euros a
/// minute, such as 800, 870, 881 and 979. None is the beginning of another, as in a telephone network.
const COUNTRIES: &[&str] = &[
    "1", "20", "211", "212", "213", "216", "218", "220", "221", "222", "223", "224", "225", "226", "227", "228", "229",
    "230", "231", "232", "233", "234", "235", "236", "237", "238", "239", "240", "241", "242", "243", "244", "245",
    "246", "247", "248", "249", "250", "251", "252", "253", "254", "255", "256", "257", "258", "260", "261", "262",
    "263", "264", "265", "266", "267", "268", "269", "27", "290", "291", "297", "298", "299", "30", "31", "32", "33",
    "34", "350", "351", "352", "353", "354", "355", "356", "357", "358", "359", "36", "370", "371", "372", "373",
    "374", "375", "376", "377", "378", "380", "381", "382", "383", "385", "386", "387", "389", "39", "40", "41", "420",
    "421", "423", "43", "44", "45", "46", "47", "48", "49", "500", "501", "502", "503", "504", "505", "506", "507",
    "508", "509", "51", "52", "53", "54", "55", "56", "57", "58", "590", "591", "592", "593", "594", "595", "596",
    "597", "598", "599", "60", "61", "62", "63", "64", "65", "66", "670", "672", "673", "674", "675", "676", "677",
    "678", "679", "680", "681", "682", "683", "685", "686", "687", "688", "689", "690", "691", "692", "7", "81", "82",
    "84", "850", "852", "853", "855", "856", "86", "880", "886", "90", "91", "92", "93", "94", "95", "960", "961",
    "962", "963", "964", "965", "966", "967", "968", "970", "971", "972", "973", "974", "975", "976", "977", "98",
    "992", "993", "994", "995", "996", "998",
];

/// Areas of North America's plan that are neither in the United States nor in Canada: islands, to which calls cost as much as
/// to other continents, and with which fraud is made because they look like calls next door.
const ISLANDS: [&str; 27] = [
    "242", "246", "264", "268", "284", "340", "345", "441", "473", "649", "658", "664", "670", "671", "684", "721",
    "758", "767", "784", "787", "809", "829", "849", "868", "869", "876", "939",
];

/// Countries whose numbers may themselves begin with a zero: Côte d'Ivoire, Benin, Congo, San Marino and Italy.
const ZERO_IS_PART: [&str; 5] = ["225", "229", "242", "378", "39"];

/// The country of a number as in E.164, and its number there. `None`: it is no country's.
pub(super) fn split(number: &str) -> Option<(&'static str, &str)> {
    let digits = number.strip_prefix('+')?;
    COUNTRIES.iter().find_map(|code| digits.strip_prefix(code).map(|national| (*code, national)))
}

/// The number within its country, without what is dialled before it there: people write that into the number for abroad as
/// well, as in `+49 (0) 89`. `None`: nobody's begins so, and a switch might take it for something else.
pub(super) fn without_trunk_prefix<'a>(country: &str, national: &'a str) -> Option<&'a str> {
    if country == NORTH_AMERICA {
        return is_north_american(national).then_some(national);
    }
    if ZERO_IS_PART.contains(&country) {
        return Some(national);
    }
    // Hungary's is two digits long.
    let prefix = if country == "36" { "06" } else { "0" };
    let number = national.strip_prefix(prefix).unwrap_or(national);
    (!number.starts_with('0')).then_some(number)
}

/// Whether it is an area and a number in North America: NXX-NXX-XXXX, N being 2 to 9.
fn is_north_american(national: &str) -> bool {
    let begins_well = |at: usize| matches!(national.as_bytes().get(at), Some(b'2'..=b'9'));
    national.len() == 10 && begins_well(0) && begins_well(3)
}

/// The codes by which a country is allowed for a number of it. North America's own does for the United States and Canada alone.
pub(super) fn codes(country: &str, national: &str) -> Vec<String> {
    let area = national.get(..3).filter(|_| country == NORTH_AMERICA);
    let by_country = area.is_none_or(|area| !ISLANDS.contains(&area)).then(|| format!("+{country}"));
    let by_area = area.map(|area| format!("+{country}{area}"));
    by_country.into_iter().chain(by_area).collect()
}

/// Whether a code with a plus can allow numbers: a country's, or an area's of North America.
pub(crate) fn is_code(code: &str) -> bool {
    let Some((country, rest)) = split(code) else { return false };
    let is_area = || rest.len() == 3 && !rest.starts_with(['0', '1']) && rest.bytes().all(|byte| byte.is_ascii_digit());
    rest.is_empty() || (country == NORTH_AMERICA && is_area())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_is_the_beginning_of_another() {
        for (index, code) in COUNTRIES.iter().enumerate() {
            let others = COUNTRIES.iter().enumerate().filter(|(other, _)| *other != index);
            assert!(others.into_iter().all(|(_, other)| !other.starts_with(code)), "{code}");
        }
        for code in ZERO_IS_PART {
            assert!(COUNTRIES.contains(&code), "{code}");
        }
    }

    #[test]
    fn a_number_is_of_one_country_or_of_none() {
        assert_eq!(split("+4930123456"), Some(("49", "30123456")));
        assert_eq!(split("+12125550123"), Some(("1", "2125550123")));
        assert_eq!(split("+35312345678"), Some(("353", "12345678")));
        for nobody in ["+881612345678", "+979123456789", "+80012345678", "+870123456789", "+21012345678", "4930123456"]
        {
            assert_eq!(split(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn what_is_dialled_within_a_country_is_no_part_of_a_number() {
        for (country, national, expected) in [
            ("49", "891234567", Some("891234567")),
            ("49", "0891234567", Some("891234567")),
            ("49", "00891234567", None),
            ("36", "0612345678", Some("12345678")),
            ("36", "012345678", None),
            ("39", "0612345678", Some("0612345678")),
            ("1", "2125550123", Some("2125550123")),
            ("1", "12125550123", None),
            ("1", "0114412345", None),
            ("1", "2121550123", None),
        ] {
            assert_eq!(without_trunk_prefix(country, national), expected, "+{country} {national}");
        }
    }

    #[test]
    fn codes_are_those_that_there_are() {
        for code in ["+49", "+1", "+1876", "+1212", "+7", "+353", "+420"] {
            assert!(is_code(code), "{code}");
        }
        for code in ["+35", "+42", "+999", "+881", "+1076", "+18", "+18765", "+493", "49", "+", "", "+1é6"] {
            assert!(!is_code(code), "{code}");
        }
    }
}
