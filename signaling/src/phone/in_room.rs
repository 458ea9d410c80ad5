// SPDX-License-Identifier: EUPL-1.2
//! A call whose caller is in a room: what they want is passed on to their seat there, and what the seat says to the bridge.

use std::collections::BTreeMap;

use bus::phone::{MeetingEvent, PhoneNotice, PhoneRequest};
use tracing::warn;

use super::attendant::{Attendant, Entry, Goes, Stage};
use super::dial_out::records::DialledCallEnd;
use super::seat::{Seat, SeatEvent, SeatRefused, SeatRequest};
use crate::rooms::details::HOLD;

impl Attendant {
    /// Connects who was admitted with their room. Who was not is not asked for it by a bridge.
    pub(super) async fn join(&mut self) -> Goes {
        let Stage::Admitted(entry) = &self.stage else { return Goes::On };
        let Entry { visit, token, caller, place } = entry.as_ref();
        let (visit, token, caller, place) = (visit.clone(), token.clone(), caller.clone(), *place);
        if let Some(gathered) = &self.gathered {
            gathered.comes_in_at(self.caller.bridge);
        }
        let request = SeatRequest { token, bridge: self.caller.bridge, attributes: self.attributes(), caller };
        match Seat::take(&self.app, request).await {
            Ok(seat) => {
                let (leg, status) = (seat.leg().clone(), seat.status());
                self.stage = Stage::InRoom(Box::new(seat));
                // First, so that nobody hears a microphone that is off.
                let goes = match self.tell(PhoneNotice::Event(MeetingEvent::Arrived(status))) {
                    Goes::On => self.tell(PhoneNotice::Connected { leg }),
                    Goes::Over => Goes::Over,
                };
                if let Some(place) = place
                    && let Err(error) = visit.arrived(place).await
                {
                    warn!(%error, "a caller who is in keeps a place from others for a while");
                }
                goes
            }
            // That has happened since they were let in.
            Err(SeatRefused::Ended) => self.last(MeetingEvent::Ended).await,
            Err(SeatRefused::NotAllowed) => self.last(MeetingEvent::Removed).await,
            Err(SeatRefused::TurnedAway) => self.turned_away(visit).await,
            Err(refused @ SeatRefused::Unavailable) => {
                warn!(?refused, "a caller who was let in has no seat");
                self.fail().await
            }
        }
    }

    /// What LiveKit's clients look for in somebody who calls, but for the number: that is the room's to show.
    fn attributes(&self) -> BTreeMap<String, String> {
        let caller = &self.caller;
        let mut attributes = BTreeMap::from([
            ("sip.callID", caller.call.clone()),
            ("sip.callStatus", "active".to_owned()),
            ("sip.trunkID", caller.trunk.clone()),
        ]);
        attributes.extend(caller.is_on_hold.then(|| (HOLD, "true".to_owned())));
        attributes.extend(caller.own_number.clone().map(|number| ("sip.trunkPhoneNumber", number)));
        attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The caller holds the call, or does not any more. Who is in no room yet comes into one like that.
    pub(super) async fn set_hold(&mut self, is_on_hold: bool) -> Goes {
        self.caller.is_on_hold = is_on_hold;
        if let Stage::InRoom(seat) = &mut self.stage {
            seat.set_hold(is_on_hold).await;
        }
        Goes::On
    }

    /// Does what a caller in a room wants. Elsewhere it has no meaning.
    pub(super) async fn ask_seat(&mut self, request: PhoneRequest) -> Goes {
        let Stage::InRoom(seat) = &mut self.stage else { return Goes::On };
        match request {
            PhoneRequest::SetMuted(is_muted) => seat.set_muted(is_muted).await,
            PhoneRequest::SetHand(is_raised) => seat.set_hand(is_raised).await,
            PhoneRequest::AskCount => {
                let count = seat.count();
                return self.tell(PhoneNotice::Count(count));
            }
            PhoneRequest::Consent(is_given) => seat.set_consent(is_given).await,
            // The others are no wishes of somebody in a room.
            _ => {}
        }
        Goes::On
    }

    /// Passes on what a seat says; `None` was the last.
    pub(super) async fn seat_says(&mut self, event: Option<SeatEvent>) -> Goes {
        match event {
            Some(SeatEvent::Meeting(event)) => {
                match event {
                    MeetingEvent::Ended => self.ends(DialledCallEnd::MeetingEnded),
                    MeetingEvent::Removed => self.ends(DialledCallEnd::Removed),
                    _ => {}
                }
                self.tell(PhoneNotice::Event(event))
            }
            Some(SeatEvent::Leg(leg)) => self.tell(PhoneNotice::Connected { leg }),
            Some(SeatEvent::Failed) => self.fail().await,
            None => {
                self.stage = Stage::Leaving;
                Goes::On
            }
        }
    }

    /// Tells how it ended. Who was in the room is not any more.
    pub(super) async fn last(&mut self, event: MeetingEvent) -> Goes {
        self.leave_lobby().await;
        self.ends(if event == MeetingEvent::Ended { DialledCallEnd::MeetingEnded } else { DialledCallEnd::Removed });
        self.stage = Stage::Leaving;
        self.tell(PhoneNotice::Event(event))
    }
}
