// SPDX-License-Identifier: EUPL-1.2
//! The system's name servers, asked by hickory-resolver: with its cache, which forgets by time and has a limit.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use thiserror::Error;

use super::locate::{Dns, DnsAnswer, DnsError, DnsFuture, DnsService};

/// Records that are kept: some for each destination of some hundred trunks.
const CACHED_RECORDS: u64 = 1_024;

/// The system's configuration cannot be read.
#[derive(Debug, Error)]
#[error("the configuration of name servers cannot be read: {0}")]
pub struct SystemDnsError(String);

/// The name servers of this machine, as they were configured when it was made, and its file of hosts.
pub struct SystemDns {
    resolver: Option<TokioResolver>,
}

impl fmt::Debug for SystemDns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemDns").field("has_servers", &self.resolver.is_some()).finish()
    }
}

impl SystemDns {
    /// Reads the system's configuration.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn new() -> Result<Self, SystemDnsError> {
        let (config, options) =
            hickory_resolver::system_conf::read_system_conf().map_err(|error| SystemDnsError(error.to_string()))?;
        Self::with(config, options)
    }

    /// One that finds nothing.
    #[must_use]
    pub const fn without_servers() -> Self {
        Self { resolver: None }
    }

    fn with(config: ResolverConfig, mut options: ResolverOpts) -> Result<Self, SystemDnsError> {
        options.cache_size = CACHED_RECORDS;
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let resolver = builder.with_options(options).build().map_err(|error| SystemDnsError(error.to_string()))?;
        Ok(Self { resolver: Some(resolver) })
    }
}

impl Dns for SystemDns {
    fn services<'a>(&'a self, name: &'a str) -> DnsFuture<'a, DnsService> {
        Box::pin(async move {
            let resolver = self.resolver.as_ref().ok_or(DnsError::Failed)?;
            let found = resolver.lookup(absolute(name), RecordType::SRV).await.map_err(|error| reason(&error))?;
            let service = |data: &RData| match data {
                RData::SRV(srv) => Some(DnsService {
                    priority: srv.priority,
                    weight: srv.weight,
                    port: srv.port,
                    target: srv.target.to_ascii(),
                }),
                _ => None,
            };
            let records: Vec<_> = found.answers().iter().filter_map(|record| service(&record.data)).collect();
            answer(records, found.valid_until())
        })
    }

    fn addresses<'a>(&'a self, name: &'a str) -> DnsFuture<'a, IpAddr> {
        Box::pin(async move {
            let resolver = self.resolver.as_ref().ok_or(DnsError::Failed)?;
            let found = resolver.lookup_ip(absolute(name)).await.map_err(|error| reason(&error))?;
            answer(found.iter().collect(), found.valid_until())
        })
    }
}

/// With a dot at its end, so that a name is not looked for in the system's own domains first. One without any dot is meant to
/// be found there.
fn absolute(name: &str) -> String {
    let is_short = !name.contains('.');
    if is_short || name.ends_with('.') { name.to_owned() } else { format!("{name}.") }
}

fn answer<T>(records: Vec<T>, valid_until: Instant) -> Result<DnsAnswer<T>, DnsError> {
    if records.is_empty() {
        return Err(DnsError::NotThere);
    }
    let valid_for = valid_until.checked_duration_since(Instant::now()).unwrap_or(Duration::ZERO);
    Ok(DnsAnswer { records, valid_for })
}

fn reason(error: &NetError) -> DnsError {
    if error.is_no_records_found() || error.is_nx_domain() { DnsError::NotThere } else { DnsError::Failed }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use hickory_resolver::config::NameServerConfig;
    use tokio::net::UdpSocket;

    use super::*;

    /// A name server with one service, its host, and a name that it has trouble with.
    async fn server() -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 1_500];
            loop {
                let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
                socket.send_to(&reply(&buffer[..length]), from).await.unwrap();
            }
        });
        address
    }

    /// RFC 1035 §4.1, by hand.
    fn reply(query: &[u8]) -> Vec<u8> {
        let mut labels = Vec::new();
        let mut at = 12;
        while query[at] > 0 {
            let end = at + 1 + usize::from(query[at]);
            labels.push(String::from_utf8_lossy(&query[at + 1..end]).to_lowercase());
            at = end;
        }
        let kind = u16::from_be_bytes([query[at + 1], query[at + 2]]);
        let question = &query[12..at + 5];
        let service = [&[0, 10, 0, 3, 0x13, 0xc5][..], b"\x04edge\x04test\x00"].concat();
        let (rcode, data) = match (labels.join(".").as_str(), kind) {
            ("_sips._tcp.provider.test", 33) => (0, Some(service)),
            ("edge.test", 1) => (0, Some(vec![192, 0, 2, 1])),
            ("edge.test", _) => (0, None),
            ("trouble.test", _) => (2, None),
            _ => (3, None),
        };
        let count = u8::from(data.is_some());
        let mut bytes = [&query[..2], &[0x84, 0x80 | rcode, 0, 1, 0, count, 0, 0, 0, 0], question].concat();
        if let Some(data) = data {
            // The question's name, its kind, and ten minutes.
            bytes.extend([0xc0, 12]);
            bytes.extend(kind.to_be_bytes());
            bytes.extend([0, 1, 0, 0, 0x02, 0x58]);
            bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            bytes.extend(data);
        }
        bytes
    }

    #[tokio::test]
    async fn services_and_addresses_are_found_and_absence_is_no_failure() {
        let server = server().await;
        let mut name_server = NameServerConfig::udp(server.ip());
        for connection in &mut name_server.connections {
            connection.port = server.port();
        }
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![name_server]);
        let dns = SystemDns::with(config, ResolverOpts::default()).unwrap();

        let services = dns.services("_sips._tcp.provider.test").await.unwrap();
        let DnsService { priority, weight, port, target } = &services.records[0];
        assert_eq!((*priority, *weight, *port, target.as_str()), (10, 3, 5_061, "edge.test."));
        assert!((590..=600).contains(&services.valid_for.as_secs()), "{:?}", services.valid_for);

        let addresses = dns.addresses(target).await.unwrap();
        assert_eq!(addresses.records, ["192.0.2.1".parse::<IpAddr>().unwrap()]);
        assert_eq!(dns.services("_sip._udp.provider.test").await, Err(DnsError::NotThere));
        assert_eq!(dns.addresses("nowhere.test").await, Err(DnsError::NotThere));
        assert_eq!(dns.addresses("trouble.test").await, Err(DnsError::Failed));
        assert_eq!(SystemDns::without_servers().addresses("edge.test").await, Err(DnsError::Failed));
    }

    #[test]
    fn only_names_without_a_dot_are_looked_for_in_the_system_s_domains() {
        assert_eq!(absolute("pbx"), "pbx");
        assert_eq!(absolute("sip.provider.example"), "sip.provider.example.");
        assert_eq!(absolute("sip.provider.example."), "sip.provider.example.");
    }
}
