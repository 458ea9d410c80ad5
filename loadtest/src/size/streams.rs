// SPDX-License-Identifier: EUPL-1.2
//! What a microphone and the layers of a camera send in a second, and how much of it a shard keeps: taken from the made-up
//! publishers of this tool and from the server's own history, so that neither is described twice.

use std::time::{Duration, Instant};

use sfu_media::feed::packet_history::PacketHistory;
use sfu_media::ids::Layer;
use sfu_media::media_packet::{MediaPacket, PacketMeta};
use sfu_media::session::MediaKind;

use crate::peer::Content;
use crate::source::{self, Noise, VideoLayer};

/// What a packet's payload travels in: Ethernet with preamble, checksum and gap (IEEE 802.3) 38, IPv4 20, UDP 8, RTP 12
/// with 8 of extensions, and the tag of SRTP 16.
const OVERHEAD_BYTES: usize = 38 + 20 + 8 + 12 + 8 + 16;

/// How long a stream is looked at: long enough for a history to have grown to its size.
const LOOK: Duration = Duration::from_secs(30);

/// One RTP stream, in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Stream {
    pub(crate) packets: f64,
    /// Pictures, or pieces of sound; those are a packet each.
    pub(crate) frames: f64,
    /// On the line, all headers included.
    pub(crate) bits: f64,
    /// What a shard keeps of it for those who miss some.
    pub(crate) history_bytes: f64,
}

impl Stream {
    /// A camera's layer.
    pub(crate) fn video(layer: &VideoLayer) -> Self {
        let mut noise = Noise::new(1);
        let mut is_first = true;
        Self::of(MediaKind::Video, source::FRAME_INTERVAL, || {
            let frame = source::frame_bytes(layer, std::mem::take(&mut is_first), &mut noise);
            source::packet_sizes(frame).collect()
        })
    }

    /// Somebody speaks without a pause.
    pub(crate) fn speech() -> Self {
        let mut noise = Noise::new(1);
        Self::of(MediaKind::Audio, source::AUDIO_INTERVAL, || vec![source::speech_bytes(&mut noise)])
    }

    /// A microphone that hears nothing.
    pub(crate) fn silence() -> Self {
        Self::of(MediaKind::Audio, source::SILENCE_INTERVAL, || vec![source::SILENCE_BYTES])
    }

    /// The streams of a track.
    pub(crate) fn all_of(content: &Content) -> Vec<Self> {
        match content {
            Content::Speech { .. } | Content::Sound(_) => vec![Self::speech()],
            Content::Silence => vec![Self::silence()],
            Content::Video(layers) => layers.iter().map(Self::video).collect(),
        }
    }

    /// Lets `frame` give the packets of one frame after the other.
    #[allow(clippy::disallowed_methods, reason = "any instant will do to count from")]
    fn of(kind: MediaKind, interval: Duration, mut frame: impl FnMut() -> Vec<usize>) -> Self {
        let mut history = PacketHistory::new(kind);
        let (mut packets, mut bytes) = (0_u64, 0);
        let start = Instant::now();
        let frames = (LOOK.as_secs_f64() / interval.as_secs_f64()).round() as u32;
        for number in 0..frames {
            for size in frame() {
                history.insert(PacketMeta::new(Layer(0), packets, start + interval * number), &vec![0; size]);
                packets += 1;
                bytes += size + OVERHEAD_BYTES;
            }
        }
        let kept = (0..packets).filter_map(|index| history.get(index));
        let seconds = interval.as_secs_f64() * f64::from(frames);
        Self {
            packets: packets as f64 / seconds,
            frames: f64::from(frames) / seconds,
            bits: 8.0 * bytes as f64 / seconds,
            history_bytes: kept.map(memory_of).sum::<usize>() as f64,
        }
    }
}

fn memory_of(packet: &MediaPacket) -> usize {
    size_of::<Option<MediaPacket>>() + packet.payload.capacity()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::CAMERA;

    fn is_near(value: f64, wanted: f64) -> bool {
        (value / wanted - 1.0).abs() < 0.02
    }

    #[test]
    fn a_layer_has_its_rate_in_bits_and_in_frames() {
        for layer in CAMERA {
            let stream = Stream::video(&layer);
            assert!(is_near(stream.frames, 30.0), "{stream:?}");
            let payload_bits = stream.bits - stream.packets * OVERHEAD_BYTES as f64 * 8.0;
            assert!(is_near(payload_bits, layer.bits_per_second.into()), "{layer:?}: {stream:?}");
        }
        let [small, _, large] = CAMERA.map(|layer| Stream::video(&layer));
        assert!(small.packets < 1.1 * small.frames && large.packets > 6.0 * large.frames, "{small:?}, {large:?}");
    }

    #[test]
    fn a_microphone_sends_one_packet_at_a_time() {
        let (speech, silence) = (Stream::speech(), Stream::silence());
        assert_eq!((speech.packets, speech.frames), (50.0, 50.0));
        assert_eq!((silence.packets, silence.frames), (2.5, 2.5));
        assert!(silence.bits < speech.bits / 20.0);
    }

    #[test]
    fn two_seconds_are_kept_and_more_of_what_is_faster() {
        let [small, _, large] = CAMERA.map(|layer| Stream::video(&layer));
        // At least the payload of two seconds, at most the next power of two of packets in full size.
        assert!(large.history_bytes > 2.0 * 1_700_000.0 / 8.0, "{large:?}");
        assert!(large.history_bytes < 1_024.0 * 1_400.0, "{large:?}");
        assert!(small.history_bytes < large.history_bytes, "{small:?}");
        assert!(Stream::silence().history_bytes < Stream::speech().history_bytes);
    }
}
