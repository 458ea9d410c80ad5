// SPDX-License-Identifier: EUPL-1.2
//! One stay of somebody in a room: what it is, publishes and receives.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{ParticipantSid, TrackSid, TransportSid};

use super::data_allowance::DataAllowance;
use super::negotiation::Negotiation;
use crate::rooms::caller_rule::CallerFacts;
use crate::rooms::chat::ChatStreams;
use crate::rooms::info::{DisconnectReason, ParticipantInfo, ParticipantKind, ParticipantState, Profile, TrackInfo};
use crate::rooms::input::{Connection, SessionId, SubscriptionRules, Wishes};

/// Somebody in a room.
pub(super) struct Participant {
    pub(super) sid: ParticipantSid,
    pub(super) profile: Profile,
    pub(super) state: ParticipantState,
    /// Since 1970.
    pub(super) joined_at: Duration,
    /// Its websocket, if it has one at the moment.
    pub(super) session: Option<SessionId>,
    /// Since when it has none.
    pub(super) session_lost_at: Option<Instant>,
    pub(super) connection: Connection,
    /// What is known of it if it calls. Its profile shows as much of that as the meeting wants.
    pub(super) caller: Option<CallerFacts>,
    pub(super) transport: TransportSid,
    pub(super) negotiation: Negotiation,
    pub(super) tracks: BTreeMap<TrackSid, Track>,
    /// Whom it lets receive them.
    pub(super) rules: SubscriptionRules,
    /// Those that wait until the ones before have been in force for a while.
    pub(super) next_rules: Option<SubscriptionRules>,
    pub(super) rules_set_at: Option<Instant>,
    pub(super) auto_subscribe: bool,
    /// What it asked to receive or not to receive.
    pub(super) chosen: HashMap<TrackSid, bool>,
    /// In what size.
    pub(super) wishes: Wishes,
    /// What is forwarded to it.
    pub(super) subscriptions: HashSet<TrackSid>,
    /// What it was told that it may not receive.
    pub(super) denied: HashSet<TrackSid>,
    /// What is forwarded to it in vain: its client has no decoder.
    pub(super) unreceivable: BTreeSet<TrackSid>,
    /// The highest sequence number of its reliable data packets.
    pub(super) last_data_sequence: u32,
    /// How much more it may send.
    pub(super) data_allowance: DataAllowance,
    /// Its chat messages that are still coming in.
    pub(super) chat_streams: ChatStreams,
    /// What others were last told about it.
    pub(super) info: Arc<ParticipantInfo>,
    /// When that was.
    pub(super) told_at: Option<Instant>,
}

/// Shortest time between two updates about somebody who is there as before. A hand on a slider is no news for a room.
const UPDATE_INTERVAL: Duration = Duration::from_millis(100);

/// A track that somebody publishes.
pub(super) struct Track {
    pub(super) info: TrackInfo,
    /// The client's own name for it.
    pub(super) cid: String,
    /// It has its m-line. Before that nobody else knows of it.
    pub(super) is_published: bool,
    /// An administrator muted it, and its publisher has not opened it since.
    pub(super) is_muted_by_administrator: bool,
    /// It was muted here, and its publisher has not said yes to that: how often it was told.
    pub(super) unconfirmed_mutes: Option<u32>,
    /// Its publisher knows that somebody receives it.
    pub(super) is_subscribed: bool,
}

impl Participant {
    pub(super) fn is_recorder(&self) -> bool {
        self.profile.permissions.is_recorder || self.profile.kind == ParticipantKind::Egress
    }

    pub(super) fn is_agent(&self) -> bool {
        self.profile.permissions.is_agent || self.profile.kind == ParticipantKind::Agent
    }

    /// Nobody else is to know of it.
    pub(super) fn is_hidden(&self) -> bool {
        self.profile.permissions.is_hidden
    }

    pub(super) fn is_active(&self) -> bool {
        self.state == ParticipantState::Active
    }

    pub(super) fn has_published_tracks(&self) -> bool {
        self.tracks.values().any(|track| track.is_published)
    }

    /// Whether it wants to receive `track`, leaving aside whether it may.
    pub(super) fn wants(&self, track: &TrackSid) -> bool {
        self.chosen.get(track).copied().unwrap_or(self.auto_subscribe)
    }

    /// Forgets all about a track of somebody else. Returns whether it was forwarded.
    pub(super) fn forget_track(&mut self, track: &TrackSid) -> bool {
        self.chosen.remove(track);
        self.wishes.remove(track);
        self.denied.remove(track);
        self.unreceivable.remove(track);
        self.subscriptions.remove(track)
    }

    /// When others may be told the next time. `None` is at once: it came, connected, or publishes other tracks.
    pub(super) fn next_update(&self) -> Option<Instant> {
        let published = self.tracks.values().filter(|track| track.is_published).map(|track| &track.info.sid);
        let is_as_before =
            self.state == self.info.state && published.eq(self.info.tracks.iter().map(|track| &track.sid));
        self.told_at.filter(|_| is_as_before).map(|told_at| told_at + UPDATE_INTERVAL)
    }

    /// Writes down its state under the next version.
    pub(super) fn renew_info(&mut self, now: Instant) {
        self.told_at = Some(now);
        self.info = Arc::new(self.describe(self.info.version.saturating_add(1)));
    }

    /// The last that others hear of it.
    pub(super) fn farewell(&self, reason: DisconnectReason) -> ParticipantInfo {
        ParticipantInfo {
            state: ParticipantState::Disconnected,
            tracks: Vec::new(),
            is_publisher: false,
            disconnect_reason: Some(reason),
            ..self.describe(self.info.version.saturating_add(1))
        }
    }

    /// What is true of it now.
    pub(super) fn current(&self) -> ParticipantInfo {
        self.describe(self.info.version)
    }

    fn describe(&self, version: u32) -> ParticipantInfo {
        let tracks = self.tracks.values().filter(|track| track.is_published);
        ParticipantInfo {
            sid: self.sid.clone(),
            profile: self.profile.clone(),
            state: self.state,
            joined_at: self.joined_at,
            version,
            is_publisher: self.has_published_tracks(),
            tracks: tracks.map(|track| track.info.clone()).collect(),
            disconnect_reason: None,
        }
    }
}
