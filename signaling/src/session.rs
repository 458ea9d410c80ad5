// SPDX-License-Identifier: EUPL-1.2
//! LiveKit's websocket at the edge. With `twirp`, the only place that knows LiveKit's protobufs: everything is turned
//! into our own types here, and back.

pub(crate) mod convert;
pub(crate) mod data_packets;
pub(crate) mod refresh_token;
pub(crate) mod telephone;

mod admission;
mod chat_packets;
mod entry;
mod frames;
mod http;
mod join;
mod join_request;
mod limits;
mod ping;
mod requests;
mod responses;
mod resume;
mod socket;

pub(crate) use admission::Refusal;
pub(crate) use entry::{Entry, NoEntry, Stay, enter};
pub(crate) use http::routes;
