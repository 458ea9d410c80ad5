// SPDX-License-Identifier: EUPL-1.2
//! How somebody at the telephone is shown to the others: what is known of them, and how much of it a meeting wants seen. What is
//! known stays as it is, so that another rule, or another meeting's, shows what it says and nothing of the one before.

use std::fmt;

use super::details::Details;

/// Digits of a number that is masked.
const SHOWN_DIGITS: usize = 3;

/// What stands for those before them.
const HIDDEN_DIGITS: char = '…';

/// The attribute in which LiveKit's telephone bridge shows the number.
const PHONE_NUMBER: &str = "sip.phoneNumber";

/// How somebody at the telephone is shown to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallerRule {
    /// No meeting says it: as LiveKit's own bridge has it, and those of ours as [`CallerRule::Name`].
    Unsaid,
    /// By name, and by the whole number.
    Number,
    /// By name, and by the number's last digits.
    Name,
    /// By the number's last digits alone.
    Masked,
    /// As nobody in particular.
    Hidden,
}

/// What is known of somebody who calls.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct CallerFacts {
    /// What a moderator calls them. That is for everybody.
    pub(crate) given: Option<String>,
    /// What they are called where their personal PIN or their number says it.
    pub(crate) known: Option<String>,
    /// The whole number, unless they withhold it.
    pub(crate) number: Option<String>,
    /// What somebody at the telephone is called of whom nothing is known.
    pub(crate) anybody: String,
}

/// Nobody's name or number is written down by accident.
impl fmt::Debug for CallerFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallerFacts(…)")
    }
}

impl CallerFacts {
    /// What is known of somebody whom LiveKit's own bridge lets in. It calls those by their number whose name it does not know. Who
    /// comes again, or from another room, has a token that says what was shown there, and no more is known of them.
    pub(crate) fn of_livekit(details: &Details) -> Self {
        let name = Some(details.name.clone()).filter(|name| !name.is_empty());
        let (number, known) = match name {
            Some(name) if last_digits(&name).is_some() || is_masked(&name) => (Some(name), None),
            name => (None, name),
        };
        let attribute = details.attributes.get(PHONE_NUMBER).cloned();
        // The room has no language of its own in which to say that somebody calls.
        Self { given: None, known, number: attribute.or(number), anybody: String::new() }
    }
}

impl CallerRule {
    /// What the others read.
    pub(crate) fn name_of(self, caller: &CallerFacts) -> String {
        if let Some(given) = &caller.given {
            return given.clone();
        }
        let is_named = matches!(self, Self::Unsaid | Self::Number | Self::Name);
        if let Some(known) = caller.known.as_ref().filter(|_| is_named) {
            return known.clone();
        }
        let words = [Some(caller.anybody.clone()), self.number_of(caller)];
        words.into_iter().flatten().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// As much of the number as the others see.
    pub(crate) fn number_of(self, caller: &CallerFacts) -> Option<String> {
        let number = caller.number.as_deref()?;
        match self {
            Self::Number => Some(number.to_owned()),
            Self::Unsaid | Self::Name | Self::Masked if is_masked(number) => Some(number.to_owned()),
            Self::Unsaid | Self::Name | Self::Masked => last_digits(number),
            Self::Hidden => None,
        }
    }

    /// What is written down of who was there or waits: never a whole number.
    pub(crate) fn kept_name(self, caller: &CallerFacts) -> String {
        let rule = if self == Self::Number { Self::Name } else { self };
        rule.name_of(caller)
    }

    /// Has their details show that.
    pub(crate) fn show(self, caller: &CallerFacts, details: &mut Details) {
        details.name = self.name_of(caller);
        match self.number_of(caller) {
            Some(number) => details.attributes.insert(PHONE_NUMBER.to_owned(), number),
            None => details.attributes.remove(PHONE_NUMBER),
        };
    }
}

/// The digits at the end of a number that others may see. None where that would be half of it, or all.
pub(crate) fn last_digits(number: &str) -> Option<String> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let shown = digits.len().checked_sub(SHOWN_DIGITS).filter(|hidden| *hidden > SHOWN_DIGITS)?;
    Some(format!("{HIDDEN_DIGITS}{}", &digits[shown..]))
}

/// Whether it is what [`last_digits`] left of a number.
fn is_masked(number: &str) -> bool {
    number
        .strip_prefix(HIDDEN_DIGITS)
        .is_some_and(|digits| digits.len() == SHOWN_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_see_three_digits_at_most_and_less_than_half_of_a_number() {
        for (number, digits) in [("+4930123456", Some("…456")), ("+4930123", Some("…123")), ("+493012", None)] {
            assert_eq!(last_digits(number).as_deref(), digits);
        }
    }

    #[test]
    fn what_is_written_down_is_never_a_whole_number() {
        let nobody =
            CallerFacts { number: Some("+4930123456".into()), anybody: "Telephone".into(), ..CallerFacts::default() };
        assert_eq!(CallerRule::Number.name_of(&nobody), "Telephone +4930123456");
        for (rule, kept) in [
            (CallerRule::Number, "Telephone …456"),
            (CallerRule::Name, "Telephone …456"),
            (CallerRule::Masked, "Telephone …456"),
            (CallerRule::Hidden, "Telephone"),
        ] {
            assert_eq!(rule.kept_name(&nobody), kept, "{rule:?}");
        }
        let ann = CallerFacts { known: Some("Ann".into()), ..nobody };
        assert_eq!(CallerRule::Number.kept_name(&ann), "Ann");
    }

    #[test]
    fn what_a_moderator_calls_somebody_is_for_everybody_also_a_number() {
        let given = CallerFacts { given: Some("Door +49 30 77".into()), ..CallerFacts::default() };
        for rule in [CallerRule::Number, CallerRule::Name, CallerRule::Masked, CallerRule::Hidden] {
            assert_eq!(
                (rule.name_of(&given), rule.kept_name(&given)),
                ("Door +49 30 77".into(), "Door +49 30 77".into())
            );
        }
    }

    #[test]
    fn nothing_of_a_caller_is_in_a_log() {
        let caller =
            CallerFacts { known: Some("Ann".into()), number: Some("+4930123456".into()), ..CallerFacts::default() };
        let told = format!("{caller:?}");
        assert!(!told.contains("Ann") && !told.contains("456"));
    }
}
