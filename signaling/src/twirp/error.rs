// SPDX-License-Identifier: EUPL-1.2
//! Errors as Twirp writes them: a code, words, and the HTTP status that goes with the code (Twirp wire protocol v7).

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use store::StoreError;
use tracing::error;

use crate::api::problem::Problem;
use crate::rooms::output::ControlError;

/// A kind of error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    BadRoute,
    Malformed,
    InvalidArgument,
    Unauthenticated,
    NotFound,
    AlreadyExists,
    FailedPrecondition,
    Aborted,
    ResourceExhausted,
    DeadlineExceeded,
    Unimplemented,
    Internal,
    Unavailable,
}

impl Code {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::BadRoute => "bad_route",
            Self::Malformed => "malformed",
            Self::InvalidArgument => "invalid_argument",
            Self::Unauthenticated => "unauthenticated",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::FailedPrecondition => "failed_precondition",
            Self::Aborted => "aborted",
            Self::ResourceExhausted => "resource_exhausted",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Unimplemented => "unimplemented",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BadRoute | Self::NotFound => StatusCode::NOT_FOUND,
            Self::Malformed | Self::InvalidArgument => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::AlreadyExists | Self::Aborted => StatusCode::CONFLICT,
            Self::FailedPrecondition => StatusCode::PRECONDITION_FAILED,
            // Only for bodies that are too large.
            Self::ResourceExhausted => StatusCode::PAYLOAD_TOO_LARGE,
            Self::DeadlineExceeded => StatusCode::REQUEST_TIMEOUT,
            Self::Unimplemented => StatusCode::NOT_IMPLEMENTED,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Why a method fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TwirpError {
    pub(super) code: Code,
    pub(super) message: Cow<'static, str>,
}

impl TwirpError {
    pub(super) fn new(code: Code, message: &'static str) -> Self {
        Self { code, message: message.into() }
    }

    /// One that names a field. `message` quotes nothing of a request.
    pub(super) fn of_field(code: Code, field: &str, message: &str) -> Self {
        Self { code, message: format!("{field}: {message}").into() }
    }

    /// One for all tokens that do not do.
    pub(super) fn denied() -> Self {
        Self::new(Code::Unauthenticated, "permissions denied")
    }

    pub(super) fn no_such_participant() -> Self {
        Self::from(ControlError::NoSuchParticipant)
    }

    pub(super) fn no_such_room() -> Self {
        Self::new(Code::NotFound, "requested room does not exist")
    }
}

impl From<StoreError> for TwirpError {
    fn from(error: StoreError) -> Self {
        if !error.may_pass() {
            error!(%error, "the database does not do what it should");
        }
        Self::new(Code::Unavailable, "the database is away")
    }
}

impl From<Problem> for TwirpError {
    /// What the REST API would say. Its words are for people; these are for whoever writes software.
    fn from(problem: Problem) -> Self {
        use crate::api::problem::Code as Why;
        let (code, message) = match problem.code() {
            Why::NotFound => (Code::NotFound, "there is no such caller or meeting"),
            Why::Invalid if problem.names_field("no-number") => (Code::InvalidArgument, "that is no telephone number"),
            Why::Invalid => (Code::InvalidArgument, "a value is not what it must be"),
            Why::Unauthenticated | Why::Forbidden | Why::InsufficientScope => return Self::denied(),
            Why::NumberNotAllowed => (Code::InvalidArgument, "that number may not be called"),
            Why::DialOutOff => (Code::FailedPrecondition, "telephones may not be called from this meeting"),
            Why::NoTrunk => (Code::FailedPrecondition, "there is no such trunk by which to call"),
            Why::MinutesUsedUp => (Code::FailedPrecondition, "the minutes of today are used up"),
            Why::TooManyCalls => (Code::FailedPrecondition, "as many calls are being made as there may be"),
            Why::BeingCalled => (Code::FailedPrecondition, "that number rings already for the meeting"),
            Why::CalledTooOften => (Code::FailedPrecondition, "as many were called within an hour as may be"),
            Why::MeetingEnded => (Code::FailedPrecondition, "the meeting is over"),
            Why::MeetingFull => (Code::FailedPrecondition, "the meeting is full"),
            Why::PhonesExcluded | Why::AcrTooLow => {
                (Code::FailedPrecondition, "no telephone can come into this meeting")
            }
            Why::MeetingLocked => (Code::FailedPrecondition, "the meeting is locked"),
            Why::GuestsForbidden => (Code::FailedPrecondition, "the meeting takes no guests"),
            Why::Conflict => (Code::FailedPrecondition, "it is not in the state for that"),
            Why::Unavailable | Why::RateLimited => (Code::Unavailable, "it cannot be done at present"),
            _ => (Code::Internal, "it could not be done"),
        };
        Self::new(code, message)
    }
}

impl From<ControlError> for TwirpError {
    fn from(error: ControlError) -> Self {
        use crate::rooms::details::TooLong;
        match error {
            ControlError::NoSuchParticipant => Self::new(Code::NotFound, "participant does not exist"),
            ControlError::NoSuchTrack => Self::new(Code::NotFound, "track is not found"),
            ControlError::TooLong(TooLong::Name) => Self::new(Code::InvalidArgument, "name length exceeds limits"),
            ControlError::TooLong(TooLong::Metadata) => {
                Self::new(Code::InvalidArgument, "metadata size exceeds limits")
            }
            ControlError::TooLong(TooLong::Attributes) => {
                Self::new(Code::InvalidArgument, "attributes size exceeds limits")
            }
            ControlError::RemoteUnmute => Self::new(Code::FailedPrecondition, "remote unmute not enabled"),
            ControlError::RoomClosed => Self::no_such_room(),
        }
    }
}

impl IntoResponse for TwirpError {
    fn into_response(self) -> Response {
        let body = json!({ "code": self.code.as_str(), "msg": self.message }).to_string();
        // LiveKit's SDKs compare the type as a whole.
        let content_type = HeaderValue::from_static("application/json");
        (self.code.status(), [(header::CONTENT_TYPE, content_type)], body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::problem::Code as Why;

    #[test]
    fn what_the_rest_api_refuses_is_no_fault_of_ours() {
        let code = |problem: Problem| TwirpError::from(problem).code;
        for why in [Why::AcrTooLow, Why::MeetingEnded, Why::MeetingFull, Why::PhonesExcluded, Why::BeingCalled] {
            assert_eq!(code(why.into()), Code::FailedPrecondition, "{why:?}");
        }
        assert_eq!(code(Why::Forbidden.into()), Code::Unauthenticated);
        assert_eq!(code(Why::Internal.into()), Code::Internal);
        let words = |field| TwirpError::from(Problem::field("/number", field)).message;
        assert_eq!(words("no-number"), "that is no telephone number");
        assert_ne!(words("too-long"), "that is no telephone number");
    }
}
