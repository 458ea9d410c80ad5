// SPDX-License-Identifier: EUPL-1.2
//! A deployment in one thread on a virtual clock: shards, control, clients, a bridge, and links between them that delay, lose,
//! reorder and narrow. Everything random is seeded, so that a failing run can be run again.

pub mod bridge;
pub mod client;
pub mod deployment;
pub mod link;
