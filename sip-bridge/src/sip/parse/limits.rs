// SPDX-License-Identifier: EUPL-1.2
//! How large a message and its parts may be. What exceeds them is refused, so nothing that arrives costs much memory.

/// The whole message: what a datagram can carry.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// The first line and all headers, with the empty line. The longest of RFC 4475 (`longreq`) has 3.4 kB.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Lines of headers, without the first line. Calls through many hops have about 60.
pub const MAX_HEADER_LINES: usize = 200;

/// Hops of a request: as many as Max-Forwards begins with (RFC 3261 §8.1.1.6).
pub const MAX_VIA: usize = 70;

/// Values of Route, and of Record-Route.
pub const MAX_ROUTE: usize = 70;

/// Values of Contact.
pub const MAX_CONTACT: usize = 32;

/// Parameters behind one value, or headers in one URI. Names are compared with each other, so this also bounds that.
pub const MAX_PARAMS: usize = 48;
