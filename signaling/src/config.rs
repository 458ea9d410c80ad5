// SPDX-License-Identifier: EUPL-1.2
//! What an operator decides.

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;

use crate::auth::secret::{ApiKey, Secret};
use crate::rooms::info::RoomSettings;

/// How the service behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Hands out tokens to everybody, on a developer's machine.
    pub dev: bool,
    /// Keys that room tokens are signed with. Without any, nobody comes in.
    pub api_keys: Vec<ApiKey>,
    /// How rooms behave that do not say otherwise.
    pub rooms: RoomDefaults,
    /// The address that people use, such as `https://conf.example.org`: the beginning of every link. Without a slash at
    /// the end.
    pub public_url: String,
    /// Proxies whose word is taken for whom they ask.
    pub trusted_proxies: Vec<IpNet>,
    /// How often one caller may ask the REST API in the long run; four times as often for a second.
    pub api_requests_per_second: u32,
    /// The identity provider, where there is one.
    pub oidc: Option<Oidc>,
    /// How mails are sent. Without it none are.
    pub mail: Option<MailConfig>,
    /// Networks that webhooks may lead to although they are not on the Internet.
    pub webhook_networks: Vec<IpNet>,
    /// Who is told what happens in rooms, as LiveKit's server tells it.
    pub livekit_webhooks: LivekitWebhooks,
}

/// Who is told what happens in rooms, as LiveKit's server tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LivekitWebhooks {
    /// Their addresses.
    pub urls: Vec<String>,
    /// The name of the API key that signs.
    pub api_key: String,
}

/// How mails are sent.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// The server that takes them: `smtp://user:password@host`, with `?starttls` behind it or as `smtps://`.
    pub smtp_url: Secret,
    /// Certificates that the server's may be signed by, in PEM, besides those that browsers trust.
    pub ca_pem: Option<String>,
    /// The address that sends.
    pub from: String,
    /// The address that calendars answer to, which Saal reads. `{token}` in it becomes each person's own.
    pub replies: Option<String>,
    /// How long a mail waits for further changes.
    pub fold: chrono::Duration,
    /// How long until the next look at what is to be sent.
    pub poll: Duration,
}

impl MailConfig {
    /// Sends there, from that address.
    #[must_use]
    pub fn new(smtp_url: Secret, from: String) -> Self {
        let (fold, poll) = (chrono::Duration::minutes(1), Duration::from_secs(2));
        Self { smtp_url, ca_pem: None, from, replies: None, fold, poll }
    }
}

impl Config {
    /// The link that leads to a meeting or a room by its code.
    pub(crate) fn join_url(&self, code: &str) -> String {
        format!("{}/m/{code}", self.public_url)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dev: false,
            api_keys: Vec::new(),
            rooms: RoomDefaults::default(),
            public_url: "http://localhost:7880".to_owned(),
            trusted_proxies: Vec::new(),
            api_requests_per_second: 50,
            oidc: None,
            mail: None,
            webhook_networks: Vec::new(),
            livekit_webhooks: LivekitWebhooks::default(),
        }
    }
}

/// An identity provider that speaks OpenID Connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oidc {
    /// Its address, as its tokens name it.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there; empty for a public client.
    pub client_secret: Secret,
    /// What it is asked for.
    pub scopes: Vec<String>,
    /// The claim that says which tenant somebody belongs to, such as `organisation`. Empty: there is one tenant.
    pub tenant_claim: String,
    /// The claim that names somebody's roles, such as `realm_access.roles`. Empty: roles are given in Saal.
    pub role_claim: String,
    /// What that claim says, and the role it stands for.
    pub role_mapping: BTreeMap<String, String>,
    /// The role of people of whom it says nothing. Empty: they are not let in.
    pub default_role: String,
    /// The claim with somebody's name.
    pub name_claim: String,
    /// The claim with their address.
    pub email_claim: String,
    /// The claim with their telephone number. Empty: none is taken over.
    pub phone_claim: String,
    /// Whether whoever signs in for the first time gets an account.
    pub create_users: bool,
    /// Whether addresses are taken that the provider does not call verified.
    pub trust_email: bool,
    /// How strongly people must prove who they are (`acr`): one of these. Empty: as the provider likes.
    pub required_acr: Vec<String>,
    /// The audience of access tokens with which people's software may use the API. Empty: it may not.
    pub api_audience: String,
    /// Whether the sign-in page offers passwords beside it. Without, it leads to the provider at once.
    pub offer_passwords: bool,
}

impl Default for Oidc {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            client_id: "saal".to_owned(),
            client_secret: Secret::from(""),
            scopes: ["openid", "profile", "email"].map(str::to_owned).into(),
            tenant_claim: String::new(),
            role_claim: String::new(),
            role_mapping: BTreeMap::new(),
            default_role: "participant".to_owned(),
            name_claim: "name".to_owned(),
            email_claim: "email".to_owned(),
            phone_claim: "phone_number".to_owned(),
            create_users: true,
            trust_email: false,
            required_acr: Vec::new(),
            api_audience: String::new(),
            offer_passwords: true,
        }
    }
}

/// How rooms behave that do not say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomDefaults {
    /// Who comes first makes the room. Otherwise it has to be made by `CreateRoom`, or by somebody whose token says so.
    pub auto_create: bool,
    /// How long a room waits for its first participant.
    pub empty_timeout: Duration,
    /// How long a room waits after the last one left.
    pub departure_timeout: Duration,
    /// Most participants in a room; 0 is no limit. Recorders and agents do not count.
    pub max_participants: u32,
}

impl Default for RoomDefaults {
    fn default() -> Self {
        // LiveKit's figures.
        Self {
            auto_create: true,
            empty_timeout: Duration::from_secs(300),
            departure_timeout: Duration::from_secs(20),
            max_participants: 0,
        }
    }
}

impl RoomDefaults {
    pub(crate) fn settings(&self) -> RoomSettings {
        RoomSettings {
            empty_timeout: self.empty_timeout,
            departure_timeout: self.departure_timeout,
            max_participants: self.max_participants,
        }
    }
}
