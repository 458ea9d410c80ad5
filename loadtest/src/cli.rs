// SPDX-License-Identifier: EUPL-1.2
//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::peer::Content;
use crate::process::Process;
use crate::scenario::{Camera, Event, Group, Scenario, Setting, publishing};
use crate::signal::{Server, Wanted};
use crate::{api, compare, floor, scale, size, telephones};

/// Puts load on conferencing servers, and says what it costs them.
///
/// The clients are made up but speak the real protocols: ICE, DTLS, SRTP, simulcast VP8 and Opus, retransmission and
/// feedback. Everything that arrives is decrypted and checked.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Load(Load),
    /// Measures Saal, Janus and a small SFU on pion side by side, on this machine.
    Compare(compare::Options),
    /// Measures what forwarding costs at least, on this machine.
    Floor(floor::Options),
    /// Works out which machines an installation needs.
    Size(size::Options),
    /// Measures what each kind of work costs Saal, on this machine, for `size`.
    Scale(scale::Options),
    /// Measures how long a server's REST API takes, with more and more meetings stored.
    Api(api::Options),
    /// Measures the bridge for telephones, with made-up callers, in a network namespace of its own.
    Telephones(telephones::Options),
    /// The sending half of `floor`.
    #[command(hide = true)]
    FloorSend(floor::SendOptions),
    /// The receiving half of `floor`.
    #[command(hide = true)]
    FloorReceive(floor::ReceiveOptions),
}

/// Loads to put on a server.
#[derive(Debug, Subcommand)]
pub(crate) enum Load {
    /// Everybody sends sound and picture and sees some of the others.
    Meet(MeetArgs),
    /// A few send, many watch.
    Broadcast(BroadcastArgs),
    /// A few speak, many listen.
    Audio(AudioArgs),
    /// Many watch simulcast video and ask for another layer in turns.
    Switch(SwitchArgs),
    /// Many join within seconds while a meeting runs.
    Storm(StormArgs),
    /// Many are connected while nothing is sent: what a participant costs in memory.
    Idle(IdleArgs),
    /// A meeting that goes on for long: does anything grow?
    Soak(SoakArgs),
}

/// What all loads share.
#[derive(Args, Clone, Debug)]
pub(crate) struct Common {
    /// The server: ws://HOST:PORT or wss://HOST for LiveKit's protocol, janus+http://HOST:PORT/janus for Janus,
    /// post+http://HOST:PORT for offers and answers posted over HTTP.
    #[arg(long, default_value = "ws://127.0.0.1:7880")]
    pub(crate) server: String,
    /// API key and secret of the server, to make room tokens with.
    #[arg(
        long,
        value_name = "KEY:SECRET",
        env = "LOADTEST_API_KEY",
        default_value = "devkey:secret",
        hide_env_values = true
    )]
    api_key: String,
    /// The server's process on this machine, to measure what it uses.
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
    /// Count the system calls of that process, too, by perf.
    #[arg(long, requires = "server_pid")]
    count_syscalls: bool,
    /// Where the server shows counters for Prometheus, such as http://127.0.0.1:7880/metrics: by how much they grow in
    /// a second goes into the JSON.
    #[arg(long, value_name = "URL")]
    metrics: Option<String>,
    /// How long to measure, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    pub(crate) duration: f64,
    /// How long everything runs before it is measured, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    settle: f64,
    /// Joins in a second.
    #[arg(long, value_name = "NUMBER", default_value_t = 50.0)]
    join_rate: f64,
    /// Threads that carry media.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Take every datagram with a call of its own, as browsers do, instead of runs in one piece.
    #[arg(long)]
    no_coalescing: bool,
    /// Write the result as JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Draw how the run went, second by second, as SVG into this file: a browser opens it.
    #[arg(long, value_name = "FILE")]
    pub(crate) chart: Option<PathBuf>,
}

/// Cameras of publishers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CameraArg {
    /// No picture.
    Off,
    /// One layer of 2.5 Mbit/s.
    Single,
    /// One layer of 500 kbit/s.
    Small,
    /// Three layers of 150, 500 and 1,700 kbit/s.
    Simulcast,
}

impl From<CameraArg> for Camera {
    fn from(camera: CameraArg) -> Self {
        match camera {
            CameraArg::Off => Self::Off,
            CameraArg::Single => Self::Single,
            CameraArg::Small => Self::Small,
            CameraArg::Simulcast => Self::Simulcast,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct MeetArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    /// People in each room.
    #[arg(long, default_value_t = 6)]
    participants: usize,
    /// Rooms.
    #[arg(long, default_value_t = 1)]
    rooms: usize,
    /// Videos that each of them sees at a time.
    #[arg(long, default_value_t = 9)]
    tiles: usize,
    /// What cameras send.
    #[arg(long, value_enum, default_value_t = CameraArg::Simulcast)]
    camera: CameraArg,
    /// Nobody speaks.
    #[arg(long)]
    no_microphones: bool,
    /// Microphones are on, but hear nothing.
    #[arg(long, conflicts_with = "no_microphones")]
    quiet: bool,
}

#[derive(Args, Debug)]
pub(crate) struct BroadcastArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Those who send.
    #[arg(long, default_value_t = 1)]
    publishers: usize,
    /// Those who watch.
    #[arg(long, default_value_t = 100)]
    subscribers: usize,
    /// What cameras send.
    #[arg(long, value_enum, default_value_t = CameraArg::Single)]
    camera: CameraArg,
    /// The publishers speak, too.
    #[arg(long)]
    microphones: bool,
}

#[derive(Args, Debug)]
pub(crate) struct AudioArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Those who speak, all the time.
    #[arg(long, default_value_t = 3)]
    speakers: usize,
    /// Those who listen.
    #[arg(long, default_value_t = 200)]
    listeners: usize,
}

#[derive(Args, Debug)]
pub(crate) struct SwitchArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Those who watch.
    #[arg(long, default_value_t = 50)]
    subscribers: usize,
    /// Seconds between switches, and before the first one.
    #[arg(long, default_value_t = 3.0)]
    every: f64,
}

#[derive(Args, Debug)]
pub(crate) struct StormArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Those who watch the meeting that runs.
    #[arg(long, default_value_t = 50)]
    subscribers: usize,
    /// Those who join.
    #[arg(long, default_value_t = 200)]
    joins: usize,
    /// Within so many seconds.
    #[arg(long, default_value_t = 2.0)]
    within: f64,
}

#[derive(Args, Debug)]
pub(crate) struct IdleArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Those who are connected to each room, beside a host.
    #[arg(long, default_value_t = 10)]
    participants: usize,
    /// Rooms.
    #[arg(long, default_value_t = 50)]
    rooms: usize,
}

#[derive(Args, Debug)]
pub(crate) struct SoakArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    /// People in each room.
    #[arg(long, default_value_t = 6)]
    participants: usize,
    /// Rooms.
    #[arg(long, default_value_t = 4)]
    rooms: usize,
    /// Minutes, instead of --duration.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
}

impl Common {
    /// Where the load is put.
    pub(crate) fn setting(&self) -> Result<Setting> {
        Ok(Setting {
            server: self.server()?,
            process: self.server_pid.map(Process::new),
            count_syscalls: self.count_syscalls,
            metrics: self.metrics.clone(),
            threads: self.threads,
            coalesce: !self.no_coalescing,
        })
    }

    fn server(&self) -> Result<Server> {
        let url = self.server.clone();
        if url.starts_with("ws://") || url.starts_with("wss://") {
            let (api_key, api_secret) =
                self.api_key.split_once(':').context("--api-key takes a key and a secret: KEY:SECRET")?;
            let (api_key, api_secret) = (api_key.to_owned(), api_secret.to_owned());
            return Ok(Server::LiveKit { url, api_key, api_secret });
        }
        match url.split_once('+') {
            Some(("janus", url)) => return Ok(Server::Janus { url: url.to_owned() }),
            Some(("post", url)) => return Ok(Server::OfferPost { url: url.to_owned() }),
            _ => {}
        }
        bail!("{url} is no address that this tool knows: see --help")
    }

    fn scenario(&self, name: &str, description: String, rooms: usize, groups: Vec<Group>) -> Result<Scenario> {
        Ok(Scenario {
            name: name.to_owned(),
            description,
            rooms,
            groups,
            joins_per_second: self.join_rate,
            settle: seconds("--settle", self.settle)?,
            measure: seconds("--duration", self.duration)?,
            event: None,
        })
    }
}

/// The time that an option names.
pub(crate) fn seconds(option: &str, value: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(value).ok().with_context(|| format!("{option} takes seconds, not {value}"))
}

const fn publishers(count: usize, publish: Vec<Content>) -> Group {
    Group { name: "publisher", count, publish, receive_audio: Wanted::None, receive_video: Wanted::None }
}

const fn subscribers(name: &'static str, count: usize) -> Group {
    Group { name, count, publish: Vec::new(), receive_audio: Wanted::All, receive_video: Wanted::All }
}

impl Load {
    /// What all loads share.
    pub(crate) const fn common(&self) -> &Common {
        match self {
            Self::Meet(args) => &args.common,
            Self::Broadcast(args) => &args.common,
            Self::Audio(args) => &args.common,
            Self::Switch(args) => &args.common,
            Self::Storm(args) => &args.common,
            Self::Idle(args) => &args.common,
            Self::Soak(args) => &args.common,
        }
    }

    /// The load that is asked for.
    pub(crate) fn scenario(&self) -> Result<Scenario> {
        let common = self.common();
        match self {
            Self::Meet(args) => {
                let mut publish = publishing(!args.no_microphones, args.camera.into());
                if args.quiet {
                    publish.iter_mut().for_each(Content::hush);
                }
                let group = Group {
                    name: "person",
                    count: args.participants,
                    publish,
                    receive_audio: Wanted::All,
                    receive_video: Wanted::UpTo(args.tiles),
                };
                let description = format!(
                    "{} rooms of {} people, {} videos visible to each",
                    args.rooms, args.participants, args.tiles
                );
                common.scenario("meet", description, args.rooms, vec![group])
            }
            Self::Broadcast(args) => {
                let sending = publishers(args.publishers, publishing(args.microphones, args.camera.into()));
                let description = format!("{} send, {} watch", args.publishers, args.subscribers);
                common.scenario("broadcast", description, 1, vec![sending, subscribers("watcher", args.subscribers)])
            }
            Self::Audio(args) => {
                let speaking = publishers(args.speakers, publishing(true, Camera::Off));
                let description = format!("{} speak, {} listen", args.speakers, args.listeners);
                common.scenario("audio", description, 1, vec![speaking, subscribers("listener", args.listeners)])
            }
            Self::Switch(args) => {
                ensure!(args.every > 0.0, "--every takes a number above 0");
                let sending = publishers(1, publishing(false, Camera::Simulcast));
                let description = format!("{} watch and switch layers every {} s", args.subscribers, args.every);
                let groups = vec![sending, subscribers("watcher", args.subscribers)];
                let event = Some(Event::SwitchLayers(seconds("--every", args.every)?));
                Ok(Scenario { event, ..common.scenario("switch", description, 1, groups)? })
            }
            Self::Storm(args) => {
                let sending = publishers(1, publishing(false, Camera::Single));
                let description =
                    format!("{} join within {} s while {} watch", args.joins, args.within, args.subscribers);
                let groups = vec![sending, subscribers("watcher", args.subscribers)];
                let event = Some(Event::JoinStorm { joins: args.joins, within: seconds("--within", args.within)? });
                Ok(Scenario { event, ..common.scenario("storm", description, 1, groups)? })
            }
            Self::Idle(args) => {
                let groups = vec![Group::host(), Group::guests("guest", args.participants)];
                let description =
                    format!("{} rooms of {} people and a host, nobody speaks", args.rooms, args.participants);
                common.scenario("idle", description, args.rooms, groups)
            }
            Self::Soak(args) => {
                let group = Group {
                    name: "person",
                    count: args.participants,
                    publish: publishing(true, Camera::Simulcast),
                    receive_audio: Wanted::All,
                    receive_video: Wanted::All,
                };
                let description =
                    format!("{} rooms of {} people for {} minutes", args.rooms, args.participants, args.minutes);
                let measure = seconds("--minutes", args.minutes * 60.0)?;
                Ok(Scenario { measure, ..common.scenario("soak", description, args.rooms, vec![group])? })
            }
        }
    }
}
