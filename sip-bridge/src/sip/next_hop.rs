// SPDX-License-Identifier: EUPL-1.2
//! Where a request inside a dialog is sent (RFC 3261 §8.1.2, §12.2.1.1), as far as that can be known without DNS.
//!
//! A host that is a name stays on the dialog's flow: it is how the other side, or the proxy that wanted to see the dialog,
//! has reached us. So does a private address told by somebody whom we hear from a public one: that is a phone behind a NAT
//! that does not know where it is. Once the flow's connection is gone, another is opened to where they say that they listen.

use std::net::SocketAddr;

use super::config::Config;
use super::flow::{Flow, is_private};
use super::message::{Host, NameAddr, Scheme, SipUri, Transport, Uri};

/// Whether a hop of a route is of RFC 3261's kind (`;lr`), which leaves the Request-URI alone.
pub(super) fn is_loose(hop: &NameAddr) -> bool {
    matches!(&hop.uri, Uri::Sip(uri) if uri.params.get("lr").is_some())
}

/// The flow to a URI, for a dialog that has been on `known` until now.
pub(super) fn flow_to(uri: &Uri, known: Flow, config: &Config) -> Flow {
    let Some((transport, remote)) = told(uri, &known) else { return known };
    if transport == known.transport {
        if remote == known.remote {
            return known;
        }
        // Whoever holds a connection to us is reached on it, whatever port it listens on (RFC 5923).
        if known.connection.is_some() && remote.ip() == known.remote.ip() {
            return known;
        }
    }
    let local_port = sent_by_port(transport, config).unwrap_or(known.local.port());
    let local = if transport == known.transport { known.local } else { SocketAddr::new(known.local.ip(), local_port) };
    Flow { transport, local, remote, connection: None, tls_name: None }
}

/// The flow of a dialog whose connection is gone: the next message opens one to where the URI says, or, where that is not known,
/// to where our INVITE went (`dialled`). Of who has called us by a name nothing is known but the address.
pub(super) fn flow_after_loss(uri: &Uri, lost: Flow, dialled: Option<SocketAddr>) -> Flow {
    let told = told(uri, &lost).filter(|(transport, _)| *transport == lost.transport);
    let remote = told.map(|(_, remote)| remote).or(dialled).unwrap_or_else(|| {
        let port = match uri {
            Uri::Sip(uri) if transport_of(uri, lost.transport) == lost.transport => uri.port,
            Uri::Sip(_) | Uri::Tel(_) | Uri::Other(_) => None,
        };
        SocketAddr::new(lost.remote.ip(), port.unwrap_or(default_port(lost.transport)))
    });
    // Who is elsewhere need not be the same.
    let tls_name = lost.tls_name.filter(|_| remote == lost.remote);
    Flow { remote, connection: None, tls_name, ..lost }
}

/// Where a URI leads, if it says so by an address that can be meant.
fn told(uri: &Uri, known: &Flow) -> Option<(Transport, SocketAddr)> {
    let Uri::Sip(uri) = uri else { return None };
    let Host::Address(address) = uri.host else { return None };
    if (is_private(address) && !is_private(known.remote.ip())) || address.is_ipv4() != known.remote.is_ipv4() {
        return None;
    }
    let transport = transport_of(uri, known.transport);
    // What began over TLS does not go on in the open because a Contact says so.
    if known.transport == Transport::Tls && transport != Transport::Tls {
        return None;
    }
    Some((transport, SocketAddr::new(address, uri.port.unwrap_or(default_port(transport)))))
}

const fn default_port(transport: Transport) -> u16 {
    match transport {
        Transport::Udp | Transport::Tcp => 5060,
        Transport::Tls => 5061,
    }
}

fn transport_of(uri: &SipUri, known: Transport) -> Transport {
    match uri.params.get("transport").map(str::to_ascii_lowercase).as_deref() {
        Some("udp") => Transport::Udp,
        Some("tls") => Transport::Tls,
        Some("tcp") if uri.scheme == Scheme::Sips => Transport::Tls,
        Some("tcp") => Transport::Tcp,
        _ if uri.scheme == Scheme::Sips => Transport::Tls,
        // RFC 3263 §4.1 has UDP here. Where we talk over a stream already, leaving it would only lose what it protects.
        _ => known,
    }
}

fn sent_by_port(transport: Transport, config: &Config) -> Option<u16> {
    config.sent_by.iter().find(|(of, _, _)| *of == transport).map(|(_, _, port)| *port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::flow::TlsName;
    use crate::sip::message::Params;

    fn uri(host: Host, port: Option<u16>, params: &[(&str, &str)]) -> Uri {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect();
        let (scheme, params) = (Scheme::Sip, Params(params));
        Uri::Sip(SipUri { scheme, user: None, password: None, host, port, params, headers: Vec::new() })
    }

    fn flow(transport: Transport, remote: &str, connection: Option<u64>) -> Flow {
        let connection = connection.map(super::super::flow::ConnectionId);
        let (local, remote) = ("198.51.100.1:5060".parse().unwrap(), remote.parse().unwrap());
        Flow { transport, local, remote, connection, tls_name: None }
    }

    fn address(text: &str) -> Host {
        Host::Address(text.parse().unwrap())
    }

    #[test]
    fn a_name_stays_on_the_flow() {
        let known = flow(Transport::Udp, "203.0.113.7:5062", None);
        let to = uri(Host::Name("sip.example.org".to_owned()), None, &[]);
        assert_eq!(flow_to(&to, known, &Config::default()), known);
    }

    #[test]
    fn a_public_address_is_where_the_request_goes() {
        let known = flow(Transport::Udp, "203.0.113.7:5062", None);
        let to = uri(address("203.0.113.9"), None, &[]);
        assert_eq!(
            flow_to(&to, known, &Config::default()).remote,
            "203.0.113.9:5060".parse::<std::net::SocketAddr>().unwrap()
        );
    }

    #[test]
    fn a_private_address_behind_a_nat_is_not_believed() {
        let known = flow(Transport::Udp, "203.0.113.7:33000", None);
        let to = uri(address("192.168.1.20"), Some(5060), &[]);
        assert_eq!(flow_to(&to, known, &Config::default()), known);
        let inside = flow(Transport::Udp, "192.168.1.1:5060", None);
        assert_eq!(
            flow_to(&to, inside, &Config::default()).remote,
            "192.168.1.20:5060".parse::<std::net::SocketAddr>().unwrap()
        );
    }

    #[test]
    fn a_connection_is_used_again_and_another_transport_gets_its_own() {
        let known = flow(Transport::Tcp, "203.0.113.7:40123", Some(3));
        let same = uri(address("203.0.113.7"), Some(5060), &[("transport", "tcp")]);
        assert_eq!(flow_to(&same, known, &Config::default()), known);
        let other = uri(address("203.0.113.7"), Some(5060), &[("transport", "udp")]);
        let got = flow_to(&other, known, &Config::default());
        assert_eq!((got.transport, got.connection), (Transport::Udp, None));
    }

    #[test]
    fn what_is_encrypted_stays_so() {
        let known = flow(Transport::Tls, "203.0.113.7:5061", Some(3));
        for transport in ["udp", "tcp"] {
            let open = uri(address("203.0.113.9"), Some(5060), &[("transport", transport)]);
            assert_eq!(flow_to(&open, known, &Config::default()), known);
        }
        let other = flow_to(&uri(address("203.0.113.9"), None, &[]), known, &Config::default());
        assert_eq!((other.transport, other.remote.port()), (Transport::Tls, 5061));
    }

    #[test]
    fn after_a_connection_is_lost_the_next_one_goes_to_where_they_listen() {
        let lost = flow(Transport::Tcp, "203.0.113.7:40123", Some(3));
        let listening = |uri: &Uri, dialled: Option<&str>| {
            let got = flow_after_loss(uri, lost, dialled.map(|address| address.parse().unwrap()));
            assert_eq!((got.transport, got.connection), (Transport::Tcp, None));
            got.remote.to_string()
        };
        let of = |host, port| uri(host, port, &[("transport", "tcp")]);
        assert_eq!(listening(&of(address("203.0.113.9"), Some(5070)), None), "203.0.113.9:5070");
        assert_eq!(listening(&of(address("203.0.113.7"), None), None), "203.0.113.7:5060");
        let name = || Host::Name("sip.example.org".to_owned());
        assert_eq!(listening(&of(name(), Some(5070)), None), "203.0.113.7:5070");
        assert_eq!(listening(&of(name(), None), Some("203.0.113.7:5080")), "203.0.113.7:5080");
        assert_eq!(listening(&of(address("10.0.0.1"), Some(5070)), None), "203.0.113.7:5070");
        let datagrams = uri(address("203.0.113.9"), Some(5070), &[("transport", "udp")]);
        assert_eq!(listening(&datagrams, None), "203.0.113.7:5060");
    }

    #[test]
    fn who_has_proven_a_name_is_asked_for_it_again_and_nobody_else_is_taken_for_them() {
        let tls_name = Some(TlsName::of("a.example"));
        let lost = Flow { tls_name, ..flow(Transport::Tls, "203.0.113.7:5061", Some(3)) };
        let after = |host| flow_after_loss(&uri(address(host), None, &[]), lost, None);
        assert!(after("203.0.113.7") == Flow { connection: None, ..lost });
        assert!(after("203.0.113.9").tls_name.is_none());
    }
}
