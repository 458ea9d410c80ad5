// SPDX-License-Identifier: EUPL-1.2
//! How much the sockets hold, and how patient they are.

use std::time::Duration;

use super::admission::Rate;

/// Messages that wait for call control. It takes each within microseconds, so this is a burst of a tenth of a second at
/// the highest rate of calls that we are made for. When it is full, datagrams are dropped and counted, since their senders
/// repeat them, and streams wait.
pub(super) const ARRIVALS: usize = 1_024;

/// Asked of the kernel for what has not been read yet: some hundred datagrams, or a burst of a flood.
pub(super) const UDP_BUFFER_BYTES: usize = 1 << 20;

/// Connections that wait to be accepted.
pub(super) const BACKLOG: i32 = 256;

/// Connections in all. Each holds at most an unfinished message (80 kB) and its queue outwards.
pub(super) const MAX_CONNECTIONS: usize = 1_024;

/// Of these, those of strangers. They cannot keep trunks out.
pub(super) const MAX_STRANGERS: usize = 64;

/// Connections from one address of a trunk. An exchange with a process for each line has some dozens.
pub(super) const MAX_PER_TRUNK_ADDRESS: usize = 256;

/// Connections from one address of a stranger.
pub(super) const MAX_PER_STRANGER_ADDRESS: usize = 4;

/// Messages that wait to be written to one connection of a trunk, or until it is open: as many as there are calls, so that all
/// can be said goodbye to at once, and as much again. When it is full the other side has stopped to read, and the connection
/// is closed.
pub(super) const QUEUE_OF_TRUNK: usize = 2 * bus::phone::MAX_CALLS;

/// The same for a stranger, to whom little is said.
pub(super) const QUEUE_OF_STRANGER: usize = 64;

/// How long nothing may come on a trunk's connection: somewhat longer than the half hour after which a session must be
/// refreshed (RFC 4028), so that a call keeps the connection it came by.
pub(super) const IDLE_TRUNK: Duration = Duration::from_secs(35 * 60);

/// The same for a stranger's: as long as a transaction takes at most.
pub(super) const IDLE_STRANGER: Duration = Duration::from_secs(32);

/// How long nothing may be written on a connection by which we are registered: then a keep-alive is (RFC 5626 §3.5.1), so that neither
/// the other side nor a firewall takes it for forgotten. Kamailio closes what is quiet for two minutes.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(90);

/// From the first byte of a message to its last. Whoever sends more slowly only wants to hold the connection.
pub(super) const MESSAGE_TIME: Duration = Duration::from_secs(10);

/// For one write. Whoever does not read for so long is gone.
pub(super) const WRITE_TIME: Duration = Duration::from_secs(10);

/// To open a connection, and for TLS to shake hands. Well below the 32 s for which a transaction waits.
pub(super) const OPEN_TIME: Duration = Duration::from_secs(5);

/// For what still has to be written when everything ends.
pub(super) const CLOSE_TIME: Duration = Duration::from_secs(1);

/// After an error of `accept`, such as that no file descriptor is free: trying again at once would only burn the core.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers to datagrams that were not understood. They have no transaction, so nothing else bounds them.
pub(super) const REFUSALS: Rate = Rate { interval: Duration::from_millis(20), burst: 50 };
