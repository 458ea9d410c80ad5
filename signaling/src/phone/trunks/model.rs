// SPDX-License-Identifier: EUPL-1.2
//! A trunk as the API shows it, and as it is stored.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::phone::{Credentials, TrunkConfig, TrunkDestination, TrunkRegistration, TrunkTransport};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sealed::{self, Field};
use super::status::PhoneTrunkStatus;
use crate::auth::secret::Secret;
use crate::identity::keys::Keys;
use crate::phone::caller_number::DialPlan;
use crate::phone::number_format::NumberFormat;

/// For how long we register where nothing is said: an hour, to which RFC 3261 §10.2.1.1 falls back, too.
const EXPIRES_SECONDS: u32 = 3_600;

/// A trunk: a provider or an exchange whose calls come to meetings, and by which meetings call.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct PhoneTrunk {
    /// Its id.
    pub(super) id: String,
    /// What it is made of.
    #[serde(flatten)]
    pub(super) input: PhoneTrunkInput,
    /// Whether there is a password in `caller_credentials`.
    pub(super) has_caller_password: bool,
    /// Whether there is a password in `credentials`.
    pub(super) has_password: bool,
    /// How it is. Null while it is off, and where this server has not taken it up.
    pub(super) status: Option<PhoneTrunkStatus>,
    /// Grows with each change: its ETag.
    pub(super) revision: i64,
    /// Since when.
    pub(super) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(super) updated_at: DateTime<Utc>,
}

/// What a trunk is made of. It needs `networks`, `destinations` or both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PhoneTrunkInput {
    /// What calls and the audit log name it by. Made of the name when it is left out, and never changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", example = "provider")]
    pub(super) id: Option<String>,
    /// What people read.
    #[schema(min_length = 1, max_length = 200)]
    pub(super) name: String,
    /// From where it calls, beside its destinations: addresses or networks. Calls from elsewhere are not answered.
    #[serde(default)]
    #[schema(max_items = 50, example = json!(["192.0.2.0/24"]))]
    pub(super) networks: Vec<String>,
    /// Its calls must prove that they know these, by digest (RFC 8760).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) caller_credentials: Option<PhoneCredentials>,
    /// Whether it lets nobody say a number that is not theirs. Then P-Asserted-Identity (RFC 3325) is believed, and who calls can
    /// be known by their number.
    #[serde(default)]
    pub(super) trusts_caller_ids: bool,
    /// How it writes numbers.
    #[serde(default)]
    pub(super) dial_plan: DialPlan,
    /// Where it is reached; calls come from there, too.
    #[serde(default)]
    #[schema(max_items = 16)]
    pub(super) destinations: Vec<PhoneDestination>,
    /// What we prove to know when it asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) credentials: Option<PhoneCredentials>,
    /// How we register there, where calls only come to whoever does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) registration: Option<PhoneRegistration>,
    /// How often its destinations are asked whether they are there (OPTIONS). Without it they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 5, maximum = 3_600)]
    pub(super) keep_alive_seconds: Option<u32>,
    /// Its calls at the same time. Without it as many as the server takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub(super) max_calls: Option<u32>,
    /// How we call by it, to its destinations. Without it we do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) outgoing: Option<PhoneOutgoing>,
    /// Whether it is used.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub(super) is_enabled: bool,
}

const fn yes() -> bool {
    true
}

/// The schema would lack what is only read.
const fn is_never_shown(_: &Option<Secret>) -> bool {
    true
}

const fn an_hour() -> u32 {
    EXPIRES_SECONDS
}

/// A name and its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PhoneCredentials {
    /// The name.
    #[schema(min_length = 1, max_length = 128, pattern = r#"^[^\x00-\x1f\x7f:"\\]+$"#)]
    pub(super) username: String,
    /// The password, which is never shown. When it is left out, the one that is there stays.
    #[serde(default, skip_serializing_if = "is_never_shown")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256, pattern = r"^[^\x00-\x1f\x7f]+$",
        format = "password", write_only)]
    pub(super) password: Option<Secret>,
}

/// Where a trunk is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PhoneDestination {
    /// A domain, which is looked up as RFC 3263 has it, a host, or an address.
    #[schema(min_length = 1, max_length = 253, example = "sip.example.org")]
    pub(super) host: String,
    /// With a port, no SRV record is looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 65_535)]
    pub(super) port: Option<u16>,
    /// How it is spoken to.
    pub(super) transport: PhoneTransport,
}

/// How a trunk is spoken to. With `tls` sound is encrypted, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum PhoneTransport {
    /// By datagrams.
    Udp,
    /// By a connection.
    Tcp,
    /// By an encrypted connection.
    Tls,
}

impl From<PhoneTransport> for TrunkTransport {
    fn from(transport: PhoneTransport) -> Self {
        match transport {
            PhoneTransport::Udp => Self::Udp,
            PhoneTransport::Tcp => Self::Tcp,
            PhoneTransport::Tls => Self::Tls,
        }
    }
}

/// How we register (RFC 3261 §10), at the first destination that answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PhoneRegistration {
    /// The domain whose registrar it is.
    #[schema(min_length = 1, max_length = 253, example = "example.org")]
    pub(super) domain: String,
    /// Whose calls we want: the address is `sip:user@domain`.
    #[schema(pattern = r"^[A-Za-z0-9_.!~*'()&=+$,;?/%-]{1,128}$", example = "4930900")]
    pub(super) user: String,
    /// For how long we ask each time.
    #[serde(default = "an_hour")]
    #[schema(minimum = 60, maximum = 86_400, default = 3_600)]
    pub(super) expires_seconds: u32,
}

/// How we call by a trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::phone) struct PhoneOutgoing {
    /// Our number, which whoever is called sees. Without it the trunk puts in its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^\\+[1-9][0-9]{4,14}$", example = "+4930900")]
    pub(in crate::phone) from: Option<String>,
    /// How it takes numbers: ours, and those that we call.
    #[serde(default)]
    #[schema(default = "e164")]
    pub(in crate::phone) number_format: NumberFormat,
}

/// A trunk as it is stored.
#[derive(Clone, Debug)]
pub(super) struct StoredTrunk {
    pub(super) id: String,
    /// Without the id, and without passwords.
    pub(super) input: PhoneTrunkInput,
    /// Sealed.
    pub(super) caller_password: Option<Vec<u8>>,
    /// Sealed.
    pub(super) password: Option<Vec<u8>>,
    pub(super) revision: i64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

impl StoredTrunk {
    /// As the API shows it.
    pub(super) fn shown(self, keys: &Keys, status: Option<PhoneTrunkStatus>) -> PhoneTrunk {
        let opens = |field, sealed: Option<&[u8]>| {
            sealed.is_some_and(|sealed| sealed::open(keys, &self.id, field, sealed).is_some())
        };
        let has_caller_password = opens(Field::Caller, self.caller_password.as_deref());
        let has_password = opens(Field::Own, self.password.as_deref());
        let Self { id, input, revision, created_at, updated_at, .. } = self;
        PhoneTrunk { id, input, has_caller_password, has_password, status, revision, created_at, updated_at }
    }

    /// As bridges are told of it. `None`: a password of it cannot be opened, and without it it would be another trunk.
    pub(super) fn config(&self, keys: &Keys) -> Option<TrunkConfig> {
        let input = &self.input;
        let open = |field, shown: &PhoneCredentials, sealed: Option<&[u8]>| {
            let password = Arc::new(sealed::open(keys, &self.id, field, sealed?)?);
            Some(Credentials { username: shown.username.clone(), password })
        };
        let caller_credentials = match &input.caller_credentials {
            Some(shown) => Some(open(Field::Caller, shown, self.caller_password.as_deref())?),
            None => None,
        };
        let credentials = match &input.credentials {
            Some(shown) => Some(open(Field::Own, shown, self.password.as_deref())?),
            None => None,
        };
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        Some(TrunkConfig {
            id: self.id.clone(),
            networks: input.networks.iter().filter_map(|network| network.parse().ok()).collect(),
            caller_credentials,
            vouches_for_callers: input.trusts_caller_ids,
            destinations: input.destinations.iter().map(PhoneDestination::config).collect(),
            credentials,
            registration: input.registration.as_ref().map(|registration| TrunkRegistration {
                domain: registration.domain.clone(),
                user: registration.user.clone(),
                expires: seconds(registration.expires_seconds),
            }),
            keep_alive: input.keep_alive_seconds.map(seconds),
            max_calls: input.max_calls,
        })
    }
}

impl PhoneDestination {
    fn config(&self) -> TrunkDestination {
        TrunkDestination { host: self.host.clone(), port: self.port, transport: self.transport.into() }
    }

    /// Whether it names an address, not a name.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl PhoneTrunkInput {
    /// Names of the fields in which they differ.
    pub(super) fn changed(&self, other: &Self) -> Vec<&'static str> {
        let fields = [
            ("name", self.name != other.name),
            ("networks", self.networks != other.networks),
            ("caller_credentials", self.caller_credentials != other.caller_credentials),
            ("trusts_caller_ids", self.trusts_caller_ids != other.trusts_caller_ids),
            ("dial_plan", self.dial_plan != other.dial_plan),
            ("destinations", self.destinations != other.destinations),
            ("credentials", self.credentials != other.credentials),
            ("registration", self.registration != other.registration),
            ("keep_alive_seconds", self.keep_alive_seconds != other.keep_alive_seconds),
            ("max_calls", self.max_calls != other.max_calls),
            ("outgoing", self.outgoing != other.outgoing),
            ("is_enabled", self.is_enabled != other.is_enabled),
        ];
        fields.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }
}
