// SPDX-License-Identifier: EUPL-1.2
//! Puts an invitation together from what is stored.

use chrono::{DateTime, Utc};
use store::{FromRow, Row, StoreError, Tx, sql};

use super::invitation::{
    AttendeeKind, AttendeeRole, DialIn, DialInNumber, Exception, Invitation, Method, News, Person, Recipient,
    Recurrence, Schedule,
};
use super::{answers, outbox};
use crate::api::ids::UserId;
use crate::api::language::Language;
use crate::app::App;
use crate::identity::tenants;
use crate::meetings::invitees::link;
use crate::meetings::model::{
    Invitee, InviteeRole, InviteeType, Meeting, MeetingType, Occurrence, OccurrenceStatus, ResponseStatus,
};
use crate::meetings::{occurrences, phone_pins, tenant};

/// As many as are written down for a meeting at most.
const MAX_OCCURRENCES: i64 = 1000;

/// A meeting with all that invitations to it have in common, so that it is read once for many people.
pub(super) struct Composer<'a> {
    app: &'a App,
    meeting: &'a Meeting,
    schedule: Option<Schedule>,
    numbers: Vec<DialInNumber>,
    privacy_url: Option<String>,
}

/// Somebody with an account: how they want to be addressed.
struct Account {
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

impl<'a> Composer<'a> {
    /// Reads what all invitations to it say.
    pub(super) async fn new(tx: &mut Tx, app: &'a App, meeting: &'a Meeting) -> Result<Self, StoreError> {
        let found = match meeting.recurrence_rule {
            Some(_) => occurrences::table::of_meeting(tx, meeting.id, None, MAX_OCCURRENCES).await?,
            None => Vec::new(),
        };
        let tenant = tenant::find(tx, meeting.tenant_id).await?;
        let numbers = tenant.map(|tenant| tenant.settings.dial_in.numbers).unwrap_or_default().into_iter();
        let numbers = numbers.map(|number| DialInNumber { e164: number.e164, label: number.label }).collect();
        let privacy_url = tenants::settings(tx, meeting.tenant_id).await?.legal.privacy_url;
        Ok(Self { app, meeting, schedule: schedule(meeting, &found), numbers, privacy_url })
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
        let (app, meeting) = (self.app, self.meeting);
        let language = account.as_ref().and_then(|account| account.language).unwrap_or(meeting.invitation_language);
        let known = |given: &str, of_account: fn(&Account) -> &String| {
            let of_account = account.as_ref().map(of_account).cloned().unwrap_or_default();
            if given.is_empty() { of_account } else { given.to_owned() }
        };
        let email = known(invitee.email.as_deref().unwrap_or_default(), |account| &account.email);
        let name = known(&invitee.name, |account| &account.name);
        let is_over = matches!(news, News::Cancelled | News::Removed);
        let pin = phone_pins::table::of_invitee(tx, meeting.id, invitee.id).await?;
        let pin = pin.map(|pin| phone_pins::digits(&app.installation, &pin));
        let answer_token = answers::token(&app.installation, invitee);
        // They know of an older state: what they said then is no answer to this one.
        let is_answered = invitee.response_sequence >= meeting.sequence;
        let kind = if invitee.kind == InviteeType::RoomSystem { AttendeeKind::Room } else { AttendeeKind::Individual };
        let recipient = Recipient {
            person: Person { name, email },
            role: role(invitee.role),
            kind,
            response: if is_answered { invitee.response_status } else { ResponseStatus::NeedsAction },
        };
        let told = match news {
            News::Changed(_) => outbox::told(tx, invitee.id).await?,
            _ => None,
        };
        Ok(Invitation {
            told,
            method: if is_over { Method::Cancel } else { Method::Request },
            reply_address: reply_address(app, &answer_token),
            answer_url: Some(format!("{}/r/{answer_token}", app.config.public_url)),
            join_url: link::url(&app.config, &app.installation, meeting, invitee),
            dial_in: self.dial_in(pin),
            ..self.common(language, recipient, news, now)
        })
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
            method: Method::Publish,
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
            join_url: format!("{}/m/{}", self.app.config.public_url, meeting.code),
            dial_in: self.dial_in(None),
            answer_url: None,
            privacy_url: self.privacy_url.clone(),
            news,
        }
    }

    fn dial_in(&self, pin: Option<String>) -> Option<DialIn> {
        let has_numbers = !self.numbers.is_empty();
        let conference_id = self.meeting.conference_id.clone();
        has_numbers.then(|| DialIn { numbers: self.numbers.clone(), conference_id, pin })
    }
}

/// Where calendars send their answers, when Saal reads them.
fn reply_address(app: &App, token: &str) -> Option<String> {
    let pattern = app.config.mail.as_ref()?.replies.as_ref()?;
    Some(pattern.replace("{token}", token))
}

async fn account(tx: &mut Tx, id: UserId) -> Result<Option<Account>, StoreError> {
    tx.optional(sql("SELECT email, name, language FROM users WHERE id = $1").bind(id)).await
}

/// What takes place at a time that is written down.
fn schedule(meeting: &Meeting, found: &[Occurrence]) -> Option<Schedule> {
    let has_time = matches!(meeting.kind, MeetingType::Scheduled | MeetingType::Recurring);
    let ends_at = meeting.ends_at.filter(|_| has_time)?;
    let recurrence = meeting.recurrence_rule.as_ref().map(|rule| {
        let cancelled = found.iter().filter(|occurrence| occurrence.status == OccurrenceStatus::Cancelled);
        let mut excluded: Vec<_> = cancelled.map(|occurrence| occurrence.recurrence_id.0).collect();
        excluded.extend(&meeting.excluded_dates);
        excluded.sort();
        excluded.dedup();
        let differ =
            |occurrence: &&Occurrence| occurrence.is_exception && occurrence.status == OccurrenceStatus::Scheduled;
        let exceptions = found.iter().filter(differ).map(|occurrence| Exception {
            recurrence_id: occurrence.recurrence_id.0,
            starts_at: occurrence.starts_at,
            ends_at: occurrence.ends_at,
            title: occurrence.title.clone(),
            sequence: occurrence.sequence,
        });
        let last_known = found.last().map_or(meeting.starts_at, |occurrence| occurrence.recurrence_id.0);
        Recurrence { rule: rule.clone(), excluded, last_known, exceptions: exceptions.collect() }
    });
    Some(Schedule { time_zone: meeting.time_zone.0, starts_at: meeting.starts_at, ends_at, recurrence })
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
