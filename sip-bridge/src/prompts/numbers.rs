// SPDX-License-Identifier: EUPL-1.2
//! Numbers, put together from recordings. They stand behind a colon ("people in the meeting: 27"), so that neither
//! language has to agree in number or gender with what is counted.

use super::{PromptId, SmallNumber};

/// What is said for larger numbers: "more than 199".
const LARGEST: u16 = 199;

/// The recordings that speak a number, one after the other. 0 to 199 are spoken as they are.
#[must_use]
pub fn number(number: u16) -> Vec<PromptId> {
    let mut prompts = Vec::with_capacity(3);
    if number > LARGEST {
        prompts.push(PromptId::MoreThan);
    }
    let number = number.min(LARGEST);
    let below_100 = number % 100;
    if number == 100 {
        prompts.push(PromptId::Hundred);
        return prompts;
    }
    if number > 100 {
        prompts.push(PromptId::HundredAnd);
    }
    prompts.extend(SmallNumber::new(below_100).map(PromptId::Number));
    prompts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(value: u16) -> String {
        number(value).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn numbers_are_composed_up_to_199() {
        assert_eq!(spoken(0), "number_0");
        assert_eq!(spoken(27), "number_27");
        assert_eq!(spoken(99), "number_99");
        assert_eq!(spoken(100), "hundred");
        assert_eq!(spoken(101), "hundred_and number_1");
        assert_eq!(spoken(199), "hundred_and number_99");
    }

    #[test]
    fn larger_numbers_are_more_than_199() {
        assert_eq!(spoken(200), "more_than hundred_and number_99");
        assert_eq!(spoken(u16::MAX), spoken(200));
    }
}
