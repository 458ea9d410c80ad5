// SPDX-License-Identifier: EUPL-1.2
//! The typed commands and events between Saal's services, and the ways they travel.
//!
//! Only rebuildable state travels here; durable data lives in SQL. [`Bus::local`] connects services of one process;
//! a bus between processes carries the same types.

mod ids;
mod local;
pub mod phone;
mod sfu;

pub use ids::{NodeId, ParticipantSid, RoomSid, TrackSid, TransportSid};
pub use local::{Bus, BusError, PendingReply, RoomEvents, SfuEndpoint, SfuRequest};
pub use sfu::{
    Answer, DataChannel, MAX_SDP_BYTES, MediaKind, Publication, SectionsNeeded, SfuCommand, SfuEvent, SfuRefusal,
    SfuReply, SpeakerLevel, Subscription, SubscriptionSettings, TransportFailure,
};
