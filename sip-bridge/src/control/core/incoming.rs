// SPDX-License-Identifier: EUPL-1.2
//! From an INVITE to its answer: who calls, whether we can agree on sound, and whether signaling wants the call.

use std::sync::Arc;
use std::time::Instant;

use bus::phone::{CallTerms, Decline, IncomingCall, TrunkConfig};

use super::{ControlCore, Output};
use crate::caller::Caller;
use crate::control::call::{Call, caller_settings};
use crate::control::identity;
use crate::sdp::{self, Capabilities, SessionDescription};
use crate::sip::event::CallId;
use crate::sip::flow::Flow;
use crate::sip::message::{Request, Transport};
use crate::sound::{CallKey, RtpSockets, SoundOrder};
use crate::trunks::Identity;

/// Ports that are tried for one call. Another process may have one; that it has all of these means that the range is not
/// ours.
const PORT_TRIES: usize = 4;

/// How a call is refused.
pub(super) struct No {
    /// For the counters.
    label: &'static str,
    status: u16,
    reason: &'static str,
    header: Option<(&'static str, String)>,
}

/// What becomes of an INVITE that is not taken up.
pub(super) enum Turned {
    /// It is refused.
    Away(No),
    /// The caller is asked for a password, with these challenges.
    Back(Vec<String>),
}

impl From<No> for Turned {
    fn from(no: No) -> Self {
        Self::Away(no)
    }
}

impl No {
    const fn new(label: &'static str, status: u16, reason: &'static str) -> Self {
        Self { label, status, reason, header: None }
    }

    fn with(self, name: &'static str, value: String) -> Self {
        Self { header: Some((name, value)), ..self }
    }
}

/// Something of ours does not work, and elsewhere it may. Without Retry-After, after which a trunk would send no call at all
/// for so long.
pub(super) const UNAVAILABLE: No = No::new("unavailable", 503, "Service Unavailable");

/// Nobody could send us sound.
const NO_ADDRESS: No = No::new("no_address", 503, "Service Unavailable");

impl ControlCore {
    pub(super) fn handle_incoming(
        &mut self,
        now: Instant,
        id: CallId,
        invite: &Request,
        flow: Flow,
        offer: Option<Vec<u8>>,
    ) {
        match self.prepare(now, id, invite, flow, offer) {
            Ok((call, incoming)) => {
                let key = CallKey(id.0);
                self.take_up(key, call);
                self.outputs.push_back(Output::OpenLine { call: key, incoming: Box::new(incoming) });
            }
            Err(Turned::Away(no)) => self.reject(now, id, &no),
            // It fails when the caller has given up. Otherwise they come again, as another call.
            Err(Turned::Back(challenges)) => {
                let _ = self.endpoint.challenge(now, id, false, &challenges);
            }
        }
    }

    fn prepare(
        &mut self,
        now: Instant,
        id: CallId,
        invite: &Request,
        flow: Flow,
        offer: Option<Vec<u8>>,
    ) -> Result<(Call, IncomingCall), Turned> {
        let peer = flow.remote.ip().to_canonical();
        let peers = self.settings.trunks.current();
        let trunk = match self.callers.identify(now, &peers, peer, invite) {
            Identity::Trunk(trunk) => trunk,
            Identity::Ask(challenges) => return Err(Turned::Back(challenges)),
            Identity::Stranger => return Err(No::new("stranger", 403, "Forbidden").into()),
            Identity::Wrong => return Err(No::new("wrong_password", 403, "Forbidden").into()),
            Identity::TooManyWrong => return Err(No::new("too_many_wrong_passwords", 403, "Forbidden").into()),
            Identity::Malformed => {
                return Err(No::new("malformed_credentials", 400, "Bad Request (credentials)").into());
            }
        };
        if trunk.config.caller_credentials.is_some() {
            self.settings.trunks.note_proven(now, peer);
        }
        let is_contact = |user: &str| user == self.contact_user || self.operations.has_contact(user);
        let called = identity::called(invite, is_contact).ok_or(No::new("no_number", 404, "Not Found"))?;
        let caller = identity::caller(invite, trunk.config.vouches_for_callers);
        self.check_room(&trunk.config)?;
        let address = self.settings.media_address(&flow).ok_or(NO_ADDRESS)?;
        let (port, sockets) = self.sockets(now)?;
        let capabilities = Capabilities {
            is_signaling_encrypted: flow.transport == Transport::Tls,
            ..Capabilities::new(address, port)
        };
        let mut call = Call::new(id, (trunk.config.id.clone(), peer), self.least_loaded(), sockets, capabilities);
        if let Err(no) = self.describe(&mut call, offer) {
            self.ports.give_back_unused(port);
            return Err(no.into());
        }
        let incoming = IncomingCall {
            bridge: u16::try_from(call.thread).unwrap_or(u16::MAX),
            trunk: call.trunk.clone(),
            peer,
            called,
            caller: caller.number,
            is_withheld: caller.is_withheld,
            call_id: invite.headers.call_id.clone(),
        };
        Ok((call, incoming))
    }

    /// Whether one more call is taken, by us and of that trunk.
    pub(super) fn check_room(&self, trunk: &TrunkConfig) -> Result<(), No> {
        if self.calls.len() >= self.settings.max_calls {
            return Err(No::new("too_many", 503, "Service Unavailable"));
        }
        let calls = self.operations.calls_of(&trunk.id);
        if trunk.max_calls.is_some_and(|most| calls >= most) {
            return Err(No::new("too_many_of_trunk", 486, "Busy Here"));
        }
        Ok(())
    }

    pub(super) fn sockets(&mut self, now: Instant) -> Result<(u16, RtpSockets), No> {
        for _ in 0..PORT_TRIES {
            let Ok(port) = self.ports.take(now) else { break };
            match (self.bind)(port) {
                Ok(sockets) => return Ok((port, sockets)),
                Err(_) => self.ports.give_back(now, port),
            }
        }
        Err(No::new("no_port", 503, "Service Unavailable"))
    }

    /// Answers the offer of an INVITE, or makes ours where it has none. Neither is sent yet.
    fn describe(&mut self, call: &mut Call, offer: Option<Vec<u8>>) -> Result<(), No> {
        let not_acceptable = |refusal: sdp::Refusal| {
            No::new("no_agreement", refusal.status(), "Not Acceptable Here").with("Warning", refusal.warning("saal"))
        };
        match offer {
            Some(offer) => {
                let bad = No::new("malformed_offer", 400, "Bad Request (session description)");
                let offer = SessionDescription::parse(&offer).map_err(|_| bad)?;
                let (_, agreed) =
                    sdp::answer(&offer, &call.capabilities, None, &mut self.rng).map_err(not_acceptable)?;
                call.agree(agreed);
            }
            None => {
                call.offered = Some(sdp::offer(&call.capabilities, None, &mut self.rng).map_err(not_acceptable)?);
            }
        }
        Ok(())
    }

    /// Signaling's desk has the call, or has no room for it.
    pub(crate) fn handle_line(&mut self, now: Instant, call: CallKey, is_open: bool) {
        if is_open {
            // It fails when the caller has given up.
            let _ = self.endpoint.ring(now, CallId(call.0), None);
        } else {
            self.refuse(now, call, &No::new("desk_full", 503, "Service Unavailable"));
        }
        self.settle(now);
    }

    /// Signaling takes the call.
    pub(super) fn handle_begun(&mut self, now: Instant, key: CallKey, terms: &CallTerms) {
        let Some(call) = self.calls.get_mut(&key).filter(|call| call.caller.is_none() && call.outgoing.is_none())
        else {
            return;
        };
        let description = call.agreed.as_ref().map(|agreed| agreed.local()).or(call.offered.as_ref());
        let Some(description) = description.map(|description| description.to_text().into_bytes()) else { return };
        if self.endpoint.answer(now, CallId(key.0), description).is_err() {
            // The caller has given up, which comes as an event.
            return;
        }
        call.is_port_told = true;
        call.caller = Some(Caller::new(now, caller_settings(terms)));
        call.tenant = terms.tenant.as_deref().map(Arc::from);
        self.metrics.answered_calls.inc();
        self.begin_sound(key);
        self.follow_caller(now, key);
    }

    /// Gives a call to its thread, once there is something agreed on.
    pub(super) fn begin_sound(&mut self, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        let Some(agreed) = call.agreed.clone() else { return };
        let Some(sockets) = call.sockets.take() else { return };
        let thread = call.thread;
        let is_known = call.outgoing.is_none();
        self.sound(key, thread, SoundOrder::Begin { call: key, sockets, agreed });
        if is_known {
            self.tell_hold(key);
        }
    }

    /// Signaling does not.
    pub(super) fn handle_declined(&mut self, now: Instant, call: CallKey, decline: Decline) {
        let no = match decline {
            Decline::UnknownNumber => No::new("unknown_number", 404, "Not Found"),
            Decline::Blocked(time) => No::new("blocked", 480, "Temporarily Unavailable")
                .with("Retry-After", time.as_secs().max(1).to_string()),
            Decline::Unavailable => UNAVAILABLE,
        };
        self.refuse(now, call, &no);
    }

    /// Refuses a call that is not answered yet.
    pub(super) fn refuse(&mut self, now: Instant, call: CallKey, no: &No) {
        if self.calls.contains_key(&call) {
            self.remove(now, call);
            self.reject(now, CallId(call.0), no);
        }
    }

    fn reject(&mut self, now: Instant, id: CallId, no: &No) {
        self.metrics.refused_calls.with_label_values(&[no.label]).inc();
        let headers: Vec<_> = no.header.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        // It fails when the caller has given up.
        let _ = self.endpoint.reject(now, id, no.status, no.reason, &headers);
    }
}
