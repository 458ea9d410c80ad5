// SPDX-License-Identifier: EUPL-1.2
//! Two network namespaces that are joined by a pair of virtual Ethernet interfaces: a server in one, clients in the
//! other. They are isolated from the machine's own network, so that neither disturbs the other.

use std::net::Ipv4Addr;
use std::process::Command as Blocking;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

/// The namespaces. They are removed when this is dropped.
pub(crate) struct Namespaces {
    server: String,
    client: String,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

impl Namespaces {
    /// Addresses within the namespaces. Nothing outside sees them.
    pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
    pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

    /// Makes them, under names that no other process uses.
    ///
    /// # Errors
    ///
    /// Without root, or without `ip` of the package iproute2.
    pub(crate) fn create() -> Result<Self> {
        let name = |side| format!("load-{}-{side}", std::process::id());
        // Dropping it removes also what is half made.
        let namespaces = Self { server: name("server"), client: name("client") };
        let (server, client) = (namespaces.server.as_str(), namespaces.client.as_str());
        ip(&format!("netns add {server}")).context("network namespaces need root: run this as root or with sudo")?;
        ip(&format!("netns add {client}"))?;
        ip(&format!("link add veth netns {server} type veth peer name veth netns {client}"))?;
        for (namespace, address) in [(server, Self::SERVER), (client, Self::CLIENT)] {
            ip(&format!("-n {namespace} addr add {address}/24 dev veth"))?;
            ip(&format!("-n {namespace} link set lo up"))?;
            ip(&format!("-n {namespace} link set veth up"))?;
        }
        Ok(namespaces)
    }

    /// A command in one of them. The process that it becomes has the id of the command; it is killed with the
    /// command's handle, and with this process.
    pub(crate) fn command(&self, side: Side, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let namespace = match side {
            Side::Server => &self.server,
            Side::Client => &self.client,
        };
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace, "setpriv", "--pdeathsig", "KILL", "--"]).arg(program);
        command.kill_on_drop(true);
        command
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for namespace in [&self.server, &self.client] {
            // It was not made when making them failed.
            let _ = ip(&format!("netns del {namespace}"));
        }
    }
}

fn ip(arguments: &str) -> Result<()> {
    let output = Blocking::new("ip")
        .args(arguments.split(' '))
        .output()
        .context("ip cannot be started: it comes with Debian's package iproute2")?;
    if !output.status.success() {
        bail!("ip {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
