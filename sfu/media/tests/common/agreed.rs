// SPDX-License-Identifier: EUPL-1.2
//! What test clients have agreed on with us, and the moment that tests count from. Unit tests include this file, too.

use std::time::Instant;

use sfu_media::session::{Codec, ExtensionIds, NegotiatedCodec};

/// The ids that test publishers use.
pub(crate) const IDS: ExtensionIds = ExtensionIds {
    mid: Some(4),
    rid: Some(10),
    repaired_rid: Some(11),
    audio_level: Some(1),
    transport_cc: Some(3),
    video_orientation: Some(13),
};

pub(crate) const VP8: NegotiatedCodec = NegotiatedCodec {
    codec: Codec::Vp8,
    payload_type: 96,
    rtx_payload_type: Some(97),
    nack: true,
    pli: true,
    transport_cc: true,
};

pub(crate) const OPUS: NegotiatedCodec = NegotiatedCodec {
    codec: Codec::Opus,
    payload_type: 111,
    rtx_payload_type: None,
    nack: true,
    pli: false,
    transport_cc: true,
};

/// A moment to count from. Tests add to it; none reads the clock again.
#[allow(clippy::disallowed_methods, reason = "an Instant cannot be made otherwise")]
pub(crate) fn start() -> Instant {
    Instant::now()
}
