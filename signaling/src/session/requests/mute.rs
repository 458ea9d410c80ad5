// SPDX-License-Identifier: EUPL-1.2
//! A client mutes or opens a track of its own.

use livekit_protocol::MuteTrackRequest;

use super::Task;
use crate::rooms::input::Request;

pub(super) fn parse(request: MuteTrackRequest) -> Task {
    Task::Room(Request::Mute { track: request.sid.into(), is_muted: request.muted })
}
