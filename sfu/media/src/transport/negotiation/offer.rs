// SPDX-License-Identifier: EUPL-1.2
//! A client's offer, read and checked.

use std::collections::HashSet;
use std::io::Cursor;

use rtc_sdp::SessionDescription;

use super::sections::Section;
use super::transport_parameters::{self, FingerprintFinder};
use super::{NegotiationError, attributes, limits};
use crate::session::{Fingerprint, IceCredentials};

/// What a client offers.
#[derive(Debug)]
pub(super) struct Offer {
    /// Its side of ICE.
    pub(super) ice: IceCredentials,
    /// The certificate that it will show.
    pub(super) fingerprint: Fingerprint,
    /// All m-lines, in their order, which the answer repeats.
    pub(super) sections: Vec<Section>,
    /// Indices of the usable m-lines in the order of the BUNDLE group; the first one carries the transport.
    pub(super) bundle: Vec<usize>,
}

impl Offer {
    /// Reads an offer.
    pub(super) fn parse(sdp: &str) -> Result<Self, NegotiationError> {
        limits::check(sdp)?;
        let description = SessionDescription::unmarshal(&mut Cursor::new(sdp.as_bytes()))?;
        if description.media_descriptions.len() > limits::MAX_SECTIONS {
            return Err(NegotiationError::TooManySections);
        }
        let session = &description.attributes;
        let group: Vec<&str> = attributes::all(session, "group")
            .find_map(|group| group.strip_prefix("BUNDLE"))
            .map(|tags| tags.split_whitespace().take(limits::MAX_SECTIONS).collect())
            .unwrap_or_default();

        let mut fingerprint = FingerprintFinder::default();
        fingerprint.look_into(session)?;
        let mut mids = HashSet::new();
        let mut sections = Vec::with_capacity(description.media_descriptions.len());
        for (index, media) in description.media_descriptions.iter().enumerate() {
            let section = Section::parse(index, media, session, &group)?;
            if section.mid.as_ref().is_some_and(|mid| !mids.insert(mid.clone())) {
                return Err(NegotiationError::DuplicateMid(index));
            }
            if section.is_usable {
                fingerprint.look_into(&media.attributes)?;
            }
            sections.push(section);
        }
        let bundle = bundle_order(&sections, &group);
        let tagged = *bundle.first().ok_or(NegotiationError::NothingBundled)?;
        let tagged = &description.media_descriptions[tagged].attributes;
        transport_parameters::check_dtls_role(tagged, session)?;
        Ok(Self {
            ice: transport_parameters::ice_credentials(tagged, session)?,
            fingerprint: fingerprint.found()?,
            sections,
            bundle,
        })
    }
}

fn bundle_order(sections: &[Section], group: &[&str]) -> Vec<usize> {
    let mut usable: Vec<usize> = (0..sections.len()).filter(|index| sections[*index].is_usable).collect();
    usable.sort_by_cached_key(|index| {
        let mid = sections[*index].mid.as_ref();
        mid.and_then(|mid| group.iter().position(|tag| *tag == mid.as_str()))
    });
    usable
}
