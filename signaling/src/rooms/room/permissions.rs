// SPDX-License-Identifier: EUPL-1.2
//! What participants may do and show, changed while they are in the room.

use bus::ParticipantSid;

use super::{Room, Told};
use crate::auth::grants::Permissions;
use crate::rooms::details::{DetailsChange, HAND, TooLong, is_reserved};
use crate::rooms::info::DisconnectReason;
use crate::rooms::input::Now;
use crate::rooms::output::{Notice, RequestOutcome};

impl Room {
    /// Somebody changes what it shows of itself.
    pub(super) fn change_own_details(
        &mut self,
        now: Now,
        sid: &ParticipantSid,
        request_id: u32,
        mut change: DetailsChange,
    ) {
        let hand = change.attributes.remove(HAND);
        if let Some(hand) = &hand {
            self.set_hand(now, sid, !hand.is_empty());
        }
        change.attributes.retain(|name, _| !is_reserved(name));
        let Some(participant) = self.participants.get(sid) else { return };
        // Clients send what they are called with every change.
        let details = &participant.profile.details;
        let is_as_before = change.attributes.is_empty()
            && (change.name.is_empty() || change.name == details.name)
            && (change.metadata.is_empty() || change.metadata == details.metadata);
        let (outcome, message) = if hand.is_some() && is_as_before {
            (RequestOutcome::Ok, "")
        } else if !participant.profile.permissions.can_update_own_metadata {
            (RequestOutcome::NotAllowed, "does not have permission to update own metadata")
        } else if self.change_details(sid, change).is_err() {
            (RequestOutcome::LimitExceeded, "metadata size exceeds limits")
        } else {
            (RequestOutcome::Ok, "")
        };
        self.notify(sid, Notice::Answered { request_id, outcome, message, add_track: None });
    }

    pub(super) fn change_details(&mut self, sid: &ParticipantSid, change: DetailsChange) -> Result<(), TooLong> {
        let Some(participant) = self.participants.get_mut(sid) else { return Ok(()) };
        let before = participant.profile.details.clone();
        participant.profile.details.change(change)?;
        if participant.profile.details != before {
            self.mark_changed(sid, Told::Everyone);
            self.renew_token(sid);
        }
        Ok(())
    }

    /// Somebody may do other things than before. What it may do no longer ends at once.
    pub(super) fn set_permissions(&mut self, sid: &ParticipantSid, permissions: Permissions) {
        let Some(participant) = self.participants.get_mut(sid) else { return };
        if participant.profile.permissions == permissions {
            return;
        }
        let before = std::mem::replace(&mut participant.profile.permissions, permissions);
        let now = &participant.profile.permissions;
        let receives_otherwise = now.can_subscribe != before.can_subscribe || now.is_recorder != before.is_recorder;
        let is_hidden = participant.is_hidden();
        let tracks: Vec<_> = participant.tracks.keys().cloned().collect();
        if is_hidden && !before.is_hidden {
            // Whoever knew of it sees it leave.
            self.departed.push(participant.farewell(DisconnectReason::ClientInitiated).into());
        }
        self.mark_changed(sid, Told::Everyone);
        self.unpublish_forbidden(sid);
        if receives_otherwise {
            self.reconcile_all(sid);
        }
        if is_hidden != before.is_hidden {
            self.reconcile_everybody(&tracks);
        }
        // A caller who may speak from now on opens the microphone when they are ready.
        if let Some(microphone) = self.make_microphone(sid, true) {
            self.tracks_changed(Now { instant: self.now, unix: self.unix }, sid, &[microphone]);
        }
        self.renew_token(sid);
    }
}
