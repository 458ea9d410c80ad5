// SPDX-License-Identifier: EUPL-1.2
//! RTP header extensions (RFC 8285): which ids mean the same over the whole BUNDLE group, and which of them an m-line
//! is answered with.
//!
//! `urn:3gpp:video-orientation` is left out although the packet path could carry it: Firefox does not offer it and would
//! show the picture of a turned phone lying on its side. A sender that is not allowed to use it turns the picture
//! itself.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rtc_sdp::description::common::Attribute;
use rtc_sdp::direction::Direction;
use rtc_sdp::extmap::{
    AUDIO_LEVEL_URI, SDES_MID_URI, SDES_REPAIR_RTP_STREAM_ID_URI, SDES_RTP_STREAM_ID_URI, TRANSPORT_CC_URI,
};

use super::codecs::Flow;
use super::limits::MAX_EXTENSIONS;
use super::sections::Section;
use super::{NegotiationError, attributes};
use crate::session::ExtensionIds;

/// The ids that one-byte headers have room for (RFC 8285 §4.2). We write no two-byte headers.
const ONE_BYTE_IDS: std::ops::RangeInclusive<u8> = 1..=14;

/// `a=extmap` of an offer.
#[derive(Clone, Debug)]
pub(super) struct OfferedExtension {
    id: u8,
    uri: String,
    direction: Direction,
}

/// The extensions of an m-line.
pub(super) fn offered(section: &[Attribute]) -> Result<Vec<OfferedExtension>, NegotiationError> {
    let values: Vec<_> = attributes::all(section, "extmap").take(MAX_EXTENSIONS + 1).collect();
    if values.len() > MAX_EXTENSIONS {
        return Err(NegotiationError::TooManyExtensions);
    }
    Ok(values.into_iter().filter_map(parse).collect())
}

/// The ids that all usable m-lines agree on. An extension with two ids, or an id with two meanings, is not used.
pub(super) fn agree(sections: &[Section]) -> ExtensionIds {
    let mut ids: HashMap<&str, Option<u8>> = HashMap::new();
    let mut uris: HashMap<u8, Option<&str>> = HashMap::new();
    for extension in sections.iter().filter(|section| section.is_usable).flat_map(|section| &section.extensions) {
        note(&mut ids, extension.uri.as_str(), extension.id);
        note(&mut uris, extension.id, extension.uri.as_str());
    }
    let id_of = |uri: &str| {
        let id = ids.get(uri).copied().flatten()?;
        uris.get(&id).is_some_and(Option::is_some).then_some(id)
    };
    ExtensionIds {
        mid: id_of(SDES_MID_URI),
        rid: id_of(SDES_RTP_STREAM_ID_URI),
        repaired_rid: id_of(SDES_REPAIR_RTP_STREAM_ID_URI),
        audio_level: id_of(AUDIO_LEVEL_URI),
        transport_cc: id_of(TRANSPORT_CC_URI),
        video_orientation: None,
    }
}

/// The values of the `a=extmap` lines that answer an m-line.
///
/// What is agreed on is accepted on every m-line that offers it, whether that one needs it or not: Chromium never again
/// offers an extension that any answer left out, and then fails to offer simulcast on an m-line that it adds later.
pub(super) fn answered(section: &Section, flow: Flow, agreed: ExtensionIds) -> impl Iterator<Item = String> {
    let agreed = [agreed.mid, agreed.rid, agreed.repaired_rid, agreed.audio_level, agreed.transport_cc];
    section.extensions.iter().filter(move |extension| agreed.contains(&Some(extension.id))).filter_map(
        move |extension| {
            let direction = match (&extension.direction, flow) {
                (Direction::Unspecified, _) => "",
                (Direction::SendRecv, _) => "/sendrecv",
                (Direction::SendOnly, Flow::Up) => "/recvonly",
                (Direction::RecvOnly, Flow::Down) => "/sendonly",
                _ => return None,
            };
            Some(format!("{}{direction} {}", extension.id, extension.uri))
        },
    )
}

/// Whether an m-line offers an extension with the agreed id.
pub(super) fn is_offered(section: &Section, agreed: Option<u8>) -> bool {
    agreed.is_some_and(|id| section.extensions.iter().any(|extension| extension.id == id))
}

fn note<K: std::hash::Hash + Eq, V: PartialEq>(seen: &mut HashMap<K, Option<V>>, key: K, value: V) {
    match seen.entry(key) {
        Entry::Vacant(entry) => {
            entry.insert(Some(value));
        }
        Entry::Occupied(mut entry) => {
            if entry.get().as_ref() != Some(&value) {
                entry.insert(None);
            }
        }
    }
}

/// `<id>[/<direction>] <uri> [<attributes>]`. What cannot be used is passed over.
fn parse(value: &str) -> Option<OfferedExtension> {
    let mut words = value.split_whitespace();
    let (id, uri) = (words.next()?, words.next()?);
    let (id, direction) = match id.split_once('/') {
        None => (id, Direction::Unspecified),
        Some((id, direction)) => (id, Direction::new(direction)),
    };
    let id = id.parse().ok().filter(|id| ONE_BYTE_IDS.contains(id))?;
    Some(OfferedExtension { id, uri: uri.to_owned(), direction })
}
