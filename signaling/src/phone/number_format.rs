// SPDX-License-Identifier: EUPL-1.2
//! Writes a number as a trunk takes it: what `caller_number` reads, the other way round. It looks nothing up.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller_number::{Bare, DialPlan, E164};

/// How a trunk wants numbers to be written that we call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PhoneNumberFormat)]
pub(crate) enum NumberFormat {
    /// With a plus, such as `+4930123456`.
    #[default]
    E164,
    /// The same without the plus.
    International,
    /// As it is dialled there, by the prefixes of the dial plan: `030123456` within the country, `004312345678` elsewhere.
    National,
}

/// Writes it. `None`: by that plan it would be another number, perhaps one abroad.
pub(crate) fn write(number: &E164, plan: &DialPlan, format: NumberFormat) -> Option<String> {
    let digits = number.as_str().trim_start_matches('+');
    let written = match format {
        NumberFormat::E164 => number.as_str().to_owned(),
        NumberFormat::International => digits.to_owned(),
        NumberFormat::National => match digits.strip_prefix(plan.country.as_str()) {
            Some(own) => format!("{}{own}", plan.national_prefix),
            // Where nothing is dialled before a country, only the plus says that one follows.
            None if plan.international_prefix.is_empty() => number.as_str().to_owned(),
            None => format!("{}{digits}", plan.international_prefix),
        },
    };
    (E164::read(&written, &reading(plan, format)).as_ref() == Some(number)).then_some(written)
}

/// How a trunk reads what is written in that format. What a number is that begins with no prefix, the plan says of those that the
/// trunk sends.
pub(crate) fn reading(plan: &DialPlan, format: NumberFormat) -> DialPlan {
    let plan = plan.clone();
    match format {
        NumberFormat::International => DialPlan { bare: Bare::International, ..plan },
        NumberFormat::National if plan.national_prefix.is_empty() => DialPlan { bare: Bare::Local, area: None, ..plan },
        NumberFormat::E164 | NumberFormat::National => plan,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> E164 {
        E164::read(text, &DialPlan::default()).expect("a number")
    }

    #[test]
    fn a_trunk_gets_numbers_as_it_takes_them() {
        let germany = DialPlan::default();
        let check = |text: &str, plan: &DialPlan, expected: [&str; 3]| {
            let formats = [NumberFormat::E164, NumberFormat::International, NumberFormat::National];
            let written = formats.map(|format| write(&number(text), plan, format));
            assert_eq!(written, expected.map(|text| Some(text.to_owned())));
        };
        check("+4930123456", &germany, ["+4930123456", "4930123456", "030123456"]);
        check("+4312345678", &germany, ["+4312345678", "4312345678", "004312345678"]);
        let italy = DialPlan { country: "39".to_owned(), national_prefix: String::new(), ..DialPlan::default() };
        check("+390612345678", &italy, ["+390612345678", "390612345678", "0612345678"]);
        let no_prefix = DialPlan { international_prefix: String::new(), ..DialPlan::default() };
        check("+4312345678", &no_prefix, ["+4312345678", "4312345678", "+4312345678"]);
    }

    #[test]
    fn what_is_written_is_read_as_the_same_number() {
        let berlin = DialPlan { area: Some("30".to_owned()), bare: Bare::Extension, ..DialPlan::default() };
        for text in ["+4930123456", "+4312345678", "+12125550123", "+49115"] {
            for format in [NumberFormat::E164, NumberFormat::National] {
                let written = write(&number(text), &berlin, format).expect("a number");
                assert_eq!(E164::read(&written, &berlin), Some(number(text)), "{written}");
            }
            let written = write(&number(text), &DialPlan::default(), NumberFormat::International).expect("a number");
            assert_eq!(E164::read(&written, &DialPlan::default()), Some(number(text)), "{written}");
        }
    }

    #[test]
    fn what_would_be_another_number_is_not_written() {
        let germany = DialPlan::default();
        let write = |text: &str, plan: &DialPlan| write(&number(text), plan, NumberFormat::National);
        assert_eq!(write("+4908816123456", &germany), None, "008816123456 is a satellite's");
        let italy = DialPlan { country: "39".to_owned(), national_prefix: String::new(), ..germany };
        assert_eq!(write("+39008816123456", &italy), None);
        let russia = DialPlan {
            country: "7".to_owned(),
            international_prefix: "810".to_owned(),
            national_prefix: "8".to_owned(),
            ..DialPlan::default()
        };
        assert_eq!(write("+7108816123456", &russia), None);
        assert_eq!(write("+78121234567", &russia).as_deref(), Some("88121234567"));
    }
}
