// SPDX-License-Identifier: EUPL-1.2
//! Who sends us calls: the trunks of providers and exchanges, known by the networks that they speak from.

use std::net::IpAddr;

use ipnet::IpNet;

/// The id of the trunk that is there while somebody develops: whatever runs on this machine.
pub const DEV_TRUNK: &str = "dev";

/// A provider or an exchange.
#[derive(Clone, Debug)]
pub struct TrunkPeer {
    /// As signaling knows it.
    pub id: String,
    /// What it speaks from.
    pub networks: Vec<IpNet>,
    /// Whether it is believed who calls (P-Asserted-Identity, RFC 3325 §3). Else only From is looked at, which anybody can
    /// write.
    pub vouches_for_callers: bool,
}

/// All trunks. Some dozens of networks at most, so they are gone through one by one.
#[derive(Clone, Debug, Default)]
pub struct Trunks(Vec<TrunkPeer>);

impl Trunks {
    /// These, and in dev mode this machine.
    #[must_use]
    pub fn new(mut peers: Vec<TrunkPeer>, is_dev: bool) -> Self {
        if is_dev {
            let networks = ["127.0.0.0/8", "::1/128"].iter().filter_map(|network| network.parse().ok()).collect();
            peers.push(TrunkPeer { id: DEV_TRUNK.to_owned(), networks, vouches_for_callers: true });
        }
        Self(peers)
    }

    /// Whose address that is: with several, the one with the smallest network.
    #[must_use]
    pub fn of(&self, source: IpAddr) -> Option<&TrunkPeer> {
        let source = source.to_canonical();
        let networks = self.0.iter().flat_map(|peer| peer.networks.iter().map(move |network| (network, peer)));
        let with_it = networks.filter(|(network, _)| network.contains(&source));
        with_it.max_by_key(|(network, _)| network.prefix_len()).map(|(_, peer)| peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(id: &str, networks: &[&str]) -> TrunkPeer {
        let networks = networks.iter().map(|network| network.parse().unwrap()).collect();
        TrunkPeer { id: id.to_owned(), networks, vouches_for_callers: false }
    }

    fn id<'a>(trunks: &'a Trunks, source: &str) -> Option<&'a str> {
        trunks.of(source.parse().unwrap()).map(|peer| peer.id.as_str())
    }

    #[test]
    fn the_smallest_network_says_whose_address_it_is() {
        let trunks = Trunks::new(
            vec![peer("all", &["198.51.100.0/24", "2001:db8::/32"]), peer("one", &["198.51.100.7/32"])],
            false,
        );
        assert_eq!(id(&trunks, "198.51.100.7"), Some("one"));
        assert_eq!(id(&trunks, "198.51.100.8"), Some("all"));
        assert_eq!(id(&trunks, "::ffff:198.51.100.8"), Some("all"));
        assert_eq!(id(&trunks, "2001:db8::1"), Some("all"));
        assert_eq!(id(&trunks, "203.0.113.1"), None);
        assert_eq!(id(&trunks, "127.0.0.1"), None);
    }

    #[test]
    fn in_dev_mode_this_machine_is_a_trunk() {
        let trunks = Trunks::new(Vec::new(), true);
        for source in ["127.0.0.1", "127.3.2.1", "::1"] {
            assert_eq!(id(&trunks, source), Some(DEV_TRUNK), "{source}");
        }
        assert_eq!(id(&trunks, "10.0.0.1"), None);
    }
}
