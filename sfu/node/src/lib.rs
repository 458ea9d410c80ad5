// SPDX-License-Identifier: EUPL-1.2
//! One SFU process: shard threads, UDP I/O, control and metrics.

pub mod addresses;
pub mod mailbox;
mod os;
pub mod registry;
pub mod udp;
