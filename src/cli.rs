// SPDX-License-Identifier: EUPL-1.2

//! The command line: what can be said, and which function answers.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};

use crate::config::{Purpose, Settings};
use crate::user::UserCommand;
use crate::{api_token, audit, backup, bridge, duration, health, mail_reply, output, serve, token, user};
use signaling::Secret;

/// `saal` and its commands.
#[derive(Parser)]
#[command(version, about = "Video and telephone conferencing that an organisation hosts itself")]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run Saal until Ctrl-C or SIGTERM
    Serve(SettingsFlags),
    /// Run the bridge for telephones alone, attached to a node elsewhere, until Ctrl-C or SIGTERM
    Sip(SipFlags),
    /// Print a token that lets somebody into a room
    Token(TokenFlags),
    /// Manage tokens for software that uses the REST API
    #[command(subcommand)]
    ApiToken(ApiTokenCommand),
    /// Manage accounts of people
    #[command(subcommand)]
    User(UserCommand),
    /// Take a mail that answers an invitation from standard input, as mail servers hand it to programs
    MailReply(SettingsFlags),
    /// Look after the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Write all that must survive to a file, while the server runs or not
    Backup(BackupFlags),
    /// Put a backup into an empty database, of either kind
    Restore(RestoreFlags),
    /// Print the settings in force as TOML, with secrets hidden
    Config(SettingsFlags),
    /// Ask a running Saal on this machine whether it is ready; the exit status is the answer
    Health(SettingsFlags),
}

#[derive(Subcommand)]
enum ApiTokenCommand {
    /// Make a token and print it; it is not shown again
    Create(ApiTokenFlags),
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Look whether it is intact, and where not; the exit status is the answer
    Verify(AuditVerifyFlags),
    /// Print the end of each chain, signed, to be kept elsewhere
    Head(AuditFlags),
    /// Print all events as lines of JSON
    Export(AuditFlags),
}

impl Cli {
    /// Does what the command line says.
    pub(crate) fn run(self) -> Result<()> {
        match self.command {
            Command::Serve(flags) => serve::run(&flags.settings(Purpose::Serve)?),
            Command::Sip(flags) => bridge::run(&flags.settings.settings(Purpose::Bridge)?, &flags.node),
            Command::Token(flags) => token::run(&flags),
            Command::ApiToken(ApiTokenCommand::Create(flags)) => api_token::create(&flags),
            Command::User(command) => user::run(&command),
            Command::MailReply(flags) => mail_reply::run(&flags.settings(Purpose::Read)?),
            Command::Audit(AuditCommand::Verify(flags)) => audit::verify(&flags),
            Command::Audit(AuditCommand::Head(flags)) => audit::head(&flags),
            Command::Audit(AuditCommand::Export(flags)) => audit::export(&flags),
            Command::Backup(flags) => backup::run(&flags),
            Command::Restore(flags) => backup::restore_from(&flags),
            Command::Config(flags) => {
                let settings = flags.settings(Purpose::Read)?.to_toml()?;
                output::print(settings.trim_end())
            }
            Command::Health(flags) => health::run(flags.settings(Purpose::Read)?.http.listen),
        }
    }
}

/// Flags that every command takes. They go before the environment, which goes before the file.
#[derive(Args, Default)]
pub(crate) struct SettingsFlags {
    /// For development: HTTP on loopback only, with the API key `devkey` and the secret `secret`
    #[arg(long)]
    pub(crate) dev: bool,
    /// Settings file; without it, saal.toml in the working directory is read if there is one, or else
    /// /etc/saal/saal.toml
    #[arg(long, value_name = "FILE", env = "SAAL_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Folder for what must survive a restart
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Where to listen for HTTP and WebSocket
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) http: Option<SocketAddr>,
    /// Where to receive and send media (UDP)
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) media: Option<SocketAddr>,
    /// Where telephones' calls arrive (SIP by UDP and TCP); --dev alone listens on 127.0.0.1:5060
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) sip: Option<SocketAddr>,
    /// Address under which browsers reach the media port; can be given several times
    #[arg(long, value_name = "IP")]
    pub(crate) advertise: Vec<IpAddr>,
    /// API key and its secret; can be given several times. Others on this machine can read it in the
    /// process list, so prefer the settings file
    #[arg(long, value_name = "KEY:SECRET", value_parser = api_key)]
    pub(crate) api_key: Vec<ApiKey>,
}

impl SettingsFlags {
    /// The settings of file, environment and these flags together.
    pub(crate) fn settings(&self, purpose: Purpose) -> Result<Settings> {
        // Names and values that are not Unicode cannot be meant for us.
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Ok(Settings::load(self, environment, purpose)?)
    }
}

/// What `saal sip` takes.
#[derive(Args)]
pub(crate) struct SipFlags {
    /// Where a `saal serve` takes bridges, as its link.listen says; a name will do
    #[arg(long, value_name = "HOST:PORT", env = "SAAL_NODE", value_parser = host_and_port)]
    pub(crate) node: String,
    #[command(flatten)]
    pub(crate) settings: SettingsFlags,
}

/// What `saal token` takes.
#[derive(Args)]
pub(crate) struct TokenFlags {
    /// Room that the token opens
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) room: String,
    /// Who comes in with it: one identity is in a room once
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) identity: String,
    /// Name that the others see
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Let its holder moderate the room
    #[arg(long)]
    pub(crate) admin: bool,
    /// How long the token can be used to join, such as 30m or 6h
    #[arg(long, value_name = "TIME", default_value = "6h", value_parser = duration::parse)]
    pub(crate) valid_for: Duration,
    /// Print a link to open in a browser instead; BASE is the address people use, this machine's without it
    #[arg(long, value_name = "BASE", num_args = 0..=1, require_equals = true)]
    pub(crate) link: Option<Option<String>>,
    /// API key to sign with, when there are several
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) settings: SettingsFlags,
}

/// What `saal api-token create` takes.
#[derive(Args)]
pub(crate) struct ApiTokenFlags {
    /// What it is for
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: String,
    /// What it may be used for, such as meetings:read,meetings:write; meetings:* stands for both
    #[arg(long)]
    pub(crate) scopes: String,
    /// Tenant that it is for, by slug or id; needed when there are several
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// For the whole installation instead of a tenant
    #[arg(long, conflicts_with = "tenant")]
    pub(crate) installation: bool,
    /// How many days it can be used
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub(crate) days: u32,
    #[command(flatten)]
    pub(crate) settings: SettingsFlags,
}

/// What `saal audit` takes.
#[derive(Args)]
pub(crate) struct AuditFlags {
    /// Whose chain, by the tenant's slug or id, or `installation`; all of them without it
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    #[command(flatten)]
    pub(crate) settings: SettingsFlags,
}

/// What `saal audit verify` takes.
#[derive(Args)]
pub(crate) struct AuditVerifyFlags {
    /// A line that `saal audit head` printed earlier; can be given several times. Shows whether the end was cut off since
    #[arg(long, value_name = "HEAD")]
    pub(crate) expect_head: Vec<String>,
    /// A file of such lines
    #[arg(long, value_name = "FILE")]
    pub(crate) expect_heads: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) audit: AuditFlags,
}

/// What `saal backup` takes.
#[derive(Args)]
pub(crate) struct BackupFlags {
    /// File to write. It holds secrets: keep it as safe as the database
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) settings: SettingsFlags,
}

/// What `saal restore` takes.
#[derive(Args)]
pub(crate) struct RestoreFlags {
    /// File that `saal backup` wrote
    pub(crate) file: PathBuf,
    /// Delete what is in the database first
    #[arg(long)]
    pub(crate) force: bool,
    /// Leave those signed in who were when the backup was made; without it everybody signs in anew
    #[arg(long)]
    pub(crate) keep_sessions: bool,
    #[command(flatten)]
    pub(crate) settings: SettingsFlags,
}

/// A key with its secret, as `--api-key` takes them.
#[derive(Clone)]
pub(crate) struct ApiKey {
    pub(crate) key: String,
    pub(crate) secret: Secret,
}

fn api_key(text: &str) -> Result<ApiKey, &'static str> {
    match text.split_once(':') {
        Some((key, secret)) if !key.is_empty() && !secret.is_empty() => {
            Ok(ApiKey { key: key.to_owned(), secret: Secret::from(secret.to_owned()) })
        }
        _ => Err("expected a key and its secret with a colon between them"),
    }
}

fn host_and_port(text: &str) -> Result<String, &'static str> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0) => Ok(text.to_owned()),
        _ => Err("expected a name or an address, and a port behind a colon"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_secret_may_hold_colons_but_not_be_empty() {
        let parsed = api_key("key:a:b").unwrap();
        assert_eq!((parsed.key.as_str(), parsed.secret.expose()), ("key", "a:b"));
        assert!(api_key("key:").is_err() && api_key(":secret").is_err() && api_key("key").is_err());
    }

    #[test]
    fn a_node_has_a_name_or_an_address_and_a_port() {
        for right in ["saal.example.org:7884", "192.0.2.1:7884", "[2001:db8::1]:7884"] {
            assert_eq!(host_and_port(right).unwrap(), right);
        }
        for wrong in ["saal.example.org", ":7884", "saal:", "saal:0", "saal:70000"] {
            assert!(host_and_port(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_link_may_or_may_not_name_its_base() {
        let link = |flag: &str| {
            let line = ["saal", "token", "--room", "r", "--identity", "i", flag];
            match Cli::try_parse_from(line).unwrap().command {
                Command::Token(flags) => flags.link.unwrap(),
                _ => panic!("not a token command"),
            }
        };
        assert_eq!(link("--link"), None);
        assert_eq!(link("--link=https://saal.example.org").unwrap(), "https://saal.example.org");
    }
}
