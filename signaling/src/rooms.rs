// SPDX-License-Identifier: EUPL-1.2
//! Rooms: who is together, what they publish and who receives it.
//!
//! [`room::Room`] is a state machine without I/O or clock. [`keeper`] runs one room in a task and [`directory`] knows
//! which rooms there are. None of it knows LiveKit's messages; `session` and `twirp` translate.

pub(crate) mod caller_rule;
pub(crate) mod chat;
pub(crate) mod details;
pub(crate) mod directory;
pub(crate) mod ids;
pub(crate) mod info;
pub(crate) mod input;
pub(crate) mod keeper;
pub(crate) mod output;
pub(crate) mod policy;
pub(crate) mod room;
