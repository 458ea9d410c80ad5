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
use crate::api::problem::Problem;
use crate::app::App;
use crate::invitations::compose::Composer;
use crate::invitations::invitation::{Invitation, News};
use crate::invitations::mail::html::escaped;
use crate::invitations::visitors;
use crate::invitations::words::{self, Words};
use crate::meetings::model::{Invitee, Meeting, MeetingStatus, ResponseStatus};
use crate::meetings::table as meetings;

/// Longest form: one short word.
const MAX_BODY_BYTES: usize = 1024;

/// What the paths of these pages begin with.
pub(in crate::invitations) const PATH: &str = "/r/";

/// Contrasts of 4.5 or more in light and dark, buttons of 44 pixels and more, and a clear focus (WCAG 2.2, 1.4.3, 2.5.5,
/// 2.4.7). Nothing in it needs JavaScript.
const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;padding:24px 12px;background:#f4f5f7;color:#1b1f24;font:17px/1.5 system-ui,sans-serif}\
main{max-width:560px;margin:0 auto;padding:24px;background:#fff;border:1px solid #d5d9e0;border-radius:8px}\
h1{margin:0 0 12px;font-size:24px;line-height:1.3;overflow-wrap:anywhere}p{overflow-wrap:anywhere}\
form{display:flex;flex-wrap:wrap;gap:8px}\
.said{padding:8px 12px;border-left:4px solid #0b57d0;background:#eaf1fd}\
button{min-height:48px;padding:10px 18px;font:inherit;font-weight:600;border:2px solid #0b57d0;border-radius:6px;\
background:#fff;color:#0b57d0;cursor:pointer}button.chosen{background:#0b57d0;color:#fff}\
button:focus-visible{outline:3px solid #1b1f24;outline-offset:2px}\
@media (prefers-color-scheme:dark){body{background:#15181c;color:#e6e8eb}main{background:#1e2227;border-color:#3a4048}\
.said{background:#263244;border-left-color:#8ab4f8}\
button{background:#1e2227;color:#8ab4f8;border-color:#8ab4f8}button.chosen{background:#8ab4f8;color:#15181c}\
button:focus-visible{outline-color:#e6e8eb}}";

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
    Router::new()
        .route(&format!("{PATH}{{token}}"), get(show).post(answer))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
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
    match asked(&app, &token, &headers).await {
        Ok(asked) => question(&asked, choice.response(), false),
        Err(instead) => *instead,
    }
}

async fn answer(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    Form(choice): Form<Choice>,
) -> Response {
    let mut asked = match asked(&app, &token, &headers).await {
        Ok(asked) => asked,
        Err(instead) => return *instead,
    };
    let Some(response) = choice.response().filter(|_| asked.meeting.status == MeetingStatus::Scheduled) else {
        return question(&asked, None, false);
    };
    match super::record(&app.store, &asked.invitee, response, asked.meeting.sequence, Way::Page).await {
        Ok(()) => {
            asked.invitation.recipient.response = response;
            question(&asked, None, true)
        }
        Err(error) => unavailable(&error, &headers),
    }
}

/// Who is asked, and what. Otherwise the page that says why nobody is.
async fn asked(app: &App, token: &str, headers: &HeaderMap) -> Result<Asked, Box<Response>> {
    let found = find(app, token).await.map_err(|error| Box::new(unavailable(&error, headers)))?;
    match found {
        Some(Ok(asked)) => Ok(asked),
        Some(Err(problem)) => Err(Box::new(visitors::wait(busy(headers), &problem))),
        None => Err(Box::new(gone(headers))),
    }
}

/// None for a token that is none, or that is not valid any more; a problem for one that is used too often.
async fn find(app: &App, token: &str) -> Result<Option<Result<Asked, Problem>>, StoreError> {
    let mut tx = app.store.read().await?;
    let found = super::by_token(&mut tx, &app.installation, token).await?;
    let Some(invitee) = found.filter(|invitee| invitee.revoked_at.is_none()) else { return Ok(None) };
    if let Err(problem) = app.api.check_link(token) {
        return Ok(Some(Err(problem)));
    }
    let meeting = meetings::find(&mut tx, Some(invitee.tenant_id), invitee.meeting_id).await?;
    let Some(meeting) = meeting.filter(|meeting| meeting.status != MeetingStatus::Draft) else { return Ok(None) };
    let composer = Composer::new(&mut tx, app, &meeting).await?;
    let invitation = composer.to(&mut tx, &invitee, News::Invited, Utc::now()).await?;
    drop(composer);
    Ok(Some(Ok(Asked { invitee, meeting, invitation })))
}

/// The question, or thanks to somebody who `has_just_answered`.
fn question(asked: &Asked, proposed: Option<ResponseStatus>, has_just_answered: bool) -> Response {
    let is_cancelled = asked.meeting.status == MeetingStatus::Cancelled;
    let parts = parts(&asked.invitation, is_cancelled, proposed, has_just_answered);
    page(asked.invitation.language, StatusCode::OK, &escaped(&asked.invitation.title), &parts)
}

/// The question with its buttons. `proposed` is the answer that a link in a mail stands for, and which a button confirms.
fn parts(
    invitation: &Invitation,
    is_cancelled: bool,
    proposed: Option<ResponseStatus>,
    has_just_answered: bool,
) -> Vec<String> {
    let words = words::of(invitation.language);
    let when = paragraph(&words.when(invitation));
    if is_cancelled {
        return vec![when, paragraph(words.page_cancelled)];
    }
    let mut parts = vec![paragraph(&Words::fill(words.lead_new, invitation.organizer.shown())), when];
    let given = invitation.recipient.response;
    if let Some(position) = ANSWERS.iter().position(|answer| *answer == given) {
        let thanks = if has_just_answered { format!("{} ", words.page_thanks) } else { String::new() };
        let text = escaped(&format!("{thanks}{} {}", words.page_said[position], words.page_change));
        parts.push(format!("<p class=\"said\" role=\"status\">{text}</p>"));
    }
    parts.push(match proposed {
        Some(proposed) if proposed != given => paragraph(&Words::fill(words.page_confirm, words.response(proposed))),
        _ => paragraph(words.page_question),
    });
    let chosen = proposed.unwrap_or(given);
    let button = |answer: &ResponseStatus| {
        let class = if chosen == *answer { " class=\"chosen\"" } else { "" };
        format!("<button name=\"answer\" value=\"{}\"{class}>{}</button>", answer.as_str(), words.response(*answer))
    };
    parts.push(format!("<form method=\"post\">{}</form>", ANSWERS.iter().map(button).collect::<Vec<_>>().join("\n")));
    parts
}

/// What somebody is told who comes too often.
pub(in crate::invitations) fn busy(headers: &HeaderMap) -> Response {
    plain(headers, StatusCode::TOO_MANY_REQUESTS, |words| words.page_busy)
}

fn gone(headers: &HeaderMap) -> Response {
    plain(headers, StatusCode::GONE, |words| words.page_gone)
}

fn unavailable(error: &StoreError, headers: &HeaderMap) -> Response {
    warn!(%error, "an answer to an invitation fails");
    let mut response = plain(headers, StatusCode::SERVICE_UNAVAILABLE, |words| words.page_unavailable);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// A sentence to somebody of whom nothing is known.
fn plain(headers: &HeaderMap, status: StatusCode, sentence: fn(&Words) -> &'static str) -> Response {
    let language = Language::requested(headers).unwrap_or_default();
    let words = words::of(language);
    page(language, status, words.feed_name, &[paragraph(sentence(words))])
}

fn paragraph(text: &str) -> String {
    format!("<p>{}</p>", escaped(text))
}

fn page(language: Language, status: StatusCode, title: &str, parts: &[String]) -> Response {
    let html = html(language, title, parts);
    let mut response = (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn html(language: Language, title: &str, parts: &[String]) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{}\n</main>\n</body>\n\
         </html>\n",
        language.as_str(),
        parts.join("\n"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invitations::samples::{golden, single};

    #[test]
    fn pages_say_what_they_said() {
        let check = |name: &str, response, proposed, has_just_answered| {
            for language in [Language::De, Language::En] {
                let mut invitation = Invitation { language, ..single() };
                invitation.recipient.response = response;
                let parts = parts(&invitation, name == "cancelled", proposed, has_just_answered);
                let html = html(language, &escaped(&invitation.title), &parts);
                golden("answers", &format!("{name}.{}.html", language.as_str()), &html);
            }
        };
        let (unanswered, declined) = (ResponseStatus::NeedsAction, ResponseStatus::Declined);
        check("question", unanswered, None, false);
        check("confirm", unanswered, Some(ResponseStatus::Accepted), false);
        check("thanks", declined, None, true);
        check("cancelled", unanswered, None, false);
    }
}
