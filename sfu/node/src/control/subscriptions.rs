// SPDX-License-Identifier: EUPL-1.2
//! What clients receive: wanted by signaling, given an m-line by an offer, run by the receiver's shard.

use bus::{SfuRefusal, Subscription, TrackSid, TransportSid};
use sfu_media::ids::{Layer, TrackId, TransportId};
use sfu_media::shard::message::{ShardCommand, SubscriptionSettings};
use sfu_media::transport::negotiation::{Msid, SubscriptionRequest};

use super::{Control, ControlOutput, SubscriptionEntry};

fn settings_for_shard(settings: bus::SubscriptionSettings) -> SubscriptionSettings {
    SubscriptionSettings { is_paused: settings.is_paused, max_layer: Layer(settings.max_layer) }
}

impl Control {
    /// Adds subscriptions. A track that has ended meanwhile is passed over: its end is on the way to whoever asked.
    pub(super) fn subscribe(&mut self, sid: &TransportSid, subscriptions: Vec<Subscription>) -> Result<(), SfuRefusal> {
        let id = self.id_of(sid)?;
        for subscription in subscriptions {
            let Some(track) = self.track_ids.get(&subscription.track).copied() else { continue };
            let Some(codec) = self.tracks.get(&track).map(|entry| entry.codec) else { continue };
            let entry = self.transports.get_mut(&id).ok_or(SfuRefusal::UnknownTransport)?;
            if entry.subscriptions.contains_key(&track) {
                continue;
            }
            // Clients find the participant before the bar, and the track behind it where they see no mid map.
            let stream = format!("{}|{}", subscription.publisher, subscription.track);
            let Some(msid) = Msid::parse(&stream, subscription.track.as_str()) else { continue };
            entry.negotiation.subscribe(SubscriptionRequest { track, codec, msid });
            let settings = subscription.settings;
            entry.subscriptions.insert(track, SubscriptionEntry { settings, is_running: false });
        }
        self.ask_for_offer(id);
        Ok(())
    }

    pub(super) fn unsubscribe(&mut self, sid: &TransportSid, tracks: &[TrackSid]) -> Result<(), SfuRefusal> {
        let id = self.id_of(sid)?;
        let tracks: Vec<_> = tracks.iter().filter_map(|track| self.track_ids.get(track).copied()).collect();
        self.end_subscriptions(id, &tracks);
        Ok(())
    }

    /// Stops forwarding at once; the m-lines are freed with the client's next offer, which is asked for.
    pub(super) fn end_subscriptions(&mut self, id: TransportId, tracks: &[TrackId]) {
        for &track in tracks {
            let Some(entry) = self.transports.get_mut(&id) else { return };
            if entry.subscriptions.remove(&track).is_none() {
                continue;
            }
            entry.negotiation.unsubscribe(track);
            // Its SSRC must never carry another subscription: numbers would repeat under one key.
            entry.session.downlinks.retain(|downlink| downlink.track != track);
            if let Some(shard) = entry.shard {
                self.outputs.push(ControlOutput::ToShard(shard, ShardCommand::Unsubscribe { transport: id, track }));
            }
        }
        self.ask_for_offer(id);
    }

    pub(super) fn configure(
        &mut self,
        sid: &TransportSid,
        track: &TrackSid,
        settings: bus::SubscriptionSettings,
    ) -> Result<(), SfuRefusal> {
        let id = self.id_of(sid)?;
        let Some(track) = self.track_ids.get(track).copied() else { return Ok(()) };
        let entry = self.transports.get_mut(&id).ok_or(SfuRefusal::UnknownTransport)?;
        let Some(subscription) = entry.subscriptions.get_mut(&track) else { return Ok(()) };
        subscription.settings = settings;
        if let (true, Some(shard)) = (subscription.is_running, entry.shard) {
            let settings = settings_for_shard(settings);
            let command = ShardCommand::ConfigureSubscription { transport: id, track, settings };
            self.outputs.push(ControlOutput::ToShard(shard, command));
        }
        Ok(())
    }

    /// Starts those of a client's subscriptions that have all they need.
    pub(super) fn run_subscriptions_of(&mut self, id: TransportId) {
        let Some(entry) = self.transports.get(&id) else { return };
        let ready: Vec<_> = entry
            .subscriptions
            .iter()
            .filter(|(_, subscription)| !subscription.is_running)
            .map(|(track, _)| *track)
            .collect();
        for track in ready {
            self.run_subscription(id, track);
        }
    }

    /// Starts the subscriptions that waited for this publisher to connect.
    pub(super) fn run_subscriptions_to(&mut self, publisher: TransportId) {
        let published: Vec<_> =
            self.tracks.iter().filter(|(_, track)| track.transport == publisher).map(|(track, _)| *track).collect();
        for track in published {
            let receivers: Vec<_> = self
                .transports
                .iter()
                .filter(|(_, entry)| entry.subscriptions.get(&track).is_some_and(|s| !s.is_running))
                .map(|(id, _)| *id)
                .collect();
            for receiver in receivers {
                self.run_subscription(receiver, track);
            }
        }
    }

    fn run_subscription(&mut self, id: TransportId, track: TrackId) {
        let home =
            self.tracks.get(&track).and_then(|entry| self.transports.get(&entry.transport)).and_then(|t| t.shard);
        let Some(entry) = self.transports.get_mut(&id) else { return };
        let has_downlink = entry.session.downlinks.iter().any(|downlink| downlink.track == track);
        let (Some(home), Some(shard), true) = (home, entry.shard, has_downlink) else { return };
        let Some(subscription) = entry.subscriptions.get_mut(&track) else { return };
        subscription.is_running = true;
        let settings = settings_for_shard(subscription.settings);
        self.outputs.push(ControlOutput::ToShard(shard, ShardCommand::Subscribe { transport: id, track, home }));
        let configure = ShardCommand::ConfigureSubscription { transport: id, track, settings };
        self.outputs.push(ControlOutput::ToShard(shard, configure));
    }
}
