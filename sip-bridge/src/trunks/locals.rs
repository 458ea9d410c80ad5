// SPDX-License-Identifier: EUPL-1.2
//! From which of our addresses a trunk's destination is spoken to.

use std::net::{IpAddr, SocketAddr};

use bus::phone::TrunkTransport;

use crate::sip::flow::Flow;
use crate::sip::message::{Host, Transport};

/// Where we listen, and our address as others see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Locals {
    listening: Vec<(Transport, SocketAddr)>,
    advertised: Option<IpAddr>,
}

impl Locals {
    pub(crate) fn new(listening: Vec<(Transport, SocketAddr)>, advertised: Option<IpAddr>) -> Self {
        Self { listening, advertised }
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
        Host::Address(self.advertised.unwrap_or(flow.local.ip()))
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
        );
        let local = |transport, remote: &str| {
            locals.flow_to(transport, remote.parse().unwrap()).map(|flow| flow.local.to_string())
        };
        assert_eq!(local(TrunkTransport::Udp, "198.51.100.1:5060").as_deref(), Some("192.0.2.1:5070"));
        assert_eq!(local(TrunkTransport::Udp, "[2001:db8::9]:5060").as_deref(), Some("[2001:db8::1]:5080"));
        assert_eq!(local(TrunkTransport::Tls, "198.51.100.1:5061").as_deref(), Some("192.0.2.1:5061"));
        assert!(locals.listens_for(TrunkTransport::Tcp) && !locals.listens_for(TrunkTransport::Tls));
        let only_v4 = Locals::new(vec![listening(Transport::Udp, "192.0.2.1:5060")], None);
        assert!(only_v4.flow_to(TrunkTransport::Udp, "[2001:db8::9]:5060".parse().unwrap()).is_none());
        assert!(only_v4.flow_to(TrunkTransport::Tcp, "[2001:db8::9]:5060".parse().unwrap()).is_none());
    }
}
