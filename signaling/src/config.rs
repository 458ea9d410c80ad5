// SPDX-License-Identifier: EUPL-1.2
//! What an operator decides.

use std::time::Duration;

use crate::auth::secret::ApiKey;
use crate::rooms::info::RoomSettings;

/// How the service behaves.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Hands out tokens to everybody, on a developer's machine.
    pub dev: bool,
    /// Keys that room tokens are signed with. Without any, nobody comes in.
    pub api_keys: Vec<ApiKey>,
    /// How rooms behave that do not say otherwise.
    pub rooms: RoomDefaults,
}

/// How rooms behave that do not say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomDefaults {
    /// Who comes first makes the room. Otherwise it has to be made by `CreateRoom`, or by somebody whose token says so.
    pub auto_create: bool,
    /// How long a room waits for its first participant.
    pub empty_timeout: Duration,
    /// How long a room waits after the last one left.
    pub departure_timeout: Duration,
    /// Most participants in a room; 0 is no limit. Recorders and agents do not count.
    pub max_participants: u32,
}

impl Default for RoomDefaults {
    fn default() -> Self {
        // LiveKit's figures.
        Self {
            auto_create: true,
            empty_timeout: Duration::from_secs(300),
            departure_timeout: Duration::from_secs(20),
            max_participants: 0,
        }
    }
}

impl RoomDefaults {
    pub(crate) fn settings(&self) -> RoomSettings {
        RoomSettings {
            empty_timeout: self.empty_timeout,
            departure_timeout: self.departure_timeout,
            max_participants: self.max_participants,
        }
    }
}
