// SPDX-License-Identifier: EUPL-1.2
//! By which of this machine's addresses somebody is reached: what they are told where all addresses are listened on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The address from which this machine sends to `remote`. `None`: no way leads there. Nothing is sent, since connecting a
/// socket for datagrams only has the system choose its way. It is asked each time: addresses and routes change while calls
/// come and go.
pub(crate) fn own_address(remote: SocketAddr) -> Option<IpAddr> {
    let all: IpAddr = match remote {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((all, 0)).ok()?;
    socket.connect(remote).ok()?;
    socket.local_addr().ok().map(|local| local.ip()).filter(|ip| !ip.is_unspecified())
}

/// Somewhere in the network of that family, to which the way is the usual one. Nobody has these addresses (RFC 5737 §3,
/// RFC 3849 §2).
pub(crate) fn elsewhere(family: IpAddr) -> SocketAddr {
    match family {
        IpAddr::V4(_) => (Ipv4Addr::new(192, 0, 2, 1), 9).into(),
        IpAddr::V6(_) => (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 9).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_on_this_machine_is_told_its_inner_address() {
        assert_eq!(own_address("127.0.0.1:5060".parse().unwrap()), Some(Ipv4Addr::LOCALHOST.into()));
    }

    #[test]
    fn elsewhere_is_of_the_same_family_and_not_here() {
        for family in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
            let ip = elsewhere(family).ip();
            assert_eq!(ip.is_ipv4(), family.is_ipv4());
            assert!(!ip.is_loopback() && !ip.is_unspecified());
        }
    }
}
