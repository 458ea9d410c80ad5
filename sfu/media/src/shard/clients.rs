// SPDX-License-Identifier: EUPL-1.2
//! Clients come, change what they send and receive, and go.

use std::time::{Duration, Instant};

use super::Shard;
use super::message::{ShardEvent, ShardMessage, TransportFailure};
use super::subscribing::SubscriptionKey;
use crate::ids::{TrackId, TransportId};
use crate::rtcp::transport_cc::ArrivalRecorder;
use crate::rtp::seq_no::SeqNo;
use crate::session::{IceCredentials, MediaKind, Session, TransportSetup};
use crate::track::Track;
use crate::track::uplink_router::UplinkRouter;
use crate::transport::Transport;

/// How often the subscriptions of a client are looked after that sees video: sender reports, stalled layers, unanswered
/// keyframe requests.
const VIDEO_CARE: Care = Care { interval: Duration::from_millis(100), grid: Duration::from_millis(10) };

/// The same of one that only listens, which needs reports alone: none is due more often than every second.
const SOUND_CARE: Care = Care { interval: Duration::from_secs(1), grid: Duration::from_millis(50) };

struct Care {
    interval: Duration,
    /// Clients are looked after at moments that are so far apart, many at a time: a wake-up for each of a thousand
    /// silent ones would cost more than what is done for them. Short enough that those of one moment hold nobody up.
    grid: Duration,
}

/// One client: its transport, what it publishes, and which subscriptions it has.
pub(super) struct Client {
    pub(super) id: TransportId,
    pub(super) transport: Transport,
    pub(super) session: Session,
    pub(super) router: UplinkRouter,
    pub(super) arrivals: ArrivalRecorder,
    /// Some stream of the client's, for feedback that concerns all of them.
    pub(super) last_ssrc: u32,
    pub(super) tracks: Vec<Track>,
    pub(super) subscriptions: Vec<SubscriptionKey>,
    /// The number of the next packet to the client, over all streams.
    pub(super) next_transport_seq: SeqNo,
    pub(super) next_care: Option<Instant>,
    /// Our fragments that its checks may name: the present one, and the one that the client last nominated with.
    ufrags: Vec<String>,
}

impl Client {
    pub(super) fn track_mut(&mut self, track: TrackId) -> Option<&mut Track> {
        self.tracks.iter_mut().find(|known| known.id() == track)
    }

    /// When the client next needs attention. What it must be told waits until it is connected.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let transport = self.transport.poll_timeout();
        if !self.transport.is_connected() {
            return transport;
        }
        let tracks = self.tracks.iter().filter_map(Track::poll_timeout);
        [transport, self.arrivals.poll_timeout(), self.next_care].into_iter().flatten().chain(tracks).min()
    }
}

impl Shard {
    pub(super) fn add_client(&mut self, now: Instant, setup: TransportSetup) {
        if self.slots_by_transport.contains_key(&setup.id) {
            return;
        }
        let transport = Transport::new(now, &self.identity, &setup);
        let ufrag = setup.local.ufrag.to_string();
        let slot = self.clients.insert(Client {
            id: setup.id,
            transport,
            session: Session::default(),
            router: UplinkRouter::default(),
            arrivals: ArrivalRecorder::new(),
            last_ssrc: 0,
            tracks: Vec::new(),
            subscriptions: Vec::new(),
            next_transport_seq: SeqNo(1),
            next_care: None,
            ufrags: vec![ufrag.clone()],
        });
        self.slots_by_transport.insert(setup.id, slot);
        self.slots_by_ufrag.insert(ufrag, slot);
        self.update_session(now, setup.id, setup.session);
        self.reschedule(slot);
    }

    /// Replaces what a client sends and receives. Tracks that stay keep all they know.
    pub(super) fn update_session(&mut self, now: Instant, transport: TransportId, session: Session) {
        let Some(&slot) = self.slots_by_transport.get(&transport) else { return };
        let client = &mut self.clients[slot];
        client.router.handle_renegotiation(&session.uplinks);
        let mut before = std::mem::take(&mut client.tracks);
        for uplink in &session.uplinks {
            let track = match before.iter().position(|track| track.id() == uplink.track) {
                Some(index) => {
                    let mut track = before.swap_remove(index);
                    track.handle_renegotiation(uplink);
                    track
                }
                None => {
                    self.homes.insert(uplink.track, slot);
                    self.speakers.start(now);
                    Track::new(uplink)
                }
            };
            client.tracks.push(track);
        }
        let gone_downlinks: Vec<_> = client
            .session
            .downlinks
            .iter()
            .filter(|old| !session.downlinks.iter().any(|new| new.track == old.track && new.ssrc == old.ssrc))
            .map(|downlink| downlink.track)
            .collect();
        client.session = session;
        for key in &client.subscriptions {
            let subscription = &mut self.subscriptions[key.0].subscription;
            let mut downlinks = client.session.downlinks.iter();
            if let Some(downlink) = downlinks.find(|downlink| downlink.ssrc == subscription.ssrc()) {
                subscription.handle_renegotiation(downlink, client.session.extensions);
            }
        }
        for track in gone_downlinks {
            self.unsubscribe(transport, track);
        }
        for track in before {
            self.end_track(&track);
        }
    }

    pub(super) fn restart_ice(&mut self, transport: TransportId, local: IceCredentials, remote: IceCredentials) {
        let Some(&slot) = self.slots_by_transport.get(&transport) else { return };
        let client = &mut self.clients[slot];
        let ufrag = local.ufrag.to_string();
        client.transport.restart_ice(local, remote);
        self.slots_by_ufrag.insert(ufrag.clone(), slot);
        client.ufrags.push(ufrag);
        let Client { transport, ufrags, .. } = client;
        ufrags.retain(|ufrag| {
            let is_valid = transport.answers_to(ufrag);
            if !is_valid {
                self.slots_by_ufrag.remove(ufrag);
            }
            is_valid
        });
    }

    pub(super) fn close_client(&mut self, now: Instant, transport: TransportId) {
        let Some(&slot) = self.slots_by_transport.get(&transport) else { return };
        self.clients[slot].transport.close(now);
        self.send_control_datagrams(slot);
        self.remove_client(slot);
    }

    /// Forgets a client that ended by itself, and reports it.
    pub(super) fn fail_client(&mut self, slot: usize, reason: TransportFailure) {
        let transport = self.clients[slot].id;
        tracing::debug!(%transport, ?reason, "a transport ended");
        self.send_control_datagrams(slot);
        self.remove_client(slot);
        self.events.push_back(ShardEvent::Failed { transport, reason });
    }

    fn remove_client(&mut self, slot: usize) {
        for key in std::mem::take(&mut self.clients[slot].subscriptions) {
            self.remove_subscription(key);
        }
        let client = self.clients.remove(slot);
        for track in &client.tracks {
            self.end_track(track);
        }
        for ufrag in &client.ufrags {
            self.slots_by_ufrag.remove(ufrag);
        }
        self.slots_by_transport.remove(&client.id);
        self.addresses.forget_client(slot);
        self.timers.cancel(slot);
    }

    /// Tells everybody who receives a track that it is over.
    fn end_track(&mut self, track: &Track) {
        self.homes.remove(&track.id());
        for shard in track.audience().shards() {
            self.tell(*shard, ShardMessage::TrackEnded { track: track.id() });
        }
        self.end_feed(track.id());
    }

    pub(super) fn mute_track(&mut self, now: Instant, track: TrackId, is_muted: bool) {
        let Some(&slot) = self.homes.get(&track) else { return };
        if let Some(track) = self.clients[slot].track_mut(track) {
            track.handle_mute(now, is_muted);
        }
        self.reschedule(slot);
    }

    /// The same after a packet of a track, which can have made due nothing but what the publisher is told.
    pub(super) fn reschedule_media(&mut self, slot: usize, track: TrackId) {
        let Some(client) = self.clients.get_mut(slot) else { return };
        let of_track = client.track_mut(track).and_then(|track| track.poll_timeout());
        if let Some(deadline) = [client.arrivals.poll_timeout(), of_track].into_iter().flatten().min() {
            self.timers.wake_by(slot, deadline);
        }
    }

    /// When a client that was looked after now is looked after next.
    pub(super) fn next_care(&mut self, now: Instant, slot: usize) -> Instant {
        let mut subscriptions =
            self.clients[slot].subscriptions.iter().map(|key| &self.subscriptions[key.0].subscription);
        let sees_video = subscriptions.any(|subscription| subscription.kind() == MediaKind::Video);
        let Care { interval, grid } = if sees_video { VIDEO_CARE } else { SOUND_CARE };
        let origin = *self.care_origin.get_or_insert(now);
        let passed = (now + interval).saturating_duration_since(origin);
        let steps = passed.as_nanos().div_ceil(grid.as_nanos());
        origin + grid * u32::try_from(steps).unwrap_or(u32::MAX)
    }

    /// A client may have to be looked after sooner than it was to be, because it sees video now.
    pub(super) fn hasten_care(&mut self, now: Instant, slot: usize) {
        let sooner = self.next_care(now, slot);
        if let Some(next) = self.clients[slot].next_care.as_mut().filter(|next| **next > sooner) {
            *next = sooner;
            self.timers.wake_by(slot, sooner);
        }
    }

    /// Makes sure that the client is looked after when it next needs it.
    pub(super) fn reschedule(&mut self, slot: usize) {
        if let Some(deadline) = self.clients[slot].poll_timeout() {
            self.timers.wake_by(slot, deadline);
        }
    }
}
