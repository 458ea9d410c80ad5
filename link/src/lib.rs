// SPDX-License-Identifier: EUPL-1.2
//! A bridge for telephones in a process of its own, attached to a node: what both tell each other within one process, carried
//! between two.
//!
//! [`NodeLink`] listens beside signaling and a node, and [`BridgeLink`] connects the bridge's process with it: a connection for
//! control (lines of calls, trunks, orders to dial), and one for the sound of each thread. All are encrypted by TLS, whose
//! certificates nobody looks at; that the other side is who it should be is proven by a secret that both have, in both
//! directions, and bound to that connection.
//!
//! What is lost with a link is what was said over it: the lines of its calls end on both sides, and callers leave their rooms.
//! The bridge goes on, and attaches itself again.

mod backoff;
mod bridge;
mod bridge_session;
mod connection;
mod framing;
mod handshake;
mod lanes;
mod lines;
mod messages;
mod node;
mod node_session;
mod own_legs;
mod relay;
mod remote_end;
mod secret;
mod sound_packet;
mod strangers;
mod thread_numbers;
mod tls;

pub use bridge::{BridgeLink, BridgePhone};
pub use connection::LinkError;
pub use framing::Malformed;
pub use messages::{Refusal, VERSION};
pub use node::{NodeLink, NodePhone, StartError};
pub use remote_end::RemoteEnd;
pub use secret::{Secret, SecretError};
