// SPDX-License-Identifier: EUPL-1.2
//! From which of our addresses a trunk's destination is spoken to, and which one whoever speaks to us is told.

use std::net::{IpAddr, SocketAddr};

use bus::phone::TrunkTransport;

use crate::sip::config::OwnAddress;
use crate::sip::flow::Flow;
use crate::sip::message::{Host, Transport};
use crate::transport::elsewhere;

/// Where we listen, and our address as others see it.
#[derive(Clone, Debug)]
pub(crate) struct Locals {
    listening: Vec<(Transport, SocketAddr)>,
    advertised: Option<IpAddr>,
    /// Which one that is where there is no such one, and all are listened on.
    own_address: OwnAddress,
}

impl Locals {
    pub(crate) fn new(
        listening: Vec<(Transport, SocketAddr)>,
        advertised: Option<IpAddr>,
        own_address: OwnAddress,
    ) -> Self {
        Self { listening, advertised, own_address }
    }

    /// The way to a destination. `None`: of that kind there is none, as there are no datagrams without a socket for them.
    pub(crate) fn flow_to(&self, transport: TrunkTransport, remote: SocketAddr) -> Option<Flow> {
        let transport = of_trunk(transport);
        let mut alike = self.listening.iter().filter(|(_, local)| local.is_ipv4() == remote.is_ipv4());
        let same = alike.clone().find(|(known, _)| *known == transport).map(|(_, local)| *local);
        // A stream can be opened without that we listen for one. It leaves from that port if it can.
        let other = || alike.next().map(|(_, local)| SocketAddr::new(local.ip(), default_port(transport)));
        let local = if transport.is_reliable() { same.or_else(other)? } else { same? };
        Some(Flow { transport, local, remote, connection: None, tls_name: None })
    }

    /// Whether somebody could connect to us by that, or send.
    pub(crate) fn listens_for(&self, transport: TrunkTransport) -> bool {
        let transport = of_trunk(transport);
        self.listening.iter().any(|(known, _)| *known == transport)
    }

    /// What stands for us in a request on that way.
    pub(crate) fn host(&self, flow: &Flow) -> Host {
        Host::Address(self.advertised.unwrap_or_else(|| flow.own_ip(self.own_address)))
    }

    /// Where whoever is on that way is to send sound that is received at `rtp`. `None`: no address of ours is known to them.
    pub(crate) fn media_address(&self, rtp: IpAddr, flow: &Flow) -> Option<IpAddr> {
        let told = match self.advertised.unwrap_or(rtp) {
            one if !one.is_unspecified() => one,
            _ if flow.local.is_ipv4() == rtp.is_ipv4() => flow.own_ip(self.own_address),
            // Sound is of the other family, where nothing is known of them.
            _ => (self.own_address)(elsewhere(rtp))?,
        };
        (!told.is_unspecified()).then_some(told)
    }
}

pub(crate) const fn of_trunk(transport: TrunkTransport) -> Transport {
    match transport {
        TrunkTransport::Udp => Transport::Udp,
        TrunkTransport::Tcp => Transport::Tcp,
        TrunkTransport::Tls => Transport::Tls,
    }
}

/// RFC 3261 §19.1.2.
pub(crate) const fn default_port(transport: Transport) -> u16 {
    match transport {
        Transport::Udp | Transport::Tcp => 5060,
        Transport::Tls => 5061,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_begins_where_is_listened_for_its_kind() {
        let listening = |transport, address: &str| (transport, address.parse::<SocketAddr>().unwrap());
        let locals = Locals::new(
            vec![
                listening(Transport::Udp, "192.0.2.1:5070"),
                listening(Transport::Udp, "[2001:db8::1]:5080"),
                listening(Transport::Tcp, "192.0.2.1:5070"),
            ],
            None,
            |_| None,
        );
        let local = |transport, remote: &str| {
            locals.flow_to(transport, remote.parse().unwrap()).map(|flow| flow.local.to_string())
        };
        assert_eq!(local(TrunkTransport::Udp, "198.51.100.1:5060").as_deref(), Some("192.0.2.1:5070"));
        assert_eq!(local(TrunkTransport::Udp, "[2001:db8::9]:5060").as_deref(), Some("[2001:db8::1]:5080"));
        assert_eq!(local(TrunkTransport::Tls, "198.51.100.1:5061").as_deref(), Some("192.0.2.1:5061"));
        assert!(locals.listens_for(TrunkTransport::Tcp) && !locals.listens_for(TrunkTransport::Tls));
        let only_v4 = Locals::new(vec![listening(Transport::Udp, "192.0.2.1:5060")], None, |_| None);
        assert!(only_v4.flow_to(TrunkTransport::Udp, "[2001:db8::9]:5060".parse().unwrap()).is_none());
        assert!(only_v4.flow_to(TrunkTransport::Tcp, "[2001:db8::9]:5060".parse().unwrap()).is_none());
    }

    /// A machine with an address in a network of its own and one to everywhere else.
    fn own_address(remote: SocketAddr) -> Option<IpAddr> {
        let own = match remote.ip() {
            IpAddr::V4(inner) if inner.is_private() => "10.0.0.1",
            IpAddr::V4(_) => "192.0.2.1",
            IpAddr::V6(_) => "2001:db8::1",
        };
        own.parse().ok()
    }

    fn told(locals: &Locals, rtp: &str, remote: &str) -> (String, Option<String>) {
        let flow = locals.flow_to(TrunkTransport::Udp, remote.parse().unwrap()).unwrap();
        let media = locals.media_address(rtp.parse().unwrap(), &flow);
        let Host::Address(host) = locals.host(&flow) else { panic!("a name") };
        (host.to_string(), media.map(|ip| ip.to_string()))
    }

    #[test]
    fn each_is_told_the_address_by_which_it_is_reached() {
        let at = |address: &str| (Transport::Udp, address.parse::<SocketAddr>().unwrap());
        let both = |ip: &str| (ip.to_owned(), Some(ip.to_owned()));
        let all = Locals::new(vec![at("0.0.0.0:5060"), at("[::]:5060")], None, own_address);
        assert_eq!(told(&all, "0.0.0.0", "10.0.0.7:5060"), both("10.0.0.1"));
        assert_eq!(told(&all, "0.0.0.0", "198.51.100.7:5060"), both("192.0.2.1"));
        // SIP by one family, sound by the other.
        let apart = ("2001:db8::1".to_owned(), Some("192.0.2.1".to_owned()));
        assert_eq!(told(&all, "0.0.0.0", "[2001:db8::7]:5060"), apart);
        assert_eq!(told(&all, "::", "[2001:db8::7]:5060"), both("2001:db8::1"));
        let nat = Locals::new(vec![at("0.0.0.0:5060")], "203.0.113.5".parse().ok(), own_address);
        assert_eq!(told(&nat, "0.0.0.0", "10.0.0.7:5060"), both("203.0.113.5"));
        let one = Locals::new(vec![at("10.0.0.2:5060")], None, own_address);
        assert_eq!(told(&one, "10.0.0.2", "198.51.100.7:5060"), both("10.0.0.2"));
        let nowhere = Locals::new(vec![at("0.0.0.0:5060")], None, |_| None);
        assert_eq!(told(&nowhere, "0.0.0.0", "198.51.100.7:5060").1, None);
    }
}
