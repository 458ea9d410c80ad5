// SPDX-License-Identifier: EUPL-1.2
//! Starts servers in their namespace and ends them. Each measurement meets a fresh one, so that none inherits memory or
//! rooms of another.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::cases::Contender;
use super::rivals::{self, JANUS_PORT};
use crate::namespaces::{Namespaces, Side};

const SAAL_PORT: u16 = 7_880;
const SAAL_MEDIA_PORT: u16 = 7_882;
const PION_PORT: u16 = 8_089;

/// A key for the servers of a comparison, which nobody outside the namespaces can reach.
pub(super) const API_KEY: &str = "compare:only-within-a-network-namespace-of-its-own";

const START_PATIENCE: Duration = Duration::from_secs(15);
const END_PATIENCE: Duration = Duration::from_secs(5);
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// `TCP_LISTEN` in `/proc/net/tcp` (proc(5)).
const LISTENING: &str = "0A";

/// The programs of the servers and what they are started with.
pub(super) struct Servers {
    saal: Saal,
    janus_folder: PathBuf,
    pion: PathBuf,
    logs: PathBuf,
}

/// Saal's program and what it is started with.
pub(crate) struct Saal {
    program: PathBuf,
    settings: PathBuf,
    logs: PathBuf,
}

/// A server that runs. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    pub(super) pid: u32,
    /// What clients take for `--server`.
    pub(super) url: String,
}

impl Servers {
    /// Makes everything ready below `out`.
    pub(super) async fn prepare(saal: &Path, out: &Path) -> Result<Self> {
        let saal = Saal::prepare(saal, out)?;
        let (janus_folder, pion) = (rivals::configure_janus(out)?, rivals::build_pion(out).await?);
        Ok(Self { logs: saal.logs.clone(), saal, janus_folder, pion })
    }

    /// Starts a server and waits until it listens.
    pub(super) async fn start(&self, namespaces: &Namespaces, contender: Contender) -> Result<Running> {
        let host = Namespaces::SERVER;
        match contender {
            Contender::Saal | Contender::SaalWithoutCoalescing => self.saal.start(namespaces, None).await,
            Contender::Janus => {
                let mut command = namespaces.command(Side::Server, "janus");
                command.arg("--configs-folder").arg(&self.janus_folder);
                let url = format!("janus+http://{host}:{JANUS_PORT}/janus");
                Running::start(command, contender, JANUS_PORT, url, &self.logs).await
            }
            Contender::Pion => {
                let mut command = namespaces.command(Side::Server, &self.pion);
                command.args(["-listen", &format!("{host}:{PION_PORT}")]);
                let url = format!("post+http://{host}:{PION_PORT}");
                Running::start(command, contender, PION_PORT, url, &self.logs).await
            }
            Contender::FloorSendmmsg | Contender::FloorGso => bail!("a floor is no server"),
        }
    }
}

impl Saal {
    /// Where one that runs shows its counters.
    pub(crate) fn metrics_url() -> String {
        format!("http://{}:{SAAL_PORT}/metrics", Namespaces::SERVER)
    }

    /// Makes everything ready below `out`.
    pub(crate) fn prepare(program: &Path, out: &Path) -> Result<Self> {
        let program = program.canonicalize().with_context(|| format!("there is no Saal at {}", program.display()))?;
        let (logs, settings) = (out.join("logs"), out.join("saal.toml"));
        fs::create_dir_all(&logs)?;
        fs::write(&settings, saal_toml(out))?;
        Ok(Self { program, settings, logs })
    }

    /// Starts it with so many shards, or as many as it wants, and waits until it listens.
    pub(crate) async fn start(&self, namespaces: &Namespaces, shards: Option<usize>) -> Result<Running> {
        let mut command = namespaces.command(Side::Server, &self.program);
        command.args(["serve", "--config"]).arg(&self.settings);
        if let Some(shards) = shards {
            command.env("SAAL_MEDIA__SHARDS", shards.to_string());
        }
        let url = format!("ws://{}:{SAAL_PORT}", Namespaces::SERVER);
        Running::start(command, Contender::Saal, SAAL_PORT, url, &self.logs).await
    }
}

impl Running {
    async fn start(mut command: Command, contender: Contender, port: u16, url: String, logs: &Path) -> Result<Self> {
        let name = contender.name();
        let log = File::options().create(true).append(true).open(logs.join(name))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut child = command.spawn().with_context(|| format!("{name} cannot be started"))?;
        let pid = child.id().context("a server without a process")?;
        let deadline = Instant::now() + START_PATIENCE;
        while !listens(pid, port) {
            if let Some(status) = child.try_wait()? {
                bail!("{name} ended with {status}: see {}", logs.display());
            }
            if Instant::now() > deadline {
                bail!("{name} does not listen at port {port}");
            }
            sleep(LOOK_INTERVAL).await;
        }
        Ok(Self { child, pid, url })
    }

    /// Ends it, by force when it takes long.
    pub(super) async fn end(mut self) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.pid)?), Signal::SIGTERM).ok();
        if timeout(END_PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }
}

fn saal_toml(out: &Path) -> String {
    let (key, secret) = API_KEY.split_once(':').unwrap_or((API_KEY, ""));
    let (host, data) = (Namespaces::SERVER, out.join("saal"));
    format!(
        "data_dir = {data:?}\n[http]\nlisten = \"{host}:{SAAL_PORT}\"\n[media]\nlisten = \"0.0.0.0:{SAAL_MEDIA_PORT}\"\n\
         advertise = [\"{host}\"]\n[api_keys]\n{key} = \"{secret}\"\n"
    )
}

/// Whether somebody listens at a TCP port in the process's network namespace, which is not ours.
fn listens(pid: u32, port: u16) -> bool {
    ["tcp", "tcp6"].into_iter().any(|table| {
        let table = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        has_listener(&table, port)
    })
}

fn has_listener(table: &str, port: u16) -> bool {
    let port = format!(":{port:04X}");
    table.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next().is_some_and(|local| local.ends_with(&port)) && fields.nth(1) == Some(LISTENING)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_found_in_the_kernels_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue\n\
                        0: 02004D0A:1F98 00000000:0000 0A 00000000:00000000\n\
                        1: 02004D0A:1ED6 01004D0A:9C40 01 00000000:00000000\n";
        assert!(has_listener(table, 8_088));
        assert!(!has_listener(table, 7_894), "that is a connection");
        assert!(!has_listener(table, 80));
    }

    #[test]
    fn the_key_is_long_enough_for_saal() {
        assert!(API_KEY.split_once(':').unwrap().1.len() >= 32);
    }
}
