// SPDX-License-Identifier: EUPL-1.2
//! Kamailio (Debian: `kamailio`) as a provider: a registrar that wants a password, and a proxy that wants to see the whole
//! call.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::net::UdpSocket;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::bridge::PATIENCE;
use super::phone::{request, response};

/// The password of everybody there.
pub(crate) const PASSWORD: &str = "secret";

/// One that runs, with its children in a group of its own. Dropping it ends it.
pub(crate) struct Kamailio {
    pub(crate) address: SocketAddr,
    child: Child,
    folder: TempDir,
}

impl Kamailio {
    /// By UDP and TCP at a free port of that address, with `algorithm` as its challenges name it.
    pub(crate) async fn start(address: IpAddr, algorithm: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = SocketAddr::new(address, free_port(address));
        let config = folder.path().join("kamailio.cfg");
        fs::write(&config, configuration(address, algorithm)).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(program())
            .args(["-DD", "-E", "-m", "32", "-M", "4", "-f"])
            .arg(config)
            .arg("-Y")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .expect("no kamailio: `cargo xtask test --only packages` installs it");
        let kamailio = Self { address, child, folder };
        kamailio.answer(None).await;
        kamailio
    }

    /// Whether anybody is registered as that user.
    pub(crate) async fn has(&self, user: &str) -> bool {
        self.answer(Some(user)).await == 200
    }

    /// Waits until that is so, or not so any more.
    pub(crate) async fn until(&self, user: &str, is_there: bool) {
        let is_so = async { while self.has(user).await != is_there {} };
        if timeout(PATIENCE, is_so).await.is_err() {
            panic!("{user} is there: {}; {}", !is_there, self.log());
        }
    }

    /// What an OPTIONS is answered with, sent again until there is an answer.
    async fn answer(&self, user: Option<&str>) -> u16 {
        let socket = UdpSocket::bind((self.address.ip(), 0)).await.unwrap();
        socket.connect(self.address).await.unwrap();
        let target = user.map_or_else(|| self.address.to_string(), |user| format!("{user}@{}", self.address));
        let text = request("OPTIONS", "UDP", &format!("probe{}", socket.local_addr().unwrap().port()), 1, None, "")
            .replace("OPTIONS sip:+49301@127.0.0.1 ", &format!("OPTIONS sip:{target} "));
        let answered = async {
            let mut buffer = vec![0; 65_536];
            loop {
                // Before it listens, this fails.
                let _ = socket.send(text.as_bytes()).await;
                if let Ok(Ok(length)) = timeout(Duration::from_millis(50), socket.recv(&mut buffer)).await {
                    return response(&buffer[..length]).status;
                }
                tokio::task::yield_now().await;
            }
        };
        match timeout(PATIENCE, answered).await {
            Ok(status) => status,
            Err(_) => panic!("kamailio does not answer: {}", self.log()),
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Ends it, and waits for that.
    pub(crate) async fn stop(mut self) {
        self.kill();
        timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
    }

    fn kill(&self) {
        // Without an id it has ended.
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Debian's place for it is not in everybody's search path.
fn program() -> PathBuf {
    let usual = Path::new("/usr/sbin/kamailio");
    if usual.exists() { usual.to_owned() } else { PathBuf::from("kamailio") }
}

fn free_port(address: IpAddr) -> u16 {
    let stream = std::net::TcpListener::bind((address, 0)).unwrap();
    let port = stream.local_addr().unwrap().port();
    // Both kinds have to be free. Nobody else is on these addresses.
    std::net::UdpSocket::bind((address, port)).unwrap();
    port
}

fn configuration(address: SocketAddr, algorithm: &str) -> String {
    let modules = ["tm", "sl", "rr", "pv", "maxfwd", "usrloc", "registrar", "textops", "siputils", "auth"];
    let source = address.ip();
    let modules: String = modules.iter().map(|name| format!("loadmodule \"{name}.so\"\n")).collect();
    format!(
        r#"#!KAMAILIO
debug=1
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
dns=no
rev_dns=no
listen=udp:{address}
listen=tcp:{address}
tcp_source_ipv4={source}
{modules}
modparam("usrloc", "db_mode", 0)
modparam("auth", "algorithm", "{algorithm}")
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("$td", "{PASSWORD}", "0")) {{ www_challenge("$td", "0"); exit; }}
        if (!save("location")) {{ sl_reply_error(); }}
        exit;
    }}
    if (is_method("OPTIONS") && !has_totag()) {{
        if ($rU == $null || lookup("location")) {{ sl_send_reply("200", "OK"); }} else {{ sl_send_reply("404", "Not Found"); }}
        exit;
    }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
        sl_send_reply("404", "Not Here");
        exit;
    }}
    if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    record_route();
    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
    t_relay();
}}
"#
    )
}
