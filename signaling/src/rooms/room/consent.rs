// SPDX-License-Identifier: EUPL-1.2
//! Who of those at telephones agrees to being recorded. The others see it, and it is reported. A recorder receives the voice of no
//! caller who has not agreed: they have no page that shows a recording before they speak, and hear of it as they come in.

use bus::{ParticipantSid, TrackSid};

use super::Room;
use super::participant::Participant;
use crate::rooms::details::{CONSENT_GIVEN, CONSENT_WITHDRAWN, DetailsChange, RECORDING_CONSENT, TooLong};
use crate::rooms::output::{Notice, Output, Report};

impl Room {
    /// Whether somebody is there who records.
    pub(super) fn has_recorder(&self) -> bool {
        self.participants.values().any(Participant::is_recorder)
    }

    /// A caller agrees to being recorded, or does not any more, and is told when that is noted. Where nothing is recorded there is
    /// nothing to agree to, and no answer.
    pub(super) fn set_consent(&mut self, sid: &ParticipantSid, is_given: bool) {
        let is_recorded = self.has_recorder();
        let Some(caller) = self.participants.get(sid).filter(|participant| participant.is_caller()) else { return };
        // A recorder that has gone a moment ago may be back before anybody has missed it.
        if !is_recorded && (is_given || !caller.may_be_recorded()) {
            return;
        }
        let profile = &caller.profile;
        let value = if is_given { CONSENT_GIVEN } else { CONSENT_WITHDRAWN };
        if profile.details.attributes.get(RECORDING_CONSENT).is_none_or(|said| said != value) {
            let identity = profile.identity.clone();
            // Who shows as much as anybody may is not answered, and so hears that it did not work. Taking it back always works.
            if self.show_consent(sid, value).is_err() && (is_given || self.show_consent(sid, "").is_err()) {
                return;
            }
            self.reconcile_everybody(&self.tracks_of(sid));
            self.outputs.push_back(Output::Report(Report::Consent { identity, is_given }));
        }
        self.notify(sid, Notice::ConsentNoted(is_given));
    }

    /// The recording has ended. The next one is asked about anew.
    pub(super) fn forget_consents(&mut self) {
        let has_said =
            |participant: &&Participant| participant.profile.details.attributes.contains_key(RECORDING_CONSENT);
        let callers: Vec<_> = self.participants.values().filter(has_said).map(|caller| caller.sid.clone()).collect();
        for sid in callers {
            // It becomes shorter, so it is not too long.
            let _: Result<(), TooLong> = self.show_consent(&sid, "");
        }
    }

    fn tracks_of(&self, sid: &ParticipantSid) -> Vec<TrackSid> {
        self.participants.get(sid).map(|caller| caller.tracks.keys().cloned().collect()).unwrap_or_default()
    }

    fn show_consent(&mut self, sid: &ParticipantSid, value: &str) -> Result<(), TooLong> {
        let attributes = [(RECORDING_CONSENT.to_owned(), value.to_owned())].into();
        self.change_details(sid, DetailsChange { attributes, ..DetailsChange::default() })
    }
}

impl Participant {
    /// Whether a recorder may have what this participant says. Browsers are asked nothing.
    pub(super) fn may_be_recorded(&self) -> bool {
        let said = self.profile.details.attributes.get(RECORDING_CONSENT);
        !self.is_caller() || said.is_some_and(|said| said == CONSENT_GIVEN)
    }
}
