// SPDX-License-Identifier: EUPL-1.2
//! What is said in a call besides its beginning, its changes and its end: INFO (RFC 6086), REFER and its NOTIFY (RFC 3515),
//! OPTIONS; and the way of every request that comes in a dialog.

use std::time::Instant;

use super::call::{Call, Phase};
use super::command::{CommandError, Reason};
use super::core::Core;
use super::event::{Cause, Event};
use super::flow::Flow;
use super::message::{Method, Request};
use super::own_headers::{self, ACCEPT, ALLOW, SUPPORTED};
use super::owner::Job;
use super::transaction::TransactionId;

impl Call {
    /// A request in one of the call's dialogs.
    pub(super) fn handle_request(
        &mut self,
        now: Instant,
        core: &mut Core,
        flow: Flow,
        id: TransactionId,
        request: Request,
    ) {
        let tag = request.headers.from.tag().unwrap_or_default();
        let Some(leg) = self.leg_by_tag(tag) else {
            return core.refuse_unknown(now, id, &request);
        };
        if !leg.dialog.accept_cseq(request.headers.cseq.number) {
            return core.refuse(now, id, &request, 500, "CSeq Out Of Order");
        }
        leg.dialog.handle_heard(flow);
        match request.method {
            Method::Bye => {
                core.respond(now, id, request.response(200, "OK"));
                self.handle_bye(now, core, &request);
            }
            Method::Invite => self.handle_reinvite(now, core, id, request),
            Method::Update => self.handle_update(now, core, id, request),
            Method::Prack => self.handle_prack(now, core, id, request),
            Method::Info => self.handle_info(now, core, id, request),
            Method::Refer => self.handle_refer(now, core, id, &request),
            Method::Notify => self.handle_notify(now, core, id, &request),
            Method::Options => core.answer_options(now, id, &request, false),
            Method::Subscribe => core.refuse(now, id, &request, 489, "Bad Event"),
            _ => core.refuse_with(now, id, &request, (405, "Method Not Allowed"), ("Allow", ALLOW.to_owned())),
        }
    }

    fn handle_info(&mut self, now: Instant, core: &mut Core, id: TransactionId, request: Request) {
        if matches!(self.phase, Phase::Ending(_) | Phase::Over) {
            return core.refuse_unknown(now, id, &request);
        }
        if request.headers.get("Info-Package").is_some() {
            // We have offered none (RFC 6086 §4.2.2).
            return core.refuse_with(now, id, &request, (469, "Bad Info Package"), ("Recv-Info", String::new()));
        }
        core.respond(now, id, request.response(200, "OK"));
        let Request { headers, body, .. } = request;
        core.events.push_back(Event::Info { call: self.id, content_type: headers.content_type, body });
    }

    /// The command: an INFO.
    pub(super) fn info(
        &mut self,
        now: Instant,
        core: &mut Core,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<(), CommandError> {
        if !matches!(self.phase, Phase::Up) {
            return Err(CommandError::WrongState);
        }
        self.send(now, core, Job::Info, Method::Info, |info| {
            info.headers.content_type = Some(content_type.to_owned());
            info.body = body;
        })
        .map(|_| ())
    }

    pub(super) fn handle_info_response(&mut self, now: Instant, core: &mut Core, status: u16) {
        if status < 200 || !matches!(self.phase, Phase::Up) {
            return;
        }
        core.events.push_back(Event::InfoAnswered { call: self.id, status });
        if status == 481 {
            self.bye(now, core, Reason::Sip(481, "unknown".to_owned()).header(), Cause::Forgotten);
        }
    }

    fn handle_refer(&mut self, now: Instant, core: &mut Core, id: TransactionId, request: &Request) {
        let mut targets = request.headers.all("Refer-To");
        let (target, another) = (targets.next().map(str::to_owned), targets.next().is_some());
        match target {
            _ if !matches!(self.phase, Phase::Up) => core.refuse_unknown(now, id, request),
            _ if !core.config.allow_refer => core.refuse(now, id, request, 403, "Forbidden"),
            Some(target) if !another => {
                let mut response = request.response(202, "Accepted");
                response.headers.contact =
                    self.legs.first().map(|leg| leg.dialog.contact(&core.config)).into_iter().collect();
                core.respond(now, id, response);
                core.events.push_back(Event::Refer { call: self.id, target });
                // The first NOTIFY follows at once (RFC 3515 §2.4.4).
                let _ = self.refer_progress(now, core, 100);
            }
            // There has to be exactly one (§2.4.1).
            _ => core.refuse(now, id, request, 400, "Refer-To Missing Or Repeated"),
        }
    }

    /// The command: tells how a transfer goes that they asked for.
    pub(super) fn refer_progress(&mut self, now: Instant, core: &mut Core, status: u16) -> Result<(), CommandError> {
        if !matches!(self.phase, Phase::Up) {
            return Err(CommandError::WrongState);
        }
        let is_final = status >= 200;
        self.send(now, core, Job::Notify, Method::Notify, |notify| {
            notify.headers.push("Event", "refer");
            let state = if is_final { "terminated;reason=noresource" } else { "active;expires=180" };
            notify.headers.push("Subscription-State", state);
            notify.headers.content_type = Some("message/sipfrag;version=2.0".to_owned());
            notify.body = format!("SIP/2.0 {status} {}\r\n", phrase(status)).into_bytes();
        })
        .map(|_| ())
    }

    /// The command: asks them to call somebody else instead.
    pub(super) fn refer(&mut self, now: Instant, core: &mut Core, target: &str) -> Result<(), CommandError> {
        let is_clean =
            !target.is_empty() && !target.chars().any(|c| c.is_control() || matches!(c, '<' | '>' | '"' | ','));
        if !matches!(self.phase, Phase::Up) || self.referring.is_some() || !is_clean {
            return Err(CommandError::WrongState);
        }
        let contact = self.legs.first().map(|leg| leg.dialog.contact(&core.config));
        let mut number = 0;
        self.send(now, core, Job::Refer, Method::Refer, |refer| {
            number = refer.headers.cseq.number;
            refer.headers.contact = contact.into_iter().collect();
            refer.headers.push("Refer-To", format!("<{target}>"));
        })?;
        self.referring = Some(number);
        Ok(())
    }

    /// The command: what becomes of a transfer is not listened to any more.
    pub(super) fn forget_refer(&mut self) {
        self.referring = None;
    }

    pub(super) fn handle_refer_response(&mut self, core: &mut Core, status: u16) {
        if status < 200 || !matches!(self.phase, Phase::Up) {
            return;
        }
        let is_accepted = (200..300).contains(&status);
        if !is_accepted {
            self.referring = None;
        }
        let status = if is_accepted { 100 } else { status };
        core.events.push_back(Event::ReferProgress { call: self.id, status });
    }

    fn handle_notify(&mut self, now: Instant, core: &mut Core, id: TransactionId, request: &Request) {
        let is_meant = self.referring.is_some_and(|refer| is_about(request.headers.get("Event"), refer));
        if !is_meant || !matches!(self.phase, Phase::Up) {
            return core.refuse(now, id, request, 481, "Subscription Does Not Exist");
        }
        core.respond(now, id, request.response(200, "OK"));
        let state = request.headers.get("Subscription-State").unwrap_or_default();
        let status = sipfrag_status(&request.body);
        let is_terminated =
            state.split(';').next().is_some_and(|state| state.trim().eq_ignore_ascii_case("terminated"));
        // After the last word nothing follows, whether they say so or not.
        if is_terminated || status.is_some_and(|status| status >= 200) {
            self.referring = None;
        }
        if let Some(status) = status {
            core.events.push_back(Event::ReferProgress { call: self.id, status });
        }
    }
}

/// Whether an Event is about that REFER. Who names none means the only one (RFC 3515 §2.4.6).
fn is_about(event: Option<&str>, refer: u32) -> bool {
    let mut parts = event.unwrap_or_default().split(';').map(str::trim);
    let is_refer = parts.next().is_some_and(|package| package.eq_ignore_ascii_case("refer"));
    let id = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("id"));
    is_refer && id.is_none_or(|(_, id)| id.trim().parse::<u32>().is_ok_and(|id| id == refer))
}

/// The status in `SIP/2.0 180 Ringing`.
fn sipfrag_status(body: &[u8]) -> Option<u16> {
    let line = body.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let mut parts = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    parts.next().filter(|version| version.eq_ignore_ascii_case("SIP/2.0"))?;
    parts.next()?.parse().ok().filter(|status| (100..700).contains(status))
}

/// A word for a status, for who reads it.
fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        ..200 => "Session Progress",
        200..300 => "OK",
        486 => "Busy Here",
        487 => "Request Terminated",
        503 => "Service Unavailable",
        603 => "Decline",
        _ => "Failed",
    }
}

impl Core {
    /// OPTIONS (RFC 3261 §11.2): what we can do, and whether a call would get through.
    pub(super) fn answer_options(&mut self, now: Instant, id: TransactionId, request: &Request, is_draining: bool) {
        let (status, reason) = if is_draining { (503, "Service Unavailable") } else { (200, "OK") };
        let tag = self.tokens.tag();
        let mut response = own_headers::answer(request, status, reason, &tag, &self.config);
        response.headers.set("Allow", ALLOW);
        response.headers.set("Accept", ACCEPT);
        response.headers.set("Accept-Encoding", "identity");
        response.headers.set("Supported", SUPPORTED);
        if is_draining {
            response.headers.set("Retry-After", self.config.retry_after.as_secs().to_string());
        }
        self.respond(now, id, response);
    }
}

#[cfg(test)]
mod tests {
    use super::{is_about, sipfrag_status};

    #[test]
    fn an_event_is_about_the_refer_that_it_names() {
        assert!(is_about(Some("refer"), 7) && is_about(Some("Refer ; id=7"), 7));
        assert!(!is_about(Some("refer;id=6"), 7) && !is_about(Some("refer;id=x"), 7));
        assert!(!is_about(Some("presence;id=7"), 7) && !is_about(None, 7));
    }

    #[test]
    fn the_status_of_a_transfer_is_read() {
        assert_eq!(sipfrag_status(b"SIP/2.0 180 Ringing\r\n"), Some(180));
        assert_eq!(sipfrag_status(b"SIP/2.0 200 OK"), Some(200));
        assert_eq!(sipfrag_status(b"HTTP/1.1 200 OK"), None);
        assert_eq!(sipfrag_status(b"\xff\xfe"), None);
        assert_eq!(sipfrag_status(b""), None);
    }
}
