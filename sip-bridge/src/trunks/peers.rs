// SPDX-License-Identifier: EUPL-1.2
//! Whose an address is: a trunk's by the networks that it speaks from, and by the addresses that its destinations have.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bus::phone::{TrunkConfig, TrunkTransport};
use ipnet::IpNet;

use crate::sip::flow::TlsName;

/// Names that a certificate is tried for at one address. Several trunks may have the same one; a provider with more has its
/// customers' names in one certificate.
const MAX_NAMES: usize = 4;

/// Where a destination is, as far as it has been looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// How it is spoken to.
    pub(crate) transport: TrunkTransport,
    /// Where.
    pub(crate) address: SocketAddr,
    /// The host that the destination has in the trunk's configuration.
    pub(crate) host: Arc<str>,
}

/// A trunk, seen from outside.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// How it is to be.
    pub(crate) config: Arc<TrunkConfig>,
    /// Where its destinations are.
    pub(crate) places: Vec<Place>,
    /// The user in our Contact where we are registered, without what parts one registration from the next.
    pub(crate) contact_user: String,
}

impl Peer {
    /// Whether a call to this user of ours came by the trunk's registration.
    pub(crate) fn has_contact(&self, user: &str) -> bool {
        is_contact(user, &self.contact_user)
    }

    /// From where it is known without a password: not by its networks, if there it has to prove who it is.
    pub(super) fn vouched(&self) -> impl Iterator<Item = IpNet> + '_ {
        let needs_no_proof = self.config.caller_credentials.is_none();
        let own = self.config.networks.iter().copied().filter(move |_| needs_no_proof);
        own.chain(self.addresses())
    }

    fn addresses(&self) -> impl Iterator<Item = IpNet> + '_ {
        self.places.iter().map(|place| IpNet::from(place.address.ip().to_canonical()))
    }

    /// Everything from where it speaks.
    pub(crate) fn networks(&self) -> impl Iterator<Item = IpNet> + '_ {
        self.config.networks.iter().copied().chain(self.addresses())
    }

    /// How long the longest prefix is that has this address.
    fn prefix_len(&self, source: IpAddr) -> Option<u8> {
        self.networks().filter(|network| network.contains(&source)).map(|network| network.prefix_len()).max()
    }
}

/// Whether a user is our Contact with that base, in whichever registration.
pub(super) fn is_contact(user: &str, base: &str) -> bool {
    user.split_once('.').map_or(user, |(base, _)| base) == base
}

/// All trunks at one moment. Some dozens of networks at most, so they are gone through one by one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peers {
    /// In the order in which they are administered.
    pub(crate) trunks: Vec<Peer>,
    /// From where messages of calls still come whose trunk has changed since, and answers of registrars that we leave. No new
    /// calls come from there.
    pub(crate) former: Vec<IpNet>,
}

impl Peers {
    /// Whether messages from there are those of a trunk, by the address alone. Whoever is only in a network that asks for a
    /// password may be anybody.
    pub(crate) fn knows(&self, source: IpAddr) -> bool {
        let source = source.to_canonical();
        self.trunks.iter().any(|peer| peer.vouched().any(|network| network.contains(&source)))
            || self.former.iter().any(|network| network.contains(&source))
    }

    /// Whose address that is: those with the smallest network that has it.
    pub(crate) fn at(&self, source: IpAddr) -> Vec<&Peer> {
        let source = source.to_canonical();
        let with_it = || self.trunks.iter().filter_map(|peer| Some((peer.prefix_len(source)?, peer)));
        let longest = with_it().map(|(length, _)| length).max();
        with_it().filter(|(length, _)| Some(*length) == longest).map(|(_, peer)| peer).collect()
    }

    /// For which names a certificate is good at an address: the hosts of the destinations that are there (RFC 5922 §7.1).
    pub(crate) fn tls_names(&self, remote: SocketAddr) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        for host in self.tls_hosts(remote) {
            if names.len() < MAX_NAMES && !names.contains(host) {
                names.push(host.clone());
            }
        }
        names
    }

    /// The one of them that is meant, if a trunk still has it.
    pub(crate) fn tls_host(&self, remote: SocketAddr, name: TlsName) -> Option<Arc<str>> {
        self.tls_hosts(remote).find(|host| TlsName::of(host) == name).cloned()
    }

    fn tls_hosts(&self, remote: SocketAddr) -> impl Iterator<Item = &Arc<str>> {
        let places = self.trunks.iter().flat_map(|peer| &peer.places);
        let there = places.filter(move |place| place.transport == TrunkTransport::Tls && place.address == remote);
        there.map(|place| &place.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trunks::testing::config;

    fn peer(id: &str, networks: &[&str], places: &[(&str, &str)]) -> Peer {
        let place = |(host, address): &(&str, &str)| Place {
            transport: TrunkTransport::Tls,
            address: address.parse().unwrap(),
            host: Arc::from(*host),
        };
        Peer {
            config: Arc::new(config(id, networks)),
            places: places.iter().map(place).collect(),
            contact_user: format!("c{id}"),
        }
    }

    fn ids(peers: &Peers, source: &str) -> Vec<String> {
        peers.at(source.parse().unwrap()).iter().map(|peer| peer.config.id.clone()).collect()
    }

    #[test]
    fn the_smallest_network_says_whose_address_it_is() {
        let all = peer("all", &["198.51.100.0/24", "2001:db8::/32"], &[]);
        let trunks = vec![all, peer("one", &["198.51.100.7/32"], &[])];
        let peers = Peers { trunks, former: vec!["192.0.2.0/24".parse().unwrap()] };
        assert_eq!(ids(&peers, "198.51.100.7"), ["one"]);
        assert_eq!(ids(&peers, "198.51.100.8"), ["all"]);
        assert_eq!(ids(&peers, "::ffff:198.51.100.8"), ["all"]);
        assert_eq!(ids(&peers, "2001:db8::1"), ["all"]);
        assert!(ids(&peers, "203.0.113.1").is_empty() && !peers.knows("203.0.113.1".parse().unwrap()));
        assert!(ids(&peers, "192.0.2.1").is_empty() && peers.knows("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn a_destination_s_address_is_a_network_of_one() {
        let trunks = vec![
            peer("wide", &["198.51.100.0/24"], &[]),
            peer("first", &[], &[("sip.example", "198.51.100.7:5061")]),
            peer("second", &["198.51.100.7/32"], &[("other.example", "198.51.100.9:5061")]),
        ];
        let peers = Peers { trunks, former: Vec::new() };
        assert_eq!(ids(&peers, "198.51.100.7"), ["first", "second"]);
        assert_eq!(ids(&peers, "198.51.100.9"), ["second"]);
        let names = |remote: &str| peers.tls_names(remote.parse().unwrap());
        assert_eq!(names("198.51.100.7:5061"), [Arc::from("sip.example")]);
        assert!(names("198.51.100.7:5060").is_empty());
        let host = |name| peers.tls_host("198.51.100.7:5061".parse().unwrap(), TlsName::of(name));
        assert_eq!(host("sip.example").as_deref(), Some("sip.example"));
        assert_eq!(host("other.example"), None, "that one is elsewhere");
    }

    #[test]
    fn a_contact_is_the_trunk_s_whichever_registration_it_belongs_to() {
        let peer = peer("a", &[], &[]);
        assert!(peer.has_contact("ca") && peer.has_contact("ca.1"));
        assert!(!peer.has_contact("cab") && !peer.has_contact("c"));
    }
}
