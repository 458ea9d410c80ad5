// SPDX-License-Identifier: EUPL-1.2
//! Brings who is invited in line with what somebody asked for, one person or the whole list, and notes what became of it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use store::{StoreError, Tx};

use super::table;
use crate::api::ids::InviteeId;
use crate::api::problem::{Code, Invalid, Problem};
use crate::identity::keys::Keys;
use crate::identity::users::model::tidy_email;
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
    named: Named,
}

/// In which list somebody is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// Among the co-hosts, which says nothing else of who is invited already.
    CoHost,
    /// Among the invitees.
    Invitee,
    /// Among the invitees, while nothing is said of co-hosts: who is one stays one, unless their role is named.
    InviteeOnly,
}

/// Which lists an input has. What it does not have stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::meetings) struct Lists {
    pub(in crate::meetings) has_co_hosts: bool,
    pub(in crate::meetings) has_invitees: bool,
}

impl Lists {
    pub(in crate::meetings) const fn of(input: &MeetingInput) -> Self {
        Self { has_co_hosts: input.co_hosts.is_some(), has_invitees: input.invitees.is_some() }
    }
}

impl Wanted {
    fn is(&self, invitee: &Invitee) -> bool {
        let same = |left: &Option<String>, right: &Option<String>| left.is_some() && left == right;
        (self.input.user_id.is_some() && self.input.user_id == invitee.user_id)
            || same(&self.input.email, &invitee.email)
            || (self.is_only_a_number()
                && invitee.user_id.is_none()
                && invitee.email.is_none()
                && same(&self.input.phone_e164, &invitee.phone_e164))
    }

    /// Two people may have one number: it tells them apart only from those of whom nothing else is known.
    const fn is_only_a_number(&self) -> bool {
        self.input.user_id.is_none() && self.input.email.is_none()
    }

    /// Writes what is wanted over what is there.
    fn apply(&self, invitee: &mut Invitee) {
        if self.named == Named::CoHost {
            return self.apply_co_host(invitee);
        }
        let stays_co_host = self.named == Named::InviteeOnly && invitee.role == InviteeRole::CoHost;
        let role = if stays_co_host { InviteeRole::CoHost } else { InviteeRole::Attendee };
        invitee.email.clone_from(&self.input.email);
        invitee.user_id = self.input.user_id;
        invitee.phone_e164.clone_from(&self.input.phone_e164);
        invitee.name.clone_from(&self.name);
        invitee.role = self.input.role.unwrap_or(role);
        invitee.kind = self.kind;
        invitee.lobby_bypass = self.input.lobby_bypass;
        invitee.language = self.input.language;
    }

    fn apply_co_host(&self, invitee: &mut Invitee) {
        if invitee.email.is_none() {
            invitee.email.clone_from(&self.input.email);
        }
        invitee.user_id = invitee.user_id.or(self.input.user_id);
        let is_named = self.input.name.as_ref().is_some_and(|name| !name.is_empty());
        if is_named || invitee.name.is_empty() {
            invitee.name.clone_from(&self.name);
        }
        if invitee.role != InviteeRole::CoHost {
            invitee.role = InviteeRole::CoHost;
            invitee.lobby_bypass = true;
        }
    }
}

/// The names of the fields that differ.
fn differing(old: &Invitee, new: &Invitee) -> Vec<String> {
    let fields = [
        ("email", old.email != new.email),
        ("user_id", old.user_id != new.user_id),
        ("phone_e164", old.phone_e164 != new.phone_e164),
        ("name", old.name != new.name),
        ("role", old.role != new.role),
        ("type", old.kind != new.kind),
        ("lobby_bypass", old.lobby_bypass != new.lobby_bypass),
        ("language", old.language != new.language),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect()
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
    input.email = input.email.as_deref().map(tidy_email);
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
    Ok(Wanted { input, name, kind, named: Named::Invitee })
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
    let named = if input.co_hosts.is_some() { Named::Invitee } else { Named::InviteeOnly };
    let co_hosts = input.co_hosts.iter().flatten().enumerate();
    let co_hosts = co_hosts.map(|(at, person)| (format!("/co_hosts/{at}"), co_host(person), Named::CoHost));
    let invitees = input.invitees.iter().flatten().enumerate();
    let invitees = invitees.map(|(at, invitee)| (format!("/invitees/{at}"), invitee.clone(), named));
    let mut wanted = Vec::new();
    let mut known = HashSet::new();
    let people: Vec<_> = co_hosts.chain(invitees).collect();
    for (pointer, person, named) in people {
        let found = Wanted { named, ..look_up(tx, meeting, &person, &pointer, invalid).await? };
        let email = found.input.email.clone().or_else(|| found.input.phone_e164.clone());
        if email.is_some_and(|email| !known.insert(email)) {
            invalid.add(pointer, "repeated");
            continue;
        }
        wanted.push(found);
    }
    Ok(wanted)
}

/// Lets whoever else invites people to the meeting wait, so that none of them overlooks somebody.
pub(in crate::meetings) async fn lock(tx: &mut Tx, meeting: &Meeting) -> Result<(), StoreError> {
    tx.lock(&format!("invitees {}", meeting.id)).await
}

/// Brings everybody in line with the lists that there are. Who was a co-host and is not named any more is an attendee; who
/// was invited and is not named any more is so no more. Returns whether anything changed.
pub(in crate::meetings) async fn apply_all(
    tx: &mut Tx,
    keys: &Keys,
    meeting: &Meeting,
    wanted: &[Wanted],
    lists: Lists,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    if lists == (Lists { has_co_hosts: false, has_invitees: false }) {
        return Ok(false);
    }
    let current = table::active(tx, meeting.id).await?;
    let mut kept: HashSet<InviteeId> = HashSet::new();
    let mut has_changed = false;
    let mut active = current.len();
    for person in wanted {
        match current.iter().find(|invitee| person.is(invitee)) {
            Some(invitee) => {
                kept.insert(invitee.id);
                has_changed |= change(tx, keys, meeting, invitee, person, now).await?.is_some();
            }
            None => {
                invite(tx, keys, meeting, person, now).await?;
                active += 1;
                has_changed = true;
            }
        }
    }
    for invitee in current.iter().filter(|invitee| !kept.contains(&invitee.id)) {
        let is_co_host = invitee.role == InviteeRole::CoHost;
        if lists.has_invitees && (lists.has_co_hosts || !is_co_host) {
            revoke(tx, meeting, invitee, now).await?;
            active -= 1;
            has_changed = true;
        } else if lists.has_co_hosts && is_co_host {
            // They were let in past the lobby as a co-host.
            let attendee = Invitee { role: InviteeRole::Attendee, lobby_bypass: false, ..invitee.clone() };
            has_changed |= keep(tx, keys, meeting, invitee, attendee, now).await?.is_some();
        }
    }
    if active > table::MAX_INVITEES {
        let mut invalid = Invalid::default();
        invalid.add_with("/invitees", "too-many", table::MAX_INVITEES);
        invalid.finish()?;
    }
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
    let current = table::active(tx, meeting.id).await?;
    if current.iter().any(|invitee| person.is(invitee)) {
        return Err(Problem::taken("/email"));
    }
    if current.len() >= table::MAX_INVITEES {
        return Err(Code::Conflict.into());
    }
    let invitee = invite(tx, keys, meeting, person, now).await?;
    expansion::note_expected(tx, meeting.id).await?;
    Ok(invitee)
}

/// Invites somebody who is not invited now, but may have been.
async fn invite(
    tx: &mut Tx,
    keys: &Keys,
    meeting: &Meeting,
    person: &Wanted,
    now: DateTime<Utc>,
) -> Result<Invitee, Problem> {
    let phone = person.input.phone_e164.as_ref().filter(|_| person.is_only_a_number());
    match table::withdrawn(tx, meeting.id, person.input.user_id, person.input.email.as_ref(), phone).await? {
        Some(invitee) => Ok(change(tx, keys, meeting, &invitee, person, now).await?.ok_or(Code::Internal)?.0),
        None => add(tx, keys, meeting, person, now).await,
    }
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

/// Changes somebody, or invites them again. Returns what differs; none when nothing does.
pub(super) async fn change(
    tx: &mut Tx,
    keys: &Keys,
    meeting: &Meeting,
    current: &Invitee,
    person: &Wanted,
    now: DateTime<Utc>,
) -> Result<Option<(Invitee, Vec<String>)>, Problem> {
    let mut invitee = current.clone();
    person.apply(&mut invitee);
    keep(tx, keys, meeting, current, invitee, now).await
}

/// Writes over somebody what they are to be.
async fn keep(
    tx: &mut Tx,
    keys: &Keys,
    meeting: &Meeting,
    current: &Invitee,
    mut invitee: Invitee,
    now: DateTime<Utc>,
) -> Result<Option<(Invitee, Vec<String>)>, Problem> {
    let fields = differing(current, &invitee);
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
        ChangeKind::InviteeChanged { invitee_id: invitee.id, fields: fields.clone() }
    };
    note(tx, meeting, kind).await?;
    Ok(Some((invitee, fields)))
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
