// SPDX-License-Identifier: EUPL-1.2
//! What a meeting is made of, as the API takes it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Delivery, ExpectedParticipants, InviteeRole, InviteeType, MeetingType};
use super::policies::rules::RuleChanges;
use super::words::words;
use crate::api::ids::{PolicyId, RoomId, UserId};
use crate::api::language::Language;
use crate::api::problem::Invalid;

/// Most tags of a meeting.
const MAX_TAGS: usize = 50;

/// Longest name and value of a tag, and name of a site.
const MAX_TAG_CHARS: usize = 500;

/// Most sites that participants are spread over.
const MAX_SITES: usize = 200;

words! {
    /// How far a meeting is, as one may set it. `DELETE` cancels.
    InputStatus {
        /// Being prepared: nobody is told, and nobody can come.
        Draft = "draft",
        /// It happens.
        Scheduled = "scheduled",
    }
}

/// A person, by account or by address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonInput {
    /// Their account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<UserId>,
    /// Their address, instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Email, max_length = 254)]
    pub(crate) email: Option<String>,
    /// Their name; an account's own without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub(crate) name: Option<String>,
}

/// Somebody to invite: by account, address or telephone number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InviteeInput {
    /// Their account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<UserId>,
    /// Their address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Email, max_length = 254)]
    pub(crate) email: Option<String>,
    /// Their telephone number, as in E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^\\+[1-9][0-9]{1,14}$", example = "+4930123456")]
    pub(crate) phone_e164: Option<String>,
    /// Their name; an account's own without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub(crate) name: Option<String>,
    /// What they are in the meeting; an attendee without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<InviteeRole>,
    /// Where they belong; worked out without it.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<InviteeType>,
    /// Whether they come in without waiting.
    #[serde(default)]
    pub(crate) lobby_bypass: bool,
    /// In which language they are written to, unless their account says one; the meeting's without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<Language>,
}

/// How invitations go out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationInput {
    /// By which way; by mail without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delivery: Option<Delivery>,
    /// In which language; the tenant's without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<Language>,
    /// A personal line in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 5000)]
    pub(crate) message: Option<String>,
}

/// What a meeting is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "title": "Weekly", "starts_at": "2026-10-19T08:00:00Z", "duration_minutes": 45, "time_zone": "Europe/Berlin",
    "recurrence_rule": "FREQ=WEEKLY;BYDAY=MO", "organizer": { "email": "a.muster@example.org", "name": "A. Muster" },
    "invitees": [{ "email": "b.beispiel@example.org" }],
}))]
pub(crate) struct MeetingInput {
    /// What it is called.
    #[schema(min_length = 1, max_length = 300)]
    pub(crate) title: String,
    /// What it is about.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    pub(crate) description: String,
    /// What is dealt with.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    pub(crate) agenda: String,
    /// What kind it is; worked out without it: recurring with a rule, otherwise scheduled.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<MeetingType>,
    /// How far it is; scheduled without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<InputStatus>,
    /// When it begins, to the second; a series when it first does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) starts_at: Option<DateTime<Utc>>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ends_at: Option<DateTime<Utc>>,
    /// How long it takes, instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_080)]
    pub(crate) duration_minutes: Option<u32>,
    /// The zone in whose wall-clock time a series repeats and people think of it; the tenant's without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, example = "Europe/Berlin")]
    pub(crate) time_zone: Option<String>,
    /// How it repeats: the value of RRULE (RFC 5545 §3.3.10) without DTSTART. Daily is the shortest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000, example = "FREQ=WEEKLY;BYDAY=MO")]
    pub(crate) recurrence_rule: Option<String>,
    /// Starts that the rule says and that do not happen (EXDATE).
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub(crate) excluded_dates: Vec<DateTime<Utc>>,
    /// Who holds it; whoever asks without it. Software that acts for nobody has to name somebody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) organizer: Option<PersonInput>,
    /// Who moderates with them. Without it nothing changes about that; with it, who is not named is an attendee, if they
    /// are not in `invitees` either, where these are named.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 50)]
    pub(crate) co_hosts: Option<Vec<PersonInput>>,
    /// Who is invited besides. Without it nothing changes about that; with it, who is not named is not invited any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 500)]
    pub(crate) invitees: Option<Vec<InviteeInput>>,
    /// The permanent room that it takes place in; one of its own without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) room_id: Option<RoomId>,
    /// What it allows; the tenant's default without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy_id: Option<PolicyId>,
    /// What differs from the policy.
    #[serde(default)]
    pub(crate) policy_overrides: RuleChanges,
    /// How many are expected; as many as are invited without it.
    #[serde(default)]
    pub(crate) expected_participants: ExpectedParticipants,
    /// How invitations go out.
    #[serde(default)]
    pub(crate) invitation: InvitationInput,
    /// What other software calls it; unique in the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) external_id: Option<String>,
    /// Names and values that other software keeps here.
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
}

impl MeetingInput {
    /// Names what is too much in ways that a schema does not say.
    pub(super) fn check_sizes(&self, invalid: &mut Invalid) {
        if self.tags.len() > MAX_TAGS {
            invalid.add_with("/tags", "too-many", MAX_TAGS);
        }
        let is_long = |text: &String| text.chars().count() > MAX_TAG_CHARS;
        if self.tags.iter().any(|(name, value)| is_long(name) || is_long(value)) {
            invalid.add_with("/tags", "too-long", MAX_TAG_CHARS);
        }
        let sites = &self.expected_participants.by_site;
        if sites.len() > MAX_SITES {
            invalid.add_with("/expected_participants/by_site", "too-many", MAX_SITES);
        }
        if sites.keys().any(is_long) {
            invalid.add_with("/expected_participants/by_site", "too-long", MAX_TAG_CHARS);
        }
    }
}
