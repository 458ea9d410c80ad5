// SPDX-License-Identifier: EUPL-1.2
//! Where messages come from and go to: the seam between the endpoint, which decides, and the sockets, which it never sees.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{IpAddr, SocketAddr};

use super::config::OwnAddress;
use super::message::{Host, Message, Transport, Via};

/// A TCP or TLS connection, as the I/O layer counts them. A number is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// The host for which a certificate is to be good where we connect to, in short: its hash. The hosts are those of trunks, and
/// there are some dozens.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TlsName(u64);

impl TlsName {
    /// Of a host, as a trunk has it in lower case.
    #[must_use]
    pub fn of(host: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        host.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// Between which two addresses a message travels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// By what.
    pub transport: Transport,
    /// Our address.
    pub local: SocketAddr,
    /// The other's.
    pub remote: SocketAddr,
    /// On which connection. `None` for UDP; in a [`Transmit`] over a stream it asks the I/O layer to use one that it has to
    /// `remote`, or to open one.
    pub connection: Option<ConnectionId>,
    /// Over TLS, whom the other side has to prove to be, or has proven. `None` where others have connected to us, and for a
    /// connection to such a caller, which is tried for the names of all trunks there.
    pub tls_name: Option<TlsName>,
}

/// Without addresses, which are personal data.
impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("transport", &self.transport).field("connection", &self.connection).finish()
    }
}

impl Flow {
    /// Our address for the other side: the flow's, or the one that is found where the flow's stands for all of ours.
    pub(crate) fn own_ip(&self, own_address: OwnAddress) -> IpAddr {
        let local = self.local.ip();
        if local.is_unspecified() { own_address(self.remote).unwrap_or(local) } else { local }
    }

    /// Whether the end of the connection of `failed` concerns messages of this flow. Connections are compared by their numbers
    /// alone: the end of an old one, which may be told more than once, is no matter to what goes by a new one to the same
    /// address.
    pub(super) fn is_hit_by(&self, failed: &Self) -> bool {
        self.connection.is_some() && self.connection == failed.connection
    }
}

/// The connection that took a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carrier {
    /// Which.
    pub connection: ConnectionId,
    /// Whether it is opened for this message.
    pub is_new: bool,
}

/// A message to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Where to.
    pub flow: Flow,
    /// What.
    pub message: Message,
}

/// Without what the message says.
impl fmt::Debug for Transmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transmit").field("flow", &self.flow).finish_non_exhaustive()
    }
}

/// Notes in the topmost Via where a request really came from (RFC 3261 §18.2.1, RFC 3581 §4).
pub(crate) fn stamp_source(via: &mut Via, source: SocketAddr) {
    let is_as_written = matches!(&via.host, Host::Address(address) if *address == source.ip());
    let asks_for_port = via.params.get("rport").is_some();
    if asks_for_port {
        via.params.set("rport", Some(source.port().to_string()));
    }
    if asks_for_port || !is_as_written {
        via.params.set("received", Some(source.ip().to_string()));
    }
}

/// Where the answers to a request go (RFC 3261 §18.2.2). `maddr` is not honoured: it would let anybody have our answers sent
/// to somebody else.
pub(crate) fn reply_flow(flow: Flow, via: &Via) -> Flow {
    if flow.transport.is_reliable() || via.params.get("rport").is_some() {
        return flow;
    }
    Flow { remote: SocketAddr::new(flow.remote.ip(), via.port.unwrap_or(5060)), ..flow }
}

/// Where the answers go after the connection of the request is gone (RFC 3261 §18.2.2): a new one to the port of the Via.
pub(super) fn reply_flow_without_connection(flow: Flow, via_port: Option<u16>) -> Flow {
    let default_port = if flow.transport == Transport::Tls { 5061 } else { 5060 };
    let remote = SocketAddr::new(flow.remote.ip(), via_port.unwrap_or(default_port));
    Flow { remote, connection: None, tls_name: None, ..flow }
}

/// Whether an address is only known inside some network, so that it cannot be meant when the peer is outside of ours.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_all_addresses_is_told_to_nobody() {
        let own_address: OwnAddress =
            |remote| if remote.ip().is_loopback() { Some(remote.ip()) } else { "192.0.2.1".parse().ok() };
        let own_ip = |local: &str, remote: &str| {
            let (local, remote) = (local.parse().unwrap(), remote.parse().unwrap());
            let flow = Flow { transport: Transport::Udp, local, remote, connection: None, tls_name: None };
            flow.own_ip(own_address).to_string()
        };
        assert_eq!(own_ip("0.0.0.0:5060", "127.0.0.1:5062"), "127.0.0.1");
        assert_eq!(own_ip("0.0.0.0:5060", "198.51.100.7:5060"), "192.0.2.1");
        assert_eq!(own_ip("[::]:5060", "[::1]:5062"), "::1");
        assert_eq!(own_ip("192.0.2.9:5060", "198.51.100.7:5060"), "192.0.2.9", "it says itself which it is");
    }

    #[test]
    fn the_end_of_a_connection_concerns_what_goes_by_that_one() {
        let address: SocketAddr = "192.0.2.1:5061".parse().unwrap();
        let flow = |connection: Option<u64>| Flow {
            transport: Transport::Tls,
            local: address,
            remote: address,
            connection: connection.map(ConnectionId),
            tls_name: Some(TlsName::of("a.example")),
        };
        let ended = flow(Some(1));
        assert!(flow(Some(1)).is_hit_by(&ended));
        assert!(!flow(Some(2)).is_hit_by(&ended));
        assert!(!flow(None).is_hit_by(&ended), "it goes by another");
        assert!(!flow(None).is_hit_by(&flow(None)), "nothing has ended");
    }
}
