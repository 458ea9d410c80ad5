// SPDX-License-Identifier: EUPL-1.2
//! A client says who may receive its tracks.

use bus::TrackSid;
use livekit_protocol::{SubscriptionPermission, TrackPermission};

use super::Task;
use crate::rooms::input::{Allowances, AllowedTracks, Request, SubscriptionRules};

/// Receivers that a publisher may name. More than any room holds.
const MAX_ALLOWANCES: usize = 2_000;

/// Tracks that all of them together may be allowed one by one. A publisher has 64 at most and says "all" for many
/// receivers; without a bound a frame of 1 MB would become some 20 MB that stay as long as the publisher.
const MAX_ALLOWED_TRACKS: usize = 5_000;

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
    let mut tracks_left = MAX_ALLOWED_TRACKS;
    for permission in permissions.into_iter().take(MAX_ALLOWANCES) {
        let tracks = if permission.all_tracks {
            AllowedTracks::All
        } else {
            let tracks: Vec<_> = permission.track_sids.into_iter().take(tracks_left).map(TrackSid::from).collect();
            tracks_left -= tracks.len();
            AllowedTracks::Only(tracks.into_iter().collect())
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

    fn permission(participant: &str, tracks: std::ops::Range<usize>) -> TrackPermission {
        TrackPermission {
            participant_sid: participant.to_owned(),
            track_sids: tracks.map(|track| track.to_string()).collect(),
            ..TrackPermission::default()
        }
    }

    #[test]
    fn no_more_tracks_are_kept_than_anybody_publishes() {
        let bomb = (0..50).map(|number| permission(&format!("PA_{number}"), 0..1000)).collect();
        let allowances = allowances(bomb);
        let kept = |tracks: &AllowedTracks| match tracks {
            AllowedTracks::Only(tracks) => tracks.len(),
            AllowedTracks::All => panic!("nobody may have all"),
        };
        // Who is named beyond the bound is known and may have nothing, which is not the same as all.
        assert_eq!(allowances.participants.len(), 50);
        assert_eq!(allowances.participants.values().map(kept).sum::<usize>(), MAX_ALLOWED_TRACKS);
    }

    #[test]
    fn no_more_receivers_are_kept_than_a_room_holds() {
        let bomb = (0..=MAX_ALLOWANCES).map(|number| permission(&format!("PA_{number}"), 0..1)).collect();
        assert_eq!(allowances(bomb).participants.len(), MAX_ALLOWANCES);
    }

    #[test]
    fn a_usual_rule_is_kept_whole() {
        let allowances = allowances(vec![permission("PA_1", 0..64), permission("PA_2", 0..0)]);
        assert!((0..64).all(|track| allowances.participants[&"PA_1".into()].contains(&track.to_string().into())));
        assert_eq!(allowances.participants[&"PA_2".into()], AllowedTracks::Only([].into()));
    }
}
