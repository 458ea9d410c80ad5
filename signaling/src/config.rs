// SPDX-License-Identifier: EUPL-1.2
//! What an operator decides.

use std::time::Duration;

use ipnet::IpNet;

use crate::auth::secret::ApiKey;
use crate::rooms::info::RoomSettings;

/// How the service behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Hands out tokens to everybody, on a developer's machine.
    pub dev: bool,
    /// Keys that room tokens are signed with. Without any, nobody comes in.
    pub api_keys: Vec<ApiKey>,
    /// How rooms behave that do not say otherwise.
    pub rooms: RoomDefaults,
    /// The address that people use, such as `https://conf.example.org`: the beginning of every link. Without a slash at
    /// the end.
    pub public_url: String,
    /// Proxies whose word is taken for whom they ask.
    pub trusted_proxies: Vec<IpNet>,
    /// How often one caller may ask the REST API in the long run; four times as often for a second.
    pub api_requests_per_second: u32,
    /// Networks that webhooks may lead to although they are not on the Internet.
    pub webhook_networks: Vec<IpNet>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dev: false,
            api_keys: Vec::new(),
            rooms: RoomDefaults::default(),
            public_url: "http://localhost:7880".to_owned(),
            trusted_proxies: Vec::new(),
            api_requests_per_second: 50,
            webhook_networks: Vec::new(),
        }
    }
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
