// SPDX-License-Identifier: EUPL-1.2
//! The answer to a request that is malformed: from its lines, read leniently, since only what an answer copies matters.

use super::cursor::Cursor;
use super::header_lines::Head;
use super::limits::MAX_VIA;
use super::malformed::{Flaw, Malformed, Refusal};
use super::start_line::{Kind, first_word};
use super::via;
use crate::sip::message::{Method, Via};

/// What becomes of a message with that flaw.
pub(super) fn malformed(flaw: Flaw, kind: Kind, head: &Head<'_>) -> Malformed {
    // Responses are dropped, and an ACK is never answered (RFC 3261 §17.1.1.3, §18.1.2).
    if kind == Kind::Response || first_word(head.first) == b"ACK" {
        return Malformed::dropped(flaw);
    }
    Malformed { flaw, refusal: refusal(flaw, head).map(Box::new) }
}

fn refusal(flaw: Flaw, head: &Head<'_>) -> Option<Refusal> {
    let (status, reason) = status(flaw, head);
    let first = |name: &str| {
        let line = head.lines.iter().find(|line| line.name == name);
        line.map(|line| line.value.clone()).filter(|value| !value.is_empty())
    };
    Some(Refusal {
        status,
        reason,
        via: vias(head)?,
        from: first("From")?,
        to: first("To")?,
        call_id: first("Call-ID")?,
        cseq: first("CSeq")?,
    })
}

fn status(flaw: Flaw, head: &Head<'_>) -> (u16, String) {
    match flaw {
        Flaw::Version => (505, "Version Not Supported".to_owned()),
        Flaw::TooLong => (413, "Request Entity Too Large".to_owned()),
        // Whoever sends a method that we do not know is told so first (RFC 4475 §3.1.2.18).
        Flaw::MethodMismatch if is_unknown_method(head) => (501, "Not Implemented".to_owned()),
        _ => (400, format!("Bad Request ({flaw})")),
    }
}

fn is_unknown_method(head: &Head<'_>) -> bool {
    str::from_utf8(first_word(head.first)).is_ok_and(|name| matches!(Method::from_name(name), Method::Other(_)))
}

/// The way back, of which the first hop is needed.
fn vias(head: &Head<'_>) -> Option<Vec<Via>> {
    let mut vias = Vec::new();
    for line in head.lines.iter().filter(|line| line.name == "Via") {
        let mut cursor = Cursor::new(&line.value);
        loop {
            let mut ahead = cursor;
            let Some(via) = via::read(&mut ahead) else {
                // Where the next value begins behind something malformed would be a guess.
                vias.extend(via::read_leniently(&mut cursor));
                break;
            };
            cursor = ahead;
            vias.push(via);
            if vias.len() >= MAX_VIA {
                return Some(vias);
            }
            if !cursor.eat_separator(',') {
                break;
            }
        }
        if vias.is_empty() {
            return None;
        }
    }
    (!vias.is_empty()).then_some(vias)
}
