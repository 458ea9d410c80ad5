// SPDX-License-Identifier: EUPL-1.2
//! The number from which somebody calls: in one form whatever the trunk makes of it, and as much of it as others may see. It
//! looks nothing up.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rooms::caller_rule;

/// Most digits of a number, with the country's (E.164 §6.2.1).
const MAX_DIGITS: usize = 15;

/// Fewest digits of a number that is one outside of a telephone system.
const MIN_DIGITS: usize = 5;

/// What a trunk means by a number that begins with a digit which is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BareNumber)]
pub(crate) enum Bare {
    /// Country, area and number, only without the plus.
    International,
    /// A number within the area.
    Local,
    /// Somebody within the telephone system, whom nobody outside can call so.
    Extension,
}

/// How a trunk writes numbers. What is left out is as in Germany.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DialPlan {
    /// The country in which it is.
    #[schema(pattern = "^[1-9][0-9]{0,2}$", default = "49")]
    pub(crate) country: String,
    /// The area in which it is, such as `30`, without the prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[1-9][0-9]{0,7}$")]
    pub(crate) area: Option<String>,
    /// What is dialled before a country; `00` in Europe.
    #[schema(pattern = "^[0-9]{0,6}$", default = "00")]
    pub(crate) international_prefix: String,
    /// What is dialled before an area and is no part of the number; `0` in Germany, empty in Italy.
    #[schema(pattern = "^[0-9]{0,4}$", default = "0")]
    pub(crate) national_prefix: String,
    /// What a number is that begins otherwise: `international` is one that lacks nothing but the plus.
    #[schema(default = "international")]
    pub(crate) bare: Bare,
}

impl Default for DialPlan {
    fn default() -> Self {
        Self {
            country: "49".to_owned(),
            area: None,
            international_prefix: "00".to_owned(),
            national_prefix: "0".to_owned(),
            bare: Bare::International,
        }
    }
}

/// A number as in E.164, such as `+4930123456`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct E164(String);

impl E164 {
    /// The number in what somebody's switch wrote.
    pub(in crate::phone) fn read(user: &str, plan: &DialPlan) -> Option<Self> {
        normalised(user, plan)
    }

    /// The number in what a directory says, such as `+49 (30) 123456`. Nothing where it is not the same from everywhere:
    /// without its country, with an extension (RFC 3966 §3), or with a zero in brackets, which some countries dial and
    /// others do not.
    pub(crate) fn written(text: &str) -> Option<Self> {
        if text.contains("(0)") {
            return None;
        }
        Self::new(without_separators(text.trim()).strip_prefix('+')?)
    }

    fn new(digits: &str) -> Option<Self> {
        let fits = (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) && !digits.starts_with('0');
        (fits && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| Self(format!("+{digits}")))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("E164(…)")
    }
}

/// From where somebody calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallerNumber {
    /// Also where it is withheld, if the trunk tells us nevertheless.
    number: Option<E164>,
    /// The caller does not want it to be seen.
    is_withheld: bool,
}

impl CallerNumber {
    /// What the trunk wrote as the number, and whether the caller withholds it, which the bridge has read from SIP.
    pub(crate) fn read(user: &str, is_withheld: bool, plan: &DialPlan) -> Self {
        Self { number: normalised(user, plan), is_withheld }
    }

    /// The number of somebody whom we call.
    pub(super) const fn of(number: E164) -> Self {
        Self { number: Some(number), is_withheld: false }
    }

    /// The number, for counting. Others must not see it.
    pub(super) fn number(&self) -> Option<&E164> {
        self.number.as_ref()
    }

    /// What tells whoever calls there from others: the number, or the digits of an extension in what the trunk wrote.
    pub(super) fn stated(&self, user: Option<&str>) -> Option<String> {
        let extension = || {
            user.filter(|user| (1..=MAX_DIGITS).contains(&user.len()) && user.bytes().all(|byte| byte.is_ascii_digit()))
        };
        self.number.as_ref().map(E164::as_str).or_else(extension).map(str::to_owned)
    }

    /// The number, unless the caller withholds it.
    pub(crate) fn told(&self) -> Option<&E164> {
        self.number.as_ref().filter(|_| !self.is_withheld)
    }

    /// The digits that others see, if any.
    pub(super) fn last_digits(&self) -> Option<String> {
        caller_rule::last_digits(self.told()?.as_str())
    }
}

/// A number without what is only to be looked at (RFC 3966 §5.1.1).
fn without_separators(number: &str) -> String {
    let is_separator = |character: char| matches!(character, '-' | '.' | '(' | ')' | ' ' | '/');
    number.chars().filter(|character| !is_separator(*character)).collect()
}

/// The number in what somebody's switch wrote.
fn normalised(user: &str, plan: &DialPlan) -> Option<E164> {
    // Parameters come behind a semicolon (RFC 3966 §3).
    let number = without_separators(user.split(';').next().unwrap_or_default().trim());
    if let Some(digits) = number.strip_prefix('+') {
        return E164::new(digits);
    }
    let strip = |prefix: &str| number.strip_prefix(prefix).filter(|_| !prefix.is_empty());
    if let Some(digits) = strip(&plan.international_prefix) {
        return E164::new(digits);
    }
    if let Some(digits) = strip(&plan.national_prefix) {
        return E164::new(&format!("{}{digits}", plan.country));
    }
    match (plan.bare, &plan.area) {
        (Bare::International, _) => E164::new(&number),
        (Bare::Local, Some(area)) if !number.is_empty() => E164::new(&format!("{}{area}{number}", plan.country)),
        // Where there are no areas, or they are always dialled.
        (Bare::Local, None) if !number.is_empty() => E164::new(&format!("{}{number}", plan.country)),
        (Bare::Local | Bare::Extension, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin(bare: Bare) -> DialPlan {
        DialPlan { area: Some("30".to_owned()), bare, ..DialPlan::default() }
    }

    #[test]
    fn numbers_have_one_form() {
        let check = |bare, user: &str, expected: Option<&str>| {
            let read = CallerNumber::read(user, false, &berlin(bare));
            assert_eq!(read.number().map(E164::as_str), expected, "{user}");
        };
        for user in
            ["+4930123456", "+49-30-123456", "+49 (30) 12.34.56", "004930123456", "030123456", "+4930123456;cpc=x"]
        {
            check(Bare::Extension, user, Some("+4930123456"));
        }
        check(Bare::International, "4930123456", Some("+4930123456"));
        check(Bare::Local, "123456", Some("+4930123456"));
        check(Bare::Extension, "123456", None);
        check(Bare::Extension, "004312345678", Some("+4312345678"));
        for nothing in [
            "",
            "+",
            "+0301234",
            "anonymous",
            "+49301234567890123",
            "+4930abc",
            "0",
            "00",
            "١٢٣٤٥٦٧",
            "+４９３０１２３",
        ] {
            for bare in [Bare::International, Bare::Local, Bare::Extension] {
                check(bare, nothing, None);
            }
        }
    }

    #[test]
    fn each_country_has_its_own_prefixes() {
        let italy = DialPlan {
            country: "39".to_owned(),
            national_prefix: String::new(),
            bare: Bare::Local,
            ..berlin(Bare::Local)
        };
        let italy = DialPlan { area: None, ..italy };
        let read =
            |user: &str, plan| CallerNumber::read(user, false, plan).number().map(|number| number.as_str().to_owned());
        assert_eq!(read("0612345678", &italy).as_deref(), Some("+390612345678"), "the zero belongs to the number");
        let america = DialPlan {
            country: "1".to_owned(),
            international_prefix: "011".to_owned(),
            national_prefix: "1".to_owned(),
            bare: Bare::Local,
            area: None,
        };
        assert_eq!(read("12125550123", &america).as_deref(), Some("+12125550123"));
        assert_eq!(read("2125550123", &america).as_deref(), Some("+12125550123"));
        assert_eq!(read("0114930123456", &america).as_deref(), Some("+4930123456"));
    }

    #[test]
    fn a_directory_says_whole_numbers_only() {
        for written in ["+4930123456", " +49 (30) 12.34-56 ", "+49/30/123456"] {
            assert_eq!(E164::written(written).as_ref().map(E164::as_str), Some("+4930123456"), "{written}");
        }
        for none in [
            "",
            "+",
            "030123456",
            "004930123456",
            "+49 (0) 30 123456",
            "+49 30 123456;ext=7",
            "+49 30 123456 x7",
            "+4930",
            "+4930123456789012",
            "4711",
            "desk",
        ] {
            assert!(E164::written(none).is_none(), "{none}");
        }
    }

    #[test]
    fn whoever_withholds_the_number_is_nobody_in_particular() {
        let number = "+4930123456";
        let withheld = CallerNumber::read(number, true, &DialPlan::default());
        assert_eq!((withheld.told(), withheld.last_digits()), (None, None));
        assert_eq!(withheld.number().map(E164::as_str), Some(number), "wrong codes are counted all the same");
        assert!(CallerNumber::read(number, false, &DialPlan::default()).told().is_some());
    }

    #[test]
    fn a_number_is_in_no_log() {
        let read = CallerNumber::read("+4930123456", false, &DialPlan::default());
        assert!(!format!("{read:?}").contains("123"));
    }
}
