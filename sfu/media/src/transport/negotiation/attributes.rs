// SPDX-License-Identifier: EUPL-1.2
//! Looking up `a=` lines.

use rtc_sdp::description::common::Attribute;

/// The value of the first attribute of that name, `""` when it is a flag.
pub(super) fn first<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    all(attributes, name).next()
}

/// The values of all attributes of that name.
pub(super) fn all<'a>(attributes: &'a [Attribute], name: &str) -> impl Iterator<Item = &'a str> {
    attributes.iter().filter(move |a| a.key == name).map(|a| a.value.as_deref().unwrap_or_default())
}

/// Whether there is an attribute of that name.
pub(super) fn has(attributes: &[Attribute], name: &str) -> bool {
    first(attributes, name).is_some()
}
