// SPDX-License-Identifier: EUPL-1.2
//! Where numbers lead, as LiveKit's dispatch rules. A rule is a number that leads to one meeting or permanent room alone, and has the
//! number's id; without a rule a number leads to an attendant. So there are as many rules for a trunk as it has such numbers.

use livekit_protocol as proto;
use proto::sip_dispatch_rule::Rule;
use proto::update_sip_dispatch_rule_request::Action;
use serde_json::{Map, Value};

use super::super::error::{Code, TwirpError};
use super::super::service::Caller;
use super::refusals::{Subject, invalid, missing, refused, unset};
use super::{check_admin, limit, wishes};
use crate::api::ids::PhoneNumberId;
use crate::api::problem::Problem;
use crate::phone::list_change::ListChange;
use crate::phone::numbers::direct::{self, DirectNumber};

const SUBJECT: Subject = Subject {
    missing: "there is no such rule",
    conflict: "there are as many numbers as there may be",
    fields: &[
        ("/direct", ROOM),
        ("/is_shown", "numbers"),
        ("/numbers", "numbers"),
        ("/number", "numbers"),
        ("/trunk_id", "trunk_ids"),
    ],
};

/// The field that says where a number leads.
const ROOM: &str = "rule.dispatch_rule_direct.room_name";

/// What there is where LiveKit makes a room for each caller or each number.
const NO_OTHER_RULES: &str = "a number leads to one meeting or permanent room (dispatch_rule_direct), or without a rule to an \
    attendant who asks for a conference number";

/// Has a number lead to one meeting or permanent room.
pub(super) async fn create(
    caller: Caller,
    request: proto::CreateSipDispatchRuleRequest,
) -> Result<proto::SipDispatchRuleInfo, TwirpError> {
    check_admin(&caller)?;
    let rule = described(request);
    check(&rule)?;
    let [number, trunk] = [("numbers", &rule.numbers), ("trunk_ids", &rule.trunk_ids)].map(|(field, list)| {
        let only = list.first().map(String::as_str);
        unset(field, list.len() > 1, "A rule is of one number, and of one trunk or all.").map(|()| only)
    });
    let name = Some(rule.name.clone()).filter(|name| !name.is_empty());
    let patch = patch(name, Some(conference_id(rule.rule.as_ref())?));
    shown(direct::lead(&caller.app, number?, trunk?, patch).await)
}

/// Changes where a number leads, or what it is called.
pub(super) async fn update(
    caller: Caller,
    request: proto::UpdateSipDispatchRuleRequest,
) -> Result<proto::SipDispatchRuleInfo, TwirpError> {
    check_admin(&caller)?;
    let id = id(&request.sip_dispatch_rule_id)?;
    let wish = match request.action {
        Some(Action::Replace(rule)) => Wish::of_whole(rule)?,
        Some(Action::Update(update)) => Wish::of_update(update)?,
        None => return Err(missing("replace or update")),
    };
    let change = |known: &DirectNumber| wish.change(known);
    shown(direct::change(&caller.app, id, change).await)
}

/// Has a number lead to an attendant again.
pub(super) async fn delete(
    caller: Caller,
    request: proto::DeleteSipDispatchRuleRequest,
) -> Result<proto::SipDispatchRuleInfo, TwirpError> {
    check_admin(&caller)?;
    shown(direct::release(&caller.app, id(&request.sip_dispatch_rule_id)?).await)
}

/// The rules that are wanted, by id.
pub(super) async fn list(
    caller: Caller,
    request: proto::ListSipDispatchRuleRequest,
) -> Result<proto::ListSipDispatchRuleResponse, TwirpError> {
    check_admin(&caller)?;
    let all = direct::all(&mut caller.app.store.read().await?).await?;
    let (ids, trunks, page) = (request.dispatch_rule_ids, request.trunk_ids, request.page.unwrap_or_default());
    let is_wanted = |rule: &proto::SipDispatchRuleInfo| {
        // One without a trunk is for each of them.
        let is_of_trunk = trunks.is_empty() || rule.trunk_ids.is_empty();
        (ids.is_empty() || ids.contains(&rule.sip_dispatch_rule_id))
            && (is_of_trunk || rule.trunk_ids.iter().any(|trunk| trunks.contains(trunk)))
            && rule.sip_dispatch_rule_id > page.after_id
    };
    let items = all.into_iter().map(info).filter(is_wanted).take(limit(&page)).collect();
    Ok(proto::ListSipDispatchRuleResponse { items })
}

/// What is to become of a rule.
struct Wish {
    /// Numbers and trunks as they are said to be. They stay.
    numbers: ListChange,
    trunks: ListChange,
    name: Option<String>,
    conference_id: Option<String>,
}

impl Wish {
    fn of_whole(rule: proto::SipDispatchRuleInfo) -> Result<Self, TwirpError> {
        check(&rule)?;
        // Nothing said is as it is.
        let said = |field, list: Vec<String>| {
            if list.is_empty() { Ok(ListChange::None) } else { wishes::whole(field, list) }
        };
        Ok(Self {
            conference_id: Some(conference_id(rule.rule.as_ref())?),
            numbers: said("numbers", rule.numbers)?,
            trunks: said("trunk_ids", rule.trunk_ids)?,
            name: Some(rule.name).filter(|name| !name.is_empty()),
        })
    }

    #[expect(deprecated, reason = "clients of every age write these messages")]
    fn of_update(update: proto::SipDispatchRuleUpdate) -> Result<Self, TwirpError> {
        let has_metadata = update.metadata.as_ref().is_some_and(|metadata| !metadata.is_empty());
        check_details(has_metadata, !update.attributes.is_empty())?;
        check_sound(update.media_encryption.unwrap_or_default() != 0 || update.media.is_some())?;
        Ok(Self {
            conference_id: update.rule.as_ref().map(|rule| conference_id(Some(rule))).transpose()?,
            numbers: ListChange::None,
            trunks: wishes::changes("trunk_ids", update.trunk_ids)?,
            name: update.name,
        })
    }

    /// In words of the REST API, for a rule that is as `known` says.
    fn change(self, known: &DirectNumber) -> Result<Map<String, Value>, Problem> {
        let numbers = self.numbers.applied(vec![known.number.clone()], str::to_owned);
        if numbers.is_some_and(|numbers| !matches!(numbers.as_slice(), [only] if known.is(only))) {
            return Err(Problem::field("/numbers", "unchangeable"));
        }
        let trunks: Vec<String> = known.trunk_id.iter().cloned().collect();
        if self.trunks.applied(trunks.clone(), str::to_owned).is_some_and(|others| others != trunks) {
            return Err(Problem::field("/trunk_ids", "unchangeable"));
        }
        Ok(patch(self.name, self.conference_id))
    }
}

/// What a request says in the one form or the older one.
#[expect(deprecated, reason = "clients of every age write these messages")]
fn described(request: proto::CreateSipDispatchRuleRequest) -> proto::SipDispatchRuleInfo {
    request.dispatch_rule.unwrap_or(proto::SipDispatchRuleInfo {
        rule: request.rule,
        trunk_ids: request.trunk_ids,
        hide_phone_number: request.hide_phone_number,
        inbound_numbers: request.inbound_numbers,
        name: request.name,
        metadata: request.metadata,
        attributes: request.attributes,
        room_preset: request.room_preset,
        room_config: request.room_config,
        ..Default::default()
    })
}

#[expect(deprecated, reason = "clients of every age write these messages")]
fn check(rule: &proto::SipDispatchRuleInfo) -> Result<(), TwirpError> {
    let hidden = "What others see of a number does not depend on where it leads.";
    unset("hide_phone_number", rule.hide_phone_number, hidden)?;
    unset("inbound_numbers", !rule.inbound_numbers.is_empty(), "A number takes calls of everybody.")?;
    check_details(!rule.metadata.is_empty(), !rule.attributes.is_empty())?;
    unset("room_preset", !rule.room_preset.is_empty(), "There are no presets.")?;
    unset("room_config", rule.room_config.is_some(), "The room is a meeting's, which says how it is.")?;
    unset("krisp_enabled", rule.krisp_enabled, "There is no Krisp.")?;
    check_sound(rule.media_encryption != 0 || rule.media.is_some())
}

fn check_details(has_metadata: bool, has_attributes: bool) -> Result<(), TwirpError> {
    let callers = "Callers have what their meeting knows of them.";
    unset("metadata", has_metadata, callers)?;
    unset("attributes", has_attributes, callers)
}

fn check_sound(is_wished: bool) -> Result<(), TwirpError> {
    unset("media", is_wished, "How sound travels does not depend on where a number leads.")
}

/// The conference number of where a rule leads.
fn conference_id(rule: Option<&proto::SipDispatchRule>) -> Result<String, TwirpError> {
    match rule.and_then(|rule| rule.rule.as_ref()) {
        Some(Rule::DispatchRuleDirect(rule)) => {
            let pins = "PINs are a meeting's, or a person's who is invited.";
            unset("rule.dispatch_rule_direct.pin", !rule.pin.is_empty(), pins)?;
            let name = &rule.room_name;
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(invalid(ROOM, "Expected: the conference number of a meeting or a permanent room."));
            }
            Ok(name.clone())
        }
        Some(Rule::DispatchRuleIndividual(_) | Rule::DispatchRuleCallee(_)) => {
            Err(TwirpError::new(Code::Unimplemented, NO_OTHER_RULES))
        }
        None => Err(missing("rule")),
    }
}

/// In words of the REST API. A number keeps its name where none is said.
fn patch(name: Option<String>, conference_id: Option<String>) -> Map<String, Value> {
    let named = [("name", name), ("direct", conference_id)];
    named.into_iter().filter_map(|(place, text)| Some((place.to_owned(), Value::from(text?)))).collect()
}

fn id(text: &str) -> Result<PhoneNumberId, TwirpError> {
    PhoneNumberId::parse(text).ok_or(TwirpError::new(Code::NotFound, SUBJECT.missing))
}

fn shown(rule: Result<DirectNumber, Problem>) -> Result<proto::SipDispatchRuleInfo, TwirpError> {
    rule.map(info).map_err(|problem| refused(problem, &SUBJECT))
}

fn info(number: DirectNumber) -> proto::SipDispatchRuleInfo {
    let rule = proto::SipDispatchRuleDirect { room_name: number.conference_id, pin: String::new() };
    proto::SipDispatchRuleInfo {
        sip_dispatch_rule_id: number.id.to_string(),
        rule: Some(proto::SipDispatchRule { rule: Some(Rule::DispatchRuleDirect(rule)) }),
        trunk_ids: number.trunk_id.into_iter().collect(),
        numbers: vec![number.number],
        name: number.name,
        ..Default::default()
    }
}
