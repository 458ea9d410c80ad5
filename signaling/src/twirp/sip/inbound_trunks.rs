// SPDX-License-Identifier: EUPL-1.2
//! Making and changing trunks as LiveKit's inbound trunks: from where calls come, what they prove, and which numbers they are for.
//! Whatever else there is to a trunk is as the REST API has it without being told, and stays when the trunk changes.

use livekit_protocol as proto;
use proto::update_sip_inbound_trunk_request::Action;
use serde_json::Value;

use super::super::error::TwirpError;
use super::super::service::Caller;
use super::refusals::{Subject, missing, refused, unset};
use super::trunks::inbound;
use super::{check_admin, wishes};
use crate::phone::list_change::ListChange;
use crate::phone::trunks::by_operator::{self, TrunkChange};
use crate::phone::trunks::in_one_form;

const SUBJECT: Subject = Subject {
    missing: "there is no such trunk",
    conflict: "there are as many trunks or numbers as there may be",
    fields: &[
        ("/networks", "allowed_addresses"),
        ("/caller_credentials/password", "auth_password"),
        ("/caller_credentials", "auth_username"),
        ("/number", "numbers"),
    ],
};

/// What is to become of a trunk.
struct Wish {
    name: Option<String>,
    networks: ListChange,
    numbers: ListChange,
    username: Option<String>,
    password: Option<String>,
}

/// Makes a trunk, and the numbers that can be called by it alone.
pub(super) async fn create(
    caller: Caller,
    request: proto::CreateSipInboundTrunkRequest,
) -> Result<proto::SipInboundTrunkInfo, TwirpError> {
    check_admin(&caller)?;
    let wish = Wish::of_whole(request.trunk.ok_or_else(|| missing("trunk"))?)?;
    let made = by_operator::create(&caller.app, wish.change(&Value::Null)).await;
    made.map(inbound).map_err(|problem| refused(problem, &SUBJECT))
}

/// Changes a trunk: all that such a message can say, or what it names.
pub(super) async fn update(
    caller: Caller,
    request: proto::UpdateSipInboundTrunkRequest,
) -> Result<proto::SipInboundTrunkInfo, TwirpError> {
    check_admin(&caller)?;
    let wish = match request.action {
        Some(Action::Replace(trunk)) => Wish::of_whole(trunk)?,
        Some(Action::Update(update)) => Wish::of_update(update)?,
        None => return Err(missing("replace or update")),
    };
    let change = |current: &Value| Ok(wish.change(current));
    let changed = by_operator::change(&caller.app, &request.sip_trunk_id, change).await;
    changed.map(inbound).map_err(|problem| refused(problem, &SUBJECT))
}

impl Wish {
    #[expect(deprecated, reason = "clients of every age write these messages")]
    fn of_whole(trunk: proto::SipInboundTrunkInfo) -> Result<Self, TwirpError> {
        check_metadata(&trunk.metadata)?;
        check_callers(!trunk.allowed_numbers.is_empty())?;
        check_realm(&trunk.auth_realm)?;
        let (from_attributes, to_attributes) = (&trunk.attributes_to_headers, &trunk.headers_to_attributes);
        wishes::no_headers(&trunk.headers, from_attributes, to_attributes, trunk.include_headers)?;
        let answers = "An attendant answers each call at once.";
        unset("ringing_timeout", trunk.ringing_timeout.is_some(), answers)?;
        unset("ringing_timeout_status", trunk.ringing_timeout_status != 0, answers)?;
        unset("max_call_duration", trunk.max_call_duration.is_some(), "Callers stay as long as their meeting.")?;
        unset("krisp_enabled", trunk.krisp_enabled, "There is no Krisp.")?;
        check_encryption(Some(trunk.media_encryption).filter(|wish| *wish != 0), trunk.media.as_ref())?;
        Ok(Self {
            name: Some(trunk.name),
            networks: wishes::whole("allowed_addresses", trunk.allowed_addresses)?,
            numbers: wishes::whole("numbers", trunk.numbers)?,
            username: Some(trunk.auth_username),
            password: Some(trunk.auth_password).filter(|password| !password.is_empty()),
        })
    }

    #[expect(deprecated, reason = "clients of every age write these messages")]
    fn of_update(update: proto::SipInboundTrunkUpdate) -> Result<Self, TwirpError> {
        check_metadata(update.metadata.as_deref().unwrap_or_default())?;
        let allowed = wishes::changes("allowed_numbers", update.allowed_numbers)?;
        // To take away what is not there changes nothing.
        check_callers(match allowed {
            ListChange::None => false,
            ListChange::Set(list) => !list.is_empty(),
            ListChange::By { added, .. } => !added.is_empty(),
        })?;
        check_realm(update.auth_realm.as_deref().unwrap_or_default())?;
        check_encryption(update.media_encryption, update.media.as_ref())?;
        Ok(Self {
            name: update.name,
            networks: wishes::changes("allowed_addresses", update.allowed_addresses)?,
            numbers: wishes::changes("numbers", update.numbers)?,
            username: update.auth_username,
            password: update.auth_password,
        })
    }

    /// In words of the REST API, for a trunk that is as `current` says.
    fn change(self, current: &Value) -> TrunkChange {
        let networks = self.networks.applied(wishes::texts(&current["networks"]), in_one_form);
        let patch = wishes::named([
            ("name", self.name.map(Value::from)),
            ("networks", networks.map(Value::from)),
            ("caller_credentials", wishes::credentials(self.username, self.password)),
        ]);
        TrunkChange { patch, numbers: self.numbers }
    }
}

fn check_metadata(metadata: &str) -> Result<(), TwirpError> {
    unset("metadata", !metadata.is_empty(), "Trunks have none.")
}

fn check_callers(are_some: bool) -> Result<(), TwirpError> {
    unset("allowed_numbers", are_some, "A trunk takes calls of everybody; meetings decide who comes in.")
}

fn check_realm(realm: &str) -> Result<(), TwirpError> {
    unset("auth_realm", !realm.is_empty(), "The realm is Saal's own.")
}

/// Sound is encrypted where a call over TLS offers it, and nowhere else: that is what `ALLOW` says, and where nothing is said.
fn check_encryption(older: Option<i32>, media: Option<&proto::SipMediaConfig>) -> Result<(), TwirpError> {
    let wish = wishes::encryption(older, media)?;
    let is_another = !matches!(wish, None | Some(proto::SipMediaEncryption::SipMediaEncryptAllow));
    unset("media_encryption", is_another, "Sound is encrypted where a call over TLS offers it.")
}
