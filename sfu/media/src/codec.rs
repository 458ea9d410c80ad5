// SPDX-License-Identifier: EUPL-1.2
//! What forwarding needs to know of the codecs: where a keyframe starts, which numbers must stay continuous, how long
//! a packet of audio lasts. Nothing here decodes media.

use crate::session::Codec;

pub mod opus;
pub mod vp8;

/// What a payload begins with, for codecs that keep counters there.
#[must_use]
pub fn descriptor(codec: Codec, payload: &[u8]) -> Option<vp8::Descriptor> {
    match codec {
        Codec::Opus => None,
        Codec::Vp8 => vp8::Descriptor::parse(payload),
    }
}

/// Whether the payload is the first packet of a frame that can be decoded on its own. Every packet of audio is.
#[must_use]
pub fn starts_keyframe(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::Opus => true,
        Codec::Vp8 => vp8::Descriptor::parse(payload).is_some_and(|descriptor| descriptor.starts_keyframe),
    }
}
