// SPDX-License-Identifier: EUPL-1.2
//! Going, by one's own will or not, and the end of the room.

use std::sync::Arc;

use bus::{ParticipantSid, SfuCommand, TransportFailure, TransportSid};
use tracing::debug;

use super::{Idle, Room};
use crate::rooms::info::DisconnectReason;
use crate::rooms::input::{Input, Now};
use crate::rooms::output::{AfterLeave, ControlError, Milestone, Notice, Output, Report};

impl Room {
    /// Removes somebody and all that is of it. `then` is what its client is told to do, if it is to be told anything.
    pub(super) fn remove(
        &mut self,
        now: Now,
        sid: &ParticipantSid,
        reason: DisconnectReason,
        then: Option<AfterLeave>,
    ) {
        if let Some(then) = then {
            self.notify(sid, Notice::Leave { reason, then });
        }
        let Some(participant) = self.participants.remove(sid) else { return };
        debug!(room = %self.sid, participant = %sid, reason = reason.as_str(), "left");
        self.changed.remove(sid);
        self.identities.remove(&participant.profile.identity);
        self.transports.remove(&participant.transport);
        if let Some(session) = participant.session {
            self.sessions.remove(&session);
            self.outputs.push_back(Output::EndSession { session });
        }
        self.forget_tracks(participant.tracks.keys());
        self.speakers.forget(sid);
        self.order(SfuCommand::CloseTransport { transport: participant.transport.clone() });
        let farewell = Arc::new(participant.farewell(reason));
        for track in participant.tracks.values().filter(|track| track.is_published) {
            self.unpublished(&farewell, track);
        }
        if !participant.is_hidden() {
            self.departed.push(farewell.clone());
        }
        let milestone = if participant.is_active() { Milestone::Left(farewell) } else { Milestone::Aborted(farewell) };
        self.outputs.push_back(Output::Milestone(milestone));
        self.leave_standing(now, &participant.profile.identity, participant.is_caller(), reason);
        self.outputs.push_back(Output::Left(reason));
        let identity = participant.profile.identity.clone();
        self.outputs.push_back(Output::Report(Report::Left { identity }));
        self.room_changed(now);
        if self.idle.is_none() && self.participants.values().all(|other| other.profile.kind.is_dependent()) {
            self.become_idle(now, Idle::Left);
        }
    }

    /// The SFU node lost somebody's transport. Its client must join anew.
    pub(super) fn transport_failed(&mut self, now: Now, transport: &TransportSid, failure: TransportFailure) {
        let Some(sid) = self.participant_of_transport(transport) else { return };
        debug!(room = %self.sid, participant = %sid, ?failure, "the transport failed");
        let Some(participant) = self.participants.get(&sid) else { return };
        let reason = match failure {
            TransportFailure::ClosedByPeer => DisconnectReason::ClientInitiated,
            _ if participant.session.is_none() => DisconnectReason::SignalClose,
            _ if !participant.is_active() => DisconnectReason::JoinFailure,
            _ => DisconnectReason::ConnectionTimeout,
        };
        self.remove(now, &sid, reason, Some(AfterLeave::Reconnect));
    }

    /// The SFU node does not take somebody. Only where there is no room it is no use to try again soon.
    pub(super) fn transport_refused(&mut self, now: Now, transport: &TransportSid, is_full: bool) {
        if let Some(sid) = self.participant_of_transport(transport) {
            let then = if is_full { AfterLeave::Disconnect } else { AfterLeave::Reconnect };
            self.remove(now, &sid, DisconnectReason::JoinFailure, Some(then));
        }
    }

    /// The SFU node is gone. Everybody joins anew, on another one.
    pub(super) fn node_lost(&mut self, now: Now) {
        let everybody: Vec<_> = self.participants.keys().cloned().collect();
        for sid in everybody {
            self.remove(now, &sid, DisconnectReason::ConnectionTimeout, Some(AfterLeave::Reconnect));
        }
    }

    /// Ends the room. Who was in it may come back after a shutdown, and not otherwise.
    pub(super) fn close(&mut self, now: Now, reason: DisconnectReason) {
        let then = match reason {
            DisconnectReason::ServerShutdown => AfterLeave::Reconnect,
            _ => AfterLeave::Disconnect,
        };
        let everybody: Vec<_> = self.participants.keys().cloned().collect();
        for sid in everybody {
            self.remove(now, &sid, reason, Some(then));
        }
        // Whoever would have to be told is gone too.
        self.departed.clear();
        self.is_closed = true;
        self.timers.clear();
        self.outputs.push_back(Output::Report(Report::Closed(reason)));
        self.outputs.push_back(Output::Milestone(Milestone::Finished(reason)));
        self.outputs.push_back(Output::Closed);
    }

    /// A room that is over only answers those who wait for an answer.
    pub(super) fn handle_after_close(&mut self, input: Input) {
        match input {
            Input::Control { id, .. } => {
                self.outputs.push_back(Output::Reply { id, reply: Err(ControlError::RoomClosed) });
            }
            Input::Join(join) => self.outputs.push_back(Output::EndSession { session: join.session }),
            Input::Resume(resume) => self.outputs.push_back(Output::EndSession { session: resume.session }),
            _ => {}
        }
    }
}
