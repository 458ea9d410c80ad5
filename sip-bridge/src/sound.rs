// SPDX-License-Identifier: EUPL-1.2
//! What call control and the threads that make the sound of calls tell each other.
//!
//! A call belongs to one thread at a time: to the one that it was given at its answer, and then to the one that has the others
//! of its room. Orders are done in their sequence, at the beginning of a tick; an order for a call that the thread does not have
//! is ignored, because the call may have failed meanwhile.
//!
//! [`SoundThread::spawn`] starts a thread. Each has ticks of 20 ms, in which every call's packets are taken in, its room is
//! mixed and its packets go out; no task and no lock is on the way of a packet. What is decided in a tick is decided without
//! I/O and clock: a call's own sound by [`CallSound`], and who hears whom by [`Rooms`].

mod agreed;
mod call;
mod collector;
mod counters;
mod library;
mod line_quality;
mod muted_speech;
mod outbox;
mod pace;
mod playing;
mod presence;
mod presses;
mod room;
mod room_end;
mod seat;
mod sockets;
#[cfg(test)]
mod testing;
mod thread;

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use bus::TransportSid;

pub use self::agreed::{downlink_settings, packet_bytes, phone_codec, uplink_settings};
pub use self::call::{CallSound, CallSoundError, Said};
pub use self::collector::SoundMetrics;
pub use self::counters::{SoundCounters, SoundCounts};
pub use self::library::SoundLibrary;
pub use self::room::Rooms;
pub use self::room_end::RoomEnd;
pub use self::thread::{HandedOver, SoundConfig, SoundThread};
use crate::caller::{Chime, PlayToken, VolumeStep};
use crate::digit::Digit;
use crate::prompts::{Language, PromptId};
use crate::sdp::Negotiated;

/// A call, as control and its thread name it. Never used twice in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallKey(pub u64);

/// A call's sockets: bound, not connected, and not blocking.
#[derive(Debug)]
pub struct RtpSockets {
    /// The even port.
    pub rtp: UdpSocket,
    /// The odd one after it.
    pub rtcp: UdpSocket,
}

/// What is to be done with the sound of a call.
#[derive(Debug)]
pub enum SoundOrder {
    /// A call has been answered. Nothing is received or sent before [`Self::Open`].
    Begin {
        /// Which.
        call: CallKey,
        /// Where its packets come and go.
        sockets: RtpSockets,
        /// In which form.
        agreed: Box<Negotiated>,
    },
    /// The ACK is here: packets may flow.
    Open {
        /// Which.
        call: CallKey,
    },
    /// Something else was agreed on, such as that the caller holds the call.
    Change {
        /// Which.
        call: CallKey,
        /// What holds from now on.
        agreed: Box<Negotiated>,
    },
    /// Play these one after the other, in place of what is playing, and then say [`SoundEvent::Played`].
    Play {
        /// To whom.
        call: CallKey,
        /// As which tenant has them, by its slug; as the installation has them without one.
        tenant: Option<Arc<str>>,
        /// In which language.
        language: Language,
        /// What.
        prompts: Vec<PromptId>,
        /// By what the end is reported.
        token: PlayToken,
    },
    /// Stop what is playing.
    StopPlaying {
        /// To whom.
        call: CallKey,
    },
    /// Play music while nothing else is heard, or do not.
    Music {
        /// To whom.
        call: CallKey,
        /// Whether.
        is_on: bool,
    },
    /// A short tone, over whatever else is heard.
    Chime {
        /// To whom.
        call: CallKey,
        /// Which.
        chime: Chime,
    },
    /// Make the meeting louder or quieter by a step of 3 dB, up to four in each direction. Tones that say so are ordered.
    Volume {
        /// For whom.
        call: CallKey,
        /// In which direction.
        step: VolumeStep,
    },
    /// The caller is in a room from now on, by that leg, in place of the one before. The leg may not be known yet to the
    /// thread's bridge end, and may be gone already.
    Connect {
        /// Which.
        call: CallKey,
        /// The leg.
        leg: TransportSid,
    },
    /// The caller is in no room any more, and the call goes on.
    Disconnect {
        /// Which.
        call: CallKey,
    },
    /// The caller's microphone is off or on: whoever speaks while it is off is told once that nobody hears it.
    Muted {
        /// Which.
        call: CallKey,
        /// Whether it is off.
        is_muted: bool,
    },
    /// A key came by SIP INFO. The same press may come as sound, too, and is reported once.
    Digit {
        /// Which.
        call: CallKey,
        /// The key.
        digit: Digit,
    },
    /// Another thread is to make the call's sound from now on; before it is in a room. The other one reports
    /// [`SoundEvent::Moved`] then, or this one [`SoundEvent::NotMoved`], also of a call that it does not have. Until then no order
    /// for it may be sent to either.
    HandOver {
        /// Which.
        call: CallKey,
        /// To that thread.
        to: SyncSender<SoundOrder>,
    },
    /// Another thread's call belongs to this one from now on. Threads tell each other.
    TakeOver {
        /// Which.
        call: CallKey,
        /// All that there is of it.
        handed: Box<HandedOver>,
    },
    /// The call is over. Its sockets are closed.
    End {
        /// Which.
        call: CallKey,
    },
}

/// What happened with the sound of a call.
#[derive(Debug)]
pub enum SoundEvent {
    /// A key was pressed.
    Digit {
        /// By whom.
        call: CallKey,
        /// Which.
        digit: Digit,
    },
    /// All prompts of a `Play` were played. What was stopped or replaced is not reported.
    Played {
        /// To whom.
        call: CallKey,
        /// Which `Play`.
        token: PlayToken,
    },
    /// Somebody has been speaking for three seconds into a microphone that is off.
    TalkingWhileMuted {
        /// Who.
        call: CallKey,
    },
    /// The line has been losing much for a while. At most once a minute.
    BadLine {
        /// Whose.
        call: CallKey,
    },
    /// Nothing has come from the telephone for longer than a call may be silent: it is gone.
    Lost {
        /// Which.
        call: CallKey,
    },
    /// The call's sound cannot be made, by a fault of ours. The thread has ended it.
    Failed {
        /// Which.
        call: CallKey,
    },
    /// The thread that was to have the call has it.
    Moved {
        /// Which.
        call: CallKey,
    },
    /// The call is where it was, if it is at all: the other thread has no room for orders, or is gone.
    NotMoved {
        /// Which.
        call: CallKey,
    },
    /// The call has ended as ordered, and what was counted.
    Ended {
        /// Which.
        call: CallKey,
        /// How it went.
        summary: SoundSummary,
    },
}

/// How the sound of a call went.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SoundSummary {
    /// RTP packets that came.
    pub received: u64,
    /// Those that never came.
    pub lost: u64,
    /// RTP packets that went out.
    pub sent: u64,
    /// Interarrival jitter (RFC 3550 §6.4.1), the last, in ms.
    pub jitter_ms: f32,
    /// To the other side and back, when it was reported last, in ms.
    pub round_trip_ms: Option<f32>,
    /// How much of ours the other side lost before its last report.
    pub remote_lost_percent: Option<f32>,
}
