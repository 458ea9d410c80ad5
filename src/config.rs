// SPDX-License-Identifier: EUPL-1.2

//! The settings: defaults, then `saal.toml`, then `SAAL_…` in the environment, then flags.
//!
//! `saal.sample.toml` documents every key; a test keeps it equal to these types and their defaults.

mod layers;
mod link;
mod oidc;
mod problems;
mod sip;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result};
use figment::Figment;
use ipnet::IpNet;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use sfu_node::MAX_SHARDS;
use store::Location;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

pub(crate) use self::link::Link;
use crate::cli::SettingsFlags;
use layers::{Layer, USUAL_FILES};
pub(crate) use oidc::Oidc;
pub(crate) use problems::Problems;
use signaling::{MailConfig, RoomDefaults, Secret};
pub(crate) use sip::Sip;

/// The API key that `--dev` brings, known to everybody.
pub(crate) const DEV_KEY: &str = "devkey";

/// Its secret.
pub(crate) const DEV_SECRET: &str = "secret";

/// HS256 signs with SHA-256, so a shorter secret would be easier to guess than the signature.
const SHORTEST_SECRET_CHARS: usize = 32;

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) database: Database,
    pub(crate) http: Http,
    pub(crate) api: Api,
    pub(crate) oidc: Oidc,
    pub(crate) mail: Mail,
    pub(crate) webhooks: Webhooks,
    pub(crate) livekit_webhooks: LivekitWebhooks,
    pub(crate) media: Media,
    pub(crate) sip: Sip,
    pub(crate) link: Link,
    pub(crate) api_keys: BTreeMap<String, Secret>,
    pub(crate) rooms: Rooms,
    pub(crate) log: Log,
    /// Whether `--dev` was given. No setting: a file must not be able to say it.
    #[serde(skip)]
    pub(crate) dev: bool,
}

/// `[database]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Database {
    /// Of a PostgreSQL server; empty for a file in the data folder. It holds a password.
    pub(crate) url: Secret,
}

/// `[http]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Http {
    #[serde(deserialize_with = "address")]
    pub(crate) listen: SocketAddr,
    /// The address that people use; empty for that of this machine.
    pub(crate) public_url: String,
    #[serde(deserialize_with = "one_or_more::<IpNet, _>")]
    pub(crate) trusted_proxies: Vec<IpNet>,
}

/// `[api]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Api {
    pub(crate) requests_per_second: u32,
}

/// `[mail]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mail {
    /// The server that takes mails; empty for none. It holds a password.
    pub(crate) smtp_url: Secret,
    /// Certificates of an authority of one's own; empty for those that browsers trust.
    pub(crate) ca_file: PathBuf,
    pub(crate) from: String,
    /// Where calendars send their answers; empty for the organizer's own address.
    pub(crate) replies: String,
}

/// `[webhooks]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Webhooks {
    #[serde(deserialize_with = "one_or_more::<IpNet, _>")]
    pub(crate) allowed_networks: Vec<IpNet>,
}

/// `[livekit_webhooks]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LivekitWebhooks {
    #[serde(deserialize_with = "one_or_more::<String, _>")]
    pub(crate) urls: Vec<String>,
    /// The name of the key that signs.
    pub(crate) api_key: String,
}

/// `[media]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Media {
    #[serde(deserialize_with = "address")]
    pub(crate) listen: SocketAddr,
    #[serde(deserialize_with = "one_or_more::<IpAddr, _>")]
    pub(crate) advertise: Vec<IpAddr>,
    pub(crate) shards: usize,
}

/// `[rooms]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rooms {
    pub(crate) auto_create: bool,
    #[serde(with = "crate::duration")]
    pub(crate) empty_timeout: Duration,
    #[serde(with = "crate::duration")]
    pub(crate) departure_timeout: Duration,
    pub(crate) max_participants: u32,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    pub(crate) level: String,
    pub(crate) format: LogFormat,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines: one object a line.
    Json,
}

/// What the settings are read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To run a server, which must not be open to anybody who guesses a secret.
    Serve,
    /// To run the bridge for telephones alone, which has neither API nor database.
    Bridge,
    /// To look at them or to sign a token.
    Read,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            database: Database::default(),
            http: Http::default(),
            api: Api::default(),
            oidc: Oidc::default(),
            mail: Mail::default(),
            webhooks: Webhooks::default(),
            livekit_webhooks: LivekitWebhooks::default(),
            media: Media::default(),
            sip: Sip::default(),
            link: Link::default(),
            api_keys: BTreeMap::new(),
            rooms: Rooms::default(),
            log: Log::default(),
            dev: false,
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { url: Secret::from("") }
    }
}

impl Default for Http {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 7880));
        Self { listen, public_url: String::new(), trusted_proxies: Vec::new() }
    }
}

impl Default for Api {
    fn default() -> Self {
        Self { requests_per_second: signaling::Config::default().api_requests_per_second }
    }
}

impl Default for Mail {
    fn default() -> Self {
        Self { smtp_url: Secret::from(""), ca_file: PathBuf::new(), from: String::new(), replies: String::new() }
    }
}

impl Default for Media {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 7882)), advertise: Vec::new(), shards: 0 }
    }
}

impl Default for Rooms {
    fn default() -> Self {
        let RoomDefaults { auto_create, empty_timeout, departure_timeout, max_participants } = RoomDefaults::default();
        Self { auto_create, empty_timeout, departure_timeout, max_participants }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

impl Settings {
    /// Puts the layers together and judges the result. Every mistake is reported, not only the first.
    pub(crate) fn load(
        flags: &SettingsFlags,
        environment: impl Iterator<Item = (String, String)>,
        purpose: Purpose,
    ) -> Result<Self, Problems> {
        let (environment, misspelt) = Layer::environment(environment);
        let mut layers = Figment::new();
        if flags.dev {
            layers = layers.merge(Layer::development());
        }
        // Whoever develops does not mean the service's.
        let usual = if flags.dev { &USUAL_FILES[..1] } else { &USUAL_FILES };
        let file = Layer::file(flags.config.as_deref(), usual)?;
        layers = layers.merge(file).merge(environment).merge(Layer::flags(flags));
        let mut problems = Problems::in_values(&layers);
        misspelt.iter().for_each(|variable| problems.add_misspelt(variable));
        let mut settings: Self = match layers.extract() {
            Ok(settings) => settings,
            Err(_) if !problems.is_empty() => return Err(problems),
            Err(error) => return Err(Problems::one(error.to_string())),
        };
        settings.dev = flags.dev;
        settings.judge(purpose, |key, what| problems.add(&layers, key, what));
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }

    /// The settings as `saal.toml` would say them.
    pub(crate) fn to_toml(&self) -> Result<String> {
        toml::to_string(self).context("writing the settings as TOML")
    }

    /// Where the database is.
    pub(crate) fn database(&self) -> Result<Location> {
        match self.database.url.expose() {
            "" => Ok(Location::Sqlite(self.data_dir.join("saal.db"))),
            url => Ok(url.parse()?),
        }
    }

    /// How mails are sent, if they are.
    pub(crate) fn mail(&self) -> Result<Option<MailConfig>> {
        if self.mail.smtp_url.expose().is_empty() {
            return Ok(None);
        }
        let mut config = MailConfig::new(self.mail.smtp_url.clone(), self.mail.from.clone());
        config.replies = Some(self.mail.replies.clone()).filter(|address| !address.is_empty());
        let file = &self.mail.ca_file;
        if !file.as_os_str().is_empty() {
            let pem = std::fs::read_to_string(file);
            config.ca_pem = Some(pem.with_context(|| format!("mail.ca_file: reading {}", file.display()))?);
        }
        Ok(Some(config))
    }

    fn judge_mail(&self, mut problem: impl FnMut(&[&str], String)) {
        let is_address =
            |text: &str| text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
        let Mail { smtp_url, from, replies, .. } = &self.mail;
        if !smtp_url.expose().is_empty() && !is_address(from) {
            problem(&["mail", "from"], format!("{from:?} is no mail address; mails need one to come from"));
        }
        if !replies.is_empty() && !is_address(replies) {
            problem(&["mail", "replies"], format!("{replies:?} is no mail address"));
        }
    }

    /// What each value alone cannot tell.
    fn judge(&self, purpose: Purpose, mut problem: impl FnMut(&[&str], String)) {
        if self.dev && !self.http.listen.ip().is_loopback() {
            let what = "with --dev everybody knows the API key, so only a loopback address will do";
            problem(&["http", "listen"], what.to_owned());
        }
        if !self.database.url.expose().is_empty()
            && let Err(error) = self.database.url.expose().parse::<Location>()
        {
            problem(&["database", "url"], error.to_string());
        }
        let url = &self.http.public_url;
        if !url.is_empty() && (!is_origin(url) || (url.starts_with("http://") && !self.http.listen.ip().is_loopback()))
        {
            let what = format!("{url:?} is no address such as https://conf.example.org");
            problem(&["http", "public_url"], what);
        }
        self.judge_mail(&mut problem);
        if self.api.requests_per_second == 0 {
            problem(&["api", "requests_per_second"], "nobody could ask anything".to_owned());
        }
        let LivekitWebhooks { urls, api_key } = &self.livekit_webhooks;
        if !urls.is_empty() && !self.api_keys.contains_key(api_key) {
            let what = format!("{api_key:?} is none of the [api_keys]; one must sign what the addresses are told");
            problem(&["livekit_webhooks", "api_key"], what);
        }
        self.oidc.judge(&mut problem);
        if let Some(ip) = self.media.advertise.iter().find(|ip| ip.is_unspecified()) {
            problem(&["media", "advertise"], format!("{ip} is no address that a browser could reach"));
        }
        if self.media.shards > MAX_SHARDS {
            problem(&["media", "shards"], format!("{} threads are too many: at most {MAX_SHARDS}", self.media.shards));
        }
        self.sip.judge(self.dev, &mut problem);
        self.link.judge(purpose, self.sip.is_on(), &mut problem);
        if purpose == Purpose::Bridge && !self.sip.is_on() {
            problem(&["sip", "listen"], "no telephone could call: set an address and a port".to_owned());
        }
        if let Some(what) = log_level_problem(&self.log.level) {
            problem(&["log", "level"], what);
        }
        if purpose == Purpose::Serve && !self.dev {
            self.judge_secrets(problem);
        }
    }

    fn judge_secrets(&self, mut problem: impl FnMut(&[&str], String)) {
        const REMEDY: &str = "`openssl rand -base64 32` makes a good one";
        if self.api_keys.is_empty() {
            problem(&["api_keys"], format!("there is no API key: set one with a secret of its own; {REMEDY}"));
        }
        for (key, secret) in &self.api_keys {
            if secret.expose().chars().count() < SHORTEST_SECRET_CHARS {
                let what = format!("the secret has fewer than {SHORTEST_SECRET_CHARS} characters; {REMEDY}");
                problem(&["api_keys", key], what);
            }
        }
    }
}

/// A word without `=` is taken for a part of the program by the filter, so a misspelt level would silence all the rest.
fn log_level_problem(level: &str) -> Option<String> {
    let is_filter = |part: &str| part.contains(['=', '[']) || (!part.is_empty() && part.parse::<LevelFilter>().is_ok());
    if let Some(part) = level.split(',').map(str::trim).find(|part| !is_filter(part)) {
        return Some(format!("{part:?} is no log level; known: error, warn, info, debug, trace, off"));
    }
    EnvFilter::try_new(level).err().map(|error| format!("{level:?} is no log level: {error}"))
}

/// A scheme and a host, with or without a port, and nothing behind it.
fn is_origin(url: &str) -> bool {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']))
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom(format!("{text:?} is no address with a port, such as 127.0.0.1:7880")))
}

/// A list, or in the environment also one address or network, or several with commas between them.
fn one_or_more<'de, T: FromStr, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Texts {
        One(String),
        Many(Vec<String>),
    }
    let texts = match Texts::deserialize(deserializer) {
        Ok(Texts::One(text)) => text.split(',').map(|part| part.trim().to_owned()).collect(),
        Ok(Texts::Many(texts)) => texts,
        Err(_) => return Err(D::Error::custom("expected a list of IP addresses")),
    };
    let parse = |text: &String| text.parse().map_err(|_| D::Error::custom(format!("{text:?} is no IP address")));
    texts.iter().filter(|text| !text.is_empty()).map(parse).collect()
}

#[cfg(test)]
mod tests;
