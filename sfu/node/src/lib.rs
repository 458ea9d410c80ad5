// SPDX-License-Identifier: EUPL-1.2
//! One SFU process: shard threads, UDP I/O, control and metrics.
//!
//! [`Service::start`] runs a node on the bus. Below it, [`Node::start`] opens one media socket per shard and runs each
//! shard on its own thread. The [`ControlPorts`] are what the node's [`control::Control`] works with: the way to each
//! shard, the registry of clients that may come, and the shards' reports. A [`BridgeEnd`] is one more peer of the shards,
//! on a thread of whoever connects telephones.

pub mod addresses;
pub mod bridge_end;
pub mod control;
#[allow(dead_code, reason = "tests of the media core use the rest")]
#[cfg(test)]
#[path = "../../media/tests/load/mod.rs"]
mod load;
pub mod mailbox;
pub mod metrics;
mod node;
mod os;
mod placement;
pub mod registry;
pub mod reports;
mod service;
pub mod shard_thread;
pub mod udp;

pub use bridge_end::{BridgeCommand, BridgeEnd, BridgeSender, Told};
pub use node::{ControlPorts, MAX_BRIDGE_ENDS, MAX_SHARDS, Node, NodeConfig, ShutdownError, StartError};
pub use placement::{FULL_SHARE, Placement};
pub use service::Service;
