// SPDX-License-Identifier: EUPL-1.2
//! Says by LiveKit's names what is wrong with a request. Nothing of it is quoted: there are passwords and numbers in it.

use super::super::error::{Code, TwirpError};
use crate::api::language::Language;
use crate::api::problem::{self, Problem};

/// What the words of the REST API's problems become.
pub(super) struct Subject {
    /// Where there is no such thing.
    pub(super) missing: &'static str,
    /// Where there are too many, or something else needs it.
    pub(super) conflict: &'static str,
    /// LiveKit's names of what stands at these places, the first that fits.
    pub(super) fields: &'static [(&'static str, &'static str)],
}

/// A field is wrong.
pub(super) fn invalid(field: &str, message: &str) -> TwirpError {
    TwirpError::of_field(Code::InvalidArgument, field, message)
}

/// A field is missing.
pub(super) fn missing(field: &str) -> TwirpError {
    invalid(field, "This is missing.")
}

/// Refuses what would be believed to hold and does not.
pub(super) fn unset(field: &str, is_set: bool, instead: &str) -> Result<(), TwirpError> {
    if is_set { Err(invalid(field, instead)) } else { Ok(()) }
}

/// What the REST API would say.
pub(super) fn refused(problem: Problem, subject: &Subject) -> TwirpError {
    match problem.code() {
        problem::Code::Invalid => of_first_field(Code::InvalidArgument, &problem, subject),
        problem::Code::Taken => of_first_field(Code::AlreadyExists, &problem, subject),
        problem::Code::NotFound => TwirpError::new(Code::NotFound, subject.missing),
        problem::Code::Conflict => TwirpError::new(Code::FailedPrecondition, subject.conflict),
        problem::Code::EtagMismatch => TwirpError::new(Code::Aborted, "it was changed meanwhile; try again"),
        _ => problem.into(),
    }
}

fn of_first_field(code: Code, problem: &Problem, subject: &Subject) -> TwirpError {
    let document = problem.document(Language::En);
    let first = &document["errors"][0];
    let place = first["pointer"].as_str().unwrap_or_default();
    let named = subject.fields.iter().find(|(known, _)| place.starts_with(*known));
    let field = named.map_or(place.trim_start_matches('/'), |(_, field)| *field);
    TwirpError::of_field(code, field, first["detail"].as_str().unwrap_or("It is there already."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: Subject = Subject {
        missing: "there is none",
        conflict: "there are too many",
        fields: &[("/credentials/password", "auth_password"), ("/credentials", "auth_username")],
    };

    #[test]
    fn a_field_has_its_name_in_the_request() {
        let said = |problem: Problem| {
            let error = refused(problem, &SUBJECT);
            (error.code, error.message.into_owned())
        };
        let of = |code, message: &str| (code, message.to_owned());
        for (place, field) in [
            ("/credentials/password", "auth_password"),
            ("/credentials/username", "auth_username"),
            ("/credentials", "auth_username"),
            ("/name", "name"),
        ] {
            let message = format!("{field}: This is missing.");
            assert_eq!(said(Problem::field(place, "required")), of(Code::InvalidArgument, &message), "{place}");
        }
        assert_eq!(said(Problem::taken("/name")), of(Code::AlreadyExists, "name: Already taken."));
        assert_eq!(said(problem::Code::NotFound.into()), of(Code::NotFound, "there is none"));
        assert_eq!(said(problem::Code::Conflict.into()), of(Code::FailedPrecondition, "there are too many"));
    }
}
