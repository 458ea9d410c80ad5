// SPDX-License-Identifier: EUPL-1.2
//! What tells requests of calls apart: Call-ID and CSeq (RFC 3261 §20.8, §20.16).

use super::cursor::Cursor;
use crate::sip::message::{CSeq, Method};

/// RFC 3261 §8.1.1.5.
const MAX_SEQUENCE_NUMBER: u32 = (1 << 31) - 1;

/// Whether a value is a word, or two with an `@` between.
pub(super) fn is_call_id(value: &str) -> bool {
    let (first, second) = value.split_once('@').map_or((value, None), |(first, second)| (first, Some(second)));
    is_word(first) && second.is_none_or(is_word)
}

/// RFC 3261 §25.1 `word`.
fn is_word(text: &str) -> bool {
    let is_word_char = |c: char| {
        super::cursor::is_token_char(c)
            || matches!(c, '(' | ')' | '<' | '>' | ':' | '\\' | '"' | '/' | '[' | ']' | '?' | '{' | '}')
    };
    !text.is_empty() && text.chars().all(is_word_char)
}

/// The number and the method.
pub(super) fn cseq(value: &str) -> Option<CSeq> {
    let mut cursor = Cursor::new(value);
    let number = u32::try_from(cursor.number()?).ok().filter(|number| *number <= MAX_SEQUENCE_NUMBER)?;
    if !cursor.skip_space() {
        return None;
    }
    let method = Method::from_name(cursor.token()?);
    cursor.is_empty().then_some(CSeq { number, method })
}
