// SPDX-License-Identifier: EUPL-1.2
//! The last answer to a request, kept for when the request is repeated.

use super::super::message::{Message, Response, Transport};
use super::super::parse;

/// As it went over the network. Most answers are never asked for again, there may be one for each of twenty thousand
/// transactions, and written out it takes a quarter of the memory.
pub(super) struct KeptAnswer(Box<[u8]>);

impl KeptAnswer {
    pub(super) fn new(answer: &Response) -> Self {
        Self(answer.to_bytes().into_boxed_slice())
    }

    /// The answer. `None` only of one that we could not have read ourselves, which nobody else could either.
    pub(super) fn response(&self) -> Option<Response> {
        // UDP asks the least of a message: it may say its length, and need not.
        match parse::parse(&self.0, Transport::Udp) {
            Ok(Message::Response(response)) => Some(response),
            Ok(Message::Request(_)) | Err(_) => None,
        }
    }
}
