// SPDX-License-Identifier: EUPL-1.2
//! A caller's place in a room: the leg that they wait for or have, and their voice as a track of it.

use bus::TransportSid;
use sfu_media::bridge::VoicePacket;
use sfu_media::ids::TransportId;

use super::call::Said;
use crate::mixing::{Voice, VoiceError};

/// Says in an audio level that it is of speech (RFC 6464 §3).
const IS_VOICE: u8 = 0x80;

/// See the [module](self).
pub(super) struct Seat {
    /// The leg that call control has named.
    pub(super) wanted: TransportSid,
    /// The same, once the node has told of it, until it is gone.
    pub(super) leg: Option<TransportId>,
    /// Steps from -4 to 4.
    pub(super) volume: i8,
    /// Made when there is something to say for the first time.
    voice: Option<Box<Voice>>,
    /// Of the last packet. It goes on over silence, mute, and from one room to the next.
    rtp_timestamp: u32,
}

impl Seat {
    pub(super) const fn new(wanted: TransportSid) -> Self {
        Self { wanted, leg: None, volume: 0, voice: None, rtp_timestamp: 0 }
    }

    /// Encodes 20 ms of the caller, into `opus` first, and gives the packet if there is one.
    ///
    /// # Errors
    ///
    /// When there is no encoder.
    pub(super) fn encode(&mut self, said: &Said, opus: &mut Vec<u8>) -> Result<Option<VoicePacket>, VoiceError> {
        let voice = match &mut self.voice {
            Some(voice) => voice,
            none => none.insert(Box::new(Voice::new()?)),
        };
        let Some(packet) = voice.encode(&said.frame, said.is_sound(), said.level_dbov, opus) else { return Ok(None) };
        self.rtp_timestamp = self.rtp_timestamp.wrapping_add(packet.advance_rtp_ticks);
        Ok(Some(VoicePacket {
            // The one allocation on its way: it goes to other threads, which keep it.
            payload: opus.clone(),
            rtp_timestamp: self.rtp_timestamp,
            marker: packet.marker,
            audio_level: packet.level_dbov | if packet.is_sound && said.is_speech { IS_VOICE } else { 0 },
        }))
    }

    /// 20 ms that nobody is to hear.
    pub(super) fn keep_silent(&mut self) {
        if let Some(voice) = &mut self.voice {
            voice.skip();
        }
    }
}
