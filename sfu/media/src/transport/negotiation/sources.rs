// SPDX-License-Identifier: EUPL-1.2
//! The SSRCs that an m-line announces (RFC 5576), each with the one of its retransmissions.

use std::collections::{HashMap, HashSet};

use rtc_sdp::description::common::Attribute;

use super::limits::MAX_SOURCES;
use super::{NegotiationError, attributes};

/// The announced SSRCs in their order, with the SSRC of their retransmissions (RFC 4588 §8.1) where one is announced.
pub(super) fn announced(section: &[Attribute]) -> Result<Vec<(u32, Option<u32>)>, NegotiationError> {
    let mut announced: Vec<u32> = Vec::new();
    for value in attributes::all(section, "ssrc") {
        let Some(Ok(ssrc)) = value.split(' ').next().map(str::parse) else { continue };
        if announced.contains(&ssrc) {
            continue;
        }
        if announced.len() == MAX_SOURCES {
            return Err(NegotiationError::TooManySources);
        }
        announced.push(ssrc);
    }
    let mut retransmissions: HashMap<u32, u32> = HashMap::new();
    let mut secondary = HashSet::new();
    for value in attributes::all(section, "ssrc-group").take(MAX_SOURCES) {
        let mut words = value.split_whitespace();
        let semantics = words.next();
        let (Some(Ok(first)), Some(Ok(second))) = (words.next().map(str::parse), words.next().map(str::parse)) else {
            continue;
        };
        match semantics {
            Some("FID") => {
                retransmissions.entry(first).or_insert(second);
                secondary.insert(second);
            }
            // Forward error correction (RFC 5956 §4.3), which we never agree to.
            Some("FEC" | "FEC-FR") => {
                secondary.insert(second);
            }
            _ => {}
        }
    }
    announced.retain(|ssrc: &u32| !secondary.contains(ssrc));
    Ok(announced.into_iter().map(|ssrc| (ssrc, retransmissions.get(&ssrc).copied())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(lines: &[(&str, &str)]) -> Vec<Attribute> {
        lines.iter().map(|(name, value)| Attribute::new((*name).to_owned(), Some((*value).to_owned()))).collect()
    }

    #[test]
    fn retransmissions_belong_to_their_stream() {
        let section = section(&[
            ("ssrc-group", "FID 1 2"),
            ("ssrc", "1 cname:a"),
            ("ssrc", "1 msid:s t"),
            ("ssrc", "2 cname:a"),
            ("ssrc", "3 cname:a"),
            ("ssrc", "none cname:a"),
        ]);
        assert_eq!(announced(&section), Ok(vec![(1, Some(2)), (3, None)]));
    }

    #[test]
    fn thousands_of_sources_are_refused() {
        let many: Vec<_> = (0..9000).map(|n| Attribute::new("ssrc".into(), Some(format!("{n} cname:a")))).collect();
        assert_eq!(announced(&many), Err(NegotiationError::TooManySources));
    }
}
