// SPDX-License-Identifier: EUPL-1.2
//! A Saal for one measurement, with meetings that callers can get into by keys and people by their links.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hyper::{Method, StatusCode};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::Options;
use crate::api::client::{Client, Who};
use crate::process::Process;
use crate::signal::http::Base;

/// In a namespace of its own nobody else has them.
const HTTP: &str = "127.0.0.1:7880";
const MEDIA: &str = "127.0.0.1:7882";
const SIP: &str = "127.0.0.1:5060";

const START_PATIENCE: Duration = Duration::from_secs(30);
const END_PATIENCE: Duration = Duration::from_secs(15);

/// Calls that it takes at a time: as in its settings unless there are to be more, and no more than those may say.
const USUAL_CALLS: usize = 1_000;
const MOST_CALLS: usize = 2_000;

/// People with a link of their own in each meeting.
const PEOPLE: usize = 4;

/// A server that runs. It is killed when this is dropped.
pub(super) struct Server {
    child: Child,
    pub(super) process: Process,
    data: PathBuf,
    client: Client,
}

/// A meeting that is going on.
pub(super) struct Meeting {
    /// What callers press.
    pub(super) keys: String,
    /// Codes and secrets of the links.
    links: Vec<(String, String)>,
}

impl Server {
    /// Starts the program on the processors that are asked for, with a new folder for its data.
    pub(super) async fn start(options: &Options) -> Result<Self> {
        let program = &options.saal;
        let program = program.canonicalize().with_context(|| format!("there is no Saal at {}", program.display()))?;
        let data = std::env::temp_dir().join(format!("loadtest-telephones-{:08x}", rand::random::<u32>()));
        std::fs::create_dir_all(&data)?;
        let mut command = match &options.server_cpus {
            Some(list) => {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", list]).arg(&program);
                command
            }
            None => Command::new(&program),
        };
        command.args(["serve", "--dev", "--data-dir"]).arg(&data);
        command.args(["--http", HTTP, "--media", MEDIA, "--sip", SIP]).env("SAAL_LOG__LEVEL", "warn");
        if let Some(threads) = options.threads {
            command.env("SAAL_SIP__THREADS", threads.to_string()).env("SAAL_MEDIA__SHARDS", threads.to_string());
        }
        command.env("SAAL_SIP__MAX_CALLS", options.calls.unwrap_or(0).clamp(USUAL_CALLS, MOST_CALLS).to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("Saal cannot be started")?;
        let pid = child.id().context("a server without a process")?;
        let stdout = child.stdout.take().context("a server without output")?;
        let mut lines = BufReader::new(stdout).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await? {
                if line.starts_with("Saal is ready") {
                    return Ok(());
                }
            }
            bail!("Saal ended before it was ready")
        };
        timeout(START_PATIENCE, ready).await.context("Saal does not get ready")??;
        // Nobody reads what else it says, and it must not wait for that.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let token = api_token(&program, &data).await?;
        let client = Client::new(Base::of(&format!("http://{HTTP}")).await?, &token);
        Ok(Self { child, process: Process::new(pid), data, client })
    }

    /// Where callers call.
    pub(super) fn sip(&self) -> Result<SocketAddr> {
        Ok(SIP.parse()?)
    }

    /// Where people come to.
    pub(super) fn url(&self) -> String {
        format!("ws://{HTTP}")
    }

    /// Schedules a meeting for now that lets everybody in at once.
    pub(super) async fn meeting(&mut self, number: usize) -> Result<Meeting> {
        let hosts: Vec<_> = (0..PEOPLE)
            .map(|person| json!({ "email": format!("p{person}@m{number}.example.org"), "name": "Person" }))
            .collect();
        let wanted = json!({
            "title": format!("Meeting {number}"), "type": "ad_hoc", "organizer": { "email": "orga@example.org" },
            "co_hosts": hosts, "invitation": { "delivery": "none" },
            "policy_overrides": { "guests": "link", "lobby": "off", "mute_upon_entry": false },
        });
        let software = Who::Software;
        let (made, _) =
            self.client.ask(software, Method::POST, "/meetings", Some(&wanted), StatusCode::CREATED).await?;
        let id = text(&made["id"])?;
        let (invitees, _) = self.client.get(&format!("/meetings/{id}/invitees")).await?;
        let items = invitees["items"].as_array().context("a list without items")?;
        let links = items.iter().filter(|one| one["role"] == "co_host").map(link).collect::<Result<Vec<_>>>()?;
        let dial_in = &made["dial_in"];
        Ok(Meeting { keys: format!("{}#,,{}#", text(&dial_in["conference_id"])?, text(&dial_in["pin"])?), links })
    }

    /// Lets a person with a link of their own in. Returns their room token and their identity.
    pub(super) async fn admit(&mut self, meeting: &Meeting, person: usize) -> Result<String> {
        let (code, invitation) = meeting.links.get(person).context("a meeting with fewer people")?;
        let (path, body) = (format!("/join/{code}"), json!({ "invitation": invitation }));
        let (admitted, _) = self.client.ask(Who::Stranger, Method::POST, &path, Some(&body), StatusCode::OK).await?;
        text(&admitted["token"])
    }

    /// Ends it, by force when it takes long.
    pub(super) async fn end(mut self) -> Result<()> {
        // It is gone already when there is no such process.
        let _ = kill(Pid::from_raw(i32::try_from(self.process.pid())?), Signal::SIGTERM);
        if timeout(END_PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What is left behind in the folder for temporary files does no harm.
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).context("an answer of the API lacks a text")
}

fn link(invitee: &Value) -> Result<(String, String)> {
    let link = text(&invitee["personal_join_url"])?;
    let (place, invitation) = link.split_once("#i=").context("a link of another form")?;
    Ok((place.rsplit('/').next().unwrap_or_default().to_owned(), invitation.to_owned()))
}

async fn api_token(program: &Path, data: &Path) -> Result<String> {
    let mut command = Command::new(program);
    command.args(["api-token", "create", "--data-dir"]).arg(data);
    command.args(["--name", "loadtest", "--scopes", "meetings:*,invitees:*"]);
    let output = command.output().await.context("no API token can be made")?;
    if !output.status.success() {
        bail!("no API token can be made: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
