// SPDX-License-Identifier: EUPL-1.2
//! RTP of one call (RFC 3550, RFC 3551): what arrives is checked and sorted, what is sent gets its headers, and both are
//! encrypted where that was agreed on. No sockets and no clock: datagrams and times are arguments.
//!
//! [`RtpSession`] is made from what was negotiated. Until [`RtpSession::open`] it neither takes nor gives a packet. Payloads
//! are none of its business, but for keys that are pressed ([`Digit`](crate::digit::Digit)); they go to the jitter buffer as they are.

mod numbers;
mod packet;
mod ports;
mod received_digits;
mod receiving;
mod reception;
mod reporting;
mod rtcp;
mod send_clock;
mod sending;
mod session;
mod source_latch;
mod srtp;
mod statistics;
#[cfg(test)]
mod tests;

pub use numbers::{RtpTime, SeqNo};
pub use ports::{EmptyRange, NoPortFree, Ports};
pub use receiving::{AudioPacket, Received};
pub use sending::{Component, Transmit};
pub use session::{Event, RtpConfig, RtpSession};
pub use srtp::KeyError;
pub use statistics::{Dropped, Statistics};
