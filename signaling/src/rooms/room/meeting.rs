// SPDX-License-Identifier: EUPL-1.2
//! What a meeting's policy does in its room: what may be published and written, how long it lasts, who is sent elsewhere.

use std::time::Duration;

use bus::{MediaKind, ParticipantSid, TransportSid};
use serde_json::json;

use super::lifetime::Timer;
use super::{Room, Told};
use crate::auth::grants::{Permissions, Sources, TrackSource};
use crate::rooms::chat::{ChatMessage, DataContent, MessageChange};
use crate::rooms::info::DisconnectReason;
use crate::rooms::input::{DataPacket, Destination, NoticeAudience, Now};
use crate::rooms::output::{AfterLeave, DataDrop, Notice, Output, Overview, Report, TokenContent};
use crate::rooms::policy::{ChatRule, RoomPolicy};

/// The topic of words for everybody in a room, such as that it ends soon.
pub(crate) const NOTICE_TOPIC: &str = "saal.notice";

/// How long before the end everybody is warned, in minutes.
const WARNINGS_MINUTES: [u64; 2] = [5, 1];

impl Room {
    /// From now on the room allows this. What it allows no longer ends at once.
    pub(crate) fn set_policy(&mut self, now: Now, policy: RoomPolicy) {
        let before = std::mem::replace(&mut self.policy, policy);
        if policy.ends_at != before.ends_at {
            self.schedule_end(now);
        }
        if policy == before {
            return;
        }
        let everybody: Vec<_> = self.participants.keys().cloned().collect();
        for sid in &everybody {
            if !policy.allows_pictures_like(&before) {
                self.follow_policy(sid);
            }
            self.unpublish_forbidden(sid);
        }
        if policy.unmute != before.unmute {
            self.apply_unmute_rule(None);
        }
        if policy.caller != before.caller {
            self.show_callers();
        }
        if policy.announce != before.announce {
            self.room_changed(now);
        }
        if policy.is_locked != before.is_locked {
            if policy.is_locked {
                self.note_lock();
            }
            let payload = json!({ "kind": if policy.is_locked { "locked" } else { "unlocked" } }).to_string();
            self.send_notice(&NoticeAudience::Everyone, NOTICE_TOPIC, payload);
        }
    }

    /// Has callers who are there show as much of what is known of them as the meeting wants now, before anybody else is told of
    /// them.
    fn show_callers(&mut self) {
        let everybody: Vec<_> = self.participants.keys().cloned().collect();
        for sid in everybody {
            let Some(participant) = self.participants.get_mut(&sid) else { continue };
            let Some(caller) = &participant.caller else { continue };
            let before = participant.profile.details.clone();
            self.policy.caller.show(caller, &mut participant.profile.details);
            if participant.profile.details != before {
                self.mark_changed(&sid, Told::Everyone);
                self.tell_at_once(&sid);
                self.renew_token(&sid);
            }
        }
    }

    /// Has somebody's permissions name the pictures that the meeting allows now, so that their client offers these.
    fn follow_policy(&mut self, sid: &ParticipantSid) {
        let Some(participant) = self.participants.get(sid) else { return };
        // A token that names no sources does not come from a meeting.
        let Sources::Only(named) = &participant.profile.permissions.sources else { return };
        let mut sources = named.clone();
        for (kind, source) in [
            (MediaKind::Video, TrackSource::Camera),
            (MediaKind::Video, TrackSource::ScreenShare),
            (MediaKind::Audio, TrackSource::ScreenShareAudio),
        ] {
            if self.allows_track(participant, kind, source) {
                sources.insert(source);
            } else {
                sources.remove(&source);
            }
        }
        let permissions = participant.profile.permissions.clone();
        self.set_permissions(sid, Permissions { sources: Sources::Only(sources), ..permissions });
    }

    fn schedule_end(&mut self, now: Now) {
        let Some(left) = self.policy.ends_at.map(|end| end.saturating_sub(now.unix)) else { return };
        for minutes in WARNINGS_MINUTES {
            if let Some(wait) = left.checked_sub(Duration::from_secs(minutes * 60)) {
                self.schedule(now.instant + wait, Timer::EndsIn(minutes));
            }
        }
        self.schedule(now.instant + left, Timer::End);
    }

    /// Warns that the room ends soon, if it still does.
    pub(super) fn warn_of_end(&mut self, now: Now, minutes: u64) {
        let left = self.policy.ends_at.map(|end| end.saturating_sub(now.unix));
        // A second off is no matter: timers are late, and clocks are set.
        if left.is_some_and(|left| left.abs_diff(Duration::from_secs(minutes * 60)) <= Duration::from_secs(1)) {
            let payload = json!({ "kind": "ends_in", "minutes": minutes }).to_string();
            self.send_notice(&NoticeAudience::Everyone, NOTICE_TOPIC, payload);
        }
    }

    /// Ends the room when its time is over.
    pub(super) fn end_of_time(&mut self, now: Now) {
        if self.policy.ends_at.is_some_and(|end| end <= now.unix + Duration::from_secs(1)) {
            self.close(now, DisconnectReason::TimeLimit);
        }
    }

    /// Tells people something in words that their clients understand, and callers' bridges.
    pub(super) fn send_notice(&mut self, audience: &NoticeAudience, topic: &'static str, payload: String) {
        let receivers = self.participants.values().filter(|participant| {
            participant.is_active()
                && match audience {
                    NoticeAudience::Everyone => true,
                    NoticeAudience::Moderators => participant.profile.is_moderator,
                    NoticeAudience::Only(identity) => participant.profile.identity == *identity,
                }
        });
        let (callers, others): (Vec<_>, Vec<_>) = receivers.partition(|receiver| receiver.is_caller());
        let callers: Vec<_> = callers.into_iter().map(|caller| caller.sid.clone()).collect();
        let transports: Vec<TransportSid> = others.into_iter().map(|receiver| receiver.transport.clone()).collect();
        for caller in callers {
            self.notify(&caller, Notice::Words { topic, payload: payload.clone() });
        }
        if !transports.is_empty() {
            self.outputs.push_back(Output::SendNotice { transports, topic, payload });
        }
    }

    /// Sends somebody to another room: with a token for it, and the word to join anew.
    pub(super) fn move_participant(&mut self, now: Now, sid: &ParticipantSid, to: Destination) {
        let Some(participant) = self.participants.get(sid) else { return };
        let (details, permissions) = (participant.profile.details.clone(), participant.profile.permissions.clone());
        let caller = participant.caller.clone();
        self.notify(sid, Notice::Moved(to, Box::new(TokenContent { details, permissions, caller })));
        self.remove(now, sid, DisconnectReason::ParticipantRemoved, Some(AfterLeave::Reconnect));
    }

    /// Who is there, with what only moderators see.
    pub(super) fn overview(&self) -> Vec<Overview> {
        let participants = self.participants.values();
        participants
            .map(|participant| Overview {
                info: participant.info.clone(),
                may_unmute: self.may_unmute(&participant.profile),
            })
            .collect()
    }

    /// Looks at what a packet says. Chat that may not be sent goes no further; what goes to everybody is kept.
    pub(super) fn check_content(&mut self, sid: &ParticipantSid, packet: &DataPacket) -> Result<(), DataDrop> {
        let is_private = !packet.identities.is_empty() || !packet.participants.is_empty();
        let is_allowed = match self.policy.chat {
            ChatRule::Off => false,
            ChatRule::Public => !is_private,
            ChatRule::PublicPrivate => true,
        };
        let is_kept = !is_private && self.policy.has_chat_history;
        let Some(sender) = self.participants.get_mut(sid) else { return Ok(()) };
        let allowed = |is_allowed| if is_allowed { Ok(()) } else { Err(DataDrop::NotAllowed) };
        let (is_sent, message) = match &packet.content {
            DataContent::Other => (true, None),
            DataContent::Encrypted => (is_allowed, None),
            DataContent::Message { id, text, change } => {
                (is_allowed, is_kept.then(|| (id.clone(), text.clone(), *change)))
            }
            DataContent::Header(header) if !is_allowed => {
                sender.chat_streams.refuse(header.clone());
                (false, None)
            }
            DataContent::Header(header) if is_kept => {
                let written = sender.chat_streams.collect(header.clone());
                (true, written.map(|(text, change)| (header.stream.clone(), text, change)))
            }
            DataContent::Header(_) => (true, None),
            DataContent::Chunk { stream, bytes } => (sender.chat_streams.take_chunk(stream, bytes), None),
            DataContent::Trailer { stream } => {
                let (is_sent, written) = sender.chat_streams.finish(stream);
                (is_sent, written.map(|(text, change)| (stream.clone(), text, change)))
            }
        };
        if let Some((id, text, change)) = message.filter(|_| is_sent) {
            self.keep_message(sid, id, text, change);
        }
        allowed(is_sent)
    }

    fn keep_message(&mut self, sid: &ParticipantSid, id: String, text: String, change: MessageChange) {
        let Some(sender) = self.participants.get(sid).filter(|sender| !sender.is_hidden()) else { return };
        let profile = &sender.profile;
        let (sender, sender_name) = (profile.identity.clone(), profile.details.name.clone());
        let message = ChatMessage { id, sender, sender_name, text, at: self.unix };
        if let Some(change) = self.chat.add(message, change)
            && self.policy.keeps_chat
        {
            self.outputs.push_back(Output::Report(Report::Chat(change)));
        }
    }
}
