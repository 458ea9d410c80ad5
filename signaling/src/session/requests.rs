// SPDX-License-Identifier: EUPL-1.2
//! What a client asks for, one file for each kind of request.

pub(super) mod add_track;
mod leave;
mod metadata;
mod mute;
mod offer;
mod permission;
mod simulate;
pub(super) mod subscription;
#[cfg(test)]
mod tests;
mod track_setting;
mod unsupported;

use std::time::Duration;

use livekit_protocol::{signal_request, signal_response};

use super::{ping, resume};
use crate::rooms::input::Request;

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Task {
    /// The room deals with it.
    Room(Request),
    /// It can be answered at once.
    Answer(Box<signal_response::Message>),
    /// There is nothing to do.
    Nothing,
}

/// Reads a request. The word is for the metrics.
#[expect(deprecated, reason = "clients of every age write these messages")]
pub(super) fn parse(message: signal_request::Message, unix: Duration) -> (&'static str, Task) {
    use signal_request::Message;
    match message {
        Message::Offer(offer) => ("offer", offer::parse(offer)),
        // In this mode the server never offers, so there is nothing to answer.
        Message::Answer(_) => ("answer", Task::Nothing),
        // The server is ICE-lite (RFC 8445 §2.5): it learns where a client is from its checks.
        Message::Trickle(_) => ("trickle", Task::Nothing),
        Message::AddTrack(request) => ("add_track", Task::Room(Request::AddTrack(add_track::parse(request)))),
        Message::Mute(request) => ("mute", mute::parse(request)),
        Message::Subscription(request) => ("subscription", subscription::parse(request)),
        Message::TrackSetting(settings) => ("track_setting", track_setting::parse(&settings)),
        Message::Leave(_) => ("leave", leave::parse()),
        Message::UpdateLayers(layers) => ("update_layers", add_track::parse_layers(layers)),
        Message::SubscriptionPermission(rules) => ("subscription_permission", permission::parse(rules)),
        Message::SyncState(sync) => ("sync_state", Task::Room(Request::Sync(resume::sync_state(sync)))),
        Message::Simulate(scenario) => ("simulate", simulate::parse(scenario)),
        Message::Ping(_) => ("ping", Task::Answer(Box::new(ping::pong(unix)))),
        Message::UpdateMetadata(update) => ("update_metadata", metadata::parse(update)),
        Message::PingReq(ping) => ("ping_req", Task::Answer(Box::new(ping::pong_response(ping.timestamp, unix)))),
        Message::UpdateAudioTrack(update) => ("update_audio_track", add_track::parse_audio_update(update)),
        Message::UpdateVideoTrack(update) => ("update_video_track", add_track::parse_video_update(update)),
        Message::PublishDataTrackRequest(request) => ("publish_data_track", unsupported::publish_data_track(request)),
        Message::UnpublishDataTrackRequest(_) => ("unpublish_data_track", Task::Nothing),
        Message::UpdateDataSubscription(_) => ("update_data_subscription", Task::Nothing),
        Message::StoreDataBlobRequest(request) => ("store_data_blob", unsupported::request(request.request_id)),
        Message::GetDataBlobRequest(request) => ("get_data_blob", unsupported::request(request.request_id)),
    }
}
