// SPDX-License-Identifier: EUPL-1.2
//! A client says who may receive its tracks.

use bus::TrackSid;
use livekit_protocol::{SubscriptionPermission, TrackPermission};

use super::Task;
use crate::rooms::input::{Allowance, Request, SubscriptionRules};

pub(super) fn parse(permission: SubscriptionPermission) -> Task {
    let rules = if permission.all_participants {
        SubscriptionRules::Everyone
    } else {
        SubscriptionRules::Only(permission.track_permissions.into_iter().map(allowance).collect())
    };
    Task::Room(Request::AllowSubscribers(rules))
}

fn allowance(permission: TrackPermission) -> Allowance {
    let named = |name: &String| !name.is_empty();
    Allowance {
        participant: Some(permission.participant_sid).filter(named).map(Into::into),
        identity: Some(permission.participant_identity).filter(named).map(Into::into),
        tracks: (!permission.all_tracks).then(|| permission.track_sids.into_iter().map(TrackSid::from).collect()),
    }
}
