// SPDX-License-Identifier: EUPL-1.2
//! The loads that are measured. Each is rich in something of which another one has little, so that their costs can be
//! told apart.

use anyhow::{Result, bail};
use clap::Parser;

use crate::cli::{Cli, Command};
use crate::size::Room;

/// A load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    /// Arguments of `loadtest`.
    pub(super) load: &'static [&'static str],
}

const fn case(name: &'static str, load: &'static [&'static str]) -> Case {
    Case { name, load }
}

/// All of them.
pub(super) static CASES: [Case; 13] = [
    // People who do next to nothing.
    case("idle", &["idle", "--rooms", "20", "--participants", "10"]),
    // Frames of many packets: what follows the first one of a run.
    case("video_1x25", &["broadcast", "--subscribers", "25"]),
    case("video_1x50", &["broadcast", "--subscribers", "50"]),
    case("video_1x100", &["broadcast", "--subscribers", "100"]),
    case("video_1x200", &["broadcast", "--subscribers", "200"]),
    case("video_4x25", &["broadcast", "--publishers", "4", "--subscribers", "25"]),
    // Much comes in and little goes out.
    case("video_40x4", &["broadcast", "--publishers", "40", "--subscribers", "4", "--camera", "simulcast"]),
    // Many are offered what they do not want.
    case("small_layer_1x100", &["switch", "--subscribers", "100", "--every", "100000"]),
    // Single packets.
    case("audio_1x100", &["audio", "--speakers", "1", "--listeners", "100"]),
    case("audio_3x100", &["audio", "--speakers", "3", "--listeners", "100"]),
    // Many subscriptions with little in them.
    case("quiet_40", &["meet", "--participants", "40", "--camera", "off", "--quiet"]),
    // Small rooms, as most are.
    case("rooms_10x5", &["meet", "--rooms", "10", "--participants", "5", "--camera", "small", "--no-microphones"]),
    case("meetings_8x6", &["meet", "--rooms", "8", "--participants", "6"]),
];

impl Case {
    /// The rooms as the model knows them.
    pub(super) fn rooms(&self) -> Result<Vec<Room>> {
        match Cli::try_parse_from(["loadtest"].iter().chain(self.load))?.command {
            Command::Load(load) => Room::all_of(&load.scenario()?),
            _ => bail!("{} is no load", self.name),
        }
    }
}
