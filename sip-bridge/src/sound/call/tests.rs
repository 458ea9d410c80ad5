// SPDX-License-Identifier: EUPL-1.2
//! A call.
use rand::SeedableRng;
use rand::rngs::StdRng;
use crate::sdp::{Capabilities, Negotiated, SessionDescription, answer};
pub(in crate::sound) fn agreed(lines: &str) -> Negotiated {
    let text = format!("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n{lines}");
    let offer = SessionDescription::parse(text.as_bytes()).unwrap();
    let ours = Capabilities::new("192.0.2.10".parse().unwrap(), 20_000);
    answer(&offer, &ours, None, &mut StdRng::seed_from_u64(1)).unwrap().1
}
