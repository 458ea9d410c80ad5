// SPDX-License-Identifier: EUPL-1.2
//! Who comes by a link: somebody with an account, somebody with a personal link, or a guest. Who comes by telephone is in
//! [`super::caller`].

use axum::http::HeaderMap;
use store::{FromRow, Row, StoreError, Tx, sql};

use super::guest_browser::GuestBrowser;
use super::venue::Venue;
use crate::api::ids::UserId;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::caller::{Actor, Caller};
use crate::meeting_sessions::model::{Marks, MeetingRole, PersonKind};
use crate::meetings::invited;
use crate::meetings::invitees::{self, link};
use crate::meetings::model::{Invitee, InviteeRole};

/// How much of a guest's mark is their identity: 130 bits.
const GUEST_IDENTITY_CHARS: usize = 22;

/// Somebody who wants to join.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Person {
    /// LiveKit's: the same each time they come to this meeting.
    pub(crate) identity: String,
    pub(crate) marks: Marks,
    /// Empty when nobody has said it yet.
    pub(crate) name: String,
    pub(crate) role: MeetingRole,
    /// They need not wait, whatever the policy says of others.
    pub(crate) lobby_bypass: bool,
    /// How strongly they proved who they are, in the identity provider's words.
    pub(crate) acr: Option<String>,
}

impl Person {
    /// What kind of participant it is.
    pub(crate) fn kind(&self) -> PersonKind {
        kind_of(&self.marks)
    }

    /// Whether they come by telephone.
    pub(crate) fn calls(&self) -> bool {
        self.marks.caller.is_some()
    }

    /// Whether nobody in the organisation vouches for them.
    pub(crate) fn has_no_account(&self) -> bool {
        self.marks.user_id.is_none()
    }
}

/// What kind of participant has these marks.
pub(crate) fn kind_of(marks: &Marks) -> PersonKind {
    match marks {
        Marks { caller: Some(_), .. } => PersonKind::Phone,
        Marks { user_id: Some(_), .. } => PersonKind::User,
        Marks { invitee_id: Some(_), .. } => PersonKind::Invitee,
        _ => PersonKind::Guest,
    }
}

/// How somebody shows who they are.
pub(crate) struct Shown<'a> {
    pub(crate) caller: Option<&'a Caller>,
    /// The token of a personal link.
    pub(crate) invitation: Option<&'a str>,
    /// What a guest wants to be called.
    pub(crate) name: &'a str,
    pub(crate) headers: &'a HeaderMap,
}

/// Somebody, and the browser that a guest is known by.
pub(crate) struct Found {
    pub(crate) person: Person,
    pub(super) browser: Option<GuestBrowser>,
}

/// Finds out who it is. A personal link counts before an account, for it says what they are in this meeting.
pub(crate) async fn find(tx: &mut Tx, app: &App, venue: &Venue, shown: &Shown<'_>) -> Result<Found, Problem> {
    if let Some(token) = shown.invitation
        && let Venue::Meeting(meeting) = venue
    {
        let invitee = link::invitee(tx, &app.installation, meeting, token).await?.ok_or(Code::LinkRevoked)?;
        if invitee.revoked_at.is_some() {
            return Err(Code::LinkRevoked.into());
        }
        let person = of_invitee(tx, invitee, shown.name).await?;
        // A link says who somebody is, not how they proved it. That counts if they are signed in beside it, as themselves.
        let proof =
            shown.caller.filter(|caller| matches!(caller.actor, Actor::User(id) if person.marks.user_id == Some(id)));
        return Ok(Found {
            person: Person { acr: proof.and_then(|caller| caller.acr.clone()), ..person },
            browser: None,
        });
    }
    if let Some(Caller { actor: Actor::User(id), acr, .. }) = shown.caller
        && let Some(person) = of_account(tx, venue, *id).await?
    {
        return Ok(Found { person: Person { acr: acr.clone(), ..person }, browser: None });
    }
    let browser = GuestBrowser::known(app, shown.headers).unwrap_or_else(GuestBrowser::new);
    let mark = browser.mark(app, venue);
    let person = Person {
        identity: format!("g_{}", mark.chars().take(GUEST_IDENTITY_CHARS).collect::<String>()),
        marks: Marks { browser: Some(mark), ..Marks::default() },
        name: shown.name.trim().to_owned(),
        role: MeetingRole::Guest,
        lobby_bypass: false,
        acr: None,
    };
    Ok(Found { person, browser: Some(browser) })
}

struct Account {
    name: String,
}

impl FromRow for Account {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { name: row.get("name")? })
    }
}

/// Somebody of the organisation that the meeting belongs to. People of another one are guests.
async fn of_account(tx: &mut Tx, venue: &Venue, id: UserId) -> Result<Option<Person>, StoreError> {
    let select = sql("SELECT name FROM users WHERE id = $1 AND tenant_id = $2 AND disabled_at IS NULL");
    let Some(account) = tx.optional::<Account>(select.bind(id).bind(venue.tenant_id())).await? else {
        return Ok(None);
    };
    let invited = match venue {
        Venue::Meeting(meeting) => invited::as_what(tx, meeting.id, id).await?,
        Venue::Room(_) => None,
    };
    let role = if venue.is_moderated_by(tx, id).await? {
        MeetingRole::Host
    } else {
        invited.map_or(MeetingRole::Attendee, |invited| role_of(invited.role))
    };
    Ok(Some(Person {
        identity: format!("u_{id}"),
        marks: Marks { user_id: Some(id), ..Marks::default() },
        name: account.name,
        role,
        lobby_bypass: invited.is_some_and(|invited| invited.lobby_bypass),
        acr: None,
    }))
}

/// Whether an account is there and not disabled.
pub(crate) async fn has_account(tx: &mut Tx, id: UserId) -> Result<bool, StoreError> {
    Ok(account(tx, id).await?.is_some())
}

async fn account(tx: &mut Tx, id: UserId) -> Result<Option<Account>, StoreError> {
    tx.optional(sql("SELECT name FROM users WHERE id = $1 AND disabled_at IS NULL").bind(id)).await
}

/// Somebody who shows an invitation. Whose account is disabled does not come by it: it would be a way around that.
pub(super) async fn of_invitee(tx: &mut Tx, invitee: Invitee, given: &str) -> Result<Person, Problem> {
    let (user_id, identity, name) = match invitee.user_id {
        Some(id) => (Some(id), format!("u_{id}"), account(tx, id).await?.ok_or(Code::LinkRevoked)?.name),
        None => (None, format!("i_{}", invitee.id), invitee.name.clone()),
    };
    let name = if name.trim().is_empty() { name_of_nameless(&invitee, given) } else { name };
    Ok(Person {
        identity,
        marks: Marks { user_id, invitee_id: Some(invitee.id), ..Marks::default() },
        name,
        role: role_of(invitee.role),
        lobby_bypass: invitee.lobby_bypass,
        acr: None,
    })
}

/// What somebody is called who was invited without a name: what they say, or else the first part of their address. The whole
/// of it is for whoever invited them, not for everybody in the meeting.
fn name_of_nameless(invitee: &Invitee, given: &str) -> String {
    let given = given.trim();
    if !given.is_empty() {
        return given.to_owned();
    }
    let address = invitee.email.as_deref().unwrap_or_default();
    address.split_once('@').map_or(address, |(name, _)| name).to_owned()
}

/// What somebody is by now who came to the venue before: their invitation may have been withdrawn since, their account
/// disabled, their role may be another.
pub(crate) async fn again(tx: &mut Tx, venue: &Venue, known: &Person) -> Result<Person, Problem> {
    let person = match (venue, &known.marks) {
        (Venue::Meeting(meeting), Marks { invitee_id: Some(id), .. }) => {
            let invitee = invitees::table::find(tx, meeting.id, *id).await?;
            let invitee = invitee.filter(|invitee| invitee.revoked_at.is_none()).ok_or(Code::LinkRevoked)?;
            of_invitee(tx, invitee, &known.name).await?
        }
        (_, Marks { user_id: Some(id), .. }) => of_account(tx, venue, *id).await?.ok_or(Code::NotAdmitted)?,
        _ => return Ok(known.clone()),
    };
    Ok(Person { acr: known.acr.clone(), ..person })
}

/// Whether somebody who came as a host still is one.
pub(crate) async fn is_still_host(tx: &mut Tx, venue: &Venue, marks: &Marks) -> Result<bool, StoreError> {
    let of_account = match marks.user_id {
        Some(id) => of_account(tx, venue, id).await?,
        None => None,
    };
    let is_host = |person: &Person| person.role == MeetingRole::Host;
    if of_account.as_ref().is_some_and(is_host) {
        return Ok(true);
    }
    let (Venue::Meeting(meeting), Some(id)) = (venue, marks.invitee_id) else { return Ok(false) };
    // Whose account is disabled does not come in by the link either.
    if marks.user_id.is_some() && of_account.is_none() {
        return Ok(false);
    }
    let invitee = invitees::table::find(tx, meeting.id, id).await?;
    Ok(invitee.is_some_and(|invitee| invitee.revoked_at.is_none() && invitee.role == InviteeRole::CoHost))
}

const fn role_of(role: InviteeRole) -> MeetingRole {
    match role {
        InviteeRole::CoHost => MeetingRole::Host,
        InviteeRole::Presenter => MeetingRole::Presenter,
        InviteeRole::Attendee => MeetingRole::Attendee,
        InviteeRole::Listener => MeetingRole::Listener,
        InviteeRole::Interpreter => MeetingRole::Interpreter,
        InviteeRole::Captioner => MeetingRole::Captioner,
    }
}
