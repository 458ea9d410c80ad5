// SPDX-License-Identifier: EUPL-1.2
//! By what a message is known to belong to a transaction (RFC 3261 §17.1.3, §17.2.3).

use crate::sip::message::{Host, Method, Request, Response, Uri, Via};
use crate::sip::tokens::MAGIC_COOKIE;

/// Of a request that we sent.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(in crate::sip) struct ClientKey {
    branch: String,
    method: Method,
}

impl ClientKey {
    pub(in crate::sip) fn of_request(request: &Request) -> Option<Self> {
        let branch = request.headers.via.first()?.branch()?.to_owned();
        Some(Self { branch, method: request.method.clone() })
    }

    pub(in crate::sip) fn of_response(response: &Response) -> Option<Self> {
        let branch = response.headers.via.first()?.branch()?.to_owned();
        Some(Self { branch, method: response.headers.cseq.method.clone() })
    }
}

/// Of a request that we got.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(in crate::sip) enum ServerKey {
    /// Since RFC 3261: the branch says it, together with who made it.
    Branch { branch: String, sent_by: String, method: Method },
    /// Before (RFC 2543): the request itself. To's tag is not part of it, because the ACK has one where the INVITE had none.
    Old { call_id: String, from_tag: String, cseq: u32, uri: String, via: String, method: Method },
}

impl ServerKey {
    /// The transaction of a request; for an ACK that of its INVITE. `None` without a Via, which the parser lets nobody do.
    pub(in crate::sip) fn of(request: &Request) -> Option<Self> {
        let method = if request.method == Method::Ack { Method::Invite } else { request.method.clone() };
        Self::with_method(request, method)
    }

    /// The INVITE that a CANCEL is about (§9.2).
    pub(in crate::sip) fn of_cancelled(cancel: &Request) -> Option<Self> {
        Self::with_method(cancel, Method::Invite)
    }

    fn with_method(request: &Request, method: Method) -> Option<Self> {
        let headers = &request.headers;
        let via = headers.via.first()?;
        if let Some(branch) = via.branch().filter(|branch| has_cookie(branch)) {
            return Some(Self::Branch { branch: branch.to_owned(), sent_by: sent_by(via), method });
        }
        Some(Self::Old {
            call_id: headers.call_id.clone(),
            from_tag: headers.from.tag().unwrap_or_default().to_owned(),
            cseq: headers.cseq.number,
            uri: uri_text(&request.uri),
            via: format!("{};{}", sent_by(via), via.branch().unwrap_or_default()),
            method,
        })
    }
}

/// The cookie is compared without regard to case, as all parameters' values that are tokens (§7.3.1).
fn has_cookie(branch: &str) -> bool {
    branch.get(..MAGIC_COOKIE.len()).is_some_and(|start| start.eq_ignore_ascii_case(MAGIC_COOKIE))
        && branch.len() > MAGIC_COOKIE.len()
}

fn sent_by(via: &Via) -> String {
    format!("{}:{}", host_text(&via.host), via.port.unwrap_or(0))
}

fn host_text(host: &Host) -> String {
    match host {
        Host::Address(address) => address.to_string(),
        Host::Name(name) => name.to_ascii_lowercase(),
    }
}

fn uri_text(uri: &Uri) -> String {
    match uri {
        Uri::Sip(sip) => {
            let user = sip.user.as_deref().unwrap_or_default();
            format!("{user}@{}:{}", host_text(&sip.host), sip.port.unwrap_or(0))
        }
        Uri::Tel(text) | Uri::Other(text) => text.clone(),
    }
}

/// By what a request is known that came by two ways (RFC 3261 §8.2.2.2).
#[derive(Clone, PartialEq, Eq, Hash)]
pub(in crate::sip) struct MergeKey {
    from_tag: String,
    call_id: String,
    cseq: u32,
    method: Method,
}

impl MergeKey {
    /// `None` inside a dialog, where requests cannot fork. Nor for ACK and CANCEL, which belong to an INVITE.
    pub(in crate::sip) fn of(request: &Request) -> Option<Self> {
        let headers = &request.headers;
        if headers.to.tag().is_some() || matches!(request.method, Method::Ack | Method::Cancel) {
            return None;
        }
        Some(Self {
            from_tag: headers.from.tag().unwrap_or_default().to_owned(),
            call_id: headers.call_id.clone(),
            cseq: headers.cseq.number,
            method: request.method.clone(),
        })
    }
}
