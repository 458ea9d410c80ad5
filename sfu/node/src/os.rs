// SPDX-License-Identifier: EUPL-1.2
//! What shard threads need of Linux besides their sockets: waiting, being woken, staying on a core, and the machine's
//! addresses.

mod affinity;
mod interfaces;
mod wait;
mod wake;

pub(crate) use affinity::{pin_to, usable_cores};
pub(crate) use interfaces::interface_addresses;
pub(crate) use wait::wait_readable;
pub(crate) use wake::Wake;
