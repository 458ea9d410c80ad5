// SPDX-License-Identifier: EUPL-1.2
//! Making, changing and cancelling meetings, each within one transaction.

use chrono::{DateTime, Duration, Utc};
use store::{StoreError, Tx};

use super::capacity::Span;
use super::changes::{self, ChangeKind, MeetingChange};
use super::input::{InputStatus, MeetingInput};
use super::model::{Delivery, Meeting, MeetingStatus, RecurrenceId};
use super::phone_pins::model::Place;
use super::rights::Viewer;
use super::schedule::{Before, Schedule};
use super::tenant::Tenant;
use super::{
    capacity, codes, expansion, invitees, occurrences, people, permanent_rooms, phone_pins, policies, search, table,
};
use crate::api::context::Context;
use crate::api::ids::{MeetingId, TenantId};
use crate::api::problem::{Code, Invalid, Problem};
use crate::identity::users::model::tidy_email;

/// What somebody who writes brings along.
pub(super) struct Writer<'a> {
    pub(super) context: &'a Context,
    pub(super) viewer: &'a Viewer,
    pub(super) tenant: &'a Tenant,
    /// Whether it is scheduled although there is no room for it.
    pub(super) is_forced: bool,
    /// Whether nobody named the excluded dates, so that they move along with the series.
    pub(super) keeps_exclusions: bool,
    pub(super) now: DateTime<Utc>,
}

/// A meeting that was written, and what its change made meaningless.
pub(super) struct Written {
    pub(super) meeting: Meeting,
    /// Names of the fields that differ.
    pub(super) fields: Vec<&'static str>,
    pub(super) dropped: Vec<RecurrenceId>,
}

impl Writer<'_> {
    /// Makes a meeting.
    pub(super) async fn create(&self, tx: &mut Tx, id: MeetingId, input: &MeetingInput) -> Result<Written, Problem> {
        let base = Meeting {
            id,
            tenant_id: self.tenant.id,
            room_id: None,
            code: codes::code(),
            conference_id: codes::conference_id(tx).await?,
            title: String::new(),
            description: String::new(),
            agenda: String::new(),
            kind: super::model::MeetingType::Scheduled,
            status: MeetingStatus::Scheduled,
            starts_at: self.now,
            ends_at: None,
            time_zone: super::model::TimeZone(chrono_tz::Tz::UTC),
            recurrence_rule: None,
            excluded_dates: Vec::new(),
            expanded_until: None,
            over_at: DateTime::from_timestamp_millis(expansion::NEVER_MS).unwrap_or(self.now),
            organizer_id: None,
            organizer_email: String::new(),
            organizer_name: String::new(),
            policy_id: None,
            policy_overrides: policies::rules::RuleChanges::default(),
            expected_participants: super::model::ExpectedParticipants::default(),
            ical_uid: format!("{id}@{}", host(&self.context.app.config.public_url)),
            sequence: 0,
            invitation_delivery: Delivery::Mail,
            invitation_language: self.tenant.language,
            invitation_message: String::new(),
            external_id: None,
            tags: std::collections::BTreeMap::new(),
            revision: 1,
            created_by: self.context.caller.actor.id(),
            created_at: self.now,
            updated_at: self.now,
        };
        let (meeting, schedule, wanted) = self.prepare(tx, &base, input, true).await?;
        // All that can fail is looked at before anything is written: a batch goes on after it.
        let length = schedule.duration();
        let spans = schedule.expansion.starts.iter().map(|start| Span { from: *start, to: *start + length });
        self.check_capacity(tx, &meeting, spans.collect(), invitees::sync::count(&wanted)).await?;
        table::insert(tx, &meeting).await.map_err(taken)?;
        search::note_words(tx, &meeting).await?;
        let keys = &self.context.app.installation;
        phone_pins::create_first(tx, keys, Place::Meeting(id)).await?;
        let lists = invitees::sync::Lists::of(input);
        invitees::sync::apply_all(tx, keys, &meeting, &wanted, lists, self.now).await?;
        expansion::write_down(tx, &meeting, &schedule, Duration::zero(), self.now).await?;
        if meeting.status == MeetingStatus::Scheduled {
            self.note(tx, &meeting, ChangeKind::Created).await?;
        }
        Ok(Written { meeting, fields: Vec::new(), dropped: Vec::new() })
    }

    /// Replaces what a meeting is made of.
    pub(super) async fn replace(
        &self,
        tx: &mut Tx,
        current: &Meeting,
        input: &MeetingInput,
    ) -> Result<Written, Problem> {
        if current.status == MeetingStatus::Cancelled {
            return Err(Code::Conflict.into());
        }
        let (mut meeting, schedule, wanted) = self.prepare(tx, current, input, false).await?;
        invitees::sync::lock(tx, &meeting).await?;
        let mut fields = differing(current, &meeting);
        let is_moved = fields.iter().any(|field| SCHEDULE_FIELDS.contains(field));
        meeting.sequence += i64::from(is_moved);
        meeting.revision += 1;
        meeting.updated_at = self.now;
        let is_published = current.status == MeetingStatus::Draft && meeting.status == MeetingStatus::Scheduled;
        if !(is_moved || is_published || fields.contains(&"status")) {
            meeting.expanded_until = current.expanded_until;
        }
        let were_invited = invitees::table::count(tx, meeting.id).await?;
        let keys = &self.context.app.installation;
        let lists = invitees::sync::Lists::of(input);
        if invitees::sync::apply_all(tx, keys, &meeting, &wanted, lists, self.now).await? {
            fields.push("invitees");
        }
        if fields.is_empty() {
            // Who asks for what there is already has not changed it.
            return Ok(Written { meeting: current.clone(), fields, dropped: Vec::new() });
        }
        let invited = invitees::table::count(tx, meeting.id).await?;
        let needs_room = is_moved
            || is_published
            || fields.contains(&"expected_participants")
            || invited.total > were_invited.total
            || invited.phone > were_invited.phone;
        if needs_room {
            // Before the meeting's row, as those do who move single occurrences.
            capacity::lock(tx, &self.tenant.settings.limits, meeting.tenant_id).await?;
        }
        if !table::update(tx, &meeting).await.map_err(taken)? {
            return Err(Code::EtagMismatch.into());
        }
        if fields.contains(&"title") {
            search::note_words(tx, &meeting).await?;
        }
        let mut dropped = Vec::new();
        if is_moved || fields.contains(&"status") {
            let old = current.ends_at.map_or(Duration::zero(), |end| end - current.starts_at);
            dropped = expansion::write_down(tx, &meeting, &schedule, old, self.now).await?;
        } else {
            expansion::note_expected(tx, meeting.id).await?;
        }
        if needs_room {
            let spans = occurrences::table::next_spans(tx, meeting.id, self.now).await?;
            self.check_capacity(tx, &meeting, spans, invited).await?;
        }
        if is_published {
            self.note(tx, &meeting, ChangeKind::Created).await?;
        } else if meeting.status == MeetingStatus::Scheduled && !fields.is_empty() {
            let fields = fields.iter().map(|field| (*field).to_owned()).collect();
            self.note(tx, &meeting, ChangeKind::Updated { fields }).await?;
        }
        Ok(Written { meeting, fields, dropped })
    }

    /// What the input makes of a meeting. Everything that is wrong with it is named at once.
    async fn prepare(
        &self,
        tx: &mut Tx,
        base: &Meeting,
        input: &MeetingInput,
        is_new: bool,
    ) -> Result<(Meeting, Schedule, Vec<invitees::sync::Wanted>), Problem> {
        let mut invalid = Invalid::default();
        input.check_sizes(&mut invalid);
        input.policy_overrides.check("/policy_overrides", &mut invalid);
        let before = Before { meeting: base, is_new, keeps_exclusions: self.keeps_exclusions };
        let schedule = Schedule::of(input, self.tenant, before, self.now, &mut invalid);
        let mut meeting = Meeting {
            room_id: input.room_id,
            title: input.title.clone(),
            description: input.description.clone(),
            agenda: input.agenda.clone(),
            kind: schedule.kind,
            status: match input.status {
                Some(InputStatus::Draft) => MeetingStatus::Draft,
                Some(InputStatus::Scheduled) | None => MeetingStatus::Scheduled,
            },
            starts_at: schedule.starts_at,
            ends_at: schedule.ends_at,
            time_zone: schedule.zone,
            recurrence_rule: schedule.rule.clone(),
            excluded_dates: schedule.excluded_dates.clone(),
            expanded_until: schedule.expansion.until,
            policy_id: input.policy_id,
            policy_overrides: input.policy_overrides.clone(),
            expected_participants: input.expected_participants.clone(),
            invitation_delivery: input.invitation.delivery.unwrap_or(Delivery::Mail),
            invitation_language: input.invitation.language.unwrap_or(self.tenant.language),
            invitation_message: input.invitation.message.clone().unwrap_or_default(),
            external_id: input.external_id.clone(),
            tags: input.tags.clone(),
            ..base.clone()
        };
        if base.status == MeetingStatus::Scheduled && meeting.status == MeetingStatus::Draft && !is_new {
            // People have been told.
            invalid.add("/status", "unchangeable");
        }
        self.find_organizer(tx, &mut meeting, input, is_new, &mut invalid).await?;
        self.check_references(tx, &meeting, &mut invalid).await?;
        let wanted = invitees::sync::look_up_all(tx, &meeting, input, &mut invalid).await?;
        invalid.finish()?;
        if let Some(external_id) = &meeting.external_id {
            tx.lock(&format!("external id {} {external_id}", meeting.tenant_id)).await?;
            let known = table::by_external_id(tx, meeting.tenant_id, external_id).await?;
            match known.filter(|known| known.id != meeting.id) {
                // Nothing can be made of it any more, so it must not keep others from the id.
                Some(known) if known.status == MeetingStatus::Cancelled => {
                    table::forget_external_id(tx, &known, self.now).await?;
                }
                Some(_) => return Err(Problem::taken("/external_id")),
                None => {}
            }
        }
        Ok((meeting, schedule, wanted))
    }

    async fn find_organizer(
        &self,
        tx: &mut Tx,
        meeting: &mut Meeting,
        input: &MeetingInput,
        is_new: bool,
        invalid: &mut Invalid,
    ) -> Result<(), StoreError> {
        let given = input.organizer.clone().unwrap_or_default();
        let is_nobody = given.user_id.is_none() && given.email.is_none();
        if is_nobody && !is_new && meeting.organizer_id.is_none() && meeting.organizer_email.is_empty() {
            // Who held it was erased, and who changes something else about it does not take it over.
            return Ok(());
        }
        let email = given.email.as_deref().map(tidy_email);
        let account = match (given.user_id.or(self.own_account(input)), &email) {
            (Some(id), _) => people::by_id(tx, meeting.tenant_id, id).await?,
            (None, Some(email)) => people::by_email(tx, meeting.tenant_id, email).await?,
            (None, None) => {
                invalid.add("/organizer", "required");
                return Ok(());
            }
        };
        if given.user_id.is_some() && account.is_none() {
            invalid.add("/organizer/user_id", "unknown-reference");
        }
        let differs = |email: &String| account.as_ref().is_some_and(|account| account.email != *email);
        if email.as_ref().is_some_and(differs) {
            invalid.add_with("/organizer/email", "contradiction", "user_id");
        }
        // Who is no administrator schedules in their own name; a co-host leaves the organizer as it is.
        if let Viewer::Person { id, .. } = self.viewer {
            let organizer = account.as_ref().map(|account| account.id);
            let known_email = Some(&meeting.organizer_email).filter(|known| !known.is_empty());
            let is_kept = match meeting.organizer_id {
                Some(_) => organizer == meeting.organizer_id,
                None => known_email.is_some() && email.as_ref() == known_email,
            };
            if organizer != Some(*id) && !is_kept {
                invalid.add("/organizer", "forbidden-value");
            }
        }
        let name = given.name.filter(|name| !name.is_empty());
        meeting.organizer_id = account.as_ref().map(|account| account.id);
        let (own_email, own_name) = account.map(|account| (account.email, account.name)).unzip();
        meeting.organizer_email = own_email.or(email).unwrap_or_default();
        meeting.organizer_name = name.or(own_name).unwrap_or_default();
        Ok(())
    }

    /// Whoever asks is the organizer when none is named.
    fn own_account(&self, input: &MeetingInput) -> Option<crate::api::ids::UserId> {
        let names_nobody =
            input.organizer.as_ref().is_none_or(|given| given.user_id.is_none() && given.email.is_none());
        self.context.caller.person().filter(|_| names_nobody)
    }

    async fn check_references(&self, tx: &mut Tx, meeting: &Meeting, invalid: &mut Invalid) -> Result<(), StoreError> {
        let tenant = Some(meeting.tenant_id);
        if let Some(id) = meeting.policy_id
            && policies::table::find(tx, tenant, id).await?.is_none()
        {
            invalid.add("/policy_id", "unknown-reference");
        }
        if let Some(id) = meeting.room_id {
            let room = permanent_rooms::table::find(tx, tenant, id).await?;
            let may_use = |owner| match self.viewer {
                Viewer::All(_) => true,
                Viewer::Person { id, .. } => *id == owner || meeting.organizer_id == Some(owner),
            };
            if !room.is_some_and(|room| may_use(room.owner_id)) {
                invalid.add("/room_id", "unknown-reference");
            }
        }
        Ok(())
    }

    async fn check_capacity(
        &self,
        tx: &mut Tx,
        meeting: &Meeting,
        spans: Vec<Span>,
        invited: invitees::table::Invited,
    ) -> Result<(), Problem> {
        if self.is_forced || meeting.status == MeetingStatus::Draft {
            return Ok(());
        }
        capacity::check(tx, &self.tenant.settings.limits, meeting, &spans, invited, self.now).await
    }

    async fn note(&self, tx: &mut Tx, meeting: &Meeting, kind: ChangeKind) -> Result<(), StoreError> {
        note(tx, meeting.tenant_id, meeting.id, kind).await
    }
}

/// Cancels a meeting. A draft, of which nobody has heard, is gone. Returns false when it was cancelled already.
pub(crate) async fn cancel(tx: &mut Tx, current: &Meeting, now: DateTime<Utc>) -> Result<bool, Problem> {
    if current.status == MeetingStatus::Draft {
        return if table::delete(tx, current).await? { Ok(true) } else { Err(Code::EtagMismatch.into()) };
    }
    if current.status == MeetingStatus::Cancelled {
        return Ok(false);
    }
    let cancelled = Meeting {
        status: MeetingStatus::Cancelled,
        sequence: current.sequence + 1,
        revision: current.revision + 1,
        updated_at: now,
        expanded_until: None,
        ..current.clone()
    };
    if !table::update(tx, &cancelled).await? {
        return Err(Code::EtagMismatch.into());
    }
    occurrences::table::cancel_all(tx, current.id, cancelled.sequence, now).await?;
    note(tx, current.tenant_id, current.id, ChangeKind::Cancelled).await?;
    Ok(true)
}

pub(super) async fn note(
    tx: &mut Tx,
    tenant_id: TenantId,
    meeting_id: MeetingId,
    kind: ChangeKind,
) -> Result<(), StoreError> {
    changes::note(tx, MeetingChange { tenant_id, meeting_id, kind }).await
}

/// Fields whose change moves the meeting.
const SCHEDULE_FIELDS: [&str; 7] =
    ["type", "starts_at", "ends_at", "time_zone", "recurrence_rule", "excluded_dates", "room_id"];

/// The names of the fields that differ.
fn differing(old: &Meeting, new: &Meeting) -> Vec<&'static str> {
    let fields = [
        ("type", old.kind != new.kind),
        ("starts_at", old.starts_at != new.starts_at),
        ("ends_at", old.ends_at != new.ends_at),
        ("time_zone", old.time_zone != new.time_zone),
        ("recurrence_rule", old.recurrence_rule != new.recurrence_rule),
        ("excluded_dates", old.excluded_dates != new.excluded_dates),
        ("room_id", old.room_id != new.room_id),
        ("status", old.status != new.status),
        ("title", old.title != new.title),
        ("description", old.description != new.description),
        ("agenda", old.agenda != new.agenda),
        ("organizer", (old.organizer_id, &old.organizer_email) != (new.organizer_id, &new.organizer_email)),
        ("organizer_name", old.organizer_name != new.organizer_name),
        ("policy_id", old.policy_id != new.policy_id),
        ("policy_overrides", old.policy_overrides != new.policy_overrides),
        ("expected_participants", old.expected_participants != new.expected_participants),
        (
            "invitation",
            old.invitation_delivery != new.invitation_delivery
                || old.invitation_language != new.invitation_language
                || old.invitation_message != new.invitation_message,
        ),
        ("external_id", old.external_id != new.external_id),
        ("tags", old.tags != new.tags),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

/// An id that is taken belongs to a meeting that was made at the same time, or to another tenant's.
fn taken(error: StoreError) -> Problem {
    if error.is_taken("external_id") { Problem::taken("/external_id") } else { error.into() }
}

/// The host of an address such as `https://conf.example.org:8443`.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or(rest);
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}
