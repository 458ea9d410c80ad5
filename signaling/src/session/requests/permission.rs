// SPDX-License-Identifier: EUPL-1.2
//! A client says who may receive its tracks.

use bus::TrackSid;
use livekit_protocol::{SubscriptionPermission, TrackPermission};

use super::Task;
use crate::rooms::input::{Allowances, AllowedTracks, Request, SubscriptionRules};

/// Tracks that one receiver may be allowed by name. More than anybody publishes.
const MAX_TRACKS: usize = 100;

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
            AllowedTracks::Only(permission.track_sids.into_iter().take(MAX_TRACKS).map(TrackSid::from).collect())
        };
        if !permission.participant_sid.is_empty() {
            allowances.participants.insert(permission.participant_sid.into(), tracks);
        } else if !permission.participant_identity.is_empty() {
            allowances.identities.insert(permission.participant_identity.into(), tracks);
        }
    }
    allowances
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_room_keeps_of_a_publisher_is_bounded() {
        let track_sids: Vec<_> = (0..MAX_TRACKS * 2).map(|number| format!("TR_{number}")).collect();
        let permission = |number: usize| TrackPermission {
            participant_sid: format!("PA_{number}"),
            track_sids: track_sids.clone(),
            ..TrackPermission::default()
        };
        let track_permissions = (0..MAX_ALLOWANCES + 1).map(permission).collect();
        let Task::Room(Request::AllowSubscribers(SubscriptionRules::Only(allowances))) =
            parse(SubscriptionPermission { all_participants: false, track_permissions })
        else {
            panic!("another request")
        };
        assert_eq!(allowances.participants.len(), MAX_ALLOWANCES);
        let allowed = allowances.participants.get(&"PA_0".into());
        assert!(matches!(allowed, Some(AllowedTracks::Only(tracks)) if tracks.len() == MAX_TRACKS));
    }
}
