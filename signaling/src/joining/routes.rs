// SPDX-License-Identifier: EUPL-1.2
//! What the page behind a link asks: what it is about, and to come in.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use store::{FromRow, Row, StoreError, Tx, sql};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::admission::{Admission, Presence};
use super::decision::{Decision, Doubt, WaitsFor};
use super::door::{AtDoor, Scene};
use super::person::{self, Shown};
use super::venue::{Timing, Venue};
use crate::api::answer::Answer;
use crate::api::body::Body;
use crate::api::client_address::network;
use crate::api::context::Anyone;
use crate::api::ids::{LobbyEntryId, MeetingSessionId, TenantId};
use crate::api::language::Language;
use crate::api::path::Path;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::keys::Purpose;
use crate::identity::secret;
use crate::lobby::queue::{self, Newcomer};
use crate::lobby::table::{self, Entry, LobbyStatus, MAX_WAITING_PER_ADDRESS};
use crate::lobby::{self, ticket};
use crate::meeting_sessions::model::MeetingRole;
use crate::meetings::policies::rules::Guests;
use crate::meetings::tenant::{self, DialInNumber};
use crate::phone;

/// How often it is tried to let somebody in: the run that they come to may end at that very moment, and the next begins.
pub(super) const TRIES: usize = 3;

/// The header in which a page shows the token of a personal link.
const INVITATION_HEADER: &str = "saal-invitation";

/// The API's functions for joining.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(look, join))
}

/// What somebody who holds a link may know before coming in.
#[derive(Debug, Serialize, ToSchema)]
struct JoinPage {
    /// Whose meeting it is.
    organisation: String,
    /// What it is about. Null for whoever has not shown who they are.
    title: Option<String>,
    /// Whether it is going on.
    is_running: bool,
    /// When it begins, if it is at a time.
    starts_at: Option<DateTime<Utc>>,
    /// Whether it is over, or does not take place.
    is_over: bool,
    /// Whether somebody may come who has neither an account nor a personal link.
    takes_guests: bool,
    /// How to come by telephone, where that works now for whoever has the link and no PIN. Else null.
    dial_in: Option<JoinPageDialIn>,
    /// Who it takes whoever asks for. Null is a stranger.
    you: Option<JoinPagePerson>,
    /// Whether what is written there is kept after the end.
    keeps_chat: bool,
    /// Whether it is kept after the end who was there.
    keeps_attendance: bool,
    /// The organisation's language.
    language: Language,
    /// Where its legal texts are.
    legal: JoinPageLegal,
}

/// How to come by telephone.
#[derive(Debug, Serialize, ToSchema)]
struct JoinPageDialIn {
    /// The numbers to call.
    numbers: Vec<DialInNumber>,
    /// What to key in, with `#` behind it. Where a PIN is asked for then, `#` alone is enough.
    #[schema(example = "4815162342")]
    conference_id: String,
}

/// Somebody who is known.
#[derive(Debug, Serialize, ToSchema)]
struct JoinPagePerson {
    /// What the others will read.
    name: String,
    /// What they are in the meeting.
    role: MeetingRole,
}

/// Where an organisation's legal texts are.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
struct JoinPageLegal {
    /// What becomes of personal data.
    privacy_url: Option<String>,
    /// Who is responsible.
    imprint_url: Option<String>,
    /// How it can be used with disabilities.
    accessibility_url: Option<String>,
}

/// Asks to come in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinRequest {
    /// What a guest wants to be called. Others have a name already.
    #[serde(default)]
    #[schema(max_length = 80)]
    name: String,
    /// What stands behind `#i=` in a personal link.
    #[schema(max_length = 200)]
    invitation: Option<String>,
}

/// Let in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LobbyAdmitted {
    /// `admitted`
    pub(crate) status: LobbyStatus,
    /// The room token, for any LiveKit client.
    pub(crate) token: String,
    /// The run of the meeting.
    pub(crate) session_id: MeetingSessionId,
    /// What it is about.
    pub(crate) title: String,
    /// What they are in it.
    pub(crate) role: MeetingRole,
}

/// Not let in yet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LobbyWaiting {
    /// `waiting`
    pub(crate) status: LobbyStatus,
    /// The place in the queue.
    pub(crate) entry_id: LobbyEntryId,
    /// With it the browser asks how it stands. Only the first answer has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ticket: Option<String>,
    /// What they wait for.
    pub(crate) waits_for: WaitsFor,
    /// The how manieth they are, from 1.
    pub(crate) position: i64,
    /// How it stands, for asking what has changed since.
    pub(crate) state: String,
    /// Since when they wait.
    pub(crate) since: DateTime<Utc>,
    /// When the meeting begins, if it is at a time.
    pub(crate) starts_at: Option<DateTime<Utc>>,
}

impl LobbyWaiting {
    pub(crate) fn new(
        entry: &Entry,
        ticket: Option<String>,
        waits_for: WaitsFor,
        position: i64,
        starts_at: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            status: LobbyStatus::Waiting,
            entry_id: entry.id,
            ticket,
            waits_for,
            position,
            state: format!("{}-{position}", waits_for.as_str()),
            since: entry.created_at,
            starts_at,
        }
    }
}

struct Organisation {
    name: String,
    keeps_attendance: bool,
    language: Language,
    legal: JoinPageLegal,
}

impl FromRow for Organisation {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let (locale, mut settings): (String, Json) = (row.get("locale")?, row.json("settings")?);
        let legal = serde_json::from_value(settings["legal"].take()).unwrap_or_default();
        let name = match settings["branding"]["display_name"].as_str() {
            Some(name) => name.to_owned(),
            None => row.get("name")?,
        };
        let keeps_attendance = settings["keep_attendance"].as_bool().unwrap_or_default();
        Ok(Self { name, keeps_attendance, language: Language::from_tag(&locale).unwrap_or_default(), legal })
    }
}

async fn organisation(tx: &mut Tx, tenant: TenantId) -> Result<Organisation, StoreError> {
    tx.one(sql("SELECT name, locale, settings FROM tenants WHERE id = $1").bind(tenant)).await
}

/// How whoever has no more than the link can come by telephone.
async fn dial_in(tx: &mut Tx, scene: &Scene, now: DateTime<Utc>) -> Result<Option<JoinPageDialIn>, StoreError> {
    let Scene { venue, session, terms } = scene;
    if !phone::takes_strangers(tx, venue, terms, session.is_some(), now).await? {
        return Ok(None);
    }
    let Some(tenant) = tenant::find(tx, venue.tenant_id()).await? else { return Ok(None) };
    let numbers = tenant::dial_in_numbers(tx, &tenant).await?;
    let conference_id = venue.conference_id().to_owned();
    Ok((!numbers.is_empty()).then_some(JoinPageDialIn { numbers, conference_id }))
}

async fn venue(tx: &mut Tx, code: &str) -> Result<Venue, Problem> {
    let venue = Venue::by_code(tx, code).await?.filter(|venue| !venue.is_draft());
    venue.ok_or(Code::NotFound.into())
}

/// Shows what a link leads to
///
/// A stranger learns whose meeting it is and whether it takes guests, but not what it is about.
#[utoipa::path(get, path = "/join/{code}", tag = "Joining", security(()),
    params(("code" = String, Path, description = "What stands behind `/m/` in the link."),
        ("Saal-Invitation" = Option<String>, Header, description = "What stands behind `#i=` in a personal link.")),
    responses((status = 200, body = JoinPage)))]
async fn look(anyone: Anyone, Path(code): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let app = &anyone.app;
    let mut tx = app.store.read().await?;
    let venue = venue(&mut tx, &code).await?;
    let now = Utc::now();
    let scene = Scene::of(&mut tx, venue, now).await?;
    let Scene { venue, session, terms } = &scene;
    let invitation = headers.get(INVITATION_HEADER).and_then(|value| value.to_str().ok());
    let shown = Shown { caller: anyone.caller.as_ref(), invitation, name: "", headers: &headers };
    let person = person::find(&mut tx, app, venue, &shown).await?.person;
    let is_running = session.is_some();
    let is_stranger = person.role == MeetingRole::Guest;
    let organisation = organisation(&mut tx, venue.tenant_id()).await?;
    let dial_in = dial_in(&mut tx, &scene, now).await?;
    let page = JoinPage {
        organisation: organisation.name,
        title: (!is_stranger).then(|| venue.title().to_owned()),
        is_running,
        starts_at: scene.starts_at(),
        is_over: terms.timing == Timing::Over && !is_running,
        takes_guests: terms.rules.guests == Guests::Link,
        keeps_chat: terms.rules.keep_chat,
        keeps_attendance: organisation.keeps_attendance,
        dial_in,
        you: (!is_stranger).then_some(JoinPagePerson { name: person.name, role: person.role }),
        language: organisation.language,
        legal: organisation.legal,
    };
    Ok(Answer::ok(&page)?.into_response())
}

/// Asks to come in
///
/// Whoever may come in gets a room token at once. Others get a place in the lobby, or are told why not.
#[utoipa::path(post, path = "/join/{code}", tag = "Joining", request_body = JoinRequest, security(()),
    params(("code" = String, Path, description = "What stands behind `/m/` in the link.")),
    responses((status = 200, body = LobbyAdmitted), (status = 202, body = LobbyWaiting)))]
async fn join(
    anyone: Anyone,
    Path(code): Path<String>,
    headers: HeaderMap,
    Body(request): Body<JoinRequest>,
) -> Result<Response, Problem> {
    let knock = Knock { anyone: &anyone, code: &code, headers: &headers, request: &request };
    for _ in 0..TRIES {
        if let Some(response) = knock.answer().await? {
            return Ok(response);
        }
    }
    Err(Code::Unavailable.into())
}

/// Somebody who asks to come in.
struct Knock<'a> {
    anyone: &'a Anyone,
    code: &'a str,
    headers: &'a HeaderMap,
    request: &'a JoinRequest,
}

impl Knock<'_> {
    /// Lets them in, has them wait or refuses. `None`: the run that they were let into was over a moment later.
    async fn answer(&self) -> Result<Option<Response>, Problem> {
        let (app, now) = (&self.anyone.app, Utc::now());
        // First without keeping others from writing: most who are refused are nobody's business, and rooms may be busy.
        let mut tx = app.store.read().await?;
        let at_venue = venue(&mut tx, self.code).await?;
        let seen = self.examine(&mut tx, at_venue, Presence::UNKNOWN, now).await?;
        drop(tx);
        let presence = seen.door.presence(app).await;
        match seen.door.decision {
            Decision::Refuse(code) if code != Code::Banned && !presence.is_inside() => return Err(code.into()),
            Decision::Refuse(_) => {}
            _ if seen.door.person.name.is_empty() => return Err(Problem::field("/name", "required")),
            _ => {}
        }
        let mut tx = app.store.write_with_others().await?;
        let at_venue = venue(&mut tx, self.code).await?;
        // From here on nobody is removed there, and nothing is locked or ended, before this is kept.
        tx.lock(&at_venue.id()).await?;
        let coming = self.examine(&mut tx, at_venue, presence, now).await?;
        let cookie = coming.cookie.clone();
        let response = match coming.door.decision {
            Decision::Admit => coming.admit(tx).await?,
            Decision::Wait(waits_for) => Some(coming.wait(tx, waits_for, now).await?),
            Decision::Refuse(code) => return coming.refuse(tx, code).await.map(Some),
        };
        Ok(response.map(|mut response| {
            if let Some(cookie) = cookie {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }))
    }

    /// Looks who it is, and what becomes of them.
    async fn examine(
        &self,
        tx: &mut Tx,
        venue: Venue,
        presence: Presence,
        now: DateTime<Utc>,
    ) -> Result<Coming<'_>, Problem> {
        let app = &self.anyone.app;
        let invitation = self.request.invitation.as_deref().filter(|token| !token.is_empty());
        let caller = self.anyone.caller.as_ref();
        let shown = Shown { caller, invitation, name: &self.request.name, headers: self.headers };
        let found = person::find(tx, app, &venue, &shown).await?;
        let (person, cookie) = (found.person, found.browser.map(|browser| browser.cookie(app)));
        let scene = Scene::of(tx, venue, now).await?;
        let door = AtDoor::examine(tx, app, scene, person, (presence, Doubt::None), now).await?;
        Ok(Coming { anyone: self.anyone, door, cookie })
    }
}

/// Somebody at the door.
struct Coming<'a> {
    anyone: &'a Anyone,
    door: AtDoor,
    /// For a browser that had none.
    cookie: Option<HeaderValue>,
}

impl Coming<'_> {
    async fn admit(self, tx: Tx) -> Result<Option<Response>, Problem> {
        let (app, role) = (&self.anyone.app, self.door.person.role);
        let (venue, admission) = self.door.admit(tx, app, &self.anyone.request_id).await?;
        admitted(app, &admission, venue.title(), role).await
    }

    async fn wait(self, mut tx: Tx, waits_for: WaitsFor, now: DateTime<Utc>) -> Result<Response, Problem> {
        let (app, door) = (&self.anyone.app, self.door);
        if let Some(pause) = door.entry.as_ref().and_then(|entry| entry.pause(now)) {
            return Err(Problem::from(Code::NotAdmitted).retry_after(pause.to_std().unwrap_or_default()));
        }
        let (venue, secret) = (door.scene.venue.id(), ticket::make());
        let entry = match door.waiting_entry(now) {
            Some(entry) => {
                table::renew(&mut tx, entry, &secret::hash(&secret), &door.person.name, now).await?;
                entry.clone()
            }
            None => {
                let newcomer = Newcomer {
                    venue: &door.scene.venue,
                    person: &door.person,
                    waits_for,
                    ticket_hash: secret::hash(&secret),
                    address_mark: &address_mark(app, &venue, self.anyone.address),
                    most_from_there: MAX_WAITING_PER_ADDRESS,
                    request_id: &self.anyone.request_id,
                };
                queue::enter(&mut tx, newcomer, now).await?
            }
        };
        let position = table::position(&mut tx, &entry, now).await?;
        tx.commit().await?;
        let starts_at = door.scene.starts_at();
        lobby::changed(app, &venue, door.scene.session.map(|session| session.id)).await?;
        let waiting = LobbyWaiting::new(&entry, Some(secret), waits_for, position, starts_at);
        Ok(Answer::with_status(StatusCode::ACCEPTED, &waiting)?.into_response())
    }

    async fn refuse(self, tx: Tx, code: Code) -> Result<Response, Problem> {
        self.door.refuse(tx, code, &self.anyone.request_id).await?;
        Err(code.into())
    }
}

/// The answer for somebody who is let in. `None`: the run is over by now.
pub(crate) async fn admitted(
    app: &Arc<App>,
    admission: &Admission,
    title: &str,
    role: MeetingRole,
) -> Result<Option<Response>, Problem> {
    let Some(token) = admission.token(app).await? else { return Ok(None) };
    let answer = LobbyAdmitted {
        status: LobbyStatus::Admitted,
        token,
        session_id: admission.session.id,
        title: title.to_owned(),
        role,
    };
    Ok(Some(Answer::ok(&answer)?.into_response()))
}

/// By which those from one address are counted. It says nothing of the address, and differs from meeting to meeting.
fn address_mark(app: &App, venue: &str, address: Option<IpAddr>) -> String {
    let address = address.map(|address| network(address).to_string()).unwrap_or_default();
    let parts: [&[u8]; 3] = [b"address", venue.as_bytes(), address.as_bytes()];
    app.installation.derive_text(Purpose::GuestBrowser, &parts)
}
