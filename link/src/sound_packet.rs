// SPDX-License-Identifier: EUPL-1.2
//! A packet of sound on a link, in either direction.

use std::time::Instant;

use sfu_media::bridge::{Incoming, VoicePacket};
use sfu_media::ids::{Layer, TrackId};
use sfu_media::media_packet::{MediaPacket, PacketMeta};
use sfu_media::track::MAX_PAYLOAD_BYTES;

use crate::framing::Malformed;

/// In this order: track, index, RTP time, flags, level.
const HEADER_BYTES: usize = 8 + 8 + 4 + 1 + 1;

/// Flag: RTP's marker bit.
const MARKER: u8 = 1;

/// Flag: the packet came with a level.
const HAS_LEVEL: u8 = 2;

/// As silent as a level can say (RFC 6464 §3).
const SILENT: u8 = 127;

/// What is told of a packet. When it came is not: another machine has another clock, and the way here counts, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SoundPacket {
    pub(crate) track: TrackId,
    /// Nothing for what callers say: the node counts it.
    pub(crate) index: u64,
    pub(crate) rtp_timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) audio_level: Option<u8>,
    pub(crate) payload: Vec<u8>,
}

impl SoundPacket {
    /// What a caller says.
    pub(crate) fn of_voice(track: TrackId, packet: VoicePacket) -> Self {
        let VoicePacket { payload, rtp_timestamp, marker, audio_level } = packet;
        Self { track, index: 0, rtp_timestamp, marker, audio_level: Some(audio_level), payload }
    }

    /// What callers hear.
    pub(crate) fn of_media(track: TrackId, packet: MediaPacket) -> Self {
        let MediaPacket { meta, payload, .. } = packet;
        let PacketMeta { index, rtp_timestamp, marker, audio_level, .. } = meta;
        Self { track, index, rtp_timestamp, marker, audio_level, payload }
    }

    pub(crate) fn into_voice(self) -> (TrackId, VoicePacket) {
        let Self { track, rtp_timestamp, marker, audio_level, payload, .. } = self;
        (track, VoicePacket { payload, rtp_timestamp, marker, audio_level: audio_level.unwrap_or(SILENT) })
    }

    pub(crate) fn into_incoming(self, arrival: Instant) -> Incoming {
        let Self { track, index, rtp_timestamp, marker, audio_level, payload } = self;
        let meta = PacketMeta {
            rtp_timestamp,
            marker,
            starts_keyframe: true, // As every packet of sound.
            audio_level,
            ..PacketMeta::new(Layer(0), index, arrival)
        };
        Incoming::Media { track, packet: Box::new(MediaPacket { meta, payload, padding: 0 }) }
    }

    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        let has_level = if self.audio_level.is_some() { HAS_LEVEL } else { 0 };
        let marker = if self.marker { MARKER } else { 0 };
        bytes.extend_from_slice(&self.track.0.to_be_bytes());
        bytes.extend_from_slice(&self.index.to_be_bytes());
        bytes.extend_from_slice(&self.rtp_timestamp.to_be_bytes());
        bytes.extend_from_slice(&[has_level | marker, self.audio_level.unwrap_or(0)]);
        bytes.extend_from_slice(&self.payload);
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let (header, payload) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(Malformed::Sound)?;
        if payload.is_empty() || payload.len() > MAX_PAYLOAD_BYTES {
            return Err(Malformed::Sound);
        }
        let (track, rest) = number(header).ok_or(Malformed::Sound)?;
        let (index, rest) = number(rest).ok_or(Malformed::Sound)?;
        let (rtp_timestamp, rest) = rest.split_first_chunk().ok_or(Malformed::Sound)?;
        let [flags, level] = *rest else { return Err(Malformed::Sound) };
        Ok(Self {
            track: TrackId(track),
            index,
            rtp_timestamp: u32::from_be_bytes(*rtp_timestamp),
            marker: flags & MARKER != 0,
            audio_level: (flags & HAS_LEVEL != 0).then_some(level),
            payload: payload.to_vec(),
        })
    }
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng as _, SeedableRng as _};

    use super::*;
    use crate::framing::LONGEST_SOUND_BYTES;

    #[test]
    fn what_is_written_is_read_and_fits_a_frame() {
        let mut rng = StdRng::seed_from_u64(3);
        for length in [1, 2, 160, MAX_PAYLOAD_BYTES] {
            let packet = SoundPacket {
                track: TrackId(rng.random()),
                index: rng.random(),
                rtp_timestamp: rng.random(),
                marker: rng.random(),
                audio_level: rng.random::<bool>().then_some(rng.random()),
                payload: vec![7; length],
            };
            let mut bytes = Vec::new();
            packet.write(&mut bytes);
            assert!(bytes.len() <= LONGEST_SOUND_BYTES);
            assert_eq!(SoundPacket::read(&bytes), Ok(packet));
        }
    }

    #[test]
    fn what_no_packet_can_be_is_refused() {
        for length in [0, 1, HEADER_BYTES, HEADER_BYTES + MAX_PAYLOAD_BYTES + 1] {
            assert_eq!(SoundPacket::read(&vec![0xff; length]), Err(Malformed::Sound));
        }
    }

    #[test]
    fn a_voice_and_what_is_heard_come_over_as_they_are() {
        let voice = VoicePacket { payload: vec![1, 2, 3], rtp_timestamp: 960, marker: true, audio_level: 0x85 };
        assert_eq!(SoundPacket::of_voice(TrackId(4), voice.clone()).into_voice(), (TrackId(4), voice));
        let now = Instant::now();
        let meta = PacketMeta {
            rtp_timestamp: 5,
            starts_keyframe: true,
            audio_level: None,
            ..PacketMeta::new(Layer(0), 70_000, now)
        };
        let packet = MediaPacket { meta, payload: vec![9], padding: 0 };
        let told = SoundPacket::of_media(TrackId(6), packet.clone()).into_incoming(now);
        assert_eq!(told, Incoming::Media { track: TrackId(6), packet: Box::new(packet) });
    }
}
