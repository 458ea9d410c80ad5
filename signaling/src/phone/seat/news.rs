// SPDX-License-Identifier: EUPL-1.2
//! From a room's notices to what a caller is told: what they were told before and what is true now make the events. No I/O and
//! no clock.
//!
//! A room says what is; a caller hears what has changed, and by whom. Who did it is known by the way it is heard: a room
//! tells somebody that their track was muted only when they did not do it themselves.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bus::phone::{By, MeetingEvent, Recording, RoomStatus};
use bus::{MediaKind, ParticipantSid, TrackSid};
use serde::Deserialize;

use crate::auth::grants::TrackSource;
use crate::rooms::details::{HAND, HELD};
use crate::rooms::info::{
    DisconnectReason, Identity, ParticipantInfo, ParticipantKind, ParticipantState, RoomInfo, TrackInfo,
};
use crate::rooms::input::Destination;
use crate::rooms::output::{Joined, Notice, TokenContent};
use crate::rooms::policy::{AnnounceRule, Announced};
use crate::rooms::room::meeting::NOTICE_TOPIC;

/// How a stay in a room ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The meeting is over.
    Ended,
    /// A moderator removed the caller.
    Removed,
    /// Something of ours broke.
    Failed,
}

/// What a caller is told, or has to do.
#[derive(Debug, PartialEq)]
pub(super) enum Told {
    Event(MeetingEvent),
    /// They are sent to another room, and are not in this one any more.
    Moved(Destination, Box<TokenContent>),
    /// They are not in the room any more.
    Gone(Ending),
}

/// What a caller knows of the room that they are in.
pub(super) struct News {
    own: ParticipantSid,
    microphone: Option<TrackSid>,
    is_muted: bool,
    may_unmute: bool,
    /// Since when their hand is up, as the room counts.
    hand: Option<u64>,
    /// They want it down themselves.
    is_lowering: bool,
    is_recorded: bool,
    announce: AnnounceRule,
    /// The others, as many as the room has.
    others: HashMap<Identity, Other>,
    /// Where they are to go when they are told to leave.
    sent_to: Option<(Destination, Box<TokenContent>)>,
    told: VecDeque<Told>,
}

/// Somebody else who is there.
struct Other {
    sid: ParticipantSid,
    hand: Option<u64>,
    /// They are at a telephone.
    calls: bool,
}

/// What the server says in words. What else it says is not for callers.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Words {
    UnmuteRequest,
    EndsIn {
        minutes: u64,
    },
    #[serde(other)]
    Other,
}

impl News {
    /// Of somebody who has just come in. A hand that is up since before is the first thing to [tell](Self::poll): whoever does
    /// not know of it cannot take it down.
    pub(super) fn new(joined: &Joined) -> Self {
        let mut news = Self {
            own: joined.participant.sid.clone(),
            microphone: None,
            is_muted: true,
            may_unmute: false,
            hand: None,
            is_lowering: false,
            is_recorded: joined.room.has_recorder,
            announce: joined.room.announce,
            others: HashMap::new(),
            sent_to: None,
            told: VecDeque::new(),
        };
        for other in &joined.others {
            news.see(other);
        }
        news.look_at_microphone(&joined.participant);
        // That is told by the status.
        news.told.clear();
        news.look_at_hand(&joined.participant);
        news
    }

    /// How it stands in the room.
    pub(super) fn status(&self) -> RoomStatus {
        RoomStatus {
            count: self.count(),
            is_muted: self.is_muted,
            may_unmute: self.may_unmute,
            recording: self.is_recorded.then_some(RECORDING),
        }
    }

    /// How many are in the room, the caller among them.
    pub(super) fn count(&self) -> u16 {
        at_most(self.others.len() + 1)
    }

    /// The caller's microphone, if they may speak at all.
    pub(super) const fn microphone(&self) -> Option<&TrackSid> {
        self.microphone.as_ref()
    }

    /// The caller wants their hand up or down.
    pub(super) const fn wants_hand(&mut self, is_raised: bool) {
        self.is_lowering = !is_raised;
    }

    /// Takes what the room says. Call [`Self::poll`] until it is empty afterwards.
    pub(super) fn handle(&mut self, notice: Notice) {
        match notice {
            Notice::Participants(infos) => {
                self.see_people(&infos);
                if let Some(own) = infos.iter().find(|info| info.sid == self.own) {
                    self.look_at_microphone(own);
                    self.look_at_hand(own);
                }
            }
            Notice::Muted { track, is_muted: true } if self.microphone.as_ref() == Some(&track) => {
                self.microphone_is(true, By::Host);
            }
            Notice::Room(room) => self.look_at_room(&room),
            Notice::ConsentNoted(is_given) => self.event(MeetingEvent::ConsentNoted(is_given)),
            Notice::Words { topic: NOTICE_TOPIC, payload } => self.words(&payload),
            Notice::Moved(to, content) => self.sent_to = Some((to, content)),
            Notice::Leave { reason, .. } => self.leave(reason),
            _ => {}
        }
    }

    /// The next thing to tell.
    pub(super) fn poll(&mut self) -> Option<Told> {
        self.told.pop_front()
    }

    fn event(&mut self, event: MeetingEvent) {
        self.told.push_back(Told::Event(event));
    }

    /// Who has come and who is gone, of whom that is to be heard. Whoever is back at once under the same identity was never away.
    fn see_people(&mut self, infos: &[Arc<ParticipantInfo>]) {
        let (mut left, mut joined) = (HashMap::new(), Vec::new());
        for info in infos {
            let identity = &info.profile.identity;
            if info.sid == self.own {
                continue;
            }
            if info.state != ParticipantState::Disconnected {
                if self.see(info) && left.remove(identity).is_none() {
                    joined.push(self.is_heard(calls(info)));
                }
            } else if self.others.get(identity).is_some_and(|other| other.sid == info.sid) {
                let other = self.others.remove(identity);
                left.extend(other.map(|other| (identity.clone(), self.is_heard(other.calls))));
            }
        }
        // One after the other, those first who are gone.
        let mut count = (self.others.len() + 1).saturating_sub(joined.len()) + left.len();
        for is_heard in left.into_values() {
            count -= 1;
            // That they are alone is told in any case: it is about them.
            if (is_heard && self.are_few(count)) || count == 1 {
                self.event(MeetingEvent::Left { count: at_most(count) });
            }
        }
        for is_heard in joined {
            count += 1;
            if is_heard && self.are_few(count) {
                self.event(MeetingEvent::Joined { count: at_most(count) });
            }
        }
    }

    /// Whether so few are there that it is of interest who they are.
    fn are_few(&self, count: usize) -> bool {
        u32::try_from(count).is_ok_and(|count| count <= self.announce.up_to)
    }

    /// Whether the meeting wants it to be heard when somebody comes or goes who `calls`, or does not.
    const fn is_heard(&self, calls: bool) -> bool {
        match self.announce.of {
            Announced::Nobody => false,
            Announced::Callers => calls,
            Announced::Everybody => true,
        }
    }

    /// Somebody is there. Recorders and the like are no company. Returns whether they are new.
    fn see(&mut self, info: &ParticipantInfo) -> bool {
        if info.profile.kind.is_dependent() {
            return false;
        }
        let other = Other { sid: info.sid.clone(), hand: hand(info), calls: calls(info) };
        self.others.insert(info.profile.identity.clone(), other).is_none()
    }

    fn look_at_microphone(&mut self, own: &ParticipantInfo) {
        let is_microphone =
            |track: &&TrackInfo| (track.kind, track.source) == (MediaKind::Audio, TrackSource::Microphone);
        let track = own.tracks.iter().find(is_microphone);
        self.microphone = track.map(|track| track.sid.clone());
        let may_unmute = track.is_some() && !own.profile.details.attributes.contains_key(HELD);
        // Whoever is told that it is on must have heard that it may be, and the other way round.
        if may_unmute {
            self.may_unmute_is(true);
        }
        match track {
            Some(track) => self.microphone_is(track.is_muted, By::Caller),
            None => self.microphone_is(true, By::Host),
        }
        if !may_unmute {
            self.may_unmute_is(false);
        }
    }

    fn microphone_is(&mut self, is_muted: bool, by: By) {
        if std::mem::replace(&mut self.is_muted, is_muted) != is_muted {
            self.event(if is_muted { MeetingEvent::MicrophoneOff(by) } else { MeetingEvent::MicrophoneOn });
        }
    }

    fn may_unmute_is(&mut self, may_unmute: bool) {
        if std::mem::replace(&mut self.may_unmute, may_unmute) != may_unmute {
            self.event(MeetingEvent::MayUnmute(may_unmute));
        }
    }

    fn look_at_hand(&mut self, own: &ParticipantInfo) {
        match (std::mem::replace(&mut self.hand, hand(own)), self.hand) {
            (None, Some(since)) => {
                let earlier = self.others.values().filter(|other| other.hand.is_some_and(|hand| hand < since)).count();
                self.event(MeetingEvent::HandRaised { position: Some(at_most(earlier + 1)) });
            }
            (Some(_), None) => {
                let by = if std::mem::take(&mut self.is_lowering) { By::Caller } else { By::Host };
                self.event(MeetingEvent::HandLowered(by));
            }
            _ => {}
        }
    }

    fn look_at_room(&mut self, room: &RoomInfo) {
        self.announce = room.announce;
        if std::mem::replace(&mut self.is_recorded, room.has_recorder) != room.has_recorder {
            let began = MeetingEvent::RecordingBegan(RECORDING);
            self.event(if room.has_recorder { began } else { MeetingEvent::RecordingEnded });
        }
    }

    fn words(&mut self, payload: &str) {
        match serde_json::from_str(payload) {
            // Who is held could not do what they are asked for.
            Ok(Words::UnmuteRequest) if self.may_unmute => self.event(MeetingEvent::AskedToUnmute),
            Ok(Words::EndsIn { minutes: 1 }) => self.event(MeetingEvent::OneMinuteLeft),
            Ok(Words::UnmuteRequest | Words::EndsIn { .. } | Words::Other) | Err(_) => {}
        }
    }

    fn leave(&mut self, reason: DisconnectReason) {
        use DisconnectReason as R;
        if let Some((to, content)) = self.sent_to.take() {
            return self.told.push_back(Told::Moved(to, content));
        }
        self.told.push_back(Told::Gone(match reason {
            R::ParticipantRemoved => Ending::Removed,
            R::RoomDeleted | R::RoomClosed | R::TimeLimit => Ending::Ended,
            R::ClientInitiated
            | R::DuplicateIdentity
            | R::ServerShutdown
            | R::StateMismatch
            | R::JoinFailure
            | R::SignalClose
            | R::ConnectionTimeout => Ending::Failed,
        }));
    }
}

/// Whatever records has everybody's sound, so everybody is asked.
const RECORDING: Recording = Recording { asks_consent: true };

/// Whether somebody is at a telephone.
fn calls(info: &ParticipantInfo) -> bool {
    info.profile.kind == ParticipantKind::Sip
}

/// Since when somebody's hand is up.
fn hand(info: &ParticipantInfo) -> Option<u64> {
    info.profile.details.attributes.get(HAND)?.parse().ok()
}

fn at_most(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
