// SPDX-License-Identifier: EUPL-1.2
//! What administrators want of a room.

use std::sync::Arc;

use bus::{ParticipantSid, TrackSid};

use super::{Room, Told};
use crate::auth::grants::{Permissions, TrackSource};
use crate::rooms::details::DetailsChange;
use crate::rooms::info::{DisconnectReason, ParticipantInfo};
use crate::rooms::input::{Control, ControlId, Now, RoomChange};
use crate::rooms::output::{AfterLeave, ControlError, ControlReply, Notice, Output};

type Reply = Result<ControlReply, ControlError>;

impl Room {
    /// Does what an administrator wants and answers.
    pub(super) fn control(&mut self, now: Now, id: ControlId, control: Control) {
        let reply = match control {
            Control::ListParticipants => Ok(self.list_participants()),
            Control::GetParticipant(identity) => self.get_participant(&identity),
            Control::GetCaller(identity) => self.get_caller(&identity),
            Control::RemoveParticipant(identity) => self.remove_participant(now, &identity),
            Control::Mute { identity, track, is_muted } => self.mute_by_administrator(&identity, &track, is_muted),
            Control::UpdateParticipant { identity, change, permissions } => {
                self.update_participant(now, &identity, change, permissions)
            }
            Control::Subscribe { identity, tracks, subscribe } => {
                self.subscribe_participant(&identity, tracks, subscribe)
            }
            Control::SendData { channel, packet } => {
                self.send_data(None, channel, packet, None);
                Ok(ControlReply::Done)
            }
            Control::SetMetadata(metadata) => {
                Ok(self.configure_room(now, RoomChange { metadata: Some(metadata), ..RoomChange::default() }))
            }
            Control::Configure(change) => Ok(self.configure_room(now, change)),
            Control::SetPolicy(policy) => {
                self.set_policy(now, policy);
                Ok(ControlReply::Done)
            }
            Control::Overview => Ok(ControlReply::Overview(self.overview())),
            Control::Chat => Ok(ControlReply::Chat(self.chat.messages())),
            Control::MuteSources { identity, sources } => self.mute_people(identity.as_deref(), &sources),
            Control::PermitUnmute { identity, is_permitted } => self.permit_unmute(&identity, is_permitted),
            Control::LowerHand(identity) => self.lower_hand(now, identity.as_deref()),
            Control::Tell { audience, topic, payload } => {
                self.send_notice(&audience, topic, payload);
                Ok(ControlReply::Done)
            }
            Control::Expect(identity) => {
                self.expect(now, identity);
                Ok(ControlReply::Done)
            }
            Control::AwaitsBack(identity) => {
                self.awaits_back(now, &identity).then_some(ControlReply::Done).ok_or(ControlError::NoSuchParticipant)
            }
            Control::Move { identity, to } => self.participant_called(&identity).map(|sid| {
                self.move_participant(now, &sid, to);
                ControlReply::Done
            }),
        };
        self.outputs.push_back(Output::Reply { id, reply });
    }

    fn participant_called(&self, identity: &str) -> Result<ParticipantSid, ControlError> {
        self.identities.get(identity).cloned().ok_or(ControlError::NoSuchParticipant)
    }

    /// What is true of a participant now, also told to the others.
    fn current_info(&mut self, sid: &ParticipantSid) -> Result<Arc<ParticipantInfo>, ControlError> {
        self.tell_at_once(sid);
        self.flush();
        self.participants.get(sid).map(|participant| participant.info.clone()).ok_or(ControlError::NoSuchParticipant)
    }

    /// What an administrator does is told without delay.
    pub(super) fn tell_at_once(&mut self, sid: &ParticipantSid) {
        if let Some(participant) = self.participants.get_mut(sid) {
            participant.told_at = None;
        }
    }

    fn list_participants(&self) -> ControlReply {
        ControlReply::Participants(self.participants.values().map(|participant| participant.info.clone()).collect())
    }

    fn get_participant(&mut self, identity: &str) -> Reply {
        let sid = self.participant_called(identity)?;
        self.current_info(&sid).map(ControlReply::Participant)
    }

    fn remove_participant(&mut self, now: Now, identity: &str) -> Reply {
        let sid = self.participant_called(identity)?;
        self.remove(now, &sid, DisconnectReason::ParticipantRemoved, Some(AfterLeave::Disconnect));
        Ok(ControlReply::Done)
    }

    fn get_caller(&self, identity: &str) -> Reply {
        let sid = self.participant_called(identity)?;
        Ok(ControlReply::Caller(self.participants.get(&sid).and_then(|who| who.caller.clone())))
    }

    fn mute_by_administrator(&mut self, identity: &str, track: &TrackSid, is_muted: bool) -> Reply {
        let sid = self.participant_called(identity)?;
        let entry = self.track_mut(&sid, track).ok_or(ControlError::NoSuchTrack)?;
        if !is_muted && entry.info.is_muted {
            return Err(ControlError::RemoteUnmute);
        }
        if entry.info.is_muted != is_muted {
            entry.is_muted_by_administrator = true;
            self.notify(&sid, Notice::Muted { track: track.clone(), is_muted });
            // The publisher itself hears it by that notice. If an update overtook it, the client would take it for a
            // mistake and open the track.
            self.set_muted(&sid, track, is_muted, Told::Others);
            self.tell_at_once(&sid);
        }
        let entry = self.track_mut(&sid, track).ok_or(ControlError::NoSuchTrack)?;
        Ok(ControlReply::Track(Box::new(entry.info.clone())))
    }

    fn update_participant(
        &mut self,
        now: Now,
        identity: &str,
        change: DetailsChange,
        permissions: Option<Permissions>,
    ) -> Reply {
        let sid = self.participant_called(identity)?;
        let given = Some(change.name.clone()).filter(|name| !name.is_empty());
        self.change_details(&sid, change).map_err(ControlError::TooLong)?;
        if let Some(given) = given
            && let Some(caller) = self.participants.get_mut(&sid).and_then(|who| who.caller.as_mut())
        {
            caller.given = Some(given);
        }
        if let Some(permissions) = permissions {
            self.set_permissions(&sid, permissions);
            self.room_changed(now);
        }
        self.current_info(&sid).map(ControlReply::Participant)
    }

    fn subscribe_participant(&mut self, identity: &str, tracks: Vec<TrackSid>, subscribe: bool) -> Reply {
        let sid = self.participant_called(identity)?;
        if tracks.iter().any(|track| !self.tracks.contains_key(track)) {
            return Err(ControlError::NoSuchTrack);
        }
        self.choose_tracks(&sid, tracks, subscribe);
        Ok(ControlReply::Done)
    }

    fn mute_people(&mut self, identity: Option<&str>, sources: &[TrackSource]) -> Reply {
        let muted: Vec<_> = match identity {
            Some(identity) => vec![self.participant_called(identity)?],
            None => {
                let others = self.participants.values().filter(|participant| !participant.profile.is_moderator);
                others.map(|participant| participant.sid.clone()).collect()
            }
        };
        for sid in muted {
            self.mute_sources(&sid, sources);
        }
        Ok(ControlReply::Done)
    }

    /// Whoever may not speak any more is muted at once.
    fn permit_unmute(&mut self, identity: &str, is_permitted: bool) -> Reply {
        let sid = self.participant_called(identity)?;
        self.standings.entry(identity.into()).or_default().may_unmute = Some(is_permitted);
        self.tell_at_once(&sid);
        self.apply_unmute_rule(Some(&sid));
        Ok(ControlReply::Done)
    }

    fn lower_hand(&mut self, now: Now, identity: Option<&str>) -> Reply {
        let sid = identity.map(|identity| self.participant_called(identity)).transpose()?;
        self.lower_hands(now, sid.as_ref());
        Ok(ControlReply::Done)
    }

    fn configure_room(&mut self, now: Now, change: RoomChange) -> ControlReply {
        self.settings = change.apply(self.settings);
        self.schedule_idle();
        self.has_changed = true;
        if let Some(metadata) = change.metadata.filter(|metadata| **metadata != *self.metadata) {
            self.metadata = metadata.into();
            self.tell_room(now);
        }
        ControlReply::Room(self.info())
    }
}
