// SPDX-License-Identifier: EUPL-1.2
//! How an endpoint behaves: who it is, how patient, and how much it holds.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::check::Rejection;
use super::message::{Host, Request, Transport};

/// The timers of RFC 3261 §17 (table 4), all of which follow from these.
#[derive(Clone, Copy, Debug)]
pub struct Timers {
    /// A round trip, estimated. At least a millisecond.
    pub t1: Duration,
    /// The longest pause between retransmissions of what is not an INVITE, and of answers.
    pub t2: Duration,
    /// How long a message stays in the network.
    pub t4: Duration,
    /// Timer D over UDP: how long answers to an INVITE may be repeated. At least 32 s (§17.1.1.2).
    pub d: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            d: Duration::from_secs(32),
        }
    }
}

impl Timers {
    /// Timers B, F, H, J, L and M: 64 times T1, 32 s.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.t1 * 64
    }
}

/// When provisional answers are sent reliably (RFC 3262).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReliableUse {
    /// When the caller requires it.
    IfRequired,
    /// When the caller supports it.
    IfSupported,
}

/// Looks at each request that is new, before anything else does: whether it keeps the rules, and asks for no extension that
/// we do not have (RFC 3261 §8.2). Never called for ACK.
pub type Check = fn(&Request) -> Result<(), Rejection>;

/// Finds by which of our addresses we send to another. `None`: by none that is known.
pub type OwnAddress = fn(SocketAddr) -> Option<IpAddr>;

/// All of it.
#[derive(Clone)]
pub struct Config {
    /// What our Via and Contact say for each transport. One that is missing gets the local address of the flow.
    pub sent_by: Vec<(Transport, Host, u16)>,
    /// What is told in place of a flow's local address that stands for all of ours.
    pub own_address: OwnAddress,
    /// Streams for which nothing is listened: what others want of us comes by the connections that we have opened, if at all.
    pub unlistened: Vec<Transport>,
    /// The user in our Contact.
    pub contact_user: String,
    /// Server and User-Agent. Without a version, which would only help who looks for holes. Empty: none is sent.
    pub user_agent: String,
    /// How patient transactions are.
    pub timers: Timers,
    /// How long it may ring, in and out, before we give up.
    pub ring_timeout: Duration,
    /// How long the layer above may think about a re-INVITE or UPDATE before it is refused with 500.
    pub offer_timeout: Duration,
    /// Our Session-Expires (RFC 4028); `None` asks for no session timer, and takes part when the other side does.
    pub session_expires: Option<Duration>,
    /// The shortest session timer that we accept. RFC 4028 §4 has 90 s as the least.
    pub session_minimum: Duration,
    /// When provisional answers are sent reliably.
    pub reliable_provisional: ReliableUse,
    /// Whether callers may ask to be transferred. Off: REFER gets 403.
    pub allow_refer: bool,
    /// The check of each request.
    pub check: Option<Check>,
    /// Retry-After in 503.
    pub retry_after: Duration,
    /// Calls at the same time. When full, INVITE gets 503.
    pub max_calls: usize,
    /// Transactions from outside at the same time. When three quarters are taken, requests outside of calls get 503 without a
    /// transaction, and when it is full, all do.
    pub max_server_transactions: usize,
    /// Transactions of ours at the same time. From three quarters on there are no new calls, registrations and keep-alives,
    /// so that there is room for BYE and CANCEL; when full, these are not sent.
    pub max_client_transactions: usize,
    /// Registrations at the same time.
    pub max_registrations: usize,
    /// First and longest pause before a failed registration is tried again.
    pub registration_backoff: (Duration, Duration),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sent_by: Vec::new(),
            own_address: |_| None,
            unlistened: Vec::new(),
            contact_user: "saal".to_owned(),
            user_agent: "Saal".to_owned(),
            timers: Timers::default(),
            ring_timeout: Duration::from_secs(180),
            offer_timeout: Duration::from_secs(10),
            session_expires: Some(Duration::from_secs(1800)),
            session_minimum: Duration::from_secs(90),
            reliable_provisional: ReliableUse::IfSupported,
            allow_refer: false,
            check: None,
            retry_after: Duration::from_secs(30),
            max_calls: 2_000,
            max_server_transactions: 20_000,
            max_client_transactions: 20_000,
            max_registrations: 64,
            registration_backoff: (Duration::from_secs(30), Duration::from_secs(1800)),
        }
    }
}
