// SPDX-License-Identifier: EUPL-1.2
//! Making and changing trunks as LiveKit's outbound trunks: where they are reached, as whom we call and what we prove. Whatever else
//! there is to a trunk is as the REST API has it without being told, and stays when the trunk changes.

use std::iter;

use livekit_protocol as proto;
use proto::SipMediaEncryption as Encryption;
use proto::update_sip_outbound_trunk_request::Action;
use serde_json::{Map, Value, json};

use super::super::error::{Code, TwirpError};
use super::super::service::Caller;
use super::refusals::{Subject, invalid, missing, refused, unset};
use super::trunks::outbound;
use super::{check_admin, wishes};
use crate::api::problem::{self, FieldError, Problem};
use crate::phone::list_change::ListChange;
use crate::phone::trunks::by_operator::{self, TrunkChange};
use crate::phone::trunks::overview::TrunkOverview;

const SUBJECT: Subject = Subject {
    missing: "there is no such trunk by which to call",
    conflict: "there are as many trunks as there may be",
    fields: &[
        ("/destinations", "address"),
        ("/credentials/password", "auth_password"),
        ("/credentials", "auth_username"),
        ("/outgoing", "numbers"),
    ],
};

/// How a trunk is spoken to that may be spoken to in any way: as RFC 3263 §4.1 has it where nothing else is known.
const USUAL_TRANSPORT: &str = "udp";

/// The only one by which sound is encrypted, which it always is then.
const ENCRYPTED_TRANSPORT: &str = "tls";

/// What is to become of a trunk.
struct Wish {
    /// Whether it says everything. Then Saal calls by the trunk, also where it did not before.
    is_whole: bool,
    name: Option<String>,
    address: Option<String>,
    transport: Option<&'static str>,
    numbers: ListChange,
    username: Option<String>,
    password: Option<String>,
    encryption: Option<Encryption>,
}

/// Makes a trunk by which we call.
pub(super) async fn create(
    caller: Caller,
    request: proto::CreateSipOutboundTrunkRequest,
) -> Result<proto::SipOutboundTrunkInfo, TwirpError> {
    check_admin(&caller)?;
    let wish = Wish::of_whole(request.trunk.ok_or_else(|| missing("trunk"))?)?;
    let change = wish.change(&Value::Null).map_err(|problem| refused(problem, &SUBJECT))?;
    shown(by_operator::create(&caller.app, change).await)
}

/// Changes a trunk: all that such a message can say, or what it names.
pub(super) async fn update(
    caller: Caller,
    request: proto::UpdateSipOutboundTrunkRequest,
) -> Result<proto::SipOutboundTrunkInfo, TwirpError> {
    check_admin(&caller)?;
    let wish = match request.action {
        Some(Action::Replace(trunk)) => Wish::of_whole(trunk)?,
        Some(Action::Update(update)) => Wish::of_update(update)?,
        None => return Err(missing("replace or update")),
    };
    let change = |current: &Value| wish.change(current);
    shown(by_operator::change(&caller.app, &request.sip_trunk_id, change).await)
}

fn shown(trunk: Result<TrunkOverview, Problem>) -> Result<proto::SipOutboundTrunkInfo, TwirpError> {
    let trunk = trunk.map_err(|problem| refused(problem, &SUBJECT))?;
    outbound(trunk).ok_or(TwirpError::new(Code::Internal, "the trunk is none by which to call"))
}

impl Wish {
    #[expect(deprecated, reason = "clients of every age write these messages")]
    fn of_whole(trunk: proto::SipOutboundTrunkInfo) -> Result<Self, TwirpError> {
        let (from_attributes, to_attributes) = (&trunk.attributes_to_headers, &trunk.headers_to_attributes);
        wishes::no_headers(&trunk.headers, from_attributes, to_attributes, trunk.include_headers)?;
        check_details(&trunk.metadata, &trunk.destination_country, &trunk.from_host)?;
        let older = Some(trunk.media_encryption).filter(|wish| *wish != 0);
        Ok(Self {
            is_whole: true,
            name: Some(trunk.name),
            address: Some(trunk.address),
            transport: Some(transport(trunk.transport)?),
            numbers: wishes::whole("numbers", trunk.numbers)?,
            username: Some(trunk.auth_username),
            password: Some(trunk.auth_password).filter(|password| !password.is_empty()),
            encryption: wishes::encryption(older, trunk.media.as_ref())?,
        })
    }

    #[expect(deprecated, reason = "clients of every age write these messages")]
    fn of_update(update: proto::SipOutboundTrunkUpdate) -> Result<Self, TwirpError> {
        let [metadata, country, from_host] = [&update.metadata, &update.destination_country, &update.from_host]
            .map(|text| text.as_deref().unwrap_or_default());
        check_details(metadata, country, from_host)?;
        Ok(Self {
            is_whole: false,
            encryption: wishes::encryption(update.media_encryption, update.media.as_ref())?,
            transport: update.transport.map(transport).transpose()?,
            numbers: wishes::changes("numbers", update.numbers)?,
            name: update.name,
            address: update.address,
            username: update.auth_username,
            password: update.auth_password,
        })
    }

    /// In words of the REST API, for a trunk that is as `current` says.
    fn change(self, current: &Value) -> Result<TrunkChange, Problem> {
        let outgoing = &current["outgoing"];
        if outgoing.is_null() && !self.is_whole {
            return Err(problem::Code::NotFound.into());
        }
        let first = &current["destinations"][0];
        let transport = self.transport.or(first["transport"].as_str()).unwrap_or(USUAL_TRANSPORT);
        if !fits(self.encryption, transport) {
            return Err(wrong("/media_encryption", "contradiction", "transport"));
        }
        let is_elsewhere = self.address.is_some() || self.transport.is_some();
        let first = match self.address {
            Some(address) => destination(&address)?,
            None => first.as_object().cloned().unwrap_or_default(),
        };
        let from = outgoing["from"].as_str().map(str::to_owned);
        let numbers = self.numbers.applied(from.into_iter().collect(), str::to_owned);
        if numbers.as_ref().is_some_and(|numbers| numbers.len() > 1) {
            return Err(wrong("/numbers", "too-many", "1"));
        }
        let patch = wishes::named([
            ("name", self.name.map(Value::from)),
            ("destinations", is_elsewhere.then(|| destinations(first, transport, current))),
            ("outgoing", numbers.map(|numbers| json!({ "from": numbers.first() }))),
            ("credentials", wishes::credentials(self.username, self.password)),
        ]);
        Ok(TrunkChange { patch, numbers: ListChange::None })
    }
}

fn check_details(metadata: &str, country: &str, from_host: &str) -> Result<(), TwirpError> {
    unset("metadata", !metadata.is_empty(), "Trunks have none.")?;
    let chosen = "Calls go by the trunk that is named, wherever they go.";
    unset("destination_country", !country.is_empty(), chosen)?;
    unset("from_host", !from_host.is_empty(), "Calls come from the trunk's domain or our address.")
}

fn transport(wish: i32) -> Result<&'static str, TwirpError> {
    match proto::SipTransport::try_from(wish) {
        Ok(proto::SipTransport::Auto) => Ok(USUAL_TRANSPORT),
        Ok(proto::SipTransport::Udp) => Ok("udp"),
        Ok(proto::SipTransport::Tcp) => Ok("tcp"),
        Ok(proto::SipTransport::Tls) => Ok(ENCRYPTED_TRANSPORT),
        Err(_) => Err(invalid("transport", "This value is not known.")),
    }
}

/// Whether sound is as wished. Keys travel by TLS alone, and there we ask for encryption; so `ALLOW` is what there is in any case.
fn fits(wish: Option<Encryption>, transport: &str) -> bool {
    let is_encrypted = transport == ENCRYPTED_TRANSPORT;
    match wish {
        None | Some(Encryption::SipMediaEncryptAllow) => true,
        Some(Encryption::SipMediaEncryptDisable) => !is_encrypted,
        Some(Encryption::SipMediaEncryptRequire) => is_encrypted,
    }
}

/// All destinations, of which LiveKit's trunks have the first alone. The others stay.
fn destinations(mut first: Map<String, Value>, transport: &str, current: &Value) -> Value {
    first.insert("transport".to_owned(), transport.into());
    let others = current["destinations"].as_array().into_iter().flatten().skip(1).cloned();
    iter::once(Value::Object(first)).chain(others).collect()
}

/// A host with or without a port. An address of IPv6 stands in brackets where a port follows (RFC 3261 §25.1).
fn destination(address: &str) -> Result<Map<String, Value>, Problem> {
    let refused = || wrong("/address", "wrong-format", "sip.example.org:5061");
    let address = address.trim();
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, behind) = rest.split_once(']').ok_or_else(refused)?;
            let port = behind.strip_prefix(':');
            if port.is_none() && !behind.is_empty() {
                return Err(refused());
            }
            (host, port)
        }
        None => match address.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') => (host, Some(port)),
            _ => (address, None),
        },
    };
    let port = port.map(str::parse::<u16>).transpose().map_err(|_| refused())?;
    Ok(wishes::named([("host", Some(Value::from(host))), ("port", port.map(Value::from))]))
}

fn wrong(pointer: &str, code: &'static str, value: &str) -> Problem {
    Problem::invalid(vec![FieldError { pointer: pointer.to_owned(), code, value: Some(value.to_owned()) }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_perhaps_a_port() {
        for (address, host, port) in [
            ("sip.example.org", "sip.example.org", Value::Null),
            (" sip.example.org:5061 ", "sip.example.org", json!(5061)),
            ("192.0.2.1:5060", "192.0.2.1", json!(5060)),
            ("2001:db8::1", "2001:db8::1", Value::Null),
            ("[2001:db8::1]", "2001:db8::1", Value::Null),
            ("[2001:db8::1]:5061", "2001:db8::1", json!(5061)),
        ] {
            let read = Value::Object(destination(address).expect(address));
            assert_eq!((&read["host"], &read["port"]), (&json!(host), &port), "{address}");
        }
        for address in ["sip:provider", "sip.example.org:", "a:65536", "[2001:db8::1", "[2001:db8::1]5061"] {
            assert!(destination(address).is_err(), "{address}");
        }
    }

    #[test]
    fn sound_is_encrypted_where_the_transport_is() {
        use Encryption::{SipMediaEncryptAllow, SipMediaEncryptDisable, SipMediaEncryptRequire};
        let of = |wish| ["udp", "tcp", "tls"].map(|transport| fits(wish, transport));
        assert_eq!(of(None), [true; 3]);
        assert_eq!(of(Some(SipMediaEncryptAllow)), [true; 3]);
        assert_eq!(of(Some(SipMediaEncryptDisable)), [true, true, false]);
        assert_eq!(of(Some(SipMediaEncryptRequire)), [false, false, true]);
    }

    #[test]
    fn what_is_not_named_stays() {
        let current = json!({ "outgoing": { "from": "+4930900", "number_format": "national" },
            "destinations": [{ "host": "a.org", "port": 5061, "transport": "tls" },
                { "host": "b.org", "transport": "udp" }] });
        let changed = |update: proto::SipOutboundTrunkUpdate| {
            let wish = Wish::of_update(update).expect("a wish");
            wish.change(&current).map(|change| Value::Object(change.patch))
        };
        assert_eq!(changed(proto::SipOutboundTrunkUpdate::default()).expect("nothing"), json!({}));
        let tcp = proto::SipOutboundTrunkUpdate {
            transport: Some(proto::SipTransport::Tcp.into()),
            ..proto::SipOutboundTrunkUpdate::default()
        };
        let others = json!({ "destinations": [
            { "host": "a.org", "port": 5061, "transport": "tcp" }, { "host": "b.org", "transport": "udp" }] });
        assert_eq!(changed(tcp).expect("a change"), others);
        let several = proto::ListUpdate { add: vec!["+4930901".to_owned()], ..proto::ListUpdate::default() };
        let several = proto::SipOutboundTrunkUpdate { numbers: Some(several), ..Default::default() };
        assert!(changed(several).is_err(), "who is called sees one number");
    }
}
