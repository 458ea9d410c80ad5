// SPDX-License-Identifier: EUPL-1.2
//! What clients receive: wanted by signaling, given an m-line by an offer, run by the receiver's shard.

use bus::{SfuEvent, SfuRefusal, Subscription, TrackSid, TransportSid};
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
        if self.legs.contains_key(&id) {
            self.hear(id, &subscriptions);
            return Ok(());
        }
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
        self.tell_unreceivable(id);
        Ok(())
    }

    /// Reports which subscriptions a client has no decoder for, when that has changed. Such a client offers for them in
    /// vain, so it hears of it no other way.
    pub(super) fn tell_unreceivable(&mut self, id: TransportId) {
        let Some(entry) = self.transports.get_mut(&id) else { return };
        let tracks = entry.negotiation.unreceivable();
        if tracks == entry.unreceivable {
            return;
        }
        let sids = tracks.iter().filter_map(|track| self.tracks.get(track)).map(|track| track.sid.clone()).collect();
        let event = SfuEvent::Unreceivable { transport: entry.sid.clone(), tracks: sids };
        entry.unreceivable = tracks;
        self.outputs.push(ControlOutput::Report(entry.room.clone(), event));
    }

    pub(super) fn unsubscribe(&mut self, sid: &TransportSid, tracks: &[TrackSid]) -> Result<(), SfuRefusal> {
        let id = self.id_of(sid)?;
        let tracks: Vec<_> = tracks.iter().filter_map(|track| self.track_ids.get(track).copied()).collect();
        self.stop_hearing(id, &tracks);
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
        self.tell_unreceivable(id);
    }

    pub(super) fn configure(
        &mut self,
        sid: &TransportSid,
        track: &TrackSid,
        settings: bus::SubscriptionSettings,
    ) -> Result<(), SfuRefusal> {
        let id = self.id_of(sid)?;
        let Some(track) = self.track_ids.get(track).copied() else { return Ok(()) };
        let Some(entry) = self.transports.get_mut(&id) else {
            self.pause_hearing(id, track, settings.is_paused);
            return Ok(());
        };
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
        for track in self.published_by(publisher) {
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
        let publisher = self.tracks.get(&track).map(|entry| entry.transport);
        let home = publisher.and_then(|publisher| match self.transports.get(&publisher) {
            Some(transport) => transport.shard,
            None => self.bridge_of(publisher),
        });
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bus::{MediaKind, Publication, SfuCommand, SfuReply};
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use sfu_media::transport::DtlsIdentity;
    use sfu_media::transport::negotiation::NegotiationConfig;

    use super::*;
    use crate::placement::Placement;
    use crate::registry::Registry;

    /// An offer of a client that receives pictures in H.264 and in nothing else.
    const H264_ONLY: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 102\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\na=rtcp-mux\r\n\
        a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n\
        a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:\
        00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
        a=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\n";

    fn order(control: &mut Control, command: SfuCommand) -> Vec<Vec<TrackSid>> {
        assert!(matches!(control.handle_command(command), Ok(SfuReply::Done | SfuReply::Answer(_))));
        let unreceivable = control.drain_outputs().filter_map(|output| match output {
            ControlOutput::Report(_, SfuEvent::Unreceivable { tracks, .. }) => Some(tracks),
            _ => None,
        });
        unreceivable.collect()
    }

    fn publish(control: &mut Control, track: &str) {
        let publication = Publication {
            track: track.into(),
            cid: track.into(),
            kind: MediaKind::Video,
            is_stereo: false,
            wants_dtx: false,
            is_muted: false,
        };
        assert!(order(control, SfuCommand::Publish { transport: "TP_sender".into(), publication }).is_empty());
    }

    fn subscribe(track: &str) -> SfuCommand {
        let settings = bus::SubscriptionSettings { is_paused: false, max_layer: 2 };
        let (kind, publisher) = (MediaKind::Video, "PA_sender".into());
        let subscription = Subscription { track: track.into(), kind, publisher, settings };
        SfuCommand::Subscribe { transport: "TP_receiver".into(), subscriptions: vec![subscription] }
    }

    #[test]
    fn what_a_client_has_no_decoder_for_is_reported_at_its_offer_and_later() {
        let identity = DtlsIdentity::generate().expect("a certificate can be made");
        let config = NegotiationConfig { fingerprint: identity.fingerprint(), candidates: Vec::new() };
        let registry = Arc::new(Registry::new(8, Box::new(|_, _| true)));
        let mut control = Control::new(Arc::new(config), registry, Placement::new(1), StdRng::seed_from_u64(1));
        for transport in ["TP_sender", "TP_receiver"] {
            let (transport, room) = (transport.into(), "RM_1".into());
            order(&mut control, SfuCommand::OpenTransport { transport, room, participant: "PA_1".into() });
        }
        publish(&mut control, "TR_1");
        publish(&mut control, "TR_2");
        assert!(order(&mut control, subscribe("TR_1")).is_empty(), "nobody knows yet what it decodes");
        let offer = || SfuCommand::Offer { transport: "TP_receiver".into(), sdp: H264_ONLY.into() };
        assert_eq!(order(&mut control, offer()), [vec!["TR_1".into()]]);
        assert!(order(&mut control, offer()).is_empty(), "once is enough");
        assert_eq!(order(&mut control, subscribe("TR_2")), [vec!["TR_1".into(), "TR_2".into()]]);
        let (transport, tracks) = ("TP_receiver".into(), vec!["TR_1".into()]);
        assert_eq!(order(&mut control, SfuCommand::Unsubscribe { transport, tracks }), [vec!["TR_2".into()]]);
    }
}
