// SPDX-License-Identifier: EUPL-1.2
//! Offers and answers as telephones write them.

mod encryption;
mod offers;
mod parsing;
mod phones;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;

/// Ours, where telephones reach us by IPv4.
pub(super) fn ours() -> Capabilities {
    Capabilities::new("192.0.2.10".parse().unwrap(), 20_000)
}

pub(super) fn rng() -> StdRng {
    StdRng::seed_from_u64(1)
}

pub(super) fn parse(text: &str) -> SessionDescription {
    SessionDescription::parse(text.as_bytes()).unwrap()
}

/// An offer with these lines behind the session part.
pub(super) fn described(lines: &str) -> SessionDescription {
    parse(&format!("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n{lines}"))
}

pub(super) fn answered(offer: &SessionDescription, ours: &Capabilities) -> (SessionDescription, Negotiated) {
    answer(offer, ours, None, &mut rng()).unwrap()
}
