// SPDX-License-Identifier: EUPL-1.2
//! Requests that this server does not serve: their senders are told so, instead of waiting.

use livekit_protocol::request_response::{Reason, Request};
use livekit_protocol::signal_response::Message;
use livekit_protocol::{PublishDataTrackRequest, RequestResponse};

use super::Task;

pub(super) fn request(request_id: u32) -> Task {
    answer(request_id, None)
}

/// Such a request has no number; the client knows it by its handle.
pub(super) fn publish_data_track(request: PublishDataTrackRequest) -> Task {
    let echo = PublishDataTrackRequest { pub_handle: request.pub_handle, ..PublishDataTrackRequest::default() };
    answer(0, Some(Request::PublishDataTrack(echo)))
}

fn answer(request_id: u32, request: Option<Request>) -> Task {
    Task::Answer(Box::new(Message::RequestResponse(RequestResponse {
        request_id,
        reason: Reason::UnsupportedType.into(),
        message: "not supported by this server".to_owned(),
        request,
    })))
}
