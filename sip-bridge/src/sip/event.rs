// SPDX-License-Identifier: EUPL-1.2
//! What the endpoint tells the layer above.

use std::fmt;
use std::time::Duration;

use super::flow::Flow;
use super::message::{Method, Request, Uri};

/// A call, as long as the endpoint lives. Not its Call-ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// A place where we are registered, or want to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegistrationId(pub u64);

/// An OPTIONS request of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OptionsId(pub u64);

/// A request of ours that was challenged and waits for credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChallengeId(pub u64);

/// For whom a request was sent that is challenged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Purpose {
    Call(CallId),
    Registration(RegistrationId),
    Options(OptionsId),
}

/// Why a call is over.
#[derive(Clone, PartialEq, Eq)]
pub enum Cause {
    /// We said BYE.
    HungUp,
    /// They said BYE. With their Reason headers (RFC 3326), as they stand.
    HungUpByPeer {
        /// The values of Reason.
        reasons: Vec<String>,
    },
    /// The caller, they or we, gave up before there was an answer.
    Cancelled,
    /// They refused. A 3xx is among these: it is not followed.
    Refused {
        /// 300 to 699.
        status: u16,
        /// What they call it.
        reason: String,
        /// When it makes sense to try again, if they say so.
        retry_after: Option<Duration>,
    },
    /// We refused.
    RefusedByUs {
        /// 300 to 699.
        status: u16,
    },
    /// Nobody answered the phone for as long as the configuration allows.
    RingTimeout,
    /// The other side answers nothing at all.
    Unreachable,
    /// What we sent could not be delivered.
    TransportFailed,
    /// The connection by which we sent had been there before, and broke with nothing heard. By another one they may be
    /// reached.
    ConnectionLost,
    /// We answered, and the ACK never came.
    NoAck,
    /// A provisional answer was never acknowledged (RFC 3262 §3).
    NoPrack,
    /// They took the call, but told no session description.
    NoDescription,
    /// Nobody refreshed the session (RFC 4028 §10).
    SessionExpired,
    /// The other side does not know the call any more: it answered 481 or 408 inside.
    Forgotten,
    /// A table of ours is full.
    Full,
}

/// Without the other side's text.
impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HungUp => f.write_str("HungUp"),
            Self::HungUpByPeer { .. } => f.write_str("HungUpByPeer"),
            Self::Cancelled => f.write_str("Cancelled"),
            Self::Refused { status, .. } => write!(f, "Refused({status})"),
            Self::RefusedByUs { status } => write!(f, "RefusedByUs({status})"),
            Self::RingTimeout => f.write_str("RingTimeout"),
            Self::Unreachable => f.write_str("Unreachable"),
            Self::TransportFailed => f.write_str("TransportFailed"),
            Self::ConnectionLost => f.write_str("ConnectionLost"),
            Self::NoAck => f.write_str("NoAck"),
            Self::NoPrack => f.write_str("NoPrack"),
            Self::NoDescription => f.write_str("NoDescription"),
            Self::SessionExpired => f.write_str("SessionExpired"),
            Self::Forgotten => f.write_str("Forgotten"),
            Self::Full => f.write_str("Full"),
        }
    }
}

/// What happened. Every call that was told of, by [`Event::Incoming`] or by the id of an invitation, ends with exactly one
/// [`Event::Ended`], and nothing comes after it.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody calls. The layer above rings, answers, rejects or challenges.
    Incoming {
        /// The new call.
        call: CallId,
        /// The INVITE: who, whom, P-Asserted-Identity, Diversion.
        request: Box<Request>,
        /// Where it came from.
        flow: Flow,
        /// Their offer. Without one, ours goes into the answer.
        sdp: Option<Vec<u8>>,
    },
    /// It rings at the other side, or the call makes progress.
    Ringing {
        /// Our call.
        call: CallId,
        /// 101 to 199.
        status: u16,
    },
    /// The same with a description of a session: sound may come before the answer.
    Progress {
        /// Our call.
        call: CallId,
        /// 101 to 199.
        status: u16,
        /// Their description.
        sdp: Vec<u8>,
        /// Whether it is an offer, which wants `answer_offer`.
        is_offer: bool,
    },
    /// The other side took the call.
    Answered {
        /// Our call.
        call: CallId,
        /// The description of whoever took it, also where they told it before. `None` where they made an offer before, which
        /// was answered: then that is agreed on.
        sdp: Option<Vec<u8>>,
        /// Whether it is an offer, which wants `answer_offer`; until then the other side gets no ACK.
        is_offer: bool,
    },
    /// The ACK of our answer came, to an INVITE or to a re-INVITE. Not before the first may sound be sent.
    Acked {
        /// The call.
        call: CallId,
        /// By which way it came.
        flow: Flow,
        /// Their answer, when we had made the offer.
        sdp: Option<Vec<u8>>,
    },
    /// They want to change the session, by re-INVITE, UPDATE or PRACK. Wants `answer_reinvite` or `reject_reinvite`.
    Reinvite {
        /// The call.
        call: CallId,
        /// By which way it came. Our answer goes back by that.
        flow: Flow,
        /// Their offer; without one they ask for ours.
        sdp: Option<Vec<u8>>,
    },
    /// They answered an offer of ours in a re-INVITE, an UPDATE or a reliable ringing, or agreed to a refresh.
    ReinviteAnswered {
        /// The call.
        call: CallId,
        /// Their answer; `None` for a refresh without a description.
        sdp: Option<Vec<u8>>,
    },
    /// They did not. The session goes on as it was.
    ReinviteFailed {
        /// The call.
        call: CallId,
        /// 300 to 699; `None` when there was no answer in the end.
        status: Option<u16>,
    },
    /// An INFO, such as a key that was pressed. It has been answered with 200.
    Info {
        /// The call.
        call: CallId,
        /// What the body is.
        content_type: Option<String>,
        /// The body.
        body: Vec<u8>,
    },
    /// What became of an INFO of ours.
    InfoAnswered {
        /// The call.
        call: CallId,
        /// 200 to 699; 408 when there was no answer.
        status: u16,
    },
    /// They ask to be transferred, which the configuration allows. 202 has been answered; `refer_progress` tells them more.
    Refer {
        /// The call.
        call: CallId,
        /// The value of Refer-To.
        target: String,
    },
    /// How a transfer goes that we asked for.
    ReferProgress {
        /// The call.
        call: CallId,
        /// Below 200 it goes on, 200 to 299 it worked, above it failed. 202 of the REFER itself is told as 100.
        status: u16,
    },
    /// The call is over, and its id means nothing any more.
    Ended {
        /// The call.
        call: CallId,
        /// Why.
        cause: Cause,
    },
    /// We are registered.
    Registered {
        /// Where.
        registration: RegistrationId,
        /// For how long. It is renewed before.
        expires: Duration,
        /// What calls through this registrar carry as Route (RFC 3608); the endpoint does that itself.
        service_route: Vec<String>,
        /// The way to us that the registrar keeps (RFC 3327).
        path: Vec<String>,
    },
    /// We are not registered.
    RegistrationFailed {
        /// Where.
        registration: RegistrationId,
        /// Their answer, if there was one.
        status: Option<u16>,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// We are not registered any more, as was asked. The id means nothing any more.
    Unregistered {
        /// Where.
        registration: RegistrationId,
    },
    /// An OPTIONS was answered, by whatever status.
    OptionsAnswered {
        /// Which.
        options: OptionsId,
        /// 200 to 699.
        status: u16,
    },
    /// An OPTIONS was not answered.
    OptionsFailed {
        /// Which.
        options: OptionsId,
    },
    /// A request of ours needs credentials: `authorize` or `give_up`. After the transaction time-out (32 s) it fails.
    Challenged {
        /// Which.
        challenge: ChallengeId,
        /// For whom it was sent.
        purpose: Purpose,
        /// Whether it was 407: the credentials go into Proxy-Authorization, else into Authorization.
        is_proxy: bool,
        /// The values of WWW-Authenticate or Proxy-Authenticate.
        values: Vec<String>,
        /// What the digest covers.
        method: Method,
        /// What the digest covers.
        uri: Uri,
    },
}

/// The name and whom it concerns, and nothing that somebody said.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incoming { call, sdp, .. } => write!(f, "Incoming({call:?}, offer: {})", sdp.is_some()),
            Self::Ringing { call, status } => write!(f, "Ringing({call:?}, {status})"),
            Self::Progress { call, status, .. } => write!(f, "Progress({call:?}, {status})"),
            Self::Answered { call, is_offer, .. } => write!(f, "Answered({call:?}, offer: {is_offer})"),
            Self::Acked { call, sdp, .. } => write!(f, "Acked({call:?}, answer: {})", sdp.is_some()),
            Self::Reinvite { call, sdp, .. } => write!(f, "Reinvite({call:?}, offer: {})", sdp.is_some()),
            Self::ReinviteAnswered { call, .. } => write!(f, "ReinviteAnswered({call:?})"),
            Self::ReinviteFailed { call, status } => write!(f, "ReinviteFailed({call:?}, {status:?})"),
            Self::Info { call, .. } => write!(f, "Info({call:?})"),
            Self::InfoAnswered { call, status } => write!(f, "InfoAnswered({call:?}, {status})"),
            Self::Refer { call, .. } => write!(f, "Refer({call:?})"),
            Self::ReferProgress { call, status } => write!(f, "ReferProgress({call:?}, {status})"),
            Self::Ended { call, cause } => write!(f, "Ended({call:?}, {cause:?})"),
            Self::Registered { registration, expires, .. } => write!(f, "Registered({registration:?}, {expires:?})"),
            Self::RegistrationFailed { registration, status, retry_in } => {
                write!(f, "RegistrationFailed({registration:?}, {status:?}, {retry_in:?})")
            }
            Self::Unregistered { registration } => write!(f, "Unregistered({registration:?})"),
            Self::OptionsAnswered { options, status } => write!(f, "OptionsAnswered({options:?}, {status})"),
            Self::OptionsFailed { options } => write!(f, "OptionsFailed({options:?})"),
            Self::Challenged { challenge, purpose, method, .. } => {
                write!(f, "Challenged({challenge:?}, {purpose:?}, {method})")
            }
        }
    }
}
