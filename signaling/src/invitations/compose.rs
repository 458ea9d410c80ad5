// SPDX-License-Identifier: EUPL-1.2
//! Puts an invitation together from what is stored.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use store::{FromRow, Row, StoreError, Tx, sql};
use tracing::warn;

use super::invitation::{
    AttendeeKind, AttendeeRole, DialIn, DialInNumber, Exception, Invitation, Method, News, Person, Recipient,
    Recurrence, Schedule, ToldTime,
};
use super::{answers, outbox};
use crate::api::ids::{MeetingId, TenantId, UserId};
use crate::api::language::Language;
use crate::app::App;
use crate::meetings::invitees::link;
use crate::meetings::model::{
    Invitee, InviteeRole, InviteeType, Meeting, MeetingStatus, MeetingType, Occurrence, OccurrenceStatus,
    ResponseStatus,
};
use crate::meetings::recurrence::{Rule, said};
use crate::meetings::{occurrences, phone_pins, tenant};

/// Most times that differ from what the rule says and are told of one series; calendars have few, and the newest count.
const MAX_DIFFERING: i64 = 1000;

/// The same of all that somebody reads at once.
const MAX_DIFFERING_OF_ALL: i64 = 10_000;

/// No series is longer: what ends later has no end.
const LONGEST: Duration = Duration::days(100 * 366);

/// A meeting with all that invitations to it have in common, so that it is read once for many people.
pub(super) struct Composer<'a> {
    app: &'a App,
    meeting: &'a Meeting,
    schedule: Option<Schedule>,
    organisation: Arc<Organisation>,
}

/// What invitations to all meetings of a tenant have in common.
struct Organisation {
    numbers: Vec<DialInNumber>,
    privacy_url: Option<String>,
}

impl Organisation {
    async fn of(tx: &mut Tx, id: TenantId) -> Result<Self, StoreError> {
        let Some(tenant) = tenant::find(tx, id).await? else {
            return Ok(Self { numbers: Vec::new(), privacy_url: None });
        };
        let numbers = tenant::dial_in_numbers(tx, &tenant).await?.into_iter();
        let numbers = numbers.map(|number| DialInNumber { e164: number.e164, label: number.label }).collect();
        Ok(Self { numbers, privacy_url: tenant.settings.legal.privacy_url })
    }
}

/// Somebody with an account: how they want to be addressed.
#[derive(Clone, Debug)]
pub(super) struct Account {
    email: String,
    name: String,
    language: Option<Language>,
}

impl FromRow for Account {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let language: Option<String> = row.get("language")?;
        let language = language.and_then(|tag| Language::from_tag(&tag));
        Ok(Self { email: row.get("email")?, name: row.get("name")?, language })
    }
}

/// What is known of somebody who is invited, beside their invitation.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) account: Option<Account>,
    /// Their PIN for the telephone.
    pub(super) pin: Option<String>,
    /// When the meeting takes place as far as they were told.
    pub(super) told: Option<ToldTime>,
}

impl<'a> Composer<'a> {
    /// Reads what all invitations to it say.
    pub(super) async fn new(tx: &mut Tx, app: &'a App, meeting: &'a Meeting) -> Result<Self, StoreError> {
        let organisation = Arc::new(Organisation::of(tx, meeting.tenant_id).await?);
        let differing = differing(tx, std::slice::from_ref(meeting), MAX_DIFFERING).await?;
        Ok(Self { app, meeting, schedule: schedule(meeting, &differing), organisation })
    }

    /// The same for many meetings of a tenant, with as many questions to the database as for one.
    pub(super) async fn of_all(
        tx: &mut Tx,
        app: &'a App,
        tenant: TenantId,
        meetings: &'a [Meeting],
    ) -> Result<Vec<Self>, StoreError> {
        let organisation = Arc::new(Organisation::of(tx, tenant).await?);
        let mut of_meetings: HashMap<MeetingId, Vec<Occurrence>> = HashMap::new();
        for occurrence in differing(tx, meetings, MAX_DIFFERING_OF_ALL).await? {
            of_meetings.entry(occurrence.meeting_id).or_default().push(occurrence);
        }
        let composer = |meeting: &'a Meeting| {
            let differing = of_meetings.remove(&meeting.id).unwrap_or_default();
            Self { app, meeting, schedule: schedule(meeting, &differing), organisation: organisation.clone() }
        };
        Ok(meetings.iter().map(composer).collect())
    }

    /// What one person is told. None for somebody without an address, unless it need not be sent.
    pub(super) async fn to(
        &self,
        tx: &mut Tx,
        invitee: &Invitee,
        news: News,
        now: DateTime<Utc>,
    ) -> Result<Invitation, StoreError> {
        let account = match invitee.user_id {
            Some(id) => account(tx, id).await?,
            None => None,
        };
        let pin = phone_pins::table::of_invitee(tx, self.meeting.id, invitee.id).await?;
        let pin = pin.map(|pin| phone_pins::digits(&self.app.installation, &pin));
        let told = match news {
            News::Changed(_) => outbox::told(tx, invitee.id).await?,
            _ => None,
        };
        Ok(self.to_known(invitee, Known { account, pin, told }, news, now))
    }

    /// The same, by what has been read of them.
    pub(super) fn to_known(&self, invitee: &Invitee, known: Known, news: News, now: DateTime<Utc>) -> Invitation {
        let Known { account, pin, told } = known;
        let (app, meeting) = (self.app, self.meeting);
        let language = account.as_ref().and_then(|account| account.language).or(invitee.language);
        let language = language.unwrap_or(meeting.invitation_language);
        let known = |given: &str, of_account: fn(&Account) -> &String| {
            let of_account = account.as_ref().map(of_account).cloned().unwrap_or_default();
            if given.is_empty() { of_account } else { given.to_owned() }
        };
        let email = known(invitee.email.as_deref().unwrap_or_default(), |account| &account.email);
        let name = known(&invitee.name, |account| &account.name);
        let answer_token = answers::token(&app.installation, invitee);
        // Nobody is asked whether they come to what they hold, and calendars refuse such a question (RFC 5546 §3.2.2).
        let is_asked = email != meeting.organizer_email;
        let method = match (news.is_over(), is_asked) {
            (true, _) => Method::Cancel,
            (false, true) => Method::Request,
            (false, false) => Method::Publish,
        };
        let kind = if invitee.kind == InviteeType::RoomSystem { AttendeeKind::Room } else { AttendeeKind::Individual };
        let recipient = Recipient {
            person: Person { name, email },
            role: role(invitee.role),
            kind,
            response: invitee.response(meeting),
        };
        Invitation {
            told,
            method,
            sequence: invitee.sequence(meeting),
            reply_address: reply_address(app, &answer_token).filter(|_| is_asked),
            answer_url: is_asked.then(|| format!("{}/r/{answer_token}", app.config.public_url)),
            join_url: link::url(&app.config, &app.installation, meeting, invitee),
            dial_in: self.dial_in(pin),
            ..self.common(language, recipient, news, now)
        }
    }

    /// What nobody in particular is told: a file to pass on. It has no personal link and asks for no answer.
    pub(super) fn to_anybody(&self, language: Language, news: News, now: DateTime<Utc>) -> Invitation {
        let recipient = Recipient {
            person: Person { name: String::new(), email: String::new() },
            role: AttendeeRole::Required,
            kind: AttendeeKind::Individual,
            response: ResponseStatus::NeedsAction,
        };
        self.common(language, recipient, news, now)
    }

    fn common(&self, language: Language, recipient: Recipient, news: News, now: DateTime<Utc>) -> Invitation {
        let meeting = self.meeting;
        Invitation {
            method: if news.is_over() { Method::Cancel } else { Method::Publish },
            uid: meeting.ical_uid.clone(),
            sequence: meeting.sequence,
            written_at: now,
            language,
            title: meeting.title.clone(),
            description: meeting.description.clone(),
            agenda: meeting.agenda.clone(),
            message: meeting.invitation_message.clone(),
            organizer: Person { name: meeting.organizer_name.clone(), email: meeting.organizer_email.clone() },
            reply_address: None,
            sent_by: self.app.config.mail.as_ref().map(|mail| mail.from.clone()),
            recipient,
            schedule: self.schedule.clone(),
            told: None,
            join_url: self.app.config.join_url(&meeting.code),
            dial_in: self.dial_in(None),
            answer_url: None,
            privacy_url: self.organisation.privacy_url.clone(),
            news,
        }
    }

    fn dial_in(&self, pin: Option<String>) -> Option<DialIn> {
        let numbers = &self.organisation.numbers;
        let conference_id = self.meeting.conference_id.clone();
        (!numbers.is_empty()).then(|| DialIn { numbers: numbers.clone(), conference_id, pin })
    }
}

/// Where calendars send their answers, when Saal reads them.
fn reply_address(app: &App, token: &str) -> Option<String> {
    let pattern = app.config.mail.as_ref()?.replies.as_ref()?;
    Some(pattern.replace("{token}", token))
}

/// The account with that id.
pub(super) async fn account(tx: &mut Tx, id: UserId) -> Result<Option<Account>, StoreError> {
    tx.optional(sql("SELECT email, name, language FROM users WHERE id = $1").bind(id)).await
}

/// The times of these meetings that differ from what their rules say. What is cancelled as a whole needs no word on its
/// parts.
async fn differing(tx: &mut Tx, meetings: &[Meeting], limit: i64) -> Result<Vec<Occurrence>, StoreError> {
    let has_parts =
        |meeting: &&Meeting| meeting.recurrence_rule.is_some() && meeting.status == MeetingStatus::Scheduled;
    let ids: Vec<_> = meetings.iter().filter(has_parts).map(|meeting| meeting.id).collect();
    occurrences::table::differing(tx, &ids, limit).await
}

/// What takes place at a time that is written down.
fn schedule(meeting: &Meeting, differing: &[Occurrence]) -> Option<Schedule> {
    let has_time = matches!(meeting.kind, MeetingType::Scheduled | MeetingType::Recurring);
    let ends_at = meeting.ends_at.filter(|_| has_time)?;
    let recurrence = meeting.recurrence_rule.as_ref().map(|rule| recurrence(meeting, rule, differing));
    Some(Schedule { time_zone: meeting.time_zone.0, starts_at: meeting.starts_at, ends_at, recurrence })
}

fn recurrence(meeting: &Meeting, rule: &str, differing: &[Occurrence]) -> Recurrence {
    // What differed from an earlier rule is no part of this one: calendars would show it besides, or refuse all of it.
    let mut starts: BTreeSet<_> = differing.iter().map(|occurrence| occurrence.recurrence_id.0).collect();
    starts.extend(&meeting.excluded_dates);
    let zone = meeting.time_zone.0;
    let known = Rule::parse(rule, zone).and_then(|rule| said(&rule, meeting.starts_at, zone, &starts));
    let known = known.unwrap_or_else(|error| {
        warn!(meeting = %meeting.id, %error, "a series cannot be worked out");
        starts
    });
    let (mut excluded, mut exceptions) = (Vec::new(), Vec::new());
    excluded.extend(meeting.excluded_dates.iter().copied().filter(|start| known.contains(start)));
    for occurrence in differing.iter().filter(|occurrence| known.contains(&occurrence.recurrence_id.0)) {
        match occurrence.status {
            OccurrenceStatus::Cancelled => excluded.push(occurrence.recurrence_id.0),
            OccurrenceStatus::Scheduled => exceptions.push(Exception {
                recurrence_id: occurrence.recurrence_id.0,
                starts_at: occurrence.starts_at,
                ends_at: occurrence.ends_at,
                title: occurrence.title.clone(),
                sequence: occurrence.sequence,
            }),
        }
    }
    excluded.sort();
    excluded.dedup();
    exceptions.sort_by_key(|exception| exception.recurrence_id);
    // Up to when its times are written down, or the end of the last one if there is one.
    let is_endless = meeting.over_at >= meeting.starts_at + LONGEST;
    let last_known = meeting.expanded_until.unwrap_or(if is_endless { meeting.starts_at } else { meeting.over_at });
    Recurrence { rule: rule.to_owned(), excluded, last_known, exceptions }
}

const fn role(role: InviteeRole) -> AttendeeRole {
    match role {
        InviteeRole::CoHost => AttendeeRole::Chair,
        InviteeRole::Presenter | InviteeRole::Attendee | InviteeRole::Interpreter | InviteeRole::Captioner => {
            AttendeeRole::Required
        }
        InviteeRole::Listener => AttendeeRole::NonParticipant,
    }
}

#[cfg(test)]
mod tests;
