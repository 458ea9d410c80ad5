// SPDX-License-Identifier: EUPL-1.2
//! A meeting as the API shows it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use serde::Serialize;
use store::{FromRow, Row, StoreError, Tx, sql};
use utoipa::ToSchema;

use super::input::{InputStatus, InvitationInput, MeetingInput, PersonInput};
use super::invitees::model::InviteeView;
use super::model::{ExpectedParticipants, Invitee, Meeting, MeetingStatus, MeetingType, RecurrenceId};
use super::occurrences::model::OccurrenceView;
use super::one_tap::one_tap;
use super::phone_pins::model::Place;
use super::policies::rules::RuleChanges;
use super::status::{Goings, ShownStatus};
use super::tenant::DialInNumber;
use super::{invitees, phone_pins, tenant};
use crate::api::ids::{InviteeId, MeetingId, PolicyId, RoomId, TenantId, UserId};
use crate::app::App;

/// Who holds a meeting.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct OrganizerView {
    /// Their account.
    user_id: Option<UserId>,
    /// Their address.
    email: String,
    /// Their name.
    name: String,
}

/// Who moderates with the organizer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CoHostView {
    /// Their entry among the invitees.
    invitee_id: InviteeId,
    /// Their account.
    user_id: Option<UserId>,
    /// Their address.
    email: Option<String>,
    /// Their name.
    name: String,
}

/// How to come by telephone.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DialInView {
    /// The numbers to call.
    pub(crate) numbers: Vec<DialInNumber>,
    /// What to key in first, with `#` behind it.
    #[schema(example = "4815162342")]
    pub(crate) conference_id: String,
    /// What to key in then, with `#` behind it.
    pub(crate) pin: Option<String>,
    /// All of it as a link for telephones, in which `%23` is the `#`. Without a PIN that key alone stands in its place.
    #[schema(example = "tel:+4930123456,,4815162342%23,,481516%23")]
    pub(crate) one_tap: Option<String>,
}

impl DialInView {
    pub(super) fn new(numbers: &[DialInNumber], conference_id: &str, pin: Option<String>) -> Self {
        let one_tap = numbers.first().map(|number| one_tap(&number.e164, conference_id, pin.as_deref()));
        Self { numbers: numbers.to_vec(), conference_id: conference_id.to_owned(), pin, one_tap }
    }
}

/// A meeting.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Meeting)]
pub(crate) struct MeetingView {
    /// Its id.
    pub(crate) id: MeetingId,
    /// The tenant that has it.
    tenant_id: TenantId,
    /// What it is called.
    title: String,
    /// What it is about.
    description: String,
    /// What is dealt with.
    agenda: String,
    /// What kind it is.
    r#type: MeetingType,
    /// How far it is.
    status: ShownStatus,
    /// When it begins, a series when it first does. Null when it is at no time in particular.
    starts_at: Option<DateTime<Utc>>,
    /// When it ends.
    ends_at: Option<DateTime<Utc>>,
    /// How long it takes, when that is whole minutes.
    duration_minutes: Option<i64>,
    /// The zone in whose wall-clock time it repeats.
    time_zone: String,
    /// How it repeats.
    recurrence_rule: Option<String>,
    /// Starts that the rule says and that do not happen.
    excluded_dates: Vec<DateTime<Utc>>,
    /// Who holds it.
    organizer: OrganizerView,
    /// Who moderates with them.
    co_hosts: Vec<CoHostView>,
    /// The permanent room that it takes place in.
    room_id: Option<RoomId>,
    /// What it allows.
    policy_id: Option<PolicyId>,
    /// What differs from the policy.
    policy_overrides: RuleChanges,
    /// How many are expected.
    expected_participants: ExpectedParticipants,
    /// iCalendar's UID.
    ical_uid: String,
    /// iCalendar's SEQUENCE: grows when time, place or recurrence change.
    sequence: i64,
    /// Grows with each change; the ETag.
    pub(crate) revision: i64,
    /// The link for everybody. Those who are invited have their own.
    join_url: String,
    /// How to come by telephone.
    dial_in: DialInView,
    /// How invitations go out.
    invitation: InvitationInput,
    /// What other software calls it.
    external_id: Option<String>,
    /// Names and values that other software keeps here.
    tags: BTreeMap<String, String>,
    /// Who made it: the id of an account, a token or a client.
    created_by: String,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was changed last.
    updated_at: DateTime<Utc>,
    /// Who is invited, with `expand=invitees`, for those who may see that: at most 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) invitees: Option<Vec<InviteeView>>,
    /// The next times that it happens, with `expand=occurrences`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) occurrences: Option<Vec<OccurrenceView>>,
    /// Exceptions that a change of the series made meaningless, so that they are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) dropped_exceptions: Vec<RecurrenceId>,
}

impl MeetingView {
    /// The same for an answer that is kept: PINs are stored nowhere.
    pub(super) fn without_pin(&self) -> Self {
        let dial_in = DialInView { pin: None, one_tap: None, ..self.dial_in.clone() };
        Self { dial_in, ..self.clone() }
    }
}

struct OverAt(MeetingId, DateTime<Utc>);

impl FromRow for OverAt {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self(row.get("id")?, row.get("over_at")?))
    }
}

/// Several meetings, with a few queries in all.
pub(crate) async fn views(
    app: &App,
    tx: &mut Tx,
    meetings: &[Meeting],
    now: DateTime<Utc>,
) -> Result<Vec<MeetingView>, StoreError> {
    if meetings.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = meetings.iter().map(|meeting| meeting.id).collect();
    let co_hosts = invitees::table::co_hosts(tx, &ids).await?;
    let places: Vec<_> = ids.iter().copied().map(Place::Meeting).collect();
    let pins = phone_pins::table::for_everybody(tx, &places).await?;
    let goings = Goings::at(tx, &ids, now).await?;
    // Of what was changed a moment ago, it is not what was read before.
    let mut select = sql("SELECT id, over_at FROM meetings");
    select.push_list(" WHERE id IN ", ids.iter().copied());
    let ends: Vec<OverAt> = tx.all(select).await?;
    let mut numbers: BTreeMap<TenantId, Vec<DialInNumber>> = BTreeMap::new();
    for meeting in meetings {
        if let Entry::Vacant(entry) = numbers.entry(meeting.tenant_id) {
            entry.insert(match tenant::find(tx, meeting.tenant_id).await? {
                Some(tenant) => tenant::dial_in_numbers(tx, &tenant).await?,
                None => Vec::new(),
            });
        }
    }
    let view = |meeting: &Meeting| {
        let over_at = ends.iter().find(|end| end.0 == meeting.id).map_or(meeting.over_at, |end| end.1);
        let pin = pins.iter().find(|pin| pin.place == Place::Meeting(meeting.id));
        let pin = pin.map(|pin| phone_pins::digits(&app.installation, pin));
        let numbers = numbers.get(&meeting.tenant_id).map(Vec::as_slice).unwrap_or_default();
        let own = co_hosts.iter().filter(|invitee| invitee.meeting_id == meeting.id);
        MeetingView {
            status: goings.of_meeting(meeting.id, meeting.status, over_at, now),
            dial_in: DialInView::new(numbers, &meeting.conference_id, pin),
            co_hosts: own.map(co_host).collect(),
            join_url: app.config.join_url(&meeting.code),
            ..bare(meeting)
        }
    };
    Ok(meetings.iter().map(view).collect())
}

/// One meeting.
pub(crate) async fn one(
    app: &App,
    tx: &mut Tx,
    meeting: &Meeting,
    now: DateTime<Utc>,
) -> Result<MeetingView, StoreError> {
    let views = views(app, tx, std::slice::from_ref(meeting), now).await?;
    views.into_iter().next().ok_or_else(|| StoreError::Senseless("a meeting that was just there".to_owned()))
}

fn whole_minutes(length: Duration) -> Option<i64> {
    (length.num_seconds() % 60 == 0).then_some(length.num_minutes())
}

fn co_host(invitee: &Invitee) -> CoHostView {
    CoHostView {
        invitee_id: invitee.id,
        user_id: invitee.user_id,
        email: invitee.email.clone(),
        name: invitee.name.clone(),
    }
}

/// What of it stands in its own row.
fn bare(meeting: &Meeting) -> MeetingView {
    let has_time = matches!(meeting.kind, MeetingType::Scheduled | MeetingType::Recurring);
    MeetingView {
        id: meeting.id,
        tenant_id: meeting.tenant_id,
        title: meeting.title.clone(),
        description: meeting.description.clone(),
        agenda: meeting.agenda.clone(),
        r#type: meeting.kind,
        status: ShownStatus::Scheduled,
        starts_at: Some(meeting.starts_at).filter(|_| has_time),
        ends_at: meeting.ends_at,
        duration_minutes: meeting.ends_at.and_then(|end| whole_minutes(end - meeting.starts_at)),
        time_zone: meeting.time_zone.0.name().to_owned(),
        recurrence_rule: meeting.recurrence_rule.clone(),
        excluded_dates: meeting.excluded_dates.clone(),
        organizer: OrganizerView {
            user_id: meeting.organizer_id,
            email: meeting.organizer_email.clone(),
            name: meeting.organizer_name.clone(),
        },
        co_hosts: Vec::new(),
        room_id: meeting.room_id,
        policy_id: meeting.policy_id,
        policy_overrides: meeting.policy_overrides.clone(),
        expected_participants: meeting.expected_participants.clone(),
        ical_uid: meeting.ical_uid.clone(),
        sequence: meeting.sequence,
        revision: meeting.revision,
        join_url: String::new(),
        dial_in: DialInView::new(&[], &meeting.conference_id, None),
        invitation: InvitationInput {
            delivery: Some(meeting.invitation_delivery),
            language: Some(meeting.invitation_language),
            message: Some(meeting.invitation_message.clone()),
        },
        external_id: meeting.external_id.clone(),
        tags: meeting.tags.clone(),
        created_by: meeting.created_by.clone(),
        created_at: meeting.created_at,
        updated_at: meeting.updated_at,
        invitees: None,
        occurrences: None,
        dropped_exceptions: Vec::new(),
    }
}

/// What a meeting is made of now, for merge patches. It has no end: see [`keep_length`].
pub(super) fn input(meeting: &Meeting) -> MeetingInput {
    let view = bare(meeting);
    MeetingInput {
        title: view.title,
        description: view.description,
        agenda: view.agenda,
        // Whether there is a rule tells these two apart, and the patch may be about that.
        kind: Some(meeting.kind).filter(|kind| matches!(kind, MeetingType::AdHoc | MeetingType::Permanent)),
        status: Some(if meeting.status == MeetingStatus::Draft { InputStatus::Draft } else { InputStatus::Scheduled }),
        starts_at: view.starts_at,
        ends_at: None,
        duration_minutes: None,
        time_zone: Some(view.time_zone),
        recurrence_rule: view.recurrence_rule,
        excluded_dates: view.excluded_dates,
        organizer: Some(PersonInput {
            user_id: meeting.organizer_id,
            // An account's address may have changed meanwhile.
            email: Some(meeting.organizer_email.clone())
                .filter(|email| meeting.organizer_id.is_none() && !email.is_empty()),
            name: Some(meeting.organizer_name.clone()),
        }),
        co_hosts: None,
        invitees: None,
        room_id: view.room_id,
        policy_id: view.policy_id,
        policy_overrides: view.policy_overrides,
        expected_participants: view.expected_participants,
        invitation: view.invitation,
        external_id: view.external_id,
        tags: view.tags,
    }
}

/// Lets what a patch moves take as long as before, unless the patch says how long.
pub(super) fn keep_length(input: &mut MeetingInput, meeting: &Meeting) {
    if let (Some(starts_at), Some(ends_at)) = (input.starts_at, meeting.ends_at) {
        input.ends_at = Some(starts_at.trunc_subsecs(0) + (ends_at - meeting.starts_at));
    }
}
