// SPDX-License-Identifier: EUPL-1.2
//! Where a destination is (RFC 3263 §4), for a transport that is known: by SRV where no port is given, else by address.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use bus::phone::{TrunkDestination, TrunkTransport};
use thiserror::Error;

use super::locals::{default_port, of_trunk};

/// SRV records that are followed, those of the lowest priority first. More would be look-ups that nobody has a use for.
const MAX_SERVICES: usize = 8;

/// Addresses that a destination has at most. Further ones are left out.
const MAX_ADDRESSES: usize = 16;

/// What was found, and for how long it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsAnswer<T> {
    /// The records; not empty.
    pub records: Vec<T>,
    /// The shortest time to live among them.
    pub valid_for: Duration,
}

/// An SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsService {
    /// Lower ones come first.
    pub priority: u16,
    /// The share among those of the same priority.
    pub weight: u16,
    /// At which port.
    pub port: u16,
    /// On which host. Empty or `.`: the service is not there at all.
    pub target: String,
}

/// Why nothing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DnsError {
    /// There is no such name, or it has no such records.
    #[error("there are no such records")]
    NotThere,
    /// Nobody could say.
    #[error("the look-up has failed")]
    Failed,
}

/// A look-up under way.
pub type DnsFuture<'a, T> = Pin<Box<dyn Future<Output = Result<DnsAnswer<T>, DnsError>> + Send + 'a>>;

/// Whoever answers for names.
pub trait Dns: fmt::Debug + Send + Sync {
    /// SRV records.
    fn services<'a>(&'a self, name: &'a str) -> DnsFuture<'a, DnsService>;
    /// A and AAAA records.
    fn addresses<'a>(&'a self, name: &'a str) -> DnsFuture<'a, IpAddr>;
}

/// Where a destination is: the best places first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) addresses: Vec<LocatedAddress>,
    pub(crate) valid_for: Duration,
}

/// One of its places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LocatedAddress {
    pub(crate) address: SocketAddr,
    /// As in SRV.
    pub(crate) priority: u16,
    /// As in SRV.
    pub(crate) weight: u16,
}

/// A destination that is an address already.
pub(crate) fn known(destination: &TrunkDestination) -> Option<LocatedAddress> {
    let ip: IpAddr = destination.host.parse().ok()?;
    let port = destination.port.unwrap_or(default_port(of_trunk(destination.transport)));
    Some(LocatedAddress { address: SocketAddr::new(ip, port), priority: 0, weight: 1 })
}

/// Looks a destination up.
pub(crate) async fn locate(dns: &dyn Dns, destination: &TrunkDestination) -> Result<Located, DnsError> {
    let TrunkDestination { host, port, transport } = destination;
    if port.is_none() {
        match dns.services(&service_name(host, *transport)).await {
            Ok(services) => return follow(dns, services).await,
            Err(DnsError::NotThere) => {}
            Err(DnsError::Failed) => return Err(DnsError::Failed),
        }
    }
    let port = port.unwrap_or(default_port(of_trunk(*transport)));
    let DnsAnswer { records, valid_for } = dns.addresses(host).await?;
    let place = |ip: &IpAddr| LocatedAddress { address: SocketAddr::new(*ip, port), priority: 0, weight: 1 };
    Ok(Located { addresses: records.iter().take(MAX_ADDRESSES).map(place).collect(), valid_for })
}

/// RFC 3263 §4.1 and §4.2.
fn service_name(host: &str, transport: TrunkTransport) -> String {
    let prefix = match transport {
        TrunkTransport::Udp => "_sip._udp",
        TrunkTransport::Tcp => "_sip._tcp",
        TrunkTransport::Tls => "_sips._tcp",
    };
    format!("{prefix}.{host}")
}

async fn follow(dns: &dyn Dns, services: DnsAnswer<DnsService>) -> Result<Located, DnsError> {
    let DnsAnswer { mut records, mut valid_for } = services;
    records.retain(|service| !matches!(service.target.as_str(), "" | "."));
    records.sort_by_key(|service| service.priority);
    records.truncate(MAX_SERVICES);
    let (mut addresses, mut error) = (Vec::new(), DnsError::NotThere);
    for service in records {
        match dns.addresses(&service.target).await {
            Ok(found) => {
                valid_for = valid_for.min(found.valid_for);
                addresses.extend(found.records.iter().map(|ip| LocatedAddress {
                    address: SocketAddr::new(*ip, service.port),
                    priority: service.priority,
                    weight: service.weight,
                }));
            }
            Err(DnsError::NotThere) => {}
            Err(DnsError::Failed) => error = DnsError::Failed,
        }
    }
    addresses.truncate(MAX_ADDRESSES);
    if addresses.is_empty() { Err(error) } else { Ok(Located { addresses, valid_for }) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use super::*;
    use crate::trunks::testing::destination;

    #[derive(Debug, Default)]
    struct Zone {
        services: BTreeMap<String, Vec<DnsService>>,
        addresses: BTreeMap<String, Vec<IpAddr>>,
        /// Nobody can say.
        broken: Vec<String>,
        asked: Mutex<Vec<String>>,
    }

    impl Zone {
        fn answer<T: Clone + Send + 'static>(
            &self,
            name: &str,
            of: &BTreeMap<String, Vec<T>>,
            seconds: u64,
        ) -> DnsFuture<'_, T> {
            self.asked.lock().unwrap().push(name.to_owned());
            let answer = match of.get(name) {
                _ if self.broken.iter().any(|broken| broken == name) => Err(DnsError::Failed),
                Some(records) => Ok(DnsAnswer { records: records.clone(), valid_for: Duration::from_secs(seconds) }),
                None => Err(DnsError::NotThere),
            };
            Box::pin(std::future::ready(answer))
        }

        fn with_services(mut self, name: &str, services: &[(u16, u16, u16, &str)]) -> Self {
            let service = |(priority, weight, port, target): &(u16, u16, u16, &str)| DnsService {
                priority: *priority,
                weight: *weight,
                port: *port,
                target: (*target).to_owned(),
            };
            self.services.insert(name.to_owned(), services.iter().map(service).collect());
            self
        }

        fn with_addresses(mut self, name: &str, addresses: &[&str]) -> Self {
            self.addresses.insert(name.to_owned(), addresses.iter().map(|text| text.parse().unwrap()).collect());
            self
        }

        fn locate(&self, port: Option<u16>, transport: TrunkTransport) -> Result<Vec<(String, u16, u16)>, DnsError> {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let located = runtime.block_on(locate(self, &destination("sip.example", port, transport)))?;
            assert_eq!(located.valid_for, Duration::from_secs(60), "the shortest");
            let address = |one: &LocatedAddress| (one.address.to_string(), one.priority, one.weight);
            Ok(located.addresses.iter().map(address).collect())
        }
    }

    impl Dns for Zone {
        fn services<'a>(&'a self, name: &'a str) -> DnsFuture<'a, DnsService> {
            self.answer(name, &self.services, 300)
        }

        fn addresses<'a>(&'a self, name: &'a str) -> DnsFuture<'a, IpAddr> {
            self.answer(name, &self.addresses, 60)
        }
    }

    #[test]
    fn without_a_port_services_are_followed_in_their_order() {
        let zone = Zone::default()
            .with_services("_sips._tcp.sip.example", &[(20, 1, 5071, "b.example"), (10, 3, 5061, "a.example")])
            .with_addresses("a.example", &["192.0.2.1", "2001:db8::1"])
            .with_addresses("b.example", &["192.0.2.2"]);
        let found = zone.locate(None, TrunkTransport::Tls).unwrap();
        let expected = [("192.0.2.1:5061", 10, 3), ("[2001:db8::1]:5061", 10, 3), ("192.0.2.2:5071", 20, 1)];
        assert_eq!(found, expected.map(|(address, priority, weight)| (address.to_owned(), priority, weight)));
    }

    #[test]
    fn with_a_port_or_without_services_the_host_is_looked_up() {
        let zone = Zone::default().with_addresses("sip.example", &["192.0.2.1"]);
        let address = |port, transport| zone.locate(port, transport).unwrap().remove(0).0;
        assert_eq!(address(Some(5099), TrunkTransport::Udp), "192.0.2.1:5099");
        assert_eq!(*zone.asked.lock().unwrap(), ["sip.example"]);
        assert_eq!(address(None, TrunkTransport::Udp), "192.0.2.1:5060");
        assert_eq!(address(None, TrunkTransport::Tls), "192.0.2.1:5061");
        let asked = zone.asked.lock().unwrap();
        assert_eq!(asked[1..], ["_sip._udp.sip.example", "sip.example", "_sips._tcp.sip.example", "sip.example"]);
    }

    #[test]
    fn a_service_that_is_declared_not_to_be_there_is_not_looked_for_elsewhere() {
        let zone = Zone::default()
            .with_services("_sip._tcp.sip.example", &[(0, 0, 0, ".")])
            .with_addresses("sip.example", &["192.0.2.1"]);
        assert_eq!(zone.locate(None, TrunkTransport::Tcp), Err(DnsError::NotThere));
    }

    #[test]
    fn a_failure_is_no_absence() {
        let mut zone = Zone::default().with_addresses("sip.example", &["192.0.2.1"]);
        zone.broken = vec!["_sip._udp.sip.example".to_owned()];
        assert_eq!(zone.locate(None, TrunkTransport::Udp), Err(DnsError::Failed));
        let mut zone = Zone::default().with_services("_sip._udp.sip.example", &[(0, 0, 1, "a"), (0, 0, 1, "b")]);
        assert_eq!(zone.locate(None, TrunkTransport::Udp), Err(DnsError::NotThere));
        zone.broken = vec!["a".to_owned()];
        assert_eq!(zone.locate(None, TrunkTransport::Udp), Err(DnsError::Failed));
    }

    #[test]
    fn what_is_found_is_bounded() {
        let names: Vec<String> = (0..20).map(|at| format!("h{at}")).collect();
        let services: Vec<_> = names.iter().map(|name| (0, 0, 1, name.as_str())).collect();
        let mut zone = Zone::default().with_services("_sip._udp.sip.example", &services);
        for name in &names {
            zone = zone.with_addresses(name, &["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
        }
        assert_eq!(zone.locate(None, TrunkTransport::Udp).unwrap().len(), MAX_ADDRESSES);
        assert_eq!(zone.asked.lock().unwrap().len(), 1 + MAX_SERVICES);
    }

    #[test]
    fn an_address_needs_no_look_up() {
        let address =
            |host, port, transport| known(&destination(host, port, transport)).map(|one| one.address.to_string());
        assert_eq!(address("192.0.2.1", None, TrunkTransport::Tls).as_deref(), Some("192.0.2.1:5061"));
        assert_eq!(address("2001:db8::1", Some(5070), TrunkTransport::Udp).as_deref(), Some("[2001:db8::1]:5070"));
        assert_eq!(address("sip.example", None, TrunkTransport::Udp), None);
    }
}
