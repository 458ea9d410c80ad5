// SPDX-License-Identifier: EUPL-1.2
//! Which numbers are called: those of the countries that are allowed, and never an emergency or premium one. A switch between us
//! and the network may know more of them; what is listed here is what fraud is made of in the countries that are called most
//! from here. It looks nothing up.

use crate::identity::tenants::settings::CallingCode;
use crate::phone::caller_number::{DialPlan, E164};

/// Why a number is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::phone) enum NotCallable {
    /// It is none.
    NoNumber,
    /// It is a service's, such as emergency and premium ones, or a country's that is not allowed.
    Forbidden,
}

/// Fewest digits behind a country's that are somebody's number. Shorter ones are services in every country, such as 112.
const MIN_NATIONAL_DIGITS: usize = 5;

/// Most digits of a service as it is dialled, such as 110, 118 33 or 116 117. All of those in Europe begin with these two.
const MAX_SERVICE_DIGITS: usize = 6;
const SERVICE_BEGINS: &str = "11";

/// Emergency numbers elsewhere, which are as short and begin otherwise.
const EMERGENCY: [&str; 5] = ["911", "999", "000", "122", "133"];

/// What is no country's but a service's or a satellite's, at up to several euros a minute (ITU-T E.164, list of assigned codes).
const NO_COUNTRIES: [&str; 8] = ["800", "808", "870", "878", "881", "882", "883", "979"];

/// Beginnings of numbers within countries that cost more than a call. (Germany's plan: services at 10, 11, 12, 13, 18, 19 and
/// 900; 700 are personal numbers, which cost what their owner likes.)
const PREMIUM: [(&str, &[&str]); 18] = [
    ("1", &["900"]),
    ("31", &["900", "906", "909"]),
    ("32", &["90"]),
    ("33", &["89"]),
    ("34", &["803", "806", "807", "905"]),
    ("351", &["60", "76"]),
    ("352", &["900", "901", "905"]),
    ("353", &["15"]),
    ("358", &["600", "700"]),
    ("39", &["89", "16", "19"]),
    ("41", &["90"]),
    ("420", &["90"]),
    ("43", &["9"]),
    ("44", &["9", "70"]),
    ("45", &["90"]),
    ("46", &["900", "939", "944"]),
    ("47", &["82"]),
    ("49", &["10", "11", "12", "13", "18", "19", "700", "900"]),
];

/// The number that somebody typed, if it may be called. `countries` are calling codes with a plus; without any list every
/// country is allowed.
pub(in crate::phone) fn judge(
    typed: &str,
    plan: &DialPlan,
    countries: Option<&[CallingCode]>,
) -> Result<E164, NotCallable> {
    // Some write the digit that is dialled within the country into the number for abroad.
    let typed = if typed.trim_start().starts_with('+') { typed.replace("(0)", "") } else { typed.to_owned() };
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    let is_service = digits.len() <= MAX_SERVICE_DIGITS && digits.starts_with(SERVICE_BEGINS);
    if is_service || EMERGENCY.contains(&digits.as_str()) {
        return Err(NotCallable::Forbidden);
    }
    let number = E164::read(&typed, plan).ok_or(NotCallable::NoNumber)?;
    let digits = number.as_str().trim_start_matches('+');
    let is_allowed =
        countries.is_none_or(|countries| countries.iter().any(|code| number.as_str().starts_with(&code.0)));
    let is_no_country = NO_COUNTRIES.iter().any(|code| digits.starts_with(code));
    if !is_allowed || is_no_country || is_premium(digits, &plan.country) {
        return Err(NotCallable::Forbidden);
    }
    Ok(number)
}

/// Whether it is a service's within its country.
fn is_premium(digits: &str, own_country: &str) -> bool {
    // No code of these is the beginning of another.
    if let Some((code, beginnings)) = PREMIUM.iter().find(|(code, _)| digits.starts_with(code)) {
        let national = &digits[code.len()..];
        return national.len() < MIN_NATIONAL_DIGITS || beginnings.iter().any(|begins| national.starts_with(begins));
    }
    // Of others nothing is known but that a short one in the trunk's own country is a service.
    digits.strip_prefix(own_country).is_some_and(|national| national.len() < MIN_NATIONAL_DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::caller_number::Bare;

    fn judged(typed: &str, countries: Option<&[&str]>) -> Result<String, NotCallable> {
        let countries: Option<Vec<_>> =
            countries.map(|codes| codes.iter().map(|code| CallingCode((*code).to_owned())).collect());
        let number = judge(typed, &DialPlan::default(), countries.as_deref())?;
        Ok(number.as_str().to_owned())
    }

    #[test]
    fn whatever_people_type_is_one_number() {
        for typed in ["+49 89 1234567", "+49 (0) 89 / 123-45 67", "089 1234567", "0049 89 1234567", "4989 1234567"] {
            assert_eq!(judged(typed, Some(&["+49"])).as_deref(), Ok("+49891234567"), "{typed}");
        }
        for typed in ["", "Ada", "+", "1234", "089 12x4567", "+49 89 1234567 1234567"] {
            assert_eq!(judged(typed, None), Err(NotCallable::NoNumber), "{typed}");
        }
    }

    #[test]
    fn a_country_is_called_only_where_it_is_allowed() {
        assert_eq!(judged("+4312345678", Some(&["+49"])), Err(NotCallable::Forbidden));
        assert!(judged("+4312345678", Some(&["+49", "+43"])).is_ok());
        assert_eq!(judged("+49891234567", Some(&[])), Err(NotCallable::Forbidden));
        assert!(judged("+4312345678", None).is_ok(), "a test call may go anywhere");
    }

    #[test]
    fn services_are_never_called_however_they_are_written() {
        let everywhere = DialPlan { area: Some("30".to_owned()), bare: Bare::Local, ..DialPlan::default() };
        for typed in [
            "110",
            "112",
            "1-1-2",
            " 112 ",
            "911",
            "118 33",
            "116117",
            "+49 110",
            "0049112",
            "0900 1234567",
            "+49 900 1 234567",
            "0137 7123456",
            "+49 137 71",
            "01805 123456",
            "0190 123456",
            "010 33 089 12345",
            "0700 12345678",
            "+43 900 123456",
            "+44 9098 790000",
            "+44 70 1234 5678",
            "+41 900 123456",
            "+33 899 123456",
            "+1 900 555 0123",
            "+881 612345678",
            "+979 123456789",
            "+87 0 123456789",
            "+49 1234",
        ] {
            for plan in [&DialPlan::default(), &everywhere] {
                assert_eq!(judge(typed, plan, None), Err(NotCallable::Forbidden), "{typed}");
            }
        }
        for typed in
            ["0151 12345678", "+49 171 1234567", "030 900 1234", "+43 1 90012345", "+44 20 7946 0000", "0800 1234567"]
        {
            assert!(judge(typed, &DialPlan::default(), None).is_ok(), "{typed}");
        }
    }

    #[test]
    fn each_country_is_listed_once() {
        for (index, (code, _)) in PREMIUM.iter().enumerate() {
            let others = PREMIUM.iter().enumerate().filter(|(other, _)| *other != index);
            assert!(others.into_iter().all(|(_, (other, _))| !other.starts_with(code)), "{code}");
        }
    }
}
