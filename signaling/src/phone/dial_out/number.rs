// SPDX-License-Identifier: EUPL-1.2
//! Which numbers are called: those of the countries that are allowed, and never an emergency or premium one. A switch between us
//! and the network may know more of them; what is listed here is what fraud is made of in the countries that are called most
//! from here. It looks nothing up.

use super::countries;
use crate::api::problem::{Code, Problem};
use crate::identity::tenants::settings::CallingCode;
use crate::phone::caller_number::{DialPlan, E164};
use crate::phone::trunks::ways_out::WayOut;

/// Why a number is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::phone) enum NotCallable {
    /// It is none.
    NoNumber,
    /// It is a service's, such as emergency and premium ones, or a country's that is not allowed.
    Forbidden,
}

impl From<NotCallable> for Problem {
    fn from(why: NotCallable) -> Self {
        match why {
            NotCallable::NoNumber => Problem::field("/number", "no-number"),
            NotCallable::Forbidden => Code::NumberNotAllowed.into(),
        }
    }
}

/// A number that may be called by a trunk.
pub(in crate::phone) struct Destination {
    pub(in crate::phone) number: E164,
    /// As the trunk takes it.
    pub(in crate::phone) written: String,
}

impl Destination {
    /// Of what somebody typed. `countries` are calling codes with a plus; without any list every country is allowed.
    pub(in crate::phone) fn of(
        typed: &str,
        trunk: &WayOut,
        countries: Option<&[CallingCode]>,
    ) -> Result<Self, NotCallable> {
        let number = judge(typed, &trunk.dial_plan, countries)?;
        // The trunk would call another number, of which nobody has judged.
        let written = trunk.written(&number).ok_or(NotCallable::Forbidden)?;
        Ok(Self { number, written })
    }
}

/// Fewest digits behind a country's that are somebody's number. Shorter ones are services in every country, such as 112.
const MIN_NATIONAL_DIGITS: usize = 5;

/// Most digits of a service as it is dialled, such as 110, 118 33 or 116 117. All of those in Europe begin with these two.
const MAX_SERVICE_DIGITS: usize = 6;
const SERVICE_BEGINS: &str = "11";

/// Emergency numbers elsewhere, which are as short and begin otherwise.
const EMERGENCY: [&str; 5] = ["911", "999", "000", "122", "133"];

/// Beginnings of numbers within countries that cost more than a call. (Germany's plan: services at 10, 11, 12, 13, 18, 19 and
/// 900; 700 are personal numbers, which cost what their owner likes. Poland's: 20, 30, 40 and 70 are of services.)
const PREMIUM: [(&str, &[&str]); 19] = [
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
    ("48", &["20", "30", "40", "70"]),
    ("49", &["10", "11", "12", "13", "18", "19", "700", "900"]),
];

/// The number that somebody typed, if it may be called.
fn judge(typed: &str, plan: &DialPlan, countries: Option<&[CallingCode]>) -> Result<E164, NotCallable> {
    // Behind a semicolon come parameters (RFC 3966 §3), whose digits are not dialled.
    let typed = typed.split(';').next().unwrap_or_default();
    let dialled: String = typed.chars().filter(char::is_ascii_digit).collect();
    if is_service(&dialled) || EMERGENCY.contains(&dialled.as_str()) {
        return Err(NotCallable::Forbidden);
    }
    let read = E164::read(typed, plan).ok_or(NotCallable::NoNumber)?;
    let (country, national) = countries::split(read.as_str()).ok_or(NotCallable::Forbidden)?;
    // All that follows is about the number as it is called, however it was typed.
    let national = countries::without_trunk_prefix(country, national).ok_or(NotCallable::NoNumber)?;
    let number = E164::read(&format!("+{country}{national}"), plan).ok_or(NotCallable::NoNumber)?;
    let codes = countries::codes(country, national);
    let is_allowed = countries.is_none_or(|allowed| allowed.iter().any(|allowed| codes.contains(&allowed.0)));
    if !is_allowed || is_premium(country, national, plan) { Err(NotCallable::Forbidden) } else { Ok(number) }
}

/// Whether it is a service's as it is dialled.
fn is_service(dialled: &str) -> bool {
    dialled.len() <= MAX_SERVICE_DIGITS && dialled.starts_with(SERVICE_BEGINS)
}

/// Whether it is a service's within its country.
fn is_premium(country: &str, national: &str, plan: &DialPlan) -> bool {
    let is_own = country == plan.country;
    // Where nothing is dialled before an area, a switch hears a service in the first digits.
    let sounds_like_service = is_own && plan.national_prefix.is_empty() && national.starts_with(SERVICE_BEGINS);
    let begins = PREMIUM.iter().find(|(code, _)| *code == country).map(|(_, begins)| *begins);
    // Of countries that are not listed nothing is known but that a short number in the trunk's own is a service.
    let is_short = national.len() < MIN_NATIONAL_DIGITS && (is_own || begins.is_some());
    let is_listed = begins.is_some_and(|begins| begins.iter().any(|begins| national.starts_with(begins)));
    is_service(national) || sounds_like_service || is_short || is_listed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::caller_number::Bare;
    use crate::phone::number_format::{NumberFormat, reading, write};

    fn judged(typed: &str, countries: Option<&[&str]>) -> Result<String, NotCallable> {
        let countries: Option<Vec<_>> =
            countries.map(|codes| codes.iter().map(|code| CallingCode((*code).to_owned())).collect());
        let number = judge(typed, &DialPlan::default(), countries.as_deref())?;
        Ok(number.as_str().to_owned())
    }

    #[test]
    fn whatever_people_type_is_one_number() {
        for typed in [
            "+49 89 1234567",
            "+49 (0) 89 / 123-45 67",
            "+49 ( 0 ) 89 1234567",
            "+49 089 1234567",
            "089 1234567",
            "0049 89 1234567",
            "0049 (0) 89 1234567",
            "0049 089 1234567",
            "4989 1234567",
            "+49 89 1234567;ext=9",
        ] {
            assert_eq!(judged(typed, Some(&["+49"])).as_deref(), Ok("+49891234567"), "{typed}");
        }
        assert_eq!(judged("+43 (0) 1 2345678", None).as_deref(), Ok("+4312345678"), "and so abroad");
        assert_eq!(judged("+36 06 1 2345678", None).as_deref(), Ok("+3612345678"));
        assert_eq!(judged("+39 (0) 6 12345678", None).as_deref(), Ok("+390612345678"), "where the zero stays");
        for typed in [
            "",
            "Ada",
            "+",
            "1234",
            "089 12x4567",
            "+49 89 1234567 1234567",
            "+49 00 89 1234567",
            "+49 0 0881 6123456",
            "+1 212 555 012",
            "+1 011 881 6123456",
        ] {
            assert_eq!(judged(typed, None), Err(NotCallable::NoNumber), "{typed}");
        }
    }

    #[test]
    fn a_country_is_called_only_where_it_is_allowed() {
        assert_eq!(judged("+4312345678", Some(&["+49"])), Err(NotCallable::Forbidden));
        assert!(judged("+4312345678", Some(&["+49", "+43"])).is_ok());
        assert_eq!(judged("+49891234567", Some(&[])), Err(NotCallable::Forbidden));
        assert!(judged("+4312345678", None).is_ok(), "a test call may go anywhere");
        assert_eq!(judged("+351212345678", Some(&["+35"])), Err(NotCallable::Forbidden), "that is no country");
        let [new_york, jamaica] = ["+12125550123", "+18765550123"];
        assert!(judged(new_york, Some(&["+1"])).is_ok());
        assert_eq!(judged(jamaica, Some(&["+1"])), Err(NotCallable::Forbidden), "it is dialled like the one next door");
        assert_eq!(judged(new_york, Some(&["+1876"])), Err(NotCallable::Forbidden));
        assert!(judged(jamaica, Some(&["+1876"])).is_ok());
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
            "+49 0900 1234567",
            "0049 (0) 900 1234567",
            "+49 (0) 110",
            "118000;1",
            "112;123456789",
            "+48 701 234567",
            "+48 208 123456",
            "+89 123456789",
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

    /// How trunks write numbers in some countries, and within telephone systems.
    fn plans() -> Vec<DialPlan> {
        let plan = |country: &str, international: &str, national: &str, bare| DialPlan {
            country: country.to_owned(),
            area: None,
            international_prefix: international.to_owned(),
            national_prefix: national.to_owned(),
            bare,
        };
        vec![
            DialPlan::default(),
            DialPlan { area: Some("30".to_owned()), bare: Bare::Local, ..DialPlan::default() },
            plan("39", "00", "", Bare::Local),
            plan("39", "00", "0", Bare::International),
            plan("36", "00", "06", Bare::Extension),
            plan("1", "011", "1", Bare::Local),
            plan("7", "810", "8", Bare::Local),
            plan("49", "000", "00", Bare::Extension),
            plan("45", "", "", Bare::Local),
        ]
    }

    #[test]
    fn what_may_be_called_is_the_same_number_however_a_trunk_takes_it() {
        let everywhere_else =
            [CallingCode("+49".to_owned()), CallingCode("+39".to_owned()), CallingCode("+1".to_owned())];
        let beginnings = ["", "0", "00", "+", "+49", "+490", "0049 (0)", "+39", "+3900", "+390", "+1", "+7", "+4900"];
        let bodies = [
            "881 6123456",
            "90 12345678",
            "900 1234567",
            "089 1234567",
            "0 881 6123456",
            "11 234567",
            "118000",
            "10 881 6123456",
            "49 89 1234567",
            "0049 89 1234567",
            "2125550123",
            "8765550123",
            "6 12345678",
        ];
        let mut allowed = 0;
        for plan in plans() {
            for typed in beginnings.iter().flat_map(|begins| bodies.map(|body| format!("{begins}{body}"))) {
                let Ok(number) = judge(&typed, &plan, Some(&everywhere_else)) else { continue };
                for format in [NumberFormat::E164, NumberFormat::International, NumberFormat::National] {
                    let Some(written) = write(&number, &plan, format) else { continue };
                    allowed += 1;
                    let again = judge(&written, &reading(&plan, format), Some(&everywhere_else));
                    assert_eq!(again, Ok(number.clone()), "{typed} as {written} by {plan:?}");
                }
            }
        }
        assert!(allowed > 500, "only {allowed} were looked at");
    }

    #[test]
    fn no_zero_makes_a_call_abroad_of_one_at_home() {
        let national = |typed: &str, plan: &DialPlan| {
            let number = judge(typed, plan, None)?;
            write(&number, plan, NumberFormat::National).ok_or(NotCallable::Forbidden)
        };
        let germany = DialPlan::default();
        assert_eq!(national("+490 881 6123456", &germany).as_deref(), Ok("08816123456"), "that is in Bavaria");
        assert_eq!(national("+490 90 21234567", &germany).as_deref(), Ok("09021234567"), "and so is that");
        let italy = &plans()[2];
        assert_eq!(national("+39 00 881 6123456", italy), Err(NotCallable::Forbidden));
        assert_eq!(national("+39 06 12345678", italy).as_deref(), Ok("0612345678"));
        let mistaken = &plans()[3];
        assert_eq!(national("+39 06 12345678", mistaken), Err(NotCallable::Forbidden), "it would be one abroad");
    }

    #[test]
    fn each_country_is_listed_once() {
        for (index, (code, _)) in PREMIUM.iter().enumerate() {
            let others = PREMIUM.iter().enumerate().filter(|(other, _)| *other != index);
            assert!(others.into_iter().all(|(_, (other, _))| other != code), "{code}");
            assert!(countries::is_code(&format!("+{code}")), "{code}");
        }
    }
}
