// SPDX-License-Identifier: EUPL-1.2
//! What LiveKit's messages wish of several kinds of things, in words of the REST API: lists, credentials, and how sound travels.

use std::collections::HashMap;

use livekit_protocol as proto;
use serde_json::{Map, Value};

use super::super::error::TwirpError;
use super::refusals::{invalid, unset};
use crate::phone::list_change::ListChange;

/// Most entries of a list: as many numbers as an installation can have.
const MAX_ENTRIES: usize = 1_000;

/// A list that is there as a whole.
pub(super) fn whole(field: &str, list: Vec<String>) -> Result<ListChange, TwirpError> {
    check_entries(field, &list)?;
    Ok(ListChange::Set(list))
}

/// Changes of a list. LiveKit's servers, too, refuse those that contradict each other.
pub(super) fn changes(field: &str, update: Option<proto::ListUpdate>) -> Result<ListChange, TwirpError> {
    let Some(proto::ListUpdate { set, add, remove, clear }) = update else { return Ok(ListChange::None) };
    for list in [&set, &add, &remove] {
        check_entries(field, list)?;
    }
    match (clear, !set.is_empty(), !add.is_empty() || !remove.is_empty()) {
        (false, false, false) => Ok(ListChange::None),
        (false, true, false) => Ok(ListChange::Set(set)),
        (true, false, false) => Ok(ListChange::Set(Vec::new())),
        (false, false, true) => Ok(ListChange::By { added: add, removed: remove }),
        _ => Err(invalid(field, "Of set, clear, and add with remove, there is one.")),
    }
}

fn check_entries(field: &str, list: &[String]) -> Result<(), TwirpError> {
    unset(field, list.len() > MAX_ENTRIES, "There are too many entries.")
}

/// The texts in a list of the REST API's.
pub(super) fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Changes of credentials: a merge patch, by which a password that is not named stays. Without a name there are none any more.
pub(super) fn credentials(username: Option<String>, password: Option<String>) -> Option<Value> {
    let is_empty = |text: Option<&str>| text.is_none_or(str::is_empty);
    if username.is_some() && is_empty(username.as_deref()) && is_empty(password.as_deref()) {
        return Some(Value::Null);
    }
    let named = named([("username", username.map(Value::from)), ("password", password.map(Value::from))]);
    (!named.is_empty()).then_some(Value::Object(named))
}

/// The values that are there.
pub(super) fn named<const COUNT: usize>(values: [(&str, Option<Value>); COUNT]) -> Map<String, Value> {
    values.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// Refuses all that a trunk can say of headers: those that are to be sent, the attributes that are to become headers or are to be
/// made of them, and which headers are to be passed on.
pub(super) fn no_headers(
    headers: &HashMap<String, String>,
    from_attributes: &HashMap<String, String>,
    to_attributes: &HashMap<String, String>,
    included: i32,
) -> Result<(), TwirpError> {
    let (no_headers, no_attributes) = ("Saal sends no headers of others.", "Headers become no attributes.");
    unset("headers", !headers.is_empty(), no_headers)?;
    unset("headers_to_attributes", !to_attributes.is_empty(), no_attributes)?;
    unset("attributes_to_headers", !from_attributes.is_empty(), no_headers)?;
    unset("include_headers", included != 0, no_attributes)
}

/// Whether sound is wished to be encrypted; `older` is where the wish stood before there was a message for it. Other wishes of how
/// sound travels are refused.
pub(super) fn encryption(
    older: Option<i32>,
    media: Option<&proto::SipMediaConfig>,
) -> Result<Option<proto::SipMediaEncryption>, TwirpError> {
    if let Some(media) = media {
        let has_codecs = media.only_listed_codecs || !media.codecs.is_empty();
        unset("media.codecs", has_codecs, "Each call agrees on the best codec that both sides have.")?;
        let has_timeout = media.media_timeout.is_some();
        unset("media.media_timeout", has_timeout, "How long silence is borne is the same for all calls.")?;
    }
    let wished = media.and_then(|media| media.encryption).or(older);
    let known = |wished: i32| {
        let known = proto::SipMediaEncryption::try_from(wished);
        known.map_err(|_| invalid("media_encryption", "This value is not known."))
    };
    wished.map(known).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_of_a_list_are_of_one_kind() {
        let list = |entries: &[&str]| -> Vec<String> { entries.iter().map(|entry| (*entry).to_owned()).collect() };
        let update = |set: &[&str], add: &[&str], remove: &[&str], clear| {
            let update = proto::ListUpdate { set: list(set), add: list(add), remove: list(remove), clear };
            changes("numbers", Some(update)).ok()
        };
        assert_eq!(changes("numbers", None), Ok(ListChange::None));
        assert_eq!(update(&[], &[], &[], false), Some(ListChange::None));
        assert_eq!(update(&["a"], &[], &[], false), Some(ListChange::Set(list(&["a"]))));
        assert_eq!(update(&[], &[], &[], true), Some(ListChange::Set(Vec::new())));
        let by = ListChange::By { added: list(&["a"]), removed: list(&["b"]) };
        assert_eq!(update(&[], &["a"], &["b"], false), Some(by));
        assert_eq!(update(&["a"], &["b"], &[], false), None);
        assert_eq!(update(&["a"], &[], &[], true), None);
        assert_eq!(update(&[], &[], &["a"], true), None);
        assert!(whole("numbers", vec![String::new(); MAX_ENTRIES + 1]).is_err());
    }

    #[test]
    fn credentials_go_with_their_name_and_a_password_may_stay() {
        let of = |username: Option<&str>, password: Option<&str>| {
            credentials(username.map(str::to_owned), password.map(str::to_owned))
        };
        assert_eq!(of(None, None), None);
        assert_eq!(of(Some(""), None), Some(Value::Null));
        assert_eq!(of(Some(""), Some("")), Some(Value::Null));
        assert_eq!(of(Some("a"), None), Some(json!({ "username": "a" })));
        assert_eq!(of(None, Some("b")), Some(json!({ "password": "b" })));
        assert_eq!(of(Some(""), Some("b")), Some(json!({ "username": "", "password": "b" })));
    }
}
