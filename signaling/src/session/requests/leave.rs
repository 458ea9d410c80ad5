// SPDX-License-Identifier: EUPL-1.2
//! A client says goodbye. Whatever reason it gives, it is its own.

use super::Task;
use crate::rooms::info::DisconnectReason;
use crate::rooms::input::Request;

pub(super) fn parse() -> Task {
    Task::Room(Request::Leave(DisconnectReason::ClientInitiated))
}
