// SPDX-License-Identifier: EUPL-1.2
//! Call control: what comes of an INVITE. [`core`] decides, without I/O and without a clock; [`task`] carries between it and
//! the sockets, signaling, and the threads that make the sound.

mod call;
mod core;
mod identity;
mod info_digits;
pub(crate) mod look_ups;
mod media_sockets;
mod outcome;
mod rules;
mod sound_orders;
pub(crate) mod task;
#[cfg(test)]
mod tests;

pub(crate) use self::core::{ControlCore, CoreSettings};
pub(crate) use self::media_sockets::bind;
pub(crate) use self::rules::check;
