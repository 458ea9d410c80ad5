// SPDX-License-Identifier: EUPL-1.2
//! A network namespace with nothing but a loopback interface, in which this program runs again: so that not one datagram of a
//! flood leaves the machine, and nobody else's traffic is measured.

use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::unistd::geteuid;

/// Said to the program that runs within.
const MARK: &str = "LOADTEST_IS_ISOLATED";

/// Addresses within the namespace that are no trunk's, and which nobody has anywhere (RFC 2544, RFC 6890 §2.2.2).
const STRANGERS: &str = "198.18.0.0/15";

/// Whether this program runs within.
pub(super) fn is_here() -> bool {
    std::env::var_os(MARK).is_some()
}

/// The address of a stranger: each /24 has one of 512 in turn.
pub(super) fn stranger(number: u32) -> Ipv4Addr {
    let (network, host) = (number % 512, 1 + number / 512 % 254);
    Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + (network << 8) + host)
}

/// Runs this program again within, with the same words.
///
/// # Errors
///
/// When no namespace can be made, or what runs within fails.
pub(crate) fn isolate() -> Result<()> {
    let own = std::env::current_exe().context("this program does not find itself")?;
    let mut command = Command::new("unshare");
    // Root can make one; anybody else becomes root of a user namespace first, where the kernel allows that.
    if !geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    // The loopback interface has all the strangers' addresses.
    let script = format!("ip link set lo up && ip route add local {STRANGERS} dev lo && exec \"$@\"");
    command.args(["--net", "sh", "-c", &script, "sh"]).arg(own);
    let status = command.args(std::env::args_os().skip(1)).env(MARK, "1").status();
    let status = status.context("unshare cannot be started: it comes with Debian's package util-linux")?;
    if !status.success() {
        bail!("the measurement failed within its network namespace ({status})");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_come_from_many_networks_and_none_is_a_trunk() {
        let networks: std::collections::BTreeSet<_> =
            (0..5_000).map(|number| stranger(number).octets()).map(|[a, b, c, _]| [a, b, c]).collect();
        assert_eq!(networks.len(), 512);
        assert!((0..200_000).all(|number| matches!(stranger(number).octets(), [198, 18 | 19, _, 1..=254])));
    }
}
