// SPDX-License-Identifier: EUPL-1.2
//! What a participant shows of itself — name, metadata, attributes — and how much of it others must bear.

use std::collections::BTreeMap;

use thiserror::Error;

/// Longest name of a room, identity or display name, in bytes. LiveKit's default.
pub(crate) const MAX_NAME_BYTES: usize = 256;

/// Most metadata, in bytes, and most attributes together. LiveKit's default. Everyone in a room receives them.
pub(crate) const MAX_METADATA_BYTES: usize = 64_000;

/// How attributes begin that only the server sets.
pub(crate) const RESERVED_PREFIX: &str = "saal.";

/// Since when a hand is up, in milliseconds since 1970. Whoever has the smallest is the first.
pub(crate) const HAND: &str = "saal.hand";

/// Set for somebody who may not open the microphone.
pub(crate) const HELD: &str = "saal.held";

/// Set for a guest, whose name nobody has checked.
pub(crate) const GUEST: &str = "saal.guest";

/// What somebody is in the meeting.
pub(crate) const ROLE: &str = "saal.role";

/// Set to `true` for a caller who holds the call. LiveKit's name.
pub(crate) const HOLD: &str = "sip.hold";

/// What a caller has said to the recording that goes on: [`CONSENT_GIVEN`] or [`CONSENT_WITHDRAWN`]. Missing as long as they have
/// said nothing, and where nothing is recorded.
pub(crate) const RECORDING_CONSENT: &str = "saal.recording_consent";

/// They agree that their voice is recorded.
pub(crate) const CONSENT_GIVEN: &str = "given";

/// They do not any more.
pub(crate) const CONSENT_WITHDRAWN: &str = "withdrawn";

/// Whether only the server sets that attribute.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with(RESERVED_PREFIX)
}

/// Something is longer than everyone else should have to bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum TooLong {
    #[error("name is too long")]
    Name,
    #[error("metadata size exceeds limits")]
    Metadata,
    #[error("attributes size exceeds limits")]
    Attributes,
}

/// What a participant shows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) name: String,
    pub(crate) metadata: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

impl Details {
    /// Passes them on if they are not too long.
    pub(crate) fn checked(self) -> Result<Self, TooLong> {
        let attributes: usize = self.attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
        if self.name.len() > MAX_NAME_BYTES {
            Err(TooLong::Name)
        } else if self.metadata.len() > MAX_METADATA_BYTES {
            Err(TooLong::Metadata)
        } else if attributes > MAX_METADATA_BYTES {
            Err(TooLong::Attributes)
        } else {
            Ok(self)
        }
    }

    /// Makes `change`, unless the outcome is too long.
    pub(crate) fn change(&mut self, change: DetailsChange) -> Result<(), TooLong> {
        let mut changed = self.clone();
        if !change.name.is_empty() {
            changed.name = change.name;
        }
        if !change.metadata.is_empty() {
            changed.metadata = change.metadata;
        }
        for (name, value) in change.attributes {
            if value.is_empty() {
                changed.attributes.remove(&name);
            } else {
                changed.attributes.insert(name, value);
            }
        }
        *self = changed.checked()?;
        Ok(())
    }
}

/// A change to [`Details`]: what is empty stays as it is; an attribute with an empty value goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DetailsChange {
    pub(crate) name: String,
    pub(crate) metadata: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_change_leaves_alone_what_it_does_not_name() {
        let mut details =
            Details { name: "Ann".into(), metadata: "m".into(), attributes: attributes(&[("a", "1"), ("b", "2")]) };
        let change = DetailsChange { attributes: attributes(&[("a", ""), ("c", "3")]), ..DetailsChange::default() };
        details.change(change).expect("short enough");
        assert_eq!((details.name.as_str(), details.metadata.as_str()), ("Ann", "m"));
        assert_eq!(details.attributes, attributes(&[("b", "2"), ("c", "3")]));
    }

    #[test]
    fn what_grows_too_long_is_not_changed() {
        let mut details = Details::default();
        let metadata = |length| DetailsChange { metadata: "x".repeat(length), ..DetailsChange::default() };
        assert_eq!(details.change(metadata(MAX_METADATA_BYTES + 1)), Err(TooLong::Metadata));
        assert!(details.metadata.is_empty());
        assert_eq!(details.change(metadata(MAX_METADATA_BYTES)), Ok(()));
        let half = "y".repeat(MAX_METADATA_BYTES / 2);
        let attribute = |name: &str| DetailsChange { attributes: attributes(&[(name, &half)]), ..Default::default() };
        assert_eq!(details.change(attribute("a")), Ok(()));
        assert_eq!(details.change(attribute("b")), Err(TooLong::Attributes));
        let name = DetailsChange { name: "n".repeat(MAX_NAME_BYTES + 1), ..DetailsChange::default() };
        assert_eq!(details.change(name), Err(TooLong::Name));
    }
}
