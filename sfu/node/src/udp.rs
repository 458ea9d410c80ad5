// SPDX-License-Identifier: EUPL-1.2
//! The media sockets: one per shard, all on one port, with datagrams received and sent in batches.
//!
//! A [`UdpSocket`] only holds the descriptor and what the kernel agreed to do for it. A [`Receiver`] takes many
//! datagrams with one system call and lets the kernel coalesce those of one flow (UDP_GRO); a [`Sender`] sends many with
//! one call and lets the kernel cut runs of equal size to one destination (UDP_SEGMENT, "GSO"). The network stack is
//! entered once per run instead of once per datagram, which is where the cost of UDP lies.
//!
//! Media may be lost: what the kernel does not take at once is dropped and counted, never queued here.
//!
//! Linux only. This module and `os` are the only ones of the crate that call the C library.

mod address;
mod control_message;
mod grouping;
mod receive;
mod segmentation;
mod send;
mod socket;
mod steering;

#[cfg(test)]
mod tests;

pub use receive::{ReceiveCounters, Received, Receiver};
pub use send::{SendCounters, Sender};
pub use socket::{Granted, UdpSocket};
pub use steering::{Steering, SteeringCounters};
