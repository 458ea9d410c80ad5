// SPDX-License-Identifier: EUPL-1.2
//! The words in English.

use crate::identity::oidc::page::Refusal;

pub(super) const AGAIN: &str = "Sign in again";

pub(super) const SIGN_OUT: (&str, &str) = ("Sign out of Saal?", "Sign out");

pub(super) const fn refusal(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::NotConfigured => {
            ("No sign-in here", "This server has no identity provider. Sign in with address and password.")
        }
        Refusal::ProviderAway => (
            "The sign-in service does not answer",
            "Your organisation&#39;s sign-in service cannot be reached. Try again in a moment. Whoever has a password \
             for Saal can use that meanwhile.",
        ),
        Refusal::Busy => ("Too many at once", "Many people are signing in right now. Try again in a moment."),
        Refusal::NotBegun => (
            "The sign-in took too long",
            "This sign-in did not begin in this browser, or too long ago. Begin again, and allow cookies for this site.",
        ),
        Refusal::NotGranted => {
            ("Not signed in", "Your organisation&#39;s sign-in service did not complete the sign-in.")
        }
        Refusal::BadToken => (
            "The sign-in could not be verified",
            "What the sign-in service sent does not fit. Begin again; if it happens once more, tell the administrators.",
        ),
        Refusal::NoAddress => {
            ("No confirmed address", "The sign-in service confirms no e-mail address of yours. Ask the administrators.")
        }
        Refusal::NoAccount => ("No account", "You have no account here. Ask the administrators for one."),
        Refusal::NoTenant => {
            ("No organisation", "You belong to no organisation that is known here. Ask the administrators.")
        }
        Refusal::OtherTenant => (
            "Another organisation",
            "Your account belongs to another organisation than the sign-in service says. Ask the administrators.",
        ),
        Refusal::NoRole => ("No role", "The sign-in service gives you no role for Saal. Ask the administrators."),
        Refusal::Disabled => ("Account disabled", "Your account is disabled. Ask the administrators."),
        Refusal::TooWeak => (
            "A stronger sign-in is needed",
            "You have to sign in by a stronger method, for instance with a second factor.",
        ),
        Refusal::Forged => ("Origin not proven", "Signing out works only from a page of this server."),
        Refusal::Unavailable => ("Not possible at present", "This is not possible at present. Try again shortly."),
    }
}
