// SPDX-License-Identifier: EUPL-1.2
//! Simulcast as a client offers to send it: `a=rid` (RFC 8851) and `a=simulcast` (RFC 8853).

use rtc_sdp::description::common::Attribute;

use super::limits::MAX_RIDS;
use super::{NegotiationError, attributes};
use crate::session::Rid;

/// The rids of LiveKit's clients: quarter, half and full size.
const KNOWN_RIDS: [&str; 3] = ["q", "h", "f"];

/// One stream of a simulcast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    /// Its name.
    pub(super) rid: Rid,
    /// The client does not send it for now (`~`, RFC 8853 §5.1).
    pub(super) is_paused: bool,
    /// The payload types that it may have; `None` where all of the m-line's.
    payload_types: Option<Vec<u8>>,
}

impl Stream {
    /// Whether it may be sent with a payload type.
    pub(super) fn allows(&self, payload_type: u8) -> bool {
        self.payload_types.as_ref().is_none_or(|allowed| allowed.contains(&payload_type))
    }
}

/// The streams that the client offers to send, in its order. Of alternatives the first is taken.
pub(super) fn offered_streams(section: &[Attribute]) -> Result<Vec<Stream>, NegotiationError> {
    let rids: Vec<_> = attributes::all(section, "rid").take(MAX_RIDS + 1).collect();
    if rids.len() > MAX_RIDS {
        return Err(NegotiationError::TooManyRids);
    }
    let Some(list) = attributes::first(section, "simulcast").and_then(send_list) else { return Ok(Vec::new()) };
    let mut streams: Vec<Stream> = Vec::new();
    for alternatives in list.split(';').take(MAX_RIDS) {
        let name = alternatives.split(',').next().unwrap_or_default().trim();
        let (is_paused, name) = name.strip_prefix('~').map_or((false, name), |name| (true, name));
        let (Some(rid), Some(payload_types)) = (parse_rid(name), sendable(&rids, name)) else { continue };
        if streams.iter().all(|stream| stream.rid != rid) {
            streams.push(Stream { rid, is_paused, payload_types });
        }
    }
    Ok(streams)
}

/// The rids by growing picture size. LiveKit's clients list theirs so already; otherwise the order of the offer is
/// reversed, since RFC 8853 §5.2 puts the preferred stream first.
pub(super) fn smallest_first<'a>(offered: impl IntoIterator<Item = &'a Stream>) -> Vec<Rid> {
    let mut rids: Vec<Rid> = offered.into_iter().map(|stream| stream.rid.clone()).collect();
    let known = |rid: &Rid| KNOWN_RIDS.iter().position(|known| *known == rid.as_str());
    if rids.iter().all(|rid| known(rid).is_some()) {
        rids.sort_by_key(known);
    } else {
        rids.reverse();
    }
    rids
}

/// The list after `send` in `send q;h;f recv x`.
fn send_list(value: &str) -> Option<&str> {
    let mut words = value.split_whitespace();
    words.by_ref().find(|word| *word == "send")?;
    words.next()
}

fn parse_rid(name: &str) -> Option<Rid> {
    let is_rid = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    is_rid.then(|| Rid::parse(name)).flatten()
}

/// Looks for `a=rid:<name> send [<restrictions>]`; the payload types are among the restrictions.
#[expect(
    clippy::option_option,
    reason = "whether the stream is declared, and whether its payload types are restricted"
)]
fn sendable(rids: &[&str], name: &str) -> Option<Option<Vec<u8>>> {
    rids.iter().find_map(|rid| {
        let mut words = rid.splitn(3, ' ');
        if words.next() != Some(name) || words.next() != Some("send") {
            return None;
        }
        let restrictions = words.next().unwrap_or_default().split(';');
        let payload_types = restrictions
            .filter_map(|restriction| restriction.trim().strip_prefix("pt="))
            .next()
            .map(|list| list.split(',').filter_map(|number| number.parse().ok()).collect());
        Some(payload_types)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(lines: &[(&str, &str)]) -> Result<Vec<Stream>, NegotiationError> {
        let section: Vec<_> =
            lines.iter().map(|(name, value)| Attribute::new((*name).to_owned(), Some((*value).to_owned()))).collect();
        offered_streams(&section)
    }

    fn names(rids: &[Rid]) -> Vec<&str> {
        rids.iter().map(Rid::as_str).collect()
    }

    #[test]
    fn known_rids_are_ordered_by_size() {
        let offered = streams(&[("rid", "f send"), ("rid", "q send"), ("rid", "h send"), ("simulcast", "send f;h;q")]);
        assert_eq!(names(&smallest_first(&offered.unwrap())), ["q", "h", "f"]);
    }

    #[test]
    fn unknown_rids_are_taken_as_preferred_first() {
        let offered = streams(&[("rid", "hi send"), ("rid", "lo send"), ("simulcast", "send hi;lo")]);
        assert_eq!(names(&smallest_first(&offered.unwrap())), ["lo", "hi"]);
    }

    #[test]
    fn paused_alternative_and_restricted_streams_are_understood() {
        let offered = streams(&[
            ("rid", "q send pt=96,97;max-width=320"),
            ("rid", "h send"),
            ("rid", "x recv"),
            ("simulcast", "recv x send q;~h,other;undeclared"),
        ])
        .unwrap();
        assert_eq!(
            offered.iter().map(|s| (s.rid.as_str(), s.is_paused)).collect::<Vec<_>>(),
            [("q", false), ("h", true)]
        );
        assert!(offered[0].allows(96) && !offered[0].allows(98) && offered[1].allows(98));
    }

    #[test]
    fn nine_rids_are_refused_and_rids_alone_are_no_simulcast() {
        let nine: Vec<_> = ["1 send", "2 send", "3 send", "4 send", "5 send", "6 send", "7 send", "8 send", "9 send"]
            .map(|rid| ("rid", rid))
            .to_vec();
        assert_eq!(streams(&nine), Err(NegotiationError::TooManyRids));
        assert_eq!(streams(&nine[..8]), Ok(Vec::new()));
    }
}
