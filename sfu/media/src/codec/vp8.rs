// SPDX-License-Identifier: EUPL-1.2
//! The VP8 payload descriptor (RFC 7741 §4.2): where keyframes start, and the two counters that a receiver expects to
//! be continuous although it is given one layer after another.

/// The picture id of a frame, with the width it was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureId {
    /// The number.
    pub value: u16,
    /// It has 15 bits rather than 7.
    pub is_long: bool,
}

impl PictureId {
    /// The bits that a number of this width has.
    #[must_use]
    pub const fn mask(self) -> u16 {
        if self.is_long { 0x7fff } else { 0x7f }
    }
}

/// What a packet's descriptor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Length of the descriptor in bytes.
    pub len: u8,
    /// First packet of a frame that can be decoded on its own (RFC 7741 §4.3).
    pub starts_keyframe: bool,
    /// No other frame needs this one.
    pub is_discardable: bool,
    /// Number of the frame.
    pub picture_id: Option<PictureId>,
    /// Running number of frames of the lowest temporal layer.
    pub tl0_picture_index: Option<u8>,
    /// Temporal layer.
    pub temporal_layer: Option<u8>,
}

/// Offset of the picture id, which always follows the two flag bytes.
const PICTURE_ID_AT: usize = 2;

impl Descriptor {
    /// Reads the descriptor of a packet; `None` when the payload ends inside it or nothing follows it.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let required = *payload.first()?;
        let is_start_of_frame = required & 0x10 != 0 && required & 0x07 == 0;
        let mut descriptor = Self {
            len: 1,
            starts_keyframe: false,
            is_discardable: required & 0x20 != 0,
            picture_id: None,
            tl0_picture_index: None,
            temporal_layer: None,
        };
        if required & 0x80 != 0 {
            descriptor.parse_extension(payload)?;
        }
        // The inverse key frame flag of the VP8 frame tag (RFC 6386 §9.1) is the first bit after the descriptor.
        let tag = *payload.get(usize::from(descriptor.len))?;
        descriptor.starts_keyframe = is_start_of_frame && tag & 0x01 == 0;
        Some(descriptor)
    }

    fn parse_extension(&mut self, payload: &[u8]) -> Option<()> {
        let flags = *payload.get(1)?;
        let mut at = PICTURE_ID_AT;
        if flags & 0x80 != 0 {
            let high = *payload.get(at)?;
            let is_long = high & 0x80 != 0;
            let low = if is_long { Some(*payload.get(at + 1)?) } else { None };
            let value = low.map_or(u16::from(high), |low| u16::from_be_bytes([high & 0x7f, low]));
            self.picture_id = Some(PictureId { value, is_long });
            at += 1 + usize::from(is_long);
        }
        if flags & 0x40 != 0 {
            self.tl0_picture_index = Some(*payload.get(at)?);
            at += 1;
        }
        if flags & 0x30 != 0 {
            let layer_and_key = *payload.get(at)?;
            if flags & 0x20 != 0 {
                self.temporal_layer = Some(layer_and_key >> 6);
            }
            at += 1;
        }
        self.len = at as u8;
        Some(())
    }

    /// Writes other numbers into the payload this descriptor was read from. The width of the picture id stays, what
    /// the descriptor does not have is not added.
    pub fn rewrite(&self, payload: &mut [u8], picture_id: u16, tl0_picture_index: u8) {
        let mut at = PICTURE_ID_AT;
        if let Some(old) = self.picture_id {
            let [high, low] = (picture_id & old.mask()).to_be_bytes();
            if old.is_long {
                payload[at..at + 2].copy_from_slice(&[0x80 | high, low]);
                at += 2;
            } else {
                payload[at] = low;
                at += 1;
            }
        }
        if self.tl0_picture_index.is_some() {
            payload[at] = tl0_picture_index;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng, rngs::StdRng};
    use rtc_rtp::codec::vp8::Vp8Packet;
    use rtc_rtp::packetizer::Depacketizer;

    use super::*;

    /// Every combination of fields, each with values at the edges of its width.
    fn descriptors() -> Vec<(Vec<u8>, Descriptor)> {
        let mut all = Vec::new();
        for required in (0..=0xff).filter(|byte: &u8| byte & 0x48 == 0) {
            for flags in (0..=0xf0).step_by(0x10).filter(|flags: &u8| required & 0x80 != 0 || *flags == 0) {
                for picture_id in [0u16, 1, 0x7f, 0x80, 0x7ffe, 0x7fff] {
                    for (last, tag) in [(0x00, 0x00), (0xff, 0x01), (0xe5, 0xfe)] {
                        let mut payload = vec![required];
                        let has = |flag: u8| required & 0x80 != 0 && flags & flag != 0;
                        if required & 0x80 != 0 {
                            payload.push(flags);
                        }
                        let is_long = picture_id > 0x7f;
                        if has(0x80) && is_long {
                            payload.extend_from_slice(&(0x8000 | picture_id).to_be_bytes());
                        } else if has(0x80) {
                            payload.push(picture_id as u8);
                        }
                        if has(0x40) {
                            payload.push(last ^ 0x55);
                        }
                        if has(0x30) {
                            payload.push(last);
                        }
                        let len = payload.len() as u8;
                        payload.push(tag);
                        let descriptor = Descriptor {
                            len,
                            starts_keyframe: required & 0x17 == 0x10 && tag & 1 == 0,
                            is_discardable: required & 0x20 != 0,
                            picture_id: has(0x80).then_some(PictureId { value: picture_id, is_long }),
                            tl0_picture_index: has(0x40).then_some(last ^ 0x55),
                            temporal_layer: has(0x20).then_some(last >> 6),
                        };
                        all.push((payload, descriptor));
                    }
                }
            }
        }
        all
    }

    #[test]
    fn reads_every_combination_of_fields() {
        for (payload, expected) in descriptors() {
            assert_eq!(Descriptor::parse(&payload), Some(expected), "{payload:02x?}");
            for len in 0..payload.len() {
                assert_eq!(Descriptor::parse(&payload[..len]), None, "{payload:02x?} cut to {len}");
            }
        }
    }

    #[test]
    fn another_implementation_reads_the_same() {
        for (payload, expected) in descriptors() {
            let mut oracle = Vp8Packet::default();
            // It wants four bytes at least, and nothing else of what follows the descriptor.
            let padded = [&payload[..], &[0; 4]].concat();
            oracle.depacketize(&padded.clone().into()).unwrap();
            assert_eq!(oracle.picture_id, expected.picture_id.map_or(0, |id| id.value), "{payload:02x?}");
            assert_eq!(oracle.tl0_pic_idx, expected.tl0_picture_index.unwrap_or(0), "{payload:02x?}");
            assert_eq!(oracle.tid, expected.temporal_layer.unwrap_or(0), "{payload:02x?}");
        }
    }

    #[test]
    fn rewriting_changes_the_two_numbers_and_nothing_else() {
        let mut rng = StdRng::seed_from_u64(1);
        for (payload, descriptor) in descriptors() {
            let (picture_id, tl0) = (rng.random(), rng.random());
            let mut rewritten = payload.clone();
            descriptor.rewrite(&mut rewritten, picture_id, tl0);
            let read = Descriptor::parse(&rewritten).unwrap();
            let expected = Descriptor {
                picture_id: descriptor.picture_id.map(|id| PictureId { value: picture_id & id.mask(), ..id }),
                tl0_picture_index: descriptor.tl0_picture_index.map(|_| tl0),
                ..descriptor
            };
            assert_eq!(read, expected, "{payload:02x?}");
            let original = |id: Option<PictureId>| id.map_or(0, |id| id.value);
            read.rewrite(&mut rewritten, original(descriptor.picture_id), descriptor.tl0_picture_index.unwrap_or(0));
            assert_eq!(rewritten, payload);
        }
    }
}
