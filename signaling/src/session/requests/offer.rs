// SPDX-License-Identifier: EUPL-1.2
//! A client offers.

use livekit_protocol::SessionDescription;

use super::Task;
use crate::rooms::input::{Offer, Request};

pub(super) fn parse(offer: SessionDescription) -> Task {
    Task::Room(Request::Offer(Offer { id: offer.id, sdp: offer.sdp }))
}
