// SPDX-License-Identifier: EUPL-1.2
//! Which addresses clients are told to send media to: the host candidates in our answers (RFC 8445 §5.1.1.1).

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::os::interface_addresses;

/// The addresses for a socket bound to `bound`.
///
/// `advertise` decides where it names any: behind address translation the machine cannot know how it is reached. A
/// socket bound to one address has that one. A socket bound to all has those of the interfaces, without link-local
/// ones, which no other network reaches; loopback follows where there is nothing else, or `dev` says that browsers and
/// tests run on the same machine.
///
/// # Errors
///
/// Fails when the kernel does not tell the interfaces' addresses.
pub fn candidates(advertise: &[IpAddr], bound: SocketAddr, dev: bool) -> io::Result<Vec<SocketAddr>> {
    let interfaces = if advertise.is_empty() && bound.ip().is_unspecified() { interface_addresses()? } else { vec![] };
    Ok(choose(advertise, bound, &interfaces, dev))
}

fn choose(advertise: &[IpAddr], bound: SocketAddr, interfaces: &[IpAddr], dev: bool) -> Vec<SocketAddr> {
    let mut chosen: Vec<IpAddr> = Vec::new();
    if !advertise.is_empty() {
        chosen.extend(advertise);
    } else if !bound.ip().is_unspecified() {
        chosen.push(bound.ip());
    } else {
        // A socket for all IPv6 addresses hears IPv4 too, but not the other way round.
        let heard = || interfaces.iter().copied().filter(|ip| ip.is_ipv4() || bound.is_ipv6());
        chosen.extend(heard().filter(|ip| is_reachable_from_elsewhere(*ip)));
        if chosen.is_empty() || dev {
            chosen.extend(heard().filter(IpAddr::is_loopback));
        }
    }
    let mut candidates: Vec<SocketAddr> = Vec::new();
    for ip in chosen {
        let candidate = SocketAddr::new(ip.to_canonical(), bound.port());
        if !candidates.contains(&candidate) {
            candidates.push(candidate);
        }
    }
    candidates
}

fn is_reachable_from_elsewhere(ip: IpAddr) -> bool {
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !(ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || is_link_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERFACES: [&str; 7] =
        ["127.0.0.1", "::1", "192.0.2.7", "169.254.3.4", "fe80::1", "2001:db8::7", "192.0.2.7"];

    fn check(advertise: &[&str], bound: &str, interfaces: &[&str], dev: bool) -> Vec<String> {
        let parse = |addresses: &[&str]| addresses.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
        let chosen = choose(&parse(advertise), bound.parse().unwrap(), &parse(interfaces), dev);
        chosen.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_configured_decides() {
        assert_eq!(
            check(&["203.0.113.1", "2001:db8::1"], "0.0.0.0:5000", &INTERFACES, true),
            ["203.0.113.1:5000", "[2001:db8::1]:5000"]
        );
        assert_eq!(check(&["203.0.113.1"], "192.0.2.7:5000", &INTERFACES, false), ["203.0.113.1:5000"]);
    }

    #[test]
    fn a_socket_with_one_address_has_that_one() {
        assert_eq!(check(&[], "192.0.2.7:5000", &INTERFACES, true), ["192.0.2.7:5000"]);
        assert_eq!(check(&[], "127.0.0.1:5000", &INTERFACES, false), ["127.0.0.1:5000"]);
    }

    #[test]
    fn a_socket_with_all_addresses_has_those_that_others_reach() {
        assert_eq!(check(&[], "0.0.0.0:5000", &INTERFACES, false), ["192.0.2.7:5000"]);
        assert_eq!(check(&[], "[::]:5000", &INTERFACES, false), ["192.0.2.7:5000", "[2001:db8::7]:5000"]);
    }

    #[test]
    fn loopback_follows_for_tests_and_where_there_is_nothing_else() {
        assert_eq!(check(&[], "0.0.0.0:5000", &INTERFACES, true), ["192.0.2.7:5000", "127.0.0.1:5000"]);
        assert_eq!(check(&[], "[::]:5000", &["127.0.0.1", "::1", "fe80::1"], false), ["127.0.0.1:5000", "[::1]:5000"]);
    }

    #[test]
    fn this_machine_has_a_candidate() {
        let bound = "0.0.0.0:5000".parse().unwrap();
        assert!(!candidates(&[], bound, false).unwrap().is_empty());
    }
}
