// SPDX-License-Identifier: EUPL-1.2
//! What the layer above asks of the endpoint, where that is more than a few words.

use std::time::Duration;

use thiserror::Error;

use super::event::RegistrationId;
use super::flow::Flow;
use super::message::{NameAddr, Uri};

/// A call that we make. It has no `Debug`: it is all names and numbers.
#[derive(Clone)]
pub struct Invite {
    /// The Request-URI.
    pub target: Uri,
    /// Where the INVITE is sent, which the layer above has found out (a trunk's address).
    pub flow: Flow,
    /// Who calls; a tag in it is replaced.
    pub from: NameAddr,
    /// Who is called; a tag in it is removed.
    pub to: NameAddr,
    /// Our offer. Without one the other side makes it.
    pub sdp: Option<Vec<u8>>,
    /// Other headers, such as P-Asserted-Identity.
    pub headers: Vec<(String, String)>,
    /// Hops to go through first.
    pub route: Vec<NameAddr>,
    /// The registration whose Service-Route the call takes (RFC 3608 §6.1).
    pub registration: Option<RegistrationId>,
    /// For how long it may ring; `None`: as the configuration has it.
    pub ring_time: Option<Duration>,
}

/// Where we want to be registered. It has no `Debug`, like [`Invite`].
#[derive(Clone)]
pub struct Registration {
    /// The Request-URI: the domain, without a user.
    pub registrar: Uri,
    /// Where the REGISTER is sent.
    pub flow: Flow,
    /// Whose calls we want: From and To.
    pub address_of_record: NameAddr,
    /// The user in our Contact, by which calls for this registration are known.
    pub contact_user: String,
    /// For how long we ask. At least a minute.
    pub expires: Duration,
}

/// Why we hang up, as the other side's records show it (RFC 3326).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nothing special.
    Normal,
    /// `SIP;cause=`, with a text.
    Sip(u16, String),
    /// `Q.850;cause=`, with a text; 16 is normal clearing, 31 normal and unspecified.
    Q850(u8, String),
}

impl Reason {
    /// The value of the header, if there shall be one.
    pub(super) fn header(&self) -> Option<String> {
        let quoted = |text: &str| {
            let plain: String = text.chars().filter(|c| !c.is_control() && *c != '"' && *c != '\\').take(80).collect();
            format!("\"{plain}\"")
        };
        match self {
            Self::Normal => None,
            Self::Sip(cause, text) => Some(format!("SIP;cause={cause};text={}", quoted(text))),
            Self::Q850(cause, text) => Some(format!("Q.850;cause={cause};text={}", quoted(text))),
        }
    }
}

/// Why a command was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// The call, registration or challenge is not there, or not any more.
    #[error("there is no such call, registration or challenge")]
    Unknown,
    /// It is there, but this cannot be done to it now.
    #[error("this cannot be done in the present state")]
    WrongState,
    /// An offer is under way; its end comes as an event.
    #[error("another change of the session is under way")]
    OfferPending,
    /// As many as the configuration allows are there.
    #[error("a table is full")]
    Full,
    /// No new calls are made any more.
    #[error("the endpoint is being drained")]
    Draining,
    /// The other side did not say that it understands this method.
    #[error("the other side does not support this")]
    Unsupported,
}
