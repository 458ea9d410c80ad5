// SPDX-License-Identifier: EUPL-1.2
//! What the made-up publishers send: frame sizes as an encoder makes them, and payloads that carry the time at which
//! they were sent.

use std::time::Duration;

/// How many bytes a packet's payload has at most: libwebrtc fills packets of 1,200 bytes, headers included.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 1_120;

/// At the end of every payload: nanoseconds since the Unix epoch, big endian.
pub(crate) const STAMP_BYTES: usize = 8;

/// A video layer as an encoder is set up for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VideoLayer {
    pub(crate) rid: &'static str,
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) bits_per_second: u32,
}

/// The layers of a 720p camera, smallest first, at the rates that LiveKit's clients use.
pub(crate) const CAMERA: [VideoLayer; 3] = [
    VideoLayer { rid: "q", width: 320, height: 180, bits_per_second: 150_000 },
    VideoLayer { rid: "h", width: 640, height: 360, bits_per_second: 500_000 },
    VideoLayer { rid: "f", width: 1_280, height: 720, bits_per_second: 1_700_000 },
];

/// One layer of the rate that comparisons use: about 280 packets a second.
pub(crate) const SINGLE: VideoLayer = VideoLayer { rid: "f", width: 1_280, height: 720, bits_per_second: 2_500_000 };

pub(crate) const FRAME_INTERVAL: Duration = Duration::from_nanos(33_333_333);
pub(crate) const AUDIO_INTERVAL: Duration = Duration::from_millis(20);
/// How often libopus sends something while there is nothing to hear.
pub(crate) const SILENCE_INTERVAL: Duration = Duration::from_millis(400);
/// A packet of silence, with room for the time of sending.
pub(crate) const SILENCE_BYTES: usize = 1 + STAMP_BYTES;

/// A keyframe is so many times larger than the average.
const KEYFRAME_FACTOR: usize = 5;

/// Bytes of Opus in a 20 ms packet at 32 kbit/s, the middle of what a voice varies over.
const SPEECH_BYTES: (usize, usize) = (60, 110);

/// Numbers that look random and are the same in every run.
#[derive(Clone, Debug)]
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// xorshift64* (Vigna 2016).
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) const fn within(&mut self, low: usize, high: usize) -> usize {
        low + (self.next() >> 33) as usize % (high - low + 1)
    }
}

/// The size in bytes of the next frame of `layer`.
pub(crate) fn frame_bytes(layer: &VideoLayer, is_keyframe: bool, noise: &mut Noise) -> usize {
    let mean = (f64::from(layer.bits_per_second) / 8.0 * FRAME_INTERVAL.as_secs_f64()) as usize;
    if is_keyframe {
        return mean * KEYFRAME_FACTOR;
    }
    // Movement makes every eighth frame larger; the others are smaller by as much, so that the mean stays.
    let percent = if noise.within(0, 7) == 0 { noise.within(140, 200) } else { noise.within(70, 113) };
    (mean * percent / 100).max(STAMP_BYTES + 32)
}

/// Splits a frame into packets that differ by a byte at most, as libwebrtc does; gives their sizes.
pub(crate) fn packet_sizes(frame_bytes: usize) -> impl ExactSizeIterator<Item = usize> {
    let count = frame_bytes.div_ceil(MAX_PAYLOAD_BYTES).max(1);
    let (each, larger) = (frame_bytes / count, frame_bytes % count);
    // The larger ones come last.
    (0..count).map(move |place| each + usize::from(place >= count - larger))
}

/// The size of the next Opus packet.
pub(crate) const fn speech_bytes(noise: &mut Noise) -> usize {
    noise.within(SPEECH_BYTES.0, SPEECH_BYTES.1)
}

/// Writes the head of a VP8 payload: the descriptor with a 15-bit picture id (RFC 7741 §4.2) and, in a frame's first
/// packet, the frame header (RFC 6386 §9.1). Returns its length.
pub(crate) fn write_vp8_head(
    out: &mut [u8],
    layer: &VideoLayer,
    picture_id: u16,
    is_first: bool,
    is_keyframe: bool,
) -> usize {
    let [high, low] = picture_id.to_be_bytes();
    out[..4].copy_from_slice(&[if is_first { 0x90 } else { 0x80 }, 0x80, high | 0x80, low]);
    if !is_first {
        return 4;
    }
    // show_frame, version 0, and no length of the first partition: nobody decodes it.
    out[4..7].copy_from_slice(&[0x10 | u8::from(!is_keyframe), 0, 0]);
    if !is_keyframe {
        return 7;
    }
    out[7..10].copy_from_slice(&[0x9d, 0x01, 0x2a]);
    out[10..12].copy_from_slice(&layer.width.to_le_bytes());
    out[12..14].copy_from_slice(&layer.height.to_le_bytes());
    14
}

/// The code of a 20 ms hybrid fullband Opus packet with one frame (RFC 6716 §3.1).
pub(crate) const OPUS_TOC: u8 = 0x78;

/// Puts the time of sending at the end of a payload.
pub(crate) fn write_stamp(payload: &mut [u8], wall_nanos: u64) {
    if let Some(place) = payload.last_chunk_mut() {
        *place = wall_nanos.to_be_bytes();
    }
}

/// When a payload was sent.
pub(crate) fn read_stamp(payload: &[u8]) -> Option<u64> {
    payload.last_chunk().map(|stamp| u64::from_be_bytes(*stamp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sfu_media::codec::vp8::Descriptor;

    #[test]
    fn the_mean_rate_is_what_the_layer_says() {
        let mut noise = Noise::new(1);
        let frames = 3_000;
        let bytes: usize = (0..frames).map(|_| frame_bytes(&SINGLE, false, &mut noise)).sum();
        let rate = bytes as f64 * 8.0 / (f64::from(frames) * FRAME_INTERVAL.as_secs_f64());
        assert!((rate / 2_500_000.0 - 1.0).abs() < 0.02, "{rate}");
    }

    #[test]
    fn packets_of_a_frame_are_nearly_equal_and_fit() {
        for bytes in [40, 1_120, 1_121, 10_416, 60_000] {
            let sizes: Vec<_> = packet_sizes(bytes).collect();
            assert_eq!(sizes.iter().sum::<usize>(), bytes);
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            assert!(most - least <= 1 && *most <= MAX_PAYLOAD_BYTES, "{sizes:?}");
        }
    }

    #[test]
    fn heads_are_what_a_server_reads() {
        let mut payload = [0; 64];
        write_vp8_head(&mut payload, &SINGLE, 0x7fff, true, true);
        let descriptor = Descriptor::parse(&payload).unwrap();
        assert!(descriptor.starts_keyframe);
        assert_eq!(descriptor.picture_id.unwrap().value, 0x7fff);
        write_vp8_head(&mut payload, &SINGLE, 1, true, false);
        assert!(!Descriptor::parse(&payload).unwrap().starts_keyframe);
        write_vp8_head(&mut payload, &SINGLE, 1, false, true);
        assert!(!Descriptor::parse(&payload).unwrap().starts_keyframe);
    }

    #[test]
    fn stamps_survive() {
        let mut payload = [0; 20];
        write_stamp(&mut payload, 0x0102_0304_0506_0708);
        assert_eq!(read_stamp(&payload), Some(0x0102_0304_0506_0708));
        assert_eq!(read_stamp(&payload[..3]), None);
    }
}
