// SPDX-License-Identifier: EUPL-1.2
//! What a room sounds like on the telephone, and what a room hears of a telephone.
//!
//! * [`RoomMix`] gets the Opus packets of a room's loudest browsers, once per room, and a frame of each caller, and makes
//!   one mix for all callers that listen, and one of the others for each caller that speaks.
//! * [`Voice`] makes a caller's frames a track for the SFU: Opus that pauses when nobody speaks.
//! * [`Player`] plays prompts and hold music to one caller, over what the room says.
//! * [`HoldMusic`] and [`Chimes`] are sounds of our own making.
//!
//! All of it works in ticks of 20 ms and has neither a clock nor locks: a room belongs to one thread, and another room may
//! belong to another.

mod chimes;
mod fade;
mod jitter_buffer;
mod limiter;
mod loudest;
mod music;
mod opus_decoding;
mod player;
mod room_caller;
mod room_mix;
mod rtp_counters;
mod source;
mod tones;
mod voice;

pub use chimes::Chimes;
pub use music::HoldMusic;
pub use player::{Finished, Player, PlayerFull, SoundToken};
pub use room_caller::MAX_VOLUME_STEPS;
pub use room_mix::{DEFAULT_SPEAKERS, Heard, MAX_CALLERS, MAX_SOURCES, MAX_SPEAKERS, Mixes, RoomFull, RoomMix};
pub use voice::{OpusPacket, Voice, VoiceError};

/// A track of a browser's sound, as the SFU names it towards the bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u64);

/// A caller, within the bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallerId(pub u64);

/// Whoever can be heard in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Speaker {
    /// In a browser.
    Source(SourceId),
    /// On the telephone.
    Caller(CallerId),
}
