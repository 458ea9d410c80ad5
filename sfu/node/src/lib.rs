// SPDX-License-Identifier: EUPL-1.2
//! One SFU process: shard threads, UDP I/O, control and metrics.
//!
//! [`Node::start`] opens one media socket per shard and runs each shard on its own thread. The [`ControlPorts`] are what
//! the node's control works with: the way to each shard, the registry of clients that may come, and the shards' reports.

pub mod addresses;
pub mod mailbox;
pub mod metrics;
mod node;
mod os;
pub mod registry;
pub mod reports;
pub mod shard_thread;
pub mod udp;

pub use node::{ControlPorts, Node, NodeConfig, ShutdownError, StartError};
