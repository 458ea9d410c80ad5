// SPDX-License-Identifier: EUPL-1.2
//! Requests that Saal sends to addresses which people chose. They must not reach what only this server can reach: its own
//! network, its metadata service, itself. What counts is the address that is connected to, not the name.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use thiserror::Error;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest wait for an answer, from the beginning.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Longest wait for a name to be looked up while somebody waits for our answer.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);

/// Most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;

/// Why nothing is sent to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refused {
    /// It is no URL with `https`, or it has a user, a password or a fragment.
    #[error("no https URL")]
    NotHttps,
    /// It leads into our own network.
    #[error("not public")]
    NotPublic,
}

/// Which addresses may be connected to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach {
    /// Networks that are not public, but the operator allows.
    allowed: Arc<[IpNet]>,
    /// On a developer's machine its own addresses will do, and `http` to them.
    is_dev: bool,
}

impl Reach {
    /// What is public, and these networks.
    pub(crate) fn new(allowed: &[IpNet], is_dev: bool) -> Self {
        Self { allowed: allowed.into(), is_dev }
    }

    /// Whether that address may be connected to.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address)
            || self.allowed.iter().any(|network| network.contains(&address))
            || (self.is_dev && address.is_loopback())
    }

    /// Reads a URL, and fails if it is plain from the text that nothing may be sent there.
    pub(crate) fn parse(&self, text: &str) -> Result<Url, Refused> {
        let url = Url::parse(text).map_err(|_| Refused::NotHttps)?;
        let has_secrets = !url.username().is_empty() || url.password().is_some() || url.fragment().is_some();
        let literal = literal(&url);
        let is_own = literal.is_some_and(|address| address.is_loopback()) || url.host_str() == Some("localhost");
        let is_good_scheme = url.scheme() == "https" || (url.scheme() == "http" && self.is_dev && is_own);
        if has_secrets || !is_good_scheme || url.host_str().is_none_or(str::is_empty) {
            return Err(Refused::NotHttps);
        }
        match literal {
            Some(address) if !self.contains(address) => Err(Refused::NotPublic),
            _ => Ok(url),
        }
    }

    /// The same, and looks up the name. One that is not known at present is no reason to refuse: that is found out again
    /// with each connection.
    pub(crate) async fn check(&self, text: &str) -> Result<Url, Refused> {
        let url = self.parse(text)?;
        if literal(&url).is_none()
            && let Some(host) = url.host_str()
        {
            let port = url.port_or_known_default().unwrap_or(443);
            let lookup = tokio::time::timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host((host.to_owned(), port))).await;
            if let Ok(Ok(mut addresses)) = lookup
                && addresses.any(|address| !self.contains(address.ip()))
            {
                return Err(Refused::NotPublic);
            }
        }
        Ok(url)
    }

    /// A client that connects to nothing else. It follows no redirects and goes through no proxy.
    ///
    /// # Errors
    ///
    /// Fails when TLS cannot be set up, such as when the machine has no root certificates.
    pub(crate) fn client(&self) -> io::Result<Client> {
        Client::builder()
            .dns_resolver(Arc::new(Resolver(self.clone())))
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // A connection that is kept could outlive what its name leads to.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("Saal/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(io::Error::other)
    }
}

/// The address that stands in a URL. A client connects to it without asking the resolver.
fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Looks up names, and passes on only what may be connected to: between a check and a connection a name can change.
struct Resolver(Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str().to_owned(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| reach.contains(address.ip())).take(MAX_ADDRESSES).collect();
            if allowed.is_empty() {
                return Err(Refused::NotPublic.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// What is not on the Internet, or leads from there to somewhere else (IANA's registries of special-purpose addresses,
/// RFC 6890).
const SPECIAL_V4: [([u8; 4], u8); 15] = [
    ([0, 0, 0, 0], 8),       // this network
    ([10, 0, 0, 0], 8),      // private
    ([100, 64, 0, 0], 10),   // carriers' NAT; also some clouds' metadata
    ([127, 0, 0, 0], 8),     // this machine
    ([169, 254, 0, 0], 16),  // this link; clouds' metadata
    ([172, 16, 0, 0], 12),   // private
    ([192, 0, 0, 0], 24),    // protocols
    ([192, 0, 2, 0], 24),    // documentation
    ([192, 88, 99, 0], 24),  // 6to4 relays
    ([192, 168, 0, 0], 16),  // private
    ([198, 18, 0, 0], 15),   // benchmarks
    ([198, 51, 100, 0], 24), // documentation
    ([203, 0, 113, 0], 24),  // documentation
    ([224, 0, 0, 0], 4),     // multicast
    ([240, 0, 0, 0], 4),     // reserved, and broadcast
];

/// Parts of 2000::/3, outside of which IPv6 has no public addresses. Some hold an IPv4 address, which may be any.
const SPECIAL_V6: [([u16; 8], u8); 6] = [
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),         // protocols; Teredo
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),     // documentation
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),         // 6to4
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),         // documentation
    ([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), // AS112
    ([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16),         // given back
];

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let is_in = |(network, length): &([u8; 4], u8)| {
                Ipv4Net::new_assert(Ipv4Addr::from(*network), *length).contains(&address)
            };
            !SPECIAL_V4.iter().any(is_in)
        }
        IpAddr::V6(address) => {
            let is_in = |(network, length): &([u16; 8], u8)| {
                Ipv6Net::new_assert(Ipv6Addr::from(*network), *length).contains(&address)
            };
            address.segments()[0] >> 13 == 1 && !SPECIAL_V6.iter().any(is_in)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(allowed: &[&str], is_dev: bool) -> Reach {
        let allowed: Vec<IpNet> = allowed.iter().map(|network| network.parse().expect("a network")).collect();
        Reach::new(&allowed, is_dev)
    }

    #[test]
    fn only_public_addresses_are_reached() {
        let reach = reach(&[], false);
        for address in ["9.9.9.9", "192.0.1.1", "172.32.0.1", "100.128.0.1", "2620:fe::9", "2a00:1450:4001::1"] {
            assert!(reach.contains(address.parse().expect("an address")), "{address}");
        }
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.170",
            "198.18.0.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::a00:1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!reach.contains(address.parse().expect("an address")), "{address}");
        }
    }

    #[test]
    fn an_operator_can_allow_networks_of_their_own() {
        let reach = reach(&["10.20.0.0/16", "fd12::/16"], false);
        for (address, is_allowed) in [
            ("10.20.1.1", true),
            ("::ffff:10.20.1.1", true),
            ("10.21.1.1", false),
            ("fd12::1", true),
            ("fd13::1", false),
        ] {
            assert_eq!(reach.contains(address.parse().expect("an address")), is_allowed, "{address}");
        }
    }

    #[test]
    fn a_url_shows_no_secrets_and_is_encrypted() {
        let parse = |text: &str| reach(&[], false).parse(text).map(|_| ());
        assert_eq!(parse("https://example.org/hook?a=b"), Ok(()));
        for text in [
            "http://example.org/",
            "ftp://example.org/",
            "https://",
            "example.org",
            "",
            "file:///etc/passwd",
            "https://user@example.org/",
            "https://:password@example.org/",
            "https://example.org/#fragment",
            "javascript:alert(1)",
            "http://localhost/",
            "http://127.0.0.1/",
        ] {
            assert_eq!(parse(text), Err(Refused::NotHttps), "{text}");
        }
    }

    #[test]
    fn an_address_in_a_url_counts_in_whatever_way_it_is_written() {
        let parse = |text: &str| reach(&[], false).parse(text).map(|_| ());
        for text in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://0/",
            "https://10.0.0.1:8443/",
            "https://[fe80::1]/",
        ] {
            assert_eq!(parse(text), Err(Refused::NotPublic), "{text}");
        }
        let dev = reach(&[], true);
        assert!(dev.parse("http://127.0.0.1:8080/").is_ok() && dev.parse("http://localhost/").is_ok());
        assert_eq!(dev.parse("http://10.0.0.1/"), Err(Refused::NotHttps));
        assert_eq!(dev.parse("http://example.org/"), Err(Refused::NotHttps));
    }

    #[tokio::test]
    async fn a_name_counts_by_what_it_leads_to() {
        assert_eq!(reach(&[], false).check("https://localhost/").await, Err(Refused::NotPublic));
        assert!(reach(&["127.0.0.0/8", "::1/128"], false).check("https://localhost/").await.is_ok());
        assert!(reach(&[], false).check("https://name.invalid/").await.is_ok(), "it may come to be known");
        // What was checked may lead elsewhere by the time of the connection.
        let client = reach(&[], false).client().expect("a client");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let error = client.get(format!("http://localhost:{port}/")).send().await.expect_err("refused");
        assert!(error.is_connect(), "{error:?}");
        let accepted = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await;
        assert!(accepted.is_err(), "nobody came");
    }
}
