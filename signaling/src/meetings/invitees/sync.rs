// SPDX-License-Identifier: EUPL-1.2
//! Brings who is invited in line with what somebody asked for, one person or the whole list, and notes what became of it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use store::{StoreError, Tx};

use super::table;
use crate::api::ids::InviteeId;
use crate::api::problem::{Code, Invalid, Problem};
use crate::identity::keys::Keys;
use crate::meetings::changes::{self, ChangeKind, MeetingChange};
use crate::meetings::input::{InviteeInput, MeetingInput, PersonInput};
use crate::meetings::model::{Invitee, InviteeRole, InviteeType, Meeting, MeetingStatus, ResponseStatus};
use crate::meetings::phone_pins::model::{PinKind, Place};
use crate::meetings::{expansion, people, phone_pins};

/// Somebody to be invited, with what is known of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::meetings) struct Wanted {
    input: InviteeInput,
    name: String,
    kind: InviteeType,
}

impl Wanted {
    fn is(&self, invitee: &Invitee) -> bool {
        let same = |left: &Option<String>, right: &Option<String>| left.is_some() && left == right;
        (self.input.user_id.is_some() && self.input.user_id == invitee.user_id)
            || same(&self.input.email, &invitee.email)
            || (self.input.user_id.is_none()
                && self.input.email.is_none()
                && same(&self.input.phone_e164, &invitee.phone_e164))
    }

    /// Writes what is wanted over what is there. Returns the names of the fields that differ.
    fn apply(&self, invitee: &mut Invitee) -> Vec<String> {
        let mut fields = Vec::new();
        let mut set = |is_different: bool, name: &str| {
            if is_different {
                fields.push(name.to_owned());
            }
        };
        let role = self.input.role.unwrap_or(InviteeRole::Attendee);
        set(invitee.email != self.input.email, "email");
        set(invitee.user_id != self.input.user_id, "user_id");
        set(invitee.phone_e164 != self.input.phone_e164, "phone_e164");
        set(invitee.name != self.name, "name");
        set(invitee.role != role, "role");
        set(invitee.kind != self.kind, "type");
        set(invitee.lobby_bypass != self.input.lobby_bypass, "lobby_bypass");
        set(invitee.language != self.input.language, "language");
        invitee.email.clone_from(&self.input.email);
        invitee.user_id = self.input.user_id;
        invitee.phone_e164.clone_from(&self.input.phone_e164);
        invitee.name.clone_from(&self.name);
        invitee.role = role;
        invitee.kind = self.kind;
        invitee.lobby_bypass = self.input.lobby_bypass;
        invitee.language = self.input.language;
        fields
    }
}

/// What of a person is wanted, looked up. `pointer` is where they are named.
pub(in crate::meetings) async fn look_up(
    tx: &mut Tx,
    meeting: &Meeting,
    input: &InviteeInput,
    pointer: &str,
    invalid: &mut Invalid,
) -> Result<Wanted, StoreError> {
    let mut input = input.clone();
    input.email = input.email.map(|email| email.to_lowercase());
    let account = match (input.user_id, &input.email) {
        (Some(id), _) => {
            let found = people::by_id(tx, meeting.tenant_id, id).await?;
            if found.is_none() {
                invalid.add(format!("{pointer}/user_id"), "unknown-reference");
            }
            found
        }
        (None, Some(email)) => people::by_email(tx, meeting.tenant_id, email).await?,
        (None, None) => None,
    };
    if input.user_id.is_none() && input.email.is_none() && input.phone_e164.is_none() {
        invalid.add(format!("{pointer}/email"), "required");
    }
    if let Some(account) = &account {
        if input.email.as_ref().is_some_and(|email| *email != account.email) {
            invalid.add_with(format!("{pointer}/email"), "contradiction", "user_id");
        }
        input.user_id = Some(account.id);
        input.email = Some(account.email.clone());
    }
    let own_name = account.as_ref().map(|account| account.name.clone());
    let name = input.name.clone().filter(|name| !name.is_empty()).or(own_name).unwrap_or_default();
    let kind = input.kind.unwrap_or(match (&account, &input.email) {
        (Some(_), _) => InviteeType::Internal,
        (None, Some(_)) => InviteeType::External,
        (None, None) => InviteeType::Phone,
    });
    Ok(Wanted { input, name, kind })
}

/// How many of these there are.
pub(in crate::meetings) fn count(wanted: &[Wanted]) -> table::Invited {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let phone = wanted.iter().filter(|person| person.kind == InviteeType::Phone).count();
    table::Invited { total: number(wanted.len()), phone: number(phone) }
}

/// Everybody whom a meeting's input names. The same person twice is an error.
pub(in crate::meetings) async fn look_up_all(
    tx: &mut Tx,
    meeting: &Meeting,
    input: &MeetingInput,
    invalid: &mut Invalid,
) -> Result<Vec<Wanted>, StoreError> {
    let co_host = |person: &PersonInput| InviteeInput {
        user_id: person.user_id,
        email: person.email.clone(),
        name: person.name.clone(),
        role: Some(InviteeRole::CoHost),
        lobby_bypass: true,
        ..InviteeInput::default()
    };
    let co_hosts = input.co_hosts.iter().enumerate().map(|(at, person)| (format!("/co_hosts/{at}"), co_host(person)));
    let invitees = input.invitees.iter().flatten().enumerate();
    let invitees = invitees.map(|(at, invitee)| (format!("/invitees/{at}"), invitee.clone()));
    let mut wanted = Vec::new();
    let mut known = HashSet::new();
    let people: Vec<_> = co_hosts.chain(invitees).collect();
    for (pointer, person) in people {
        let found = look_up(tx, meeting, &person, &pointer, invalid).await?;
        let email = found.input.email.clone().or_else(|| found.input.phone_e164.clone());
        if email.is_some_and(|email| !known.insert(email)) {
            invalid.add(pointer, "repeated");
            continue;
        }
        wanted.push(found);
    }
    Ok(wanted)
}

/// Brings the whole list in line. Without invitees in the input only the co-hosts are: who was one and is not named any
/// more is an attendee. Returns whether anything changed.
pub(in crate::meetings) async fn apply_all(
    tx: &mut Tx,
    keys: &Keys,
    meeting: &Meeting,
    wanted: &[Wanted],
    is_whole_list: bool,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    let current = table::of_meeting(tx, meeting.id).await?;
    let mut kept: HashSet<InviteeId> = HashSet::new();
    let mut has_changed = false;
    for person in wanted {
        match current.iter().find(|invitee| person.is(invitee)) {
            Some(invitee) => {
                kept.insert(invitee.id);
                has_changed |= change(tx, keys, meeting, invitee, person, now).await?.is_some();
            }
            None => {
                add(tx, keys, meeting, person, now).await?;
                has_changed = true;
            }
        }
    }
    for invitee in &current {
        if invitee.revoked_at.is_some() || kept.contains(&invitee.id) {
            continue;
        }
        if is_whole_list {
            revoke(tx, meeting, invitee, now).await?;
            has_changed = true;
        } else if invitee.role == InviteeRole::CoHost {
            let mut input = super::model::input(invitee);
            input.email.clone_from(&invitee.email);
            input.role = Some(InviteeRole::Attendee);
            let person = Wanted { input, name: invitee.name.clone(), kind: invitee.kind };
            has_changed |= change(tx, keys, meeting, invitee, &person, now).await?.is_some();
        }
    }
    expansion::note_expected(tx, meeting.id).await?;
    Ok(has_changed)
}

/// Invites somebody. Who was invited before and is not any more is so again, with a new link.
pub(super) async fn add_or_renew(
    tx: &mut Tx,
    keys: &Keys,
    meeting: &Meeting,
    person: &Wanted,
    now: DateTime<Utc>,
) -> Result<Invitee, Problem> {
    let current = table::of_meeting(tx, meeting.id).await?;
    let invited = i64::try_from(current.len()).unwrap_or(i64::MAX);
    let invitee = match current.iter().find(|invitee| person.is(invitee)) {
        Some(invitee) if invitee.revoked_at.is_none() => return Err(Problem::taken("/email")),
        Some(invitee) => change(tx, keys, meeting, invitee, person, now).await?.ok_or(Code::Internal)?,
        None if invited >= table::MAX_INVITEES => {
            return Err(Problem::new(Code::Conflict));
        }
        None => add(tx, keys, meeting, person, now).await?,
    };
    expansion::note_expected(tx, meeting.id).await?;
    Ok(invitee)
}

async fn add(
    tx: &mut Tx,
    keys: &Keys,
    meeting: &Meeting,
    person: &Wanted,
    now: DateTime<Utc>,
) -> Result<Invitee, Problem> {
    let mut invitee = Invitee {
        id: InviteeId::new(),
        meeting_id: meeting.id,
        tenant_id: meeting.tenant_id,
        email: None,
        user_id: None,
        phone_e164: None,
        name: String::new(),
        role: InviteeRole::Attendee,
        kind: person.kind,
        response_status: ResponseStatus::NeedsAction,
        response_sequence: meeting.sequence,
        lobby_bypass: false,
        link_generation: 1,
        language: None,
        own_sequence: 0,
        revoked_at: None,
        last_notified_sequence: -1,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    person.apply(&mut invitee);
    table::insert(tx, &invitee).await?;
    phone_pins::create(tx, keys, Place::Meeting(meeting.id), PinKind::Personal, Some(invitee.id)).await?;
    note(tx, meeting, ChangeKind::InviteeAdded { invitee_id: invitee.id }).await?;
    Ok(invitee)
}

/// Changes somebody, or invites them again. None when nothing differs.
pub(super) async fn change(
    tx: &mut Tx,
    keys: &Keys,
    meeting: &Meeting,
    current: &Invitee,
    person: &Wanted,
    now: DateTime<Utc>,
) -> Result<Option<Invitee>, Problem> {
    let mut invitee = current.clone();
    let fields = person.apply(&mut invitee);
    let is_back = invitee.revoked_at.take().is_some();
    if fields.is_empty() && !is_back {
        return Ok(None);
    }
    invitee.revision += 1;
    invitee.updated_at = now;
    if is_back {
        // Whoever has the old link may not be who is invited now.
        invitee.link_generation += 1;
        // RFC 5546 §2.1.4: their calendar has seen a cancellation.
        invitee.own_sequence += 1;
        invitee.response_status = ResponseStatus::NeedsAction;
        phone_pins::create(tx, keys, Place::Meeting(meeting.id), PinKind::Personal, Some(invitee.id)).await?;
    }
    store(tx, &invitee).await?;
    let kind = if is_back {
        ChangeKind::InviteeAdded { invitee_id: invitee.id }
    } else {
        ChangeKind::InviteeChanged { invitee_id: invitee.id, fields }
    };
    note(tx, meeting, kind).await?;
    Ok(Some(invitee))
}

/// Gives somebody a new link. The old one is not valid any more.
pub(super) async fn renew_link(
    tx: &mut Tx,
    meeting: &Meeting,
    current: &Invitee,
    now: DateTime<Utc>,
) -> Result<Invitee, Problem> {
    let mut invitee = current.clone();
    invitee.link_generation += 1;
    invitee.revision += 1;
    invitee.updated_at = now;
    store(tx, &invitee).await?;
    let fields = vec!["personal_join_url".to_owned()];
    note(tx, meeting, ChangeKind::InviteeChanged { invitee_id: invitee.id, fields }).await?;
    Ok(invitee)
}

/// Withdraws an invitation: link and PIN are not valid any more.
pub(super) async fn revoke(
    tx: &mut Tx,
    meeting: &Meeting,
    current: &Invitee,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let mut invitee = current.clone();
    invitee.revoked_at = Some(now);
    // RFC 5546 §3.2.5: a cancellation is newer than what it cancels.
    invitee.own_sequence += 1;
    invitee.revision += 1;
    invitee.updated_at = now;
    store(tx, &invitee).await?;
    phone_pins::table::delete_of_invitee(tx, invitee.id).await?;
    note(tx, meeting, ChangeKind::InviteeRemoved { invitee_id: invitee.id }).await?;
    Ok(())
}

async fn store(tx: &mut Tx, invitee: &Invitee) -> Result<(), Problem> {
    let is_stored = table::update(tx, invitee).await.map_err(|error| match error {
        StoreError::Taken(_) => Problem::taken("/email"),
        error => error.into(),
    })?;
    if is_stored { Ok(()) } else { Err(Code::EtagMismatch.into()) }
}

/// Nobody hears of drafts.
async fn note(tx: &mut Tx, meeting: &Meeting, kind: ChangeKind) -> Result<(), StoreError> {
    if meeting.status == MeetingStatus::Draft {
        return Ok(());
    }
    changes::note(tx, MeetingChange { tenant_id: meeting.tenant_id, meeting_id: meeting.id, kind }).await
}
