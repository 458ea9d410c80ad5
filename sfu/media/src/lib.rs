// SPDX-License-Identifier: EUPL-1.2
//! The media core of Saal: it takes datagrams and commands with the time they arrived, and gives datagrams, events and
//! messages to other shards. It opens no socket, starts no thread, takes no lock and reads no clock, and it knows no
//! users, rooms or tokens.
//!
//! [`shard::Shard`] is the front door. A [`transport::Transport`] is one association with one client, a [`track::Track`]
//! is media that a client publishes, a [`feed::Feed`] is one shard's copy of a track, a [`subscription::Subscription`] is
//! one receiver's view of a feed. [`bridge::BridgeTracks`] is to the shards one of them: what telephones hear and say.

pub mod bridge;
pub mod codec;
pub mod feed;
pub mod ids;
pub mod media_packet;
mod prefetch;
pub mod rtcp;
pub mod rtp;
pub mod session;
pub mod shard;
mod slots;
pub mod speakers;
pub mod subscription;
pub mod track;
pub mod transport;

// Unit tests share files with the integration tests, which call the crate by its name.
#[cfg(test)]
extern crate self as sfu_media;
#[cfg(test)]
mod test_support;
