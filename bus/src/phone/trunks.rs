// SPDX-License-Identifier: EUPL-1.2
//! The trunks that calls come and go by: signaling, where they are administered, tells bridges which there are, and bridges
//! tell how they are. Each direction has only its newest value, so that nothing can pile up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use zeroize::Zeroizing;

/// All trunks, as they are to be.
pub type TrunkList = Arc<[TrunkConfig]>;

/// How trunks are, by their ids. One that is not there has not been taken up yet.
pub type TrunkStates = Arc<BTreeMap<String, TrunkState>>;

/// The end of whoever administers trunks.
#[derive(Debug)]
pub struct TrunkAdministration {
    /// Which there are to be. Before it is first told, there are none.
    pub list: watch::Sender<TrunkList>,
    /// How they are.
    pub states: watch::Receiver<TrunkStates>,
}

/// The end of the bridge.
#[derive(Debug)]
pub struct TrunkOperation {
    /// Which there are to be.
    pub list: watch::Receiver<TrunkList>,
    /// How they are.
    pub states: watch::Sender<TrunkStates>,
}

/// Both ends.
#[must_use]
pub fn trunks() -> (TrunkAdministration, TrunkOperation) {
    let (list, listed) = watch::channel(TrunkList::from([]));
    let (states, stated) = watch::channel(TrunkStates::default());
    (TrunkAdministration { list, states: stated }, TrunkOperation { list: listed, states })
}

/// A provider or an exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkConfig {
    /// Its id, by which calls name it. It does not change.
    pub id: String,
    /// From where it calls. Calls from elsewhere are not even answered.
    pub networks: Vec<IpNet>,
    /// Callers from there must prove by digest (RFC 8760) that they are the trunk, too. Of trunks that share a network, the name
    /// says which it is.
    pub caller_credentials: Option<Credentials>,
    /// Whether it is believed who calls (P-Asserted-Identity, RFC 3325 §3). Else only From is looked at, which anybody can write.
    pub vouches_for_callers: bool,
    /// Where it takes calls and registrations, and who counts as the trunk as soon as its name has been looked up. May be empty
    /// where a trunk only calls us.
    pub destinations: Vec<TrunkDestination>,
    /// With what we answer when the trunk wants us to prove who we are.
    pub credentials: Option<Credentials>,
    /// How we are registered there, if we are.
    pub registration: Option<TrunkRegistration>,
    /// How often destinations are asked by OPTIONS whether they are there; `None`: never, and they count as there.
    pub keep_alive: Option<Duration>,
    /// Calls of this trunk at the same time. Further ones get 486.
    pub max_calls: Option<u32>,
}

impl TrunkConfig {
    /// One that calls us from these networks. It needs no password, nobody is called by it, and what it says of callers is not
    /// believed.
    #[must_use]
    pub fn of_networks(id: &str, networks: Vec<IpNet>) -> Self {
        Self {
            id: id.to_owned(),
            networks,
            caller_credentials: None,
            vouches_for_callers: false,
            destinations: Vec::new(),
            credentials: None,
            registration: None,
            keep_alive: None,
            max_calls: None,
        }
    }
}

/// A name and its password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password. It is overwritten when the last trunk with it is gone.
    #[serde(with = "password")]
    pub password: Arc<Zeroizing<String>>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(hidden)")
    }
}

/// How a password travels to a bridge in another process: as it is, because a link is encrypted.
mod password {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use zeroize::Zeroizing;

    pub(super) fn serialize<S: Serializer>(
        password: &Arc<Zeroizing<String>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        password.as_str().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Zeroizing<String>>, D::Error> {
        Ok(Arc::new(Zeroizing::new(String::deserialize(deserializer)?)))
    }
}

/// One of the places where a trunk is reached. The first that answers is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkDestination {
    /// A domain, which is looked up as RFC 3263 has it, a host, or an IP address (IPv6 without brackets).
    pub host: String,
    /// With a port, no SRV record is looked for. `None`: 5060, by TLS 5061, where there is none.
    pub port: Option<u16>,
    /// How it is spoken to.
    pub transport: TrunkTransport,
}

/// How a trunk is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrunkTransport {
    /// By datagrams.
    Udp,
    /// By a connection.
    Tcp,
    /// By an encrypted connection, with a certificate for the destination's host. Sound is encrypted, too (SDES, RFC 4568).
    Tls,
}

/// Calls reach us because we are registered (RFC 3261 §10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkRegistration {
    /// The domain that REGISTER names.
    pub domain: String,
    /// The user whose calls we want: From and To are `sip:user@domain`.
    pub user: String,
    /// For how long we ask each time.
    pub expires: Duration,
}

/// How a trunk is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkState {
    /// `None`: it has no registration.
    pub registration: Option<RegistrationState>,
    /// In the order of [`TrunkConfig::destinations`].
    pub destinations: Vec<DestinationState>,
    /// Calls that go on.
    pub calls: u32,
}

/// How a registration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegistrationState {
    /// The first answer is waited for.
    Trying,
    /// We are registered.
    Registered,
    /// We are not, and it will be tried again.
    Failed {
        /// What the registrar answered last; `None`: nothing.
        status: Option<u16>,
    },
}

/// How a destination is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DestinationState {
    /// Nobody has asked.
    Unknown,
    /// It answers.
    Reachable,
    /// It does not.
    Unreachable,
    /// No address is known for its name.
    NotFound,
}
