// SPDX-License-Identifier: EUPL-1.2
//! Socket addresses in the kernel's layout, small enough to keep one per datagram of a batch.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// The address family that a socket was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// `AF_INET`.
    V4,
    /// `AF_INET6`, which reaches IPv4 through v4-mapped addresses (RFC 4291 §2.5.5.2).
    V6,
}

impl Family {
    pub(super) const fn of(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(_) => Self::V4,
            SocketAddr::V6(_) => Self::V6,
        }
    }

    /// Whether such a socket can send to `ip`.
    pub(super) const fn reaches(self, ip: IpAddr) -> bool {
        matches!(self, Self::V6) || ip.is_ipv4()
    }
}

/// A `sockaddr` of either family. Both layouts begin with the family.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) union RawAddress {
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

impl RawAddress {
    /// The bytes that the kernel may write.
    pub(super) const CAPACITY: libc::socklen_t = size_of::<Self>() as libc::socklen_t;

    /// An address of no family.
    pub(super) const UNSPECIFIED: Self = Self {
        v6: libc::sockaddr_in6 {
            sin6_family: libc::AF_UNSPEC as libc::sa_family_t,
            sin6_port: 0,
            sin6_flowinfo: 0,
            sin6_addr: libc::in6_addr { s6_addr: [0; 16] },
            sin6_scope_id: 0,
        },
    };

    /// `address` for a socket of `family`; `None` when such a socket cannot reach it.
    pub(super) fn for_family(family: Family, address: SocketAddr) -> Option<Self> {
        match (family, address) {
            (Family::V4, SocketAddr::V4(v4)) => Some(Self {
                v4: libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: v4.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                    sin_zero: [0; 8],
                },
            }),
            (Family::V4, SocketAddr::V6(_)) => None,
            (Family::V6, SocketAddr::V4(v4)) => {
                Some(Self::from_v6(SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0)))
            }
            (Family::V6, SocketAddr::V6(v6)) => Some(Self::from_v6(v6)),
        }
    }

    const fn from_v6(v6: SocketAddrV6) -> Self {
        Self {
            v6: libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                sin6_scope_id: v6.scope_id(),
            },
        }
    }

    /// How many bytes of it count for a socket of `family`.
    pub(super) const fn len(family: Family) -> libc::socklen_t {
        match family {
            Family::V4 => size_of::<libc::sockaddr_in>() as libc::socklen_t,
            Family::V6 => size_of::<libc::sockaddr_in6>() as libc::socklen_t,
        }
    }

    /// The address as the rest of the program knows it: v4-mapped addresses are IPv4, and the flow label is left out,
    /// so that one client has one address whichever socket hears it. `None` when the kernel wrote none.
    #[allow(unsafe_code, reason = "reads the union by the family that both of its layouts begin with")]
    pub(super) fn to_socket_addr(self) -> Option<SocketAddr> {
        // SAFETY: the family has the same place in both layouts, so it is initialised whichever was written.
        let family = unsafe { self.v4.sin_family };
        match libc::c_int::from(family) {
            libc::AF_INET => {
                // SAFETY: whoever writes this family, we or the kernel, writes this layout whole.
                let v4 = unsafe { self.v4 };
                let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
                Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
            }
            libc::AF_INET6 => {
                // SAFETY: as above.
                let v6 = unsafe { self.v6 };
                let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
                let port = u16::from_be(v6.sin6_port);
                Some(match ip.to_ipv4_mapped() {
                    Some(v4) => SocketAddrV4::new(v4, port).into(),
                    None => SocketAddrV6::new(ip, port, 0, v6.sin6_scope_id).into(),
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(family: Family, address: &str) -> Option<SocketAddr> {
        RawAddress::for_family(family, address.parse().unwrap()).map(|raw| raw.to_socket_addr().unwrap())
    }

    #[test]
    fn addresses_come_back_as_they_went() {
        for address in ["192.0.2.1:4711", "[2001:db8::1]:65535"] {
            assert_eq!(check(Family::V6, address), Some(address.parse().unwrap()), "{address}");
        }
        assert_eq!(check(Family::V4, "192.0.2.1:4711"), Some("192.0.2.1:4711".parse().unwrap()));
    }

    #[test]
    fn a_link_local_address_keeps_its_interface() {
        let address = SocketAddrV6::new("fe80::1".parse().unwrap(), 9, 0, 3);
        let raw = RawAddress::for_family(Family::V6, address.into()).unwrap();
        assert_eq!(raw.to_socket_addr(), Some(address.into()));
    }

    #[test]
    fn an_ipv4_socket_reaches_no_ipv6_address() {
        assert_eq!(check(Family::V4, "[2001:db8::1]:9"), None);
    }

    #[test]
    fn nothing_written_is_no_address() {
        assert_eq!(RawAddress::UNSPECIFIED.to_socket_addr(), None);
    }
}
