// SPDX-License-Identifier: EUPL-1.2
//! One SFU process: shard threads, UDP I/O, control and metrics.

pub mod addresses;
pub mod mailbox;
pub mod metrics;
mod os;
pub mod registry;
pub mod reports;
pub mod shard_thread;
pub mod udp;
