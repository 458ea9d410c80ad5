// SPDX-License-Identifier: EUPL-1.2
//! The page on which invited people answer. Looking at it changes nothing, since mail filters look at every link.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use serde::Deserialize;
use store::StoreError;
use tracing::warn;

use super::Way;
use crate::api::language::Language;
use crate::app::App;
use crate::invitations::compose::Composer;
use crate::invitations::invitation::{Invitation, News};
use crate::invitations::mail::html::escaped;
use crate::invitations::words;
use crate::meetings::model::{Invitee, Meeting, MeetingStatus, ResponseStatus};
use crate::meetings::table as meetings;

/// Longest form: one short word.
const MAX_BODY_BYTES: usize = 1024;

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;padding:24px 12px;background:#f4f5f7;color:#1b1f24;font:17px/1.5 system-ui,sans-serif}\
main{max-width:560px;margin:0 auto;padding:24px;background:#fff;border:1px solid #d5d9e0;border-radius:8px}\
h1{margin:0 0 12px;font-size:24px;line-height:1.3;overflow-wrap:anywhere}form{display:flex;flex-wrap:wrap;gap:8px}\
button{padding:12px 18px;font:inherit;font-weight:600;border:2px solid #0b57d0;border-radius:6px;background:#fff;\
color:#0b57d0;cursor:pointer}button.chosen{background:#0b57d0;color:#fff}\
@media (prefers-color-scheme:dark){body{background:#15181c;color:#e6e8eb}main{background:#1e2227;border-color:#3a4048}\
button{background:#1e2227;color:#8ab4f8;border-color:#8ab4f8}button.chosen{background:#8ab4f8;color:#15181c}}";

/// Nothing but that style, and a form that goes to us.
static CONTENT_SECURITY_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("it has only such characters")
});

/// The answers that can be given, in the order of the buttons.
const ANSWERS: [ResponseStatus; 3] = [ResponseStatus::Accepted, ResponseStatus::Tentative, ResponseStatus::Declined];

pub(in crate::invitations) fn routes() -> Router<Arc<App>> {
    Router::new().route("/r/{token}", get(show).post(answer)).layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

#[derive(Deserialize)]
struct Choice {
    answer: Option<String>,
}

impl Choice {
    fn response(&self) -> Option<ResponseStatus> {
        ANSWERS.into_iter().find(|known| Some(known.as_str()) == self.answer.as_deref())
    }
}

/// Who answers what.
struct Asked {
    invitee: Invitee,
    meeting: Meeting,
    invitation: Invitation,
}

async fn show(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
) -> Response {
    match asked(&app, &token).await {
        Ok(Some(asked)) => question(&asked, choice.response(), None),
        Ok(None) => gone(&headers),
        Err(error) => unavailable(&error),
    }
}

async fn answer(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    Form(choice): Form<Choice>,
) -> Response {
    let asked = match asked(&app, &token).await {
        Ok(Some(asked)) => asked,
        Ok(None) => return gone(&headers),
        Err(error) => return unavailable(&error),
    };
    let Some(response) = choice.response().filter(|_| asked.meeting.status == MeetingStatus::Scheduled) else {
        return question(&asked, None, None);
    };
    match super::record(&app.store, &asked.invitee, response, asked.meeting.sequence, Way::Page).await {
        Ok(()) => question(&asked, Some(response), Some(response)),
        Err(error) => unavailable(&error),
    }
}

/// None for a token that is none, or that is not valid any more.
async fn asked(app: &App, token: &str) -> Result<Option<Asked>, StoreError> {
    let mut tx = app.store.read().await?;
    let found = super::by_token(&mut tx, &app.installation, token).await?;
    let Some(invitee) = found.filter(|invitee| invitee.revoked_at.is_none()) else { return Ok(None) };
    let meeting = meetings::find(&mut tx, Some(invitee.tenant_id), invitee.meeting_id).await?;
    let Some(meeting) = meeting.filter(|meeting| meeting.status != MeetingStatus::Draft) else { return Ok(None) };
    let composer = Composer::new(&mut tx, app, &meeting).await?;
    let invitation = composer.to(&mut tx, &invitee, News::Invited, Utc::now()).await?;
    drop(composer);
    Ok(Some(Asked { invitee, meeting, invitation }))
}

/// The question with its buttons, and thanks to those who have just answered.
fn question(asked: &Asked, chosen: Option<ResponseStatus>, given: Option<ResponseStatus>) -> Response {
    let words = words::of(asked.invitation.language);
    let title = escaped(&asked.invitation.title);
    let when = format!("<p>{}</p>", escaped(&words.when(&asked.invitation)));
    if asked.meeting.status == MeetingStatus::Cancelled {
        return page(asked.invitation.language, StatusCode::OK, &title, &[when, paragraph(words.page_cancelled)]);
    }
    let position = given.and_then(|given| ANSWERS.iter().position(|answer| *answer == given));
    let said = match position {
        Some(position) => paragraph(words.page_thanks[position]) + &paragraph(words.page_change),
        None => paragraph(words.page_question),
    };
    let chosen = chosen.or(Some(asked.invitee.response_status));
    let button = |answer: &ResponseStatus| {
        let class = if chosen == Some(*answer) { " class=\"chosen\"" } else { "" };
        format!("<button name=\"answer\" value=\"{}\"{class}>{}</button>", answer.as_str(), words.response(*answer))
    };
    let form = format!("<form method=\"post\">{}</form>", ANSWERS.iter().map(button).collect::<Vec<_>>().join("\n"));
    page(asked.invitation.language, StatusCode::OK, &title, &[when, said, form])
}

fn gone(headers: &HeaderMap) -> Response {
    let language = Language::requested(headers).unwrap_or_default();
    let words = words::of(language);
    page(language, StatusCode::GONE, words.feed_name, &[paragraph(words.page_gone)])
}

fn unavailable(error: &StoreError) -> Response {
    warn!(%error, "an answer to an invitation fails");
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], "503").into_response()
}

fn paragraph(text: &str) -> String {
    format!("<p>{}</p>", escaped(text))
}

fn page(language: Language, status: StatusCode, title: &str, parts: &[String]) -> Response {
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{}\n</main>\n</body>\n\
         </html>\n",
        language.as_str(),
        parts.join("\n"),
    );
    let mut response = (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
