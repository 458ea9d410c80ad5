// SPDX-License-Identifier: EUPL-1.2
//! Offers and answers. Only the client offers: when it lacks m-lines for what it shall receive, it is asked to add some
//! and to offer again, at most once in a while.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bus::{Answer, ParticipantSid, SectionsNeeded, TrackSid, TransportSid};
use tracing::debug;

use super::Room;
use super::lifetime::Timer;
use crate::rooms::info::DisconnectReason;
use crate::rooms::input::{Now, Offer, OfferFailure};
use crate::rooms::output::{AfterLeave, Notice, Output, SessionAnswer};

/// Shortest time between two requests for m-lines, so that one negotiation serves many changes. LiveKit's figure.
const SECTIONS_INTERVAL: Duration = Duration::from_millis(150);

/// How often a client may offer for a long time. Browsers offer when something is published or received anew.
const OFFER_INTERVAL: Duration = Duration::from_millis(200);

/// How far ahead of that it may be: twenty offers at once.
const OFFER_BURST: Duration = Duration::from_millis(19 * 200);

/// Where a client and the SFU are with each other.
#[derive(Default)]
pub(super) struct Negotiation {
    last_offer: u32,
    /// The SFU is about to answer an offer.
    is_under_way: bool,
    /// The newest offer that waits for that, or for its time.
    next: Option<Offer>,
    /// When the offers so far would have come, had they come at their interval.
    paced_until: Option<Instant>,
    /// What the client must still be asked for.
    needed: Option<SectionsNeeded>,
    asked_at: Option<Instant>,
}

impl Negotiation {
    /// When the next offer may be passed on, if not now. Each costs the SFU some work and may concern everybody.
    fn rests_until(&self, now: Instant) -> Option<Instant> {
        self.paced_until?.checked_sub(OFFER_BURST).filter(|at| *at > now)
    }

    fn count_offer(&mut self, now: Instant) {
        self.paced_until = Some(self.paced_until.map_or(now, |until| until.max(now)) + OFFER_INTERVAL);
    }
}

impl Room {
    /// Has an offer answered. Of those that wait only the newest counts; the client ignores answers to older ones.
    pub(super) fn offer(&mut self, now: Now, sid: &ParticipantSid, offer: Offer) {
        let Some(participant) = self.participants.get_mut(sid) else { return };
        let negotiation = &mut participant.negotiation;
        // Some clients do not count: their offers all bear 0.
        if offer.id != 0 && offer.id <= negotiation.last_offer {
            debug!(participant = %sid, offer = offer.id, "an offer came twice or too late");
            return;
        }
        negotiation.last_offer = negotiation.last_offer.max(offer.id);
        // This offer may hold what was asked for. If it does not, the SFU says so again.
        negotiation.needed = None;
        if offer.sdp.len() > bus::MAX_SDP_BYTES {
            self.negotiation_failed(now, sid, &OfferFailure::Unacceptable);
        } else {
            negotiation.next = Some(offer);
            self.pass_on_offer(now, sid);
        }
    }

    /// Passes on the offer that waits, if it is its turn.
    pub(super) fn pass_on_offer(&mut self, now: Now, sid: &ParticipantSid) {
        let Some(participant) = self.participants.get_mut(sid) else { return };
        let negotiation = &mut participant.negotiation;
        if negotiation.is_under_way || negotiation.next.is_none() {
            return;
        }
        if let Some(at) = negotiation.rests_until(now.instant) {
            return self.schedule(at, Timer::Offer(sid.clone()));
        }
        if let Some(Offer { id, sdp }) = negotiation.next.take() {
            negotiation.is_under_way = true;
            negotiation.count_offer(now.instant);
            let transport = participant.transport.clone();
            self.outputs.push_back(Output::Offer { transport, offer: id, sdp });
        }
    }

    /// The SFU answered an offer, or could not.
    pub(super) fn answered(
        &mut self,
        now: Now,
        transport: &TransportSid,
        offer: u32,
        outcome: Result<Answer, OfferFailure>,
    ) {
        let Some(sid) = self.participant_of_transport(transport) else { return };
        let answer = match outcome {
            Ok(answer) => answer,
            Err(failure) => return self.negotiation_failed(now, &sid, &failure),
        };
        self.settle_own_tracks(now, &sid, &answer);
        self.settle_subscriptions(&sid, &answer);
        let received = self.received_tracks(&sid, &answer);
        self.notify(&sid, Notice::Answer(SessionAnswer { id: offer, sdp: answer.sdp, tracks_by_mid: received }));
        let Some(participant) = self.participants.get_mut(&sid) else { return };
        participant.negotiation.is_under_way = false;
        self.pass_on_offer(now, &sid);
        self.ask_for_sections(now, &sid);
    }

    /// Which of the m-lines bring something to the client.
    fn received_tracks(&self, sid: &ParticipantSid, answer: &Answer) -> BTreeMap<String, TrackSid> {
        let tracks = answer.tracks_by_mid.iter();
        let received = tracks.filter(|(_, track)| self.tracks.get(track).is_some_and(|publisher| publisher != sid));
        received.cloned().collect()
    }

    fn negotiation_failed(&mut self, now: Now, sid: &ParticipantSid, failure: &OfferFailure) {
        debug!(participant = %sid, ?failure, "an offer was not answered");
        if *failure == OfferFailure::Unacceptable {
            self.outputs.push_back(Output::OfferRefused);
        }
        let Some(participant) = self.participants.get(sid) else { return };
        // A client whose very first offers are no good would offer the same for ever.
        let (reason, then) = match failure {
            OfferFailure::Unacceptable if !participant.is_active() => {
                (DisconnectReason::JoinFailure, AfterLeave::Disconnect)
            }
            _ => (DisconnectReason::StateMismatch, AfterLeave::Reconnect),
        };
        self.remove(now, sid, reason, Some(then));
    }

    /// The SFU lacks m-lines for what a client shall receive.
    pub(super) fn sections_needed(&mut self, now: Now, transport: &TransportSid, sections: SectionsNeeded) {
        let Some(sid) = self.participant_of_transport(transport) else { return };
        if let Some(participant) = self.participants.get_mut(&sid) {
            participant.negotiation.needed = Some(sections);
            self.ask_for_sections(now, &sid);
        }
    }

    /// Asks the client to add m-lines, if it must, is not just offering and was not asked a moment ago.
    pub(super) fn ask_for_sections(&mut self, now: Now, sid: &ParticipantSid) {
        let Some(participant) = self.participants.get_mut(sid) else { return };
        let negotiation = &mut participant.negotiation;
        let is_offering = negotiation.is_under_way || negotiation.next.is_some();
        let Some(sections) = negotiation.needed.filter(|_| !is_offering) else { return };
        let due = negotiation.asked_at.map(|asked_at| asked_at + SECTIONS_INTERVAL);
        if let Some(due) = due.filter(|due| *due > now.instant) {
            return self.schedule(due, Timer::Sections(sid.clone()));
        }
        negotiation.needed = None;
        negotiation.asked_at = Some(now.instant);
        self.notify(sid, Notice::SectionsNeeded(sections));
    }

    /// Announces the tracks that got their m-line and takes back those that lost it.
    fn settle_own_tracks(&mut self, now: Now, sid: &ParticipantSid, answer: &Answer) {
        let Some(participant) = self.participants.get_mut(sid) else { return };
        let (mut appeared, mut disappeared) = (Vec::new(), Vec::new());
        for (track_sid, track) in &mut participant.tracks {
            let mid = answer.tracks_by_mid.iter().find(|(_, answered)| answered == track_sid).map(|(mid, _)| mid);
            match mid {
                Some(mid) if !track.is_published => {
                    track.is_published = true;
                    track.info.mid.clone_from(mid);
                    appeared.push(track_sid.clone());
                }
                None if track.is_published => disappeared.push(track_sid.clone()),
                _ => {}
            }
        }
        if appeared.is_empty() && disappeared.is_empty() {
            return;
        }
        for track in &disappeared {
            self.unpublish(sid, track);
        }
        self.tracks_changed(now, sid, &appeared);
    }
}
