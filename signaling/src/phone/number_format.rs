// SPDX-License-Identifier: EUPL-1.2
//! Writes a number as a trunk takes it: what `caller_number` reads, the other way round. It looks nothing up.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller_number::{DialPlan, E164};

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

/// Writes it.
pub(crate) fn write(number: &E164, plan: &DialPlan, format: NumberFormat) -> String {
    let digits = number.as_str().trim_start_matches('+');
    match format {
        NumberFormat::E164 => number.as_str().to_owned(),
        NumberFormat::International => digits.to_owned(),
        NumberFormat::National => match digits.strip_prefix(plan.country.as_str()) {
            Some(own) => format!("{}{own}", plan.national_prefix),
            // Where nothing is dialled before a country, only the plus says that one follows.
            None if plan.international_prefix.is_empty() => number.as_str().to_owned(),
            None => format!("{}{digits}", plan.international_prefix),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::caller_number::Bare;
    use super::*;

    fn number(text: &str) -> E164 {
        E164::read(text, &DialPlan::default()).expect("a number")
    }

    #[test]
    fn a_trunk_gets_numbers_as_it_takes_them() {
        let germany = DialPlan::default();
        let check = |text: &str, plan: &DialPlan, expected: [&str; 3]| {
            let formats = [NumberFormat::E164, NumberFormat::International, NumberFormat::National];
            assert_eq!(formats.map(|format| write(&number(text), plan, format)), expected);
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
                let written = write(&number(text), &berlin, format);
                assert_eq!(E164::read(&written, &berlin), Some(number(text)), "{written}");
            }
            let written = write(&number(text), &DialPlan::default(), NumberFormat::International);
            assert_eq!(E164::read(&written, &DialPlan::default()), Some(number(text)), "{written}");
        }
    }
}
