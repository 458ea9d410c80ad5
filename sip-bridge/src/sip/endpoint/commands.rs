// SPDX-License-Identifier: EUPL-1.2
//! What the layer above can ask for.

use std::time::Instant;

use super::{Endpoint, Timer};
use crate::sip::call::Call;
use crate::sip::challenge::realm;
use crate::sip::command::{CommandError, Invite, Reason, Registration};
use crate::sip::core::Core;
use crate::sip::event::{CallId, ChallengeId, OptionsId, RegistrationId};
use crate::sip::flow::Flow;
use crate::sip::message::{CSeq, Method, NameAddr, Request, Uri};
use crate::sip::own_headers;
use crate::sip::owner::{Job, Owner};
use crate::sip::registration::Registrar;
use crate::sip::transaction::NoAnswer;

impl Endpoint {
    fn command(
        &mut self,
        id: CallId,
        f: impl FnOnce(&mut Call, &mut Core) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        self.with_call(id, f).unwrap_or(Err(CommandError::Unknown))
    }

    /// Tells a caller that it rings: 180, or 183 with a description. Reliably where that is possible and configured.
    ///
    /// # Errors
    /// The call is not there, or answered already.
    pub fn ring(&mut self, now: Instant, call: CallId, early_sdp: Option<Vec<u8>>) -> Result<(), CommandError> {
        self.command(call, |call, core| call.ring(now, core, early_sdp))
    }

    /// Takes a call. `sdp` is the answer to its offer, or the offer if it had none. After a description that went out
    /// reliably by [`Endpoint::ring`], `sdp` is not sent any more.
    ///
    /// # Errors
    /// The call is not there, or answered already.
    pub fn answer(&mut self, now: Instant, call: CallId, sdp: Vec<u8>) -> Result<(), CommandError> {
        self.command(call, |call, core| call.answer(now, core, sdp))
    }

    /// Refuses a call: `status` of 300 to 699, anything else becomes 603.
    ///
    /// # Errors
    /// The call is not there, or answered already.
    pub fn reject(
        &mut self,
        now: Instant,
        call: CallId,
        status: u16,
        reason: &str,
        headers: &[(String, String)],
    ) -> Result<(), CommandError> {
        self.command(call, |call, core| call.reject(now, core, status, reason, headers))
    }

    /// Asks a caller for credentials: 401 with WWW-Authenticate, or 407 with Proxy-Authenticate. This call ends with it;
    /// with credentials the caller comes as a new one.
    ///
    /// # Errors
    /// The call is not there, or answered already.
    pub fn challenge(
        &mut self,
        now: Instant,
        call: CallId,
        is_proxy: bool,
        values: &[String],
    ) -> Result<(), CommandError> {
        let (status, reason, name) = if is_proxy {
            (407, "Proxy Authentication Required", "Proxy-Authenticate")
        } else {
            (401, "Unauthorized", "WWW-Authenticate")
        };
        let headers: Vec<_> = values.iter().map(|value| (name.to_owned(), value.clone())).collect();
        self.reject(now, call, status, reason, &headers)
    }

    /// Ends a call in whatever state: 480, CANCEL or BYE. [`super::super::event::Event::Ended`] follows.
    ///
    /// # Errors
    /// The call is not there, or is being ended already.
    pub fn hang_up(&mut self, now: Instant, call: CallId, reason: &Reason) -> Result<(), CommandError> {
        self.command(call, |call, core| call.hang_up(now, core, reason))
    }

    /// Calls somebody.
    ///
    /// # Errors
    /// The tables are full, the endpoint takes no calls any more, or there is no such registration.
    pub fn invite(&mut self, now: Instant, invite: Invite) -> Result<CallId, CommandError> {
        if self.is_declining {
            return Err(CommandError::Draining);
        }
        if self.calls.len() >= self.core.config.max_calls || !self.core.transactions.has_room_for_more() {
            return Err(CommandError::Full);
        }
        let registrar = match invite.registration {
            Some(id) => Some(self.registrations.get(&id).ok_or(CommandError::Unknown)?),
            None => None,
        };
        let user = registrar.map(|registrar| registrar.contact_user().to_owned());
        let route = registrar.map(|registrar| registrar.service_route().to_vec()).unwrap_or_default();
        let id = CallId(self.allot());
        let call = Call::outgoing(now, &mut self.core, id, invite, user, &route)?;
        self.calls.insert(id, Box::new(call));
        self.settle_call(id);
        Ok(id)
    }

    /// Answers an offer in a provisional answer or in a 2xx.
    ///
    /// # Errors
    /// There is none.
    pub fn answer_offer(&mut self, now: Instant, call: CallId, sdp: Vec<u8>) -> Result<(), CommandError> {
        self.command(call, |call, core| call.answer_offer(now, core, sdp))
    }

    /// Offers another session: by re-INVITE, and before the call is answered by UPDATE. When the other side offers at the
    /// same time (491) it is tried again.
    ///
    /// # Errors
    /// Another change is under way, or the call cannot be changed now.
    pub fn reinvite(&mut self, now: Instant, call: CallId, sdp: Vec<u8>) -> Result<(), CommandError> {
        self.command(call, |call, core| call.reinvite(now, core, sdp))
    }

    /// Agrees to a change of theirs, with our answer, or our offer where they asked for one.
    ///
    /// # Errors
    /// There is none, or not any more.
    pub fn answer_reinvite(&mut self, now: Instant, call: CallId, sdp: Vec<u8>) -> Result<(), CommandError> {
        self.command(call, |call, core| call.answer_reinvite(now, core, sdp))
    }

    /// Does not agree, such as with 488.
    ///
    /// # Errors
    /// There is none, or not any more.
    pub fn reject_reinvite(
        &mut self,
        now: Instant,
        call: CallId,
        status: u16,
        reason: &str,
    ) -> Result<(), CommandError> {
        self.command(call, |call, core| call.reject_reinvite(now, core, status, reason))
    }

    /// Asks the other side to call somebody else in our place (RFC 3515). `target` is a URI without brackets.
    ///
    /// # Errors
    /// The call is not up, a transfer is under way, or the target is no URI.
    pub fn refer(&mut self, now: Instant, call: CallId, target: &str) -> Result<(), CommandError> {
        self.command(call, |call, core| call.refer(now, core, target))
    }

    /// Listens no more to how a transfer goes that was asked for by [`Endpoint::refer`]: another one can be. What is still told of
    /// the first gets 481, which ends the subscription (RFC 6665 §4.1.3).
    ///
    /// # Errors
    /// The call is not there.
    pub fn forget_refer(&mut self, call: CallId) -> Result<(), CommandError> {
        self.command(call, |call, _| {
            call.forget_refer();
            Ok(())
        })
    }

    /// Tells how a transfer goes that they asked for. A status of 200 and above is the last.
    ///
    /// # Errors
    /// The call is not up, or there is no room.
    pub fn refer_progress(&mut self, now: Instant, call: CallId, status: u16) -> Result<(), CommandError> {
        self.command(call, |call, core| call.refer_progress(now, core, status))
    }

    /// Sends an INFO.
    ///
    /// # Errors
    /// The call is not up, or there is no room.
    pub fn info(&mut self, now: Instant, call: CallId, content_type: &str, body: Vec<u8>) -> Result<(), CommandError> {
        self.command(call, |call, core| call.info(now, core, content_type, body))
    }

    /// Asks a destination whether it is there.
    ///
    /// # Errors
    /// There is no room.
    pub fn options(
        &mut self,
        now: Instant,
        flow: Flow,
        target: Uri,
        from: NameAddr,
    ) -> Result<OptionsId, CommandError> {
        if !self.core.transactions.has_room_for_more() {
            return Err(CommandError::Full);
        }
        let id = OptionsId(self.allot());
        let core = &mut self.core;
        let mut from = from;
        from.params.set("tag", Some(core.tokens.tag()));
        let to = NameAddr { display_name: None, uri: target.clone(), params: Default::default() };
        let cseq = CSeq { number: core.tokens.first_number(), method: Method::Options };
        let call_id = core.tokens.call_id();
        let mut headers = own_headers::request_headers(from, to, call_id, cseq, &core.config);
        headers.contact = vec![own_headers::contact(&flow, &core.config, &core.config.contact_user)];
        headers.set("Accept", own_headers::SDP);
        let request = Request { method: Method::Options, uri: target, headers, body: Vec::new() };
        core.send(now, flow, request, Owner::Options(id)).map_err(|_| CommandError::Full)?;
        Ok(id)
    }

    /// Registers somewhere, and stays so.
    ///
    /// # Errors
    /// There are as many as the configuration allows, or the endpoint is being drained.
    pub fn register(&mut self, now: Instant, registration: Registration) -> Result<RegistrationId, CommandError> {
        if self.is_draining {
            return Err(CommandError::Draining);
        }
        if self.registrations.len() >= self.core.config.max_registrations {
            return Err(CommandError::Full);
        }
        let id = RegistrationId(self.allot());
        let registrar = Registrar::new(now, &mut self.core, id, registration);
        self.deadlines.set(Timer::Registration(id), registrar.next_timeout());
        self.registrations.insert(id, registrar);
        Ok(id)
    }

    /// Takes a registration away.
    ///
    /// # Errors
    /// It is not there.
    pub fn unregister(&mut self, now: Instant, id: RegistrationId) -> Result<(), CommandError> {
        self.with_registration(id, |one, core| one.leave(now, core)).ok_or(CommandError::Unknown)
    }

    /// Forgets a registration without a word, as where the registrar does not answer: what it still knows of us ends by itself,
    /// and calls by it are welcome until then. No event follows.
    ///
    /// # Errors
    /// It is not there.
    pub fn forget_registration(&mut self, id: RegistrationId) -> Result<(), CommandError> {
        self.registrations.remove(&id).ok_or(CommandError::Unknown)?;
        self.has_registrations_changed = true;
        self.deadlines.set(Timer::Registration(id), None);
        self.challenges.drop_of(|owner| owner == Owner::Registration(id));
        Ok(())
    }

    /// Takes no new calls any more (503, and so are OPTIONS answered, by which exchanges see who takes calls). Calls that are go on,
    /// and so do registrations: where they were taken away, the registrar could think that the calls are gone as well.
    pub fn decline(&mut self) {
        self.is_declining = true;
    }

    /// The same, and takes the registrations away, so that those who call look for another way.
    pub fn drain(&mut self, now: Instant) {
        self.is_declining = true;
        self.is_draining = true;
        self.leave_registrations(now);
    }

    /// Gives a challenged request its credentials: `name` is Authorization or Proxy-Authorization.
    ///
    /// # Errors
    /// The request is not there any more, or there is no room.
    pub fn authorize(&mut self, now: Instant, id: ChallengeId, name: &str, value: String) -> Result<(), CommandError> {
        let held = self.challenges.take(id).ok_or(CommandError::Unknown)?;
        let mut request = held.request;
        let number = match held.owner {
            Owner::Call(call, job) => self.calls.get_mut(&call).and_then(|call| call.renumber(job, &request)),
            Owner::Registration(id) => self.registrations.get_mut(&id).map(Registrar::next_cseq),
            Owner::Options(_) | Owner::Nobody => Some(request.headers.cseq.number.saturating_add(1)),
        };
        request.headers.cseq.number = number.ok_or(CommandError::Unknown)?;
        // Those for another realm are still wanted (RFC 3261 §22.3).
        let (known, realm_of) = (name.to_owned(), |value: &str| realm(value).map(str::to_owned));
        let of = realm_of(&value);
        request.headers.others.retain(|(name, value)| !name.eq_ignore_ascii_case(&known) || realm_of(value) != of);
        request.headers.push(name, value);
        let (owner, flow) = (held.owner, held.flow);
        let sent = self.core.send_again(now, flow, request.clone(), owner, held.attempts);
        match (sent, owner) {
            (Ok(transaction), Owner::Call(call, Job::Invite)) => {
                self.with_call(call, |call, _| call.handle_authorized(transaction, request));
                Ok(())
            }
            (Ok(_), _) => Ok(()),
            (Err(_), owner) => {
                self.fail(now, owner, NoAnswer::NotSent);
                Err(CommandError::Full)
            }
        }
    }

    /// There are no credentials for a challenged request: it counts as refused.
    ///
    /// # Errors
    /// The request is not there any more.
    pub fn give_up(&mut self, now: Instant, id: ChallengeId) -> Result<(), CommandError> {
        let held = self.challenges.take(id).ok_or(CommandError::Unknown)?;
        self.deliver_without_credentials(now, held);
        Ok(())
    }
}
