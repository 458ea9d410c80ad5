// SPDX-License-Identifier: EUPL-1.2
//! Errors of our own API, as problem documents (RFC 9457). LiveKit's paths have their own ways.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use store::StoreError;
use tracing::error;
use utoipa::ToSchema;

use super::answer::Answer;
use super::language::Language;
use super::messages;

/// How long somebody waits before trying again while the database is away.
const RETRY_AFTER_UNAVAILABLE: Duration = Duration::from_secs(5);

/// Most errors that one answer names: what a body of nothing but errors costs is bounded.
pub(super) const MAX_ERRORS: usize = 50;

/// Bytes of a pointer that are shown. Ours are much shorter; a body may have names as long as itself.
const MAX_POINTER_BYTES: usize = 1_000;

/// What went wrong. The names never change, unlike the words: other software looks at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Code {
    /// It is not JSON, or not HTTP as it should be.
    Malformed,
    /// It is not known who asks.
    Unauthenticated,
    /// No such account, or not with that password. Which of both is not said.
    SignInRefused,
    /// A browser's request that does not prove to come from our own pages.
    ForgeryProtection,
    /// Whoever asks has not the scope.
    InsufficientScope,
    /// Whoever asks may not do that to this.
    Forbidden,
    /// It is not there, or not for whoever asks.
    NotFound,
    /// There is such a path, but not with this method.
    MethodNotAllowed,
    /// Something that must be unique is taken.
    Taken,
    /// It contradicts the state that it is in.
    Conflict,
    /// There are too few places left.
    CapacityExhausted,
    /// The link is not valid any more.
    LinkRevoked,
    /// The meeting is over, or does not take place.
    MeetingEnded,
    /// The meeting is locked.
    MeetingLocked,
    /// Nobody else fits into the meeting.
    MeetingFull,
    /// Too many wait already.
    LobbyFull,
    /// A moderator did not let them in.
    NotAdmitted,
    /// Whoever asks was banned from the meeting.
    Banned,
    /// The meeting takes no guests.
    GuestsForbidden,
    /// The meeting asks for a stronger sign-in.
    AcrTooLow,
    /// No telephone can come into the meeting.
    PhonesExcluded,
    /// From there no telephones are called.
    DialOutOff,
    /// That number is not called.
    NumberNotAllowed,
    /// The calls of today have taken as many minutes as they may.
    MinutesUsedUp,
    /// As many calls are being made as there may be.
    TooManyCalls,
    /// That telephone rings already.
    BeingCalled,
    /// That number, or any at all, was called as often as it may be.
    CalledTooOften,
    /// There is no trunk by which to call.
    NoTrunk,
    /// It was changed since it was read.
    EtagMismatch,
    /// The body is too long.
    BodyTooLarge,
    /// The body is of a type that is not taken here.
    UnsupportedMediaType,
    /// Fields are wrong; `errors` names each.
    Invalid,
    /// The Idempotency-Key was used with something else.
    IdempotencyKeyReused,
    /// A change needs If-Match.
    PreconditionRequired,
    /// Too many requests.
    RateLimited,
    /// Our fault. What it was is in the log.
    Internal,
    /// It cannot be done at present.
    Unavailable,
}

impl Code {
    /// All of them, for the documentation.
    pub(crate) const ALL: [Self; 37] = [
        Self::Malformed,
        Self::Unauthenticated,
        Self::SignInRefused,
        Self::ForgeryProtection,
        Self::InsufficientScope,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Taken,
        Self::Conflict,
        Self::CapacityExhausted,
        Self::LinkRevoked,
        Self::MeetingEnded,
        Self::MeetingLocked,
        Self::MeetingFull,
        Self::LobbyFull,
        Self::NotAdmitted,
        Self::Banned,
        Self::GuestsForbidden,
        Self::AcrTooLow,
        Self::PhonesExcluded,
        Self::DialOutOff,
        Self::NumberNotAllowed,
        Self::MinutesUsedUp,
        Self::TooManyCalls,
        Self::BeingCalled,
        Self::CalledTooOften,
        Self::NoTrunk,
        Self::EtagMismatch,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::Invalid,
        Self::IdempotencyKeyReused,
        Self::PreconditionRequired,
        Self::RateLimited,
        Self::Internal,
        Self::Unavailable,
    ];

    /// Its name and status.
    pub(crate) const fn parts(self) -> (&'static str, StatusCode) {
        match self {
            Self::Malformed => ("malformed", StatusCode::BAD_REQUEST),
            Self::Unauthenticated => ("unauthenticated", StatusCode::UNAUTHORIZED),
            Self::SignInRefused => ("sign-in-refused", StatusCode::UNAUTHORIZED),
            Self::ForgeryProtection => ("forgery-protection", StatusCode::FORBIDDEN),
            Self::InsufficientScope => ("insufficient-scope", StatusCode::FORBIDDEN),
            Self::Forbidden => ("forbidden", StatusCode::FORBIDDEN),
            Self::NotFound => ("not-found", StatusCode::NOT_FOUND),
            Self::MethodNotAllowed => ("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED),
            Self::Taken => ("taken", StatusCode::CONFLICT),
            Self::Conflict => ("conflict", StatusCode::CONFLICT),
            Self::CapacityExhausted => ("capacity-exhausted", StatusCode::CONFLICT),
            Self::LinkRevoked => ("link-revoked", StatusCode::GONE),
            Self::MeetingEnded => ("meeting-ended", StatusCode::GONE),
            Self::MeetingLocked => ("meeting-locked", StatusCode::FORBIDDEN),
            Self::MeetingFull => ("meeting-full", StatusCode::CONFLICT),
            Self::LobbyFull => ("lobby-full", StatusCode::CONFLICT),
            Self::NotAdmitted => ("not-admitted", StatusCode::FORBIDDEN),
            Self::Banned => ("banned", StatusCode::FORBIDDEN),
            Self::GuestsForbidden => ("guests-forbidden", StatusCode::FORBIDDEN),
            Self::AcrTooLow => ("acr-too-low", StatusCode::FORBIDDEN),
            Self::PhonesExcluded => ("phones-excluded", StatusCode::FORBIDDEN),
            Self::DialOutOff => ("dial-out-off", StatusCode::FORBIDDEN),
            Self::NumberNotAllowed => ("number-not-allowed", StatusCode::FORBIDDEN),
            Self::MinutesUsedUp => ("minutes-used-up", StatusCode::CONFLICT),
            Self::TooManyCalls => ("too-many-calls", StatusCode::CONFLICT),
            Self::BeingCalled => ("being-called", StatusCode::CONFLICT),
            Self::CalledTooOften => ("called-too-often", StatusCode::TOO_MANY_REQUESTS),
            Self::NoTrunk => ("no-trunk", StatusCode::CONFLICT),
            Self::EtagMismatch => ("etag-mismatch", StatusCode::PRECONDITION_FAILED),
            Self::BodyTooLarge => ("body-too-large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::UnsupportedMediaType => ("unsupported-media-type", StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::Invalid => ("invalid", StatusCode::UNPROCESSABLE_ENTITY),
            Self::IdempotencyKeyReused => ("idempotency-key-reused", StatusCode::UNPROCESSABLE_ENTITY),
            Self::PreconditionRequired => ("precondition-required", StatusCode::PRECONDITION_REQUIRED),
            Self::RateLimited => ("rate-limited", StatusCode::TOO_MANY_REQUESTS),
            Self::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR),
            Self::Unavailable => ("unavailable", StatusCode::SERVICE_UNAVAILABLE),
        }
    }

    /// Its name.
    pub(crate) const fn as_str(self) -> &'static str {
        self.parts().0
    }
}

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldError {
    /// Where it is (RFC 6901); empty is the whole body.
    pub(crate) pointer: String,
    /// What is wrong with it, of `messages::field`.
    pub(crate) code: &'static str,
    /// What the words need to know, such as a limit.
    pub(crate) value: Option<String>,
}

/// Why a request fails, in a form that becomes an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Clone, Debug, PartialEq)]
struct Parts {
    code: Code,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
    extra: Option<(&'static str, serde_json::Value)>,
    /// No problem at all: the answer that the same request got before.
    replay: Option<Answer>,
}

impl Problem {
    /// A problem that its code says all about.
    pub(crate) fn new(code: Code) -> Self {
        Self(Box::new(Parts { code, errors: Vec::new(), retry_after: None, extra: None, replay: None }))
    }

    /// Whether it is none, but the answer that the same request got before.
    pub(crate) fn is_replay(&self) -> bool {
        self.0.replay.is_some()
    }

    /// One field that is wrong.
    pub(crate) fn field(pointer: impl Into<String>, code: &'static str) -> Self {
        Self::invalid(vec![FieldError { pointer: pointer.into(), code, value: None }])
    }

    /// Fields that are wrong.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(Code::Invalid);
        problem.0.errors = errors;
        problem
    }

    /// Something that must be unique is taken: the field that says it.
    pub(crate) fn taken(pointer: impl Into<String>) -> Self {
        let mut problem = Self::new(Code::Taken);
        problem.0.errors = vec![FieldError { pointer: pointer.into(), code: "taken", value: None }];
        problem
    }

    /// The answer that the same request got before. It travels as an error because it ends the work like one.
    pub(crate) fn replay(answer: Answer) -> Self {
        let mut problem = Self::new(Code::Internal);
        problem.0.replay = Some(answer);
        problem
    }

    /// When it is worth another try.
    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// How long it is worth waiting for another try.
    pub(crate) fn wait(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Another member of the document, such as `alternatives`.
    pub(crate) fn with(mut self, name: &'static str, value: serde_json::Value) -> Self {
        self.0.extra = Some((name, value));
        self
    }

    /// What went wrong.
    pub(crate) fn code(&self) -> Code {
        self.0.code
    }

    /// Whether one of the fields that are wrong is so for that.
    pub(crate) fn names_field(&self, code: &str) -> bool {
        self.0.errors.iter().any(|error| error.code == code)
    }

    /// The document in words of `language`, without what belongs to the request.
    pub(crate) fn document(&self, language: Language) -> serde_json::Value {
        let (name, status) = self.0.code.parts();
        let (title, detail) = messages::problem(self.0.code, language);
        let mut document = json!({
            "type": format!("urn:saal:problem:{name}"),
            "title": title,
            "status": status.as_u16(),
            "detail": detail,
            "code": name,
        });
        if !self.0.errors.is_empty() {
            document["errors"] = self.0.errors.iter().map(|error| field(error, language)).collect();
        }
        if let Some((name, value)) = &self.0.extra {
            document[*name] = value.clone();
        }
        document
    }

    /// The answer, in words of `language`.
    pub(super) fn render(&self, language: Language, request_id: Option<&str>, instance: Option<&str>) -> Response {
        if let Some(answer) = &self.0.replay {
            return answer.clone().into_response();
        }
        let (_, status) = self.0.code.parts();
        let mut document = self.document(language);
        let ids = [("request_id", request_id), ("instance", instance)];
        let ids = ids.into_iter().filter_map(|(name, value)| Some((name, serde_json::Value::from(value?))));
        for (name, value) in ids {
            document[name] = value;
        }
        let mut response = (status, document.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.as_str()));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

fn field(error: &FieldError, language: Language) -> serde_json::Value {
    let detail = messages::field(error.code, error.value.as_deref(), language);
    json!({ "pointer": error.pointer, "code": error.code, "detail": detail })
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable | StoreError::Busy => {
                Self::new(Code::Unavailable).retry_after(RETRY_AFTER_UNAVAILABLE)
            }
            StoreError::Taken(_) => Self::new(Code::Taken),
            StoreError::Dangling(_) => Self::new(Code::Conflict),
            StoreError::Senseless(_) | StoreError::TooNew => {
                error!(%error, "a request failed");
                Self::new(Code::Internal)
            }
        }
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

/// The front door renders it again, in the language that was asked for and with the request's id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.render(Language::En, None, None);
        if self.0.replay.is_none() {
            response.extensions_mut().insert(self);
        }
        response
    }
}

/// Collects what is wrong with the fields of a request, so that one answer names all of it.
#[derive(Debug, Default)]
pub(crate) struct Invalid(Vec<FieldError>);

impl Invalid {
    /// Another field is wrong.
    pub(crate) fn add(&mut self, pointer: impl Into<String>, code: &'static str) {
        self.push(pointer, code, None);
    }

    /// Another field is wrong, and the words need a value.
    pub(crate) fn add_with(&mut self, pointer: impl Into<String>, code: &'static str, value: impl ToString) {
        self.push(pointer, code, Some(value.to_string()));
    }

    /// Whether as many are named as one answer names. Others are left out.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MAX_ERRORS
    }

    fn push(&mut self, pointer: impl Into<String>, code: &'static str, value: Option<String>) {
        if self.is_full() {
            return;
        }
        let mut pointer = pointer.into();
        pointer.truncate(pointer.floor_char_boundary(MAX_POINTER_BYTES));
        self.0.push(FieldError { pointer, code, value });
    }

    /// Fails when something was wrong.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}

/// A problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "only its schema is used; `Problem::render` writes it")]
pub(crate) struct ProblemDocument {
    /// Names the kind of problem, as a URI.
    #[schema(example = "urn:saal:problem:invalid")]
    r#type: String,
    /// The kind of problem in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What can be done about it, in words.
    detail: String,
    /// The kind of problem, for software. It never changes.
    #[schema(example = "invalid")]
    code: Cow<'static, str>,
    /// The path that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// To be quoted to whoever runs the server: its log has the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// Each field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<FieldProblem>>,
}

/// A field that is wrong.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "only its schema is used")]
pub(crate) struct FieldProblem {
    /// Where it is in the body (RFC 6901), or `query/NAME` for a parameter.
    #[schema(example = "/starts_at")]
    pointer: String,
    /// What is wrong with it, for software. It never changes.
    #[schema(example = "required")]
    code: String,
    /// What is wrong with it, in words.
    detail: String,
}
