// SPDX-License-Identifier: EUPL-1.2
//! From which address a request comes. Behind a proxy that is what the proxy says, if the proxy is one of ours. Used for
//! limits and allow-lists, and never logged above `debug`.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The header in which proxies say for whom they ask.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The address of whoever asks: the last one in the chain that is not a trusted proxy.
pub(crate) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    let named = headers.get_all(FORWARDED_FOR).into_iter().filter_map(|value| value.to_str().ok());
    let chain: Vec<_> = named.flat_map(|value| value.split(',')).map(str::trim).collect();
    for hop in chain.into_iter().rev() {
        if !is_trusted(&client) {
            break;
        }
        // A trusted proxy that writes nonsense says nothing about who is behind it.
        let Some(address) = address_of(hop) else { break };
        client = address.to_canonical();
    }
    client
}

/// The address in an entry. Some proxies write the port behind it, and put brackets around addresses of IPv6.
fn address_of(hop: &str) -> Option<IpAddr> {
    let in_brackets = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    hop.parse().ok().or_else(with_port).or_else(in_brackets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, chain: &[&str], expected: &str) {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().expect("a network"));
        let chain = chain.iter().map(|hop| (FORWARDED_FOR.parse().expect("a name"), hop.parse().expect("a value")));
        let headers = HeaderMap::from_iter(chain);
        let client = client_address(peer.parse().expect("an address"), &headers, &trusted);
        assert_eq!(client, expected.parse::<IpAddr>().expect("an address"));
    }

    #[test]
    fn only_our_own_proxies_are_believed() {
        check("203.0.113.9", &[], "203.0.113.9");
        check("203.0.113.9", &["198.51.100.1"], "203.0.113.9");
        check("10.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["192.0.2.66, 198.51.100.1, 10.2.3.4"], "198.51.100.1");
        check("10.0.0.1", &["192.0.2.66", "198.51.100.1"], "198.51.100.1");
    }

    #[test]
    fn a_port_and_brackets_are_no_nonsense() {
        check("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1");
        check("10.0.0.1", &["192.0.2.66:1, 198.51.100.1:4711, 10.2.3.4:443"], "198.51.100.1");
        check("10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1");
        check("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1");
        for bad in ["198.51.100.1:", "198.51.100.1:70000", "[198.51.100.1]", "[2001:db8::1", "x:1"] {
            check("10.0.0.1", &[bad], "10.0.0.1");
        }
    }

    #[test]
    fn nonsense_counts_as_the_proxy_itself() {
        check("10.0.0.1", &["unknown"], "10.0.0.1");
        check("10.0.0.1", &["198.51.100.1, 1.2.3.4.5"], "10.0.0.1");
        check("10.0.0.1", &[""], "10.0.0.1");
    }
}
