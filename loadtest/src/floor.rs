// SPDX-License-Identifier: EUPL-1.2
//! What forwarding costs at least on this machine: a packet is decrypted once; then, for each destination, copied, given
//! a header, sealed with that destination's key, and sent. Nothing else happens, no feedback and no decision, and
//! nothing of Saal's own sending is used: no server can be cheaper without doing less.
//!
//! The sender gets frames of the sizes and in the rhythm of one video layer; the receivers are sockets like the load
//! generator's. Both are processes in network namespaces of their own, as servers and clients are when they are
//! compared.

mod receiver;
mod sealing;
mod sender;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use crate::namespaces::{Namespaces, Side};
use crate::{cli, files};

pub(crate) use receiver::receive;
pub(crate) use sender::send;

/// What is sent goes to the kernel in one of these ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Method {
    /// One call for all destinations of a packet.
    Sendmmsg,
    /// Segmentation by the kernel: the packets of a frame for a destination in one piece, and one call for all.
    Gso,
}

impl Method {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sendmmsg => "sendmmsg",
            Self::Gso => "gso",
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Those to whom each packet goes.
    #[arg(long, default_value_t = 100)]
    destinations: usize,
    /// How long to measure each way of sending, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    duration: f64,
    /// Take every datagram with a call of its own, as browsers do, instead of runs in one piece.
    #[arg(long)]
    no_coalescing: bool,
    /// Write the result as JSON to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct SendOptions {
    #[arg(long, value_enum)]
    method: Method,
    #[arg(long)]
    from: Ipv4Addr,
    #[arg(long)]
    to: Ipv4Addr,
    #[arg(long, value_delimiter = ',')]
    ports: Vec<u16>,
    /// In seconds.
    #[arg(long)]
    duration: f64,
}

#[derive(Args, Debug)]
pub(crate) struct ReceiveOptions {
    #[arg(long)]
    ip: Ipv4Addr,
    #[arg(long)]
    sockets: usize,
    #[arg(long)]
    no_coalescing: bool,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Floor {
    pub(crate) packets: u64,
    pub(crate) cpu_us_per_packet: f64,
    /// Share of the packets that did not arrive.
    pub(crate) loss: f64,
}

/// What the sender says on its standard output.
#[derive(Debug, Serialize, Deserialize)]
struct Sent {
    /// Packets of all destinations, those before the measurement included.
    all_packets: u64,
    /// Packets while it was measured, and what they cost.
    packets: u64,
    cpu_seconds: f64,
}

/// Measures one way of sending between two namespaces.
///
/// # Errors
///
/// When a process cannot be started or says nothing.
pub(crate) async fn measure(
    namespaces: &Namespaces,
    method: Method,
    destinations: usize,
    duration: Duration,
    coalesce: bool,
) -> Result<Floor> {
    let own = std::env::current_exe().context("this program does not find itself")?;
    let mut receive = namespaces.command(Side::Client, &own);
    receive.args(["floor-receive", "--ip", &Namespaces::CLIENT.to_string(), "--sockets", &destinations.to_string()]);
    if !coalesce {
        receive.arg("--no-coalescing");
    }
    let mut receiver = receive.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut output = BufReader::new(receiver.stdout.take().context("a receiver without output")?);
    let mut ports = String::new();
    output.read_line(&mut ports).await?;
    let mut send = namespaces.command(Side::Server, &own);
    send.args(["floor-send", "--method", method.name(), "--ports", ports.trim()]);
    send.args(["--from", &Namespaces::SERVER.to_string(), "--to", &Namespaces::CLIENT.to_string()]);
    send.args(["--duration", &duration.as_secs_f64().to_string()]);
    let sent = send.output().await?;
    if !sent.status.success() {
        bail!("the sender failed: {}", String::from_utf8_lossy(&sent.stderr).trim());
    }
    let sent: Sent = serde_json::from_slice(&sent.stdout).context("the sender's words")?;
    // The end of its input tells the receiver to count up.
    drop(receiver.stdin.take());
    let mut received = String::new();
    output.read_to_string(&mut received).await?;
    receiver.wait().await?;
    let received: u64 = received.trim().parse().context("the receiver's count")?;
    Ok(Floor {
        packets: sent.packets,
        cpu_us_per_packet: sent.cpu_seconds * 1e6 / sent.packets.max(1) as f64,
        loss: 1.0 - received as f64 / sent.all_packets.max(1) as f64,
    })
}

/// `loadtest floor`: both ways, one after the other.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let namespaces = Namespaces::create()?;
    let duration = cli::seconds("--duration", options.duration)?;
    let mut found = serde_json::Map::new();
    for method in [Method::Sendmmsg, Method::Gso] {
        let floor = measure(&namespaces, method, options.destinations, duration, !options.no_coalescing).await?;
        println!(
            "{:9} {:.3} µs per packet to {} destinations, loss {:.4} %",
            method.name(),
            floor.cpu_us_per_packet,
            options.destinations,
            floor.loss * 100.0
        );
        found.insert(method.name().to_owned(), serde_json::to_value(floor)?);
    }
    if let Some(file) = &options.json {
        files::write_json(file, &found)?;
    }
    Ok(())
}
