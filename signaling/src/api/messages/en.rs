// SPDX-License-Identifier: EUPL-1.2
//! The words in English.

use crate::api::problem::Code;

/// A title, and what can be done about it.
pub(super) fn problem(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::Malformed => ("Unreadable request", "The request is not valid JSON or HTTP. Check how it is built."),
        Code::Unauthenticated => ("Sign-in needed", "Sign in, or send a valid token in the Authorization header."),
        Code::SignInRefused => {
            ("Sign-in refused", "Address and password do not belong together, or the account is disabled.")
        }
        Code::ForgeryProtection => ("Origin not proven", "Reload the page and try again."),
        Code::InsufficientScope => ("Scope missing", "The token or the role lacks the scope that this request needs."),
        Code::Forbidden => ("Not allowed", "You may not do that to this resource."),
        Code::NotFound => ("Not found", "It does not exist, or you cannot see it."),
        Code::MethodNotAllowed => ("Method not provided", "This path does not take that HTTP method."),
        Code::Taken => ("Already taken", "A value that must be unique is taken. Choose another."),
        Code::Conflict => ("Conflict with the state", "The resource's present state does not allow it. Read it again."),
        Code::CapacityExhausted => {
            ("No capacity", "There is not enough room for it. Try another time or fewer participants.")
        }
        Code::LinkRevoked => ("Link no longer valid", "This link was withdrawn. Ask for a new invitation."),
        Code::MeetingEnded => ("Meeting over", "The meeting is over, or does not take place."),
        Code::MeetingLocked => ("Meeting locked", "The host lets nobody else in. Ask the host to unlock the meeting."),
        Code::MeetingFull => ("Meeting full", "There is no place left in the meeting. Try again in a few minutes."),
        Code::LobbyFull => ("Lobby full", "Too many people are waiting already. Try again in a few minutes."),
        Code::NotAdmitted => ("Not admitted", "The host has not let you in."),
        Code::Banned => ("Excluded from the meeting", "The host has excluded you from this meeting."),
        Code::GuestsForbidden => {
            ("No guests", "This meeting takes no guests. Use your personal link, or sign in with your account.")
        }
        Code::AcrTooLow => ("Stronger sign-in needed", "Sign in as strongly as this meeting asks for."),
        Code::PhonesExcluded => (
            "Not by telephone",
            "No telephone can come into this meeting: it is encrypted from end to end, or asks for a stronger sign-in.",
        ),
        Code::DialOutOff => (
            "Calls are off",
            "No telephones are called from here. The installation's administration can turn it on for your organisation.",
        ),
        Code::NumberNotAllowed => {
            ("Number not allowed", "This number is not called: its country is not allowed, or it belongs to a service.")
        }
        Code::MinutesUsedUp => (
            "No minutes left",
            "Your organisation's calls have taken as many minutes today as they may. Try again tomorrow.",
        ),
        Code::TooManyCalls => (
            "Too many calls",
            "As many calls are being made as there may be at a time. Wait until one of them has ended.",
        ),
        Code::BeingCalled => (
            "Being called already",
            "This number is being called into the meeting at this moment. Wait for what comes of it.",
        ),
        Code::CalledTooOften => (
            "Called too often",
            "This number, or telephones in all, were called as often in the last hour as they may be. Retry-After says when again.",
        ),
        Code::NoTrunk => ("No trunk", "There is no trunk by which to call. Ask the administration."),
        Code::EtagMismatch => {
            ("Changed meanwhile", "Somebody has changed the resource meanwhile. Read it again and repeat your change.")
        }
        Code::BodyTooLarge => ("Too large", "The request is too large."),
        Code::UnsupportedMediaType => {
            ("Wrong content type", "Send the content with the right Content-Type, mostly application/json.")
        }
        Code::Invalid => ("Invalid values", "Some values are invalid; `errors` names each of them."),
        Code::IdempotencyKeyReused => {
            ("Idempotency-Key already used", "This key belongs to a different request. Use a new one.")
        }
        Code::PreconditionRequired => {
            ("If-Match needed", "Send the resource's ETag in the If-Match header, so that no change gets lost.")
        }
        Code::RateLimited => ("Too many requests", "Wait for as long as Retry-After says."),
        Code::Internal => ("Server error", "This is our fault. Tell the administrators the `request_id`."),
        Code::Unavailable => ("Not possible at present", "This is not possible at present. Try again shortly."),
    }
}

/// What is wrong with a field; `{}` is what the words need to know.
pub(super) fn field(code: &str) -> &'static str {
    match code {
        "required" => "This is missing.",
        "unknown-field" => "This is not known.",
        "wrong-type" => "This has the wrong type; expected: {}.",
        "unknown-value" => "This value is not known; possible: {}.",
        "too-long" => "At most {} characters.",
        "too-short" => "At least {} characters.",
        "too-large" => "At most {}.",
        "too-small" => "At least {}.",
        "too-many" => "At most {} entries.",
        "too-few" => "At least {} entries.",
        "repeated" => "An entry occurs more than once.",
        "wrong-format" => "Expected: {}.",
        "control-character" => "Control characters are not allowed.",
        "taken" => "Already taken.",
        "unknown-reference" => "There is no such thing.",
        "unknown-time-zone" => "No time zone of the IANA database.",
        "before-start" => "Must be after the start.",
        "in-the-past" => "Is in the past.",
        "contradiction" => "Contradicts another value: {}.",
        "not-a-rule" => "No recurrence rule of RFC 5545.",
        "no-occurrence" => "Nothing would ever happen by it.",
        "too-often" => "Repeats too often, or takes too long to work out; daily is the shortest.",
        "said-twice" => {
            "The clocks show this time twice that day, and this is the second; a series can begin at the first."
        }
        "not-by-the-rule" => "Is not what the rule says; the next that is: {}.",
        "no-start-of-the-rule" => "The rule says no start then.",
        "not-there-yet" => "This version cannot do that yet.",
        "not-public" => "Only addresses on the Internet are allowed.",
        "forbidden-value" => "You may not choose that.",
        "unchangeable" => "This cannot be changed any more.",
        "no-number" => "That is no telephone number that can be dialled from here.",
        "too-weak" => "Too easy to guess.",
        _ => "Invalid.",
    }
}
