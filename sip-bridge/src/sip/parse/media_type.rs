// SPDX-License-Identifier: EUPL-1.2
//! Media types, as in Content-Type and Accept (RFC 3261 §25.1 `media-type`).

use super::cursor::Cursor;
use super::params;
use crate::sip::message::Params;

/// A media type, such as `multipart/mixed;boundary=x`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sip) struct MediaType {
    /// In lower case, or `*` in Accept.
    pub(in crate::sip) kind: String,
    /// In lower case, or `*` in Accept.
    pub(in crate::sip) subtype: String,
    pub(in crate::sip) params: Params,
}

impl MediaType {
    /// Whether it is of that kind and subtype, in lower case.
    pub(in crate::sip) fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }
}

/// A media type that is the whole text.
pub(in crate::sip) fn parse(text: &str) -> Option<MediaType> {
    let mut cursor = Cursor::new(text);
    let media_type = read(&mut cursor)?;
    cursor.skip_space();
    cursor.is_empty().then_some(media_type)
}

/// Reads a media type with its parameters.
pub(in crate::sip) fn read(cursor: &mut Cursor<'_>) -> Option<MediaType> {
    cursor.skip_space();
    let kind = cursor.token()?.to_ascii_lowercase();
    if !cursor.eat_separator('/') {
        return None;
    }
    let subtype = cursor.token()?.to_ascii_lowercase();
    Some(MediaType { kind, subtype, params: params::read(cursor)? })
}
