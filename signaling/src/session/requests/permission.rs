// SPDX-License-Identifier: EUPL-1.2
//! A client says who may receive its tracks.

use bus::TrackSid;
use livekit_protocol::{SubscriptionPermission, TrackPermission};

use super::Task;
use crate::rooms::input::{Allowances, AllowedTracks, Request, SubscriptionRules};

/// Receivers that a publisher may name. More than any room holds.
const MAX_ALLOWANCES: usize = 2000;

pub(super) fn parse(permission: SubscriptionPermission) -> Task {
    let rules = if permission.all_participants {
        SubscriptionRules::Everyone
    } else {
        SubscriptionRules::Only(allowances(permission.track_permissions))
    };
    Task::Room(Request::AllowSubscribers(rules))
}

fn allowances(permissions: Vec<TrackPermission>) -> Allowances {
    let mut allowances = Allowances::default();
    for permission in permissions.into_iter().take(MAX_ALLOWANCES) {
        let tracks = if permission.all_tracks {
            AllowedTracks::All
        } else {
            AllowedTracks::Only(permission.track_sids.into_iter().map(TrackSid::from).collect())
        };
        if !permission.participant_sid.is_empty() {
            allowances.participants.insert(permission.participant_sid.into(), tracks);
        } else if !permission.participant_identity.is_empty() {
            allowances.identities.insert(permission.participant_identity.into(), tracks);
        }
    }
    allowances
}
