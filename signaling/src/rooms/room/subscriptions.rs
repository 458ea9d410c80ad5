// SPDX-License-Identifier: EUPL-1.2
//! Who receives what: what a receiver wants, may receive and is forwarded are brought into line here.

use std::collections::BTreeSet;
use std::time::Duration;

use bus::{Answer, ParticipantSid, SfuCommand, Subscription, SubscriptionSettings, TrackSid, TransportSid};

use super::Room;
use super::lifetime::Timer;
use super::participant::{Participant, Track};
use crate::media::subscriptions::settings;
use crate::rooms::info::TrackInfo;
use crate::rooms::input::{Allowances, Now, SubscriptionRules, TrackWish};
use crate::rooms::output::{Notice, Output, SubscriptionFailure};

/// Shortest time between two changes of whom a publisher lets receive its tracks.
const RULES_INTERVAL: Duration = Duration::from_millis(500);

impl Room {
    /// A receiver wants tracks, or does not want them any more.
    pub(super) fn choose_tracks(&mut self, sid: &ParticipantSid, tracks: Vec<TrackSid>, subscribe: bool) {
        let (known, unknown): (Vec<_>, Vec<_>) = tracks.into_iter().partition(|track| self.tracks.contains_key(track));
        if let Some(participant) = self.participants.get_mut(sid) {
            participant.chosen.extend(known.iter().map(|track| (track.clone(), subscribe)));
        }
        self.reconcile(sid, &known);
        for track in unknown.into_iter().filter(|_| subscribe) {
            self.notify(sid, Notice::SubscriptionFailed { track, why: SubscriptionFailure::NoSuchTrack });
        }
    }

    /// A receiver shows tracks in another size, or not at all.
    pub(super) fn configure_tracks(&mut self, sid: &ParticipantSid, tracks: &[TrackSid], wish: TrackWish) {
        for track in tracks {
            if self.tracks.contains_key(track) {
                self.configure(sid, track, wish);
            }
        }
    }

    /// Pauses these tracks and no others, as a client that resumed has them.
    pub(super) fn pause_tracks(&mut self, sid: &ParticipantSid, disabled: &BTreeSet<TrackSid>) {
        let Some(participant) = self.participants.get(sid) else { return };
        let wishes: Vec<_> = (participant.subscriptions.iter().cloned())
            .map(|track| {
                let wish = participant.wishes.get(&track).copied().unwrap_or_default();
                let is_disabled = disabled.contains(&track);
                (track, TrackWish { is_disabled, ..wish })
            })
            .collect();
        for (track, wish) in wishes {
            self.configure(sid, &track, wish);
        }
    }

    fn configure(&mut self, sid: &ParticipantSid, track: &TrackSid, wish: TrackWish) {
        let Some(before) = self.settings(sid, track) else { return };
        let Some(participant) = self.participants.get_mut(sid) else { return };
        participant.wishes.insert(track.clone(), wish);
        let (transport, is_subscribed) = (participant.transport.clone(), participant.subscriptions.contains(track));
        let Some(settings) = self.settings(sid, track) else { return };
        if is_subscribed && settings != before {
            self.order(SfuCommand::ConfigureSubscription { transport, track: track.clone(), settings });
        }
    }

    fn settings(&self, sid: &ParticipantSid, track: &TrackSid) -> Option<SubscriptionSettings> {
        let (_, published) = self.publication(track)?;
        let wish = self.participants.get(sid)?.wishes.get(track).copied();
        Some(settings(&published.info, wish))
    }

    /// A track comes in other sizes than `before`: for the same tile another layer may be enough now.
    pub(super) fn reconfigure(&mut self, before: &TrackInfo) {
        let Some((_, published)) = self.publication(&before.sid) else { return };
        let receivers = self.participants.values().filter(|receiver| receiver.subscriptions.contains(&before.sid));
        let changed = receivers.filter_map(|receiver| {
            let wish = receiver.wishes.get(&before.sid).copied();
            let (transport, settings) = (receiver.transport.clone(), settings(&published.info, wish));
            (settings != self::settings(before, wish)).then_some((transport, settings))
        });
        for (transport, settings) in changed.collect::<Vec<_>>() {
            self.order(SfuCommand::ConfigureSubscription { transport, track: before.sid.clone(), settings });
        }
    }

    fn publication(&self, track: &TrackSid) -> Option<(&Participant, &Track)> {
        let publisher = self.participants.get(self.tracks.get(track)?)?;
        Some((publisher, publisher.tracks.get(track)?))
    }

    /// A publisher says who may receive its tracks.
    pub(super) fn allow_subscribers(&mut self, now: Now, sid: &ParticipantSid, rules: SubscriptionRules) {
        if let Some(participant) = self.participants.get_mut(sid) {
            participant.next_rules = Some(rules);
            self.apply_rules(now, sid);
        }
    }

    /// Puts a publisher's newest rules in force, unless the ones before are fresh: everybody hears of a change.
    pub(super) fn apply_rules(&mut self, now: Now, sid: &ParticipantSid) {
        let Some(participant) = self.participants.get_mut(sid) else { return };
        let due = participant.rules_set_at.map(|set_at| set_at + RULES_INTERVAL);
        if let Some(due) = due.filter(|due| *due > now.instant) {
            return self.schedule(due, Timer::Rules(sid.clone()));
        }
        let Some(rules) = participant.next_rules.take() else { return };
        if participant.rules != rules {
            participant.rules = rules;
            participant.rules_set_at = Some(now.instant);
            let tracks: Vec<_> = participant.tracks.keys().cloned().collect();
            self.reconcile_everybody(&tracks);
        }
    }

    /// Brings into line what one receiver gets of everything.
    pub(super) fn reconcile_all(&mut self, sid: &ParticipantSid) {
        let tracks: Vec<_> = self.tracks.keys().cloned().collect();
        self.reconcile(sid, &tracks);
    }

    /// Brings into line what everybody gets of these tracks.
    pub(super) fn reconcile_everybody(&mut self, tracks: &[TrackSid]) {
        let everybody: Vec<_> = self.participants.keys().cloned().collect();
        for sid in everybody {
            self.reconcile(&sid, tracks);
        }
    }

    /// Brings into line what a receiver wants of these tracks, may receive and is forwarded.
    fn reconcile(&mut self, sid: &ParticipantSid, tracks: &[TrackSid]) {
        let Some(receiver) = self.participants.get(sid) else { return };
        let (mut added, mut removed, mut allowed) = (Vec::new(), Vec::new(), Vec::new());
        for track in tracks {
            let Some((publisher, published)) = self.publication(track).filter(|(publisher, _)| publisher.sid != *sid)
            else {
                continue;
            };
            let is_wanted = receiver.profile.permissions.can_subscribe
                && receiver.wants(track)
                && receiver.can_take(&published.info)
                && published.is_published
                && !publisher.is_hidden();
            let is_allowed = publisher.allows(receiver, track);
            match (is_wanted && is_allowed, receiver.subscriptions.contains(track)) {
                (true, false) => added.push(Subscription {
                    track: track.clone(),
                    kind: published.info.kind,
                    publisher: publisher.sid.clone(),
                    settings: settings(&published.info, receiver.wishes.get(track).copied()),
                }),
                (false, true) => removed.push(track.clone()),
                _ => {}
            }
            if is_wanted && is_allowed == receiver.denied.contains(track) {
                allowed.push((publisher.sid.clone(), track.clone(), is_allowed));
            }
        }
        for (publisher, track, is_allowed) in allowed {
            self.tell_allowed(sid, publisher, track, is_allowed);
        }
        self.unsubscribe(sid, removed);
        self.subscribe(sid, added);
    }

    fn tell_allowed(&mut self, sid: &ParticipantSid, publisher: ParticipantSid, track: TrackSid, is_allowed: bool) {
        let Some(receiver) = self.participants.get_mut(sid) else { return };
        if is_allowed {
            receiver.denied.remove(&track);
        } else {
            receiver.denied.insert(track.clone());
        }
        self.notify(sid, Notice::SubscriptionAllowed { publisher, track, is_allowed });
    }

    /// Tells a client that resumed what it may not receive.
    pub(super) fn repeat_denials(&mut self, sid: &ParticipantSid) {
        let Some(receiver) = self.participants.get(sid) else { return };
        let denied = receiver.denied.iter().filter_map(|track| {
            let publisher = self.tracks.get(track)?.clone();
            Some(Notice::SubscriptionAllowed { publisher, track: track.clone(), is_allowed: false })
        });
        for notice in denied.collect::<Vec<_>>() {
            self.notify(sid, notice);
        }
    }

    /// A client has no decoder for these of its subscriptions, and for no others.
    pub(super) fn unreceivable(&mut self, transport: &TransportSid, mut tracks: Vec<TrackSid>) {
        // The node may not have heard yet of an end that this room knows of.
        tracks.retain(|track| self.tracks.contains_key(track));
        let Some(sid) = self.participant_of_transport(transport) else { return };
        let Some(receiver) = self.participants.get_mut(&sid) else { return };
        let known = std::mem::replace(&mut receiver.unreceivable, tracks.iter().cloned().collect());
        for track in tracks.into_iter().filter(|track| !known.contains(track)) {
            self.notify(&sid, Notice::SubscriptionFailed { track, why: SubscriptionFailure::NoDecoder });
        }
    }

    /// Tells a client that resumed what it has no decoder for.
    pub(super) fn repeat_failures(&mut self, sid: &ParticipantSid) {
        let unreceivable = self.participants.get(sid).map(|receiver| receiver.unreceivable.clone());
        for track in unreceivable.into_iter().flatten() {
            self.notify(sid, Notice::SubscriptionFailed { track, why: SubscriptionFailure::NoDecoder });
        }
    }

    fn subscribe(&mut self, sid: &ParticipantSid, subscriptions: Vec<Subscription>) {
        let Some(receiver) = self.participants.get_mut(sid).filter(|_| !subscriptions.is_empty()) else { return };
        receiver.subscriptions.extend(subscriptions.iter().map(|subscription| subscription.track.clone()));
        let (transport, is_caller) = (receiver.transport.clone(), receiver.is_caller());
        for subscription in &subscriptions {
            self.tell_speaker(sid, &subscription.publisher);
            if is_caller {
                // Others receive a track when they have an m-line for it.
                self.received(sid, &subscription.track);
            }
        }
        self.order(SfuCommand::Subscribe { transport, subscriptions });
    }

    fn unsubscribe(&mut self, sid: &ParticipantSid, tracks: Vec<TrackSid>) {
        let Some(receiver) = self.participants.get_mut(sid).filter(|_| !tracks.is_empty()) else { return };
        for track in &tracks {
            receiver.subscriptions.remove(track);
        }
        let transport = receiver.transport.clone();
        self.order(SfuCommand::Unsubscribe { transport, tracks });
    }

    /// These tracks are no more: nobody receives them, or remembers what it wanted of them.
    pub(super) fn forget_tracks<'a>(&mut self, tracks: impl IntoIterator<Item = &'a TrackSid>) {
        let tracks: Vec<_> = tracks.into_iter().collect();
        for track in &tracks {
            self.tracks.remove(*track);
        }
        for receiver in self.participants.values_mut() {
            let forwarded = tracks.iter().filter(|track| receiver.forget_track(track));
            let forwarded: Vec<_> = forwarded.map(|track| (*track).clone()).collect();
            if !forwarded.is_empty() {
                let transport = receiver.transport.clone();
                let command = SfuCommand::Unsubscribe { transport, tracks: forwarded };
                self.outputs.push_back(Output::Sfu(command));
            }
        }
    }

    /// Tells publishers whose tracks have reached somebody for the first time.
    pub(super) fn settle_subscriptions(&mut self, sid: &ParticipantSid, answer: &Answer) {
        for (_, track) in &answer.tracks_by_mid {
            self.received(sid, track);
        }
    }

    /// A track reaches somebody. Its publisher hears of the first time.
    fn received(&mut self, sid: &ParticipantSid, track: &TrackSid) {
        let Some(publisher) = self.tracks.get(track).filter(|publisher| *publisher != sid).cloned() else { return };
        if let Some(entry) = self.track_mut(&publisher, track).filter(|entry| !entry.is_subscribed) {
            entry.is_subscribed = true;
            self.notify(&publisher, Notice::TrackSubscribed(track.clone()));
        }
    }
}

impl Participant {
    /// Whether it lets `receiver` have its `track`. A recorder has everything but callers who have not agreed to that.
    fn allows(&self, receiver: &Self, track: &TrackSid) -> bool {
        if receiver.is_recorder() {
            return self.may_be_recorded();
        }
        match &self.rules {
            SubscriptionRules::Everyone => true,
            SubscriptionRules::Only(allowances) => allowances.cover(receiver, track),
        }
    }
}

impl Allowances {
    fn cover(&self, receiver: &Participant, track: &TrackSid) -> bool {
        let named = [self.participants.get(&receiver.sid), self.identities.get(&receiver.profile.identity)];
        named.into_iter().flatten().any(|tracks| tracks.contains(track))
    }
}
