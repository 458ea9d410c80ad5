// SPDX-License-Identifier: EUPL-1.2
//! Offers: the answer goes back to the client, the negotiated session to whoever holds or will hold the transport.

use bus::{Answer, SfuEvent, SfuRefusal, TransportSid};
use sfu_media::ids::TransportId;
use sfu_media::session::{Session, TransportSetup};
use sfu_media::shard::message::ShardCommand;
use sfu_media::transport::negotiation::{self, Accepted, IceChange};

use super::{Control, ControlOutput};
use crate::registry::Place;

// Signaling lets through what negotiation reads: neither limit can move alone.
const _: () = assert!(bus::MAX_SDP_BYTES == negotiation::MAX_SDP_BYTES);

impl Control {
    /// Answers an offer and puts what it agreed on into effect.
    pub(super) fn offer(&mut self, sid: &TransportSid, sdp: &str) -> Result<Answer, SfuRefusal> {
        let id = self.id_of(sid)?;
        let entry = self.transports.get_mut(&id).ok_or(SfuRefusal::NotOnABridge)?;
        let accepted = entry.negotiation.accept_offer(sdp).map_err(|error| SfuRefusal::BadOffer(error.to_string()))?;
        let Accepted { answer, tracks_by_mid, session, remote, remote_fingerprint, ice } = accepted;
        let local = entry.negotiation.local().clone();
        match ice {
            IceChange::First => {
                entry.session = session.clone();
                let setup = TransportSetup { id, local, remote, remote_fingerprint, session };
                let shard = self.place(id);
                self.registry.register(Box::new(setup), shard).map_err(|_| SfuRefusal::Full)?;
            }
            IceChange::Same => self.put_session(id, session),
            IceChange::Restarted { local } => {
                self.registry.restart(id, &local, &remote).map_err(|_| SfuRefusal::Full)?;
                self.tell_owner(id, ShardCommand::RestartIce { transport: id, local, remote });
                self.put_session(id, session);
            }
        }
        self.mute_muted(id);
        self.run_subscriptions_of(id);
        self.settle_hearing_of_publisher(id);
        self.ask_for_offer(id);
        self.tell_unreceivable(id);
        let uplinks = self.transports.get(&id).into_iter().flat_map(|entry| &entry.session.uplinks);
        let uplinks = uplinks.map(|uplink| (uplink.mid.clone(), uplink.track));
        let tracks_by_mid = tracks_by_mid
            .into_iter()
            .chain(uplinks)
            .filter_map(|(mid, track)| Some((mid.as_str().to_owned(), self.tracks.get(&track)?.sid.clone())))
            .collect();
        Ok(Answer { sdp: answer, tracks_by_mid })
    }

    /// Replaces a session that was negotiated before, at the shard or where it waits for one.
    pub(super) fn put_session(&mut self, id: TransportId, session: Session) {
        let Some(entry) = self.transports.get_mut(&id) else { return };
        if entry.session == session {
            return;
        }
        entry.session = session.clone();
        for (track, subscription) in &mut entry.subscriptions {
            // A downlink that moved or went takes its subscription along at the shard.
            subscription.is_running &= session.downlinks.iter().any(|downlink| downlink.track == *track);
        }
        if let Place::OwnedBy(shard) = self.registry.update_session(id, &session) {
            self.outputs.push(ControlOutput::ToShard(shard, ShardCommand::UpdateSession { transport: id, session }));
        }
    }

    /// Asks the client to offer again when its m-lines do not show what it shall receive.
    pub(super) fn ask_for_offer(&mut self, id: TransportId) {
        let Some(entry) = self.transports.get_mut(&id) else { return };
        if let Some(needed) = entry.negotiation.poll_sections_needed() {
            // No client is asked for more m-lines than an offer may have.
            let count = |sections: usize| u32::try_from(sections).unwrap_or(u32::MAX);
            let sections = bus::SectionsNeeded { audios: count(needed.audios), videos: count(needed.videos) };
            let event = SfuEvent::SectionsNeeded { transport: entry.sid.clone(), sections };
            self.outputs.push(ControlOutput::Report(entry.room.clone(), event));
        }
    }
}
