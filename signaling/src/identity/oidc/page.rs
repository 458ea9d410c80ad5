// SPDX-License-Identifier: EUPL-1.2
//! What people see when signing in does not work: words of ours, nothing that came from elsewhere.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use store::StoreError;

use super::texts::{self, Text};
use crate::api::language::Language;
use crate::api::problem::{Code, Problem};

/// Nothing is loaded, and nobody shows it in a frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";

/// Seconds after which it is worth another try.
const RETRY_AFTER_S: u16 = 10;

/// Why somebody does not get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no provider.
    NotConfigured,
    /// It does not answer, or not as it should.
    ProviderAway,
    /// Too many sign in at once.
    Busy,
    /// The browser shows nothing of a sign-in that began here, or one that took too long.
    NotBegun,
    /// The provider did not sign them in, or they changed their mind.
    NotGranted,
    /// What the provider signed is not right.
    BadToken,
    /// The provider does not vouch for an address.
    NoAddress,
    /// There is no account, and none is made.
    NoAccount,
    /// The provider sends them to no tenant that we know.
    NoTenant,
    /// Their account is in another tenant.
    OtherTenant,
    /// The provider gives them no role that we know.
    NoRole,
    /// Their account is disabled.
    Disabled,
    /// They have to prove more strongly who they are.
    TooWeak,
    /// The request comes from a page of somebody else.
    Forged,
    /// The database is away.
    Unavailable,
}

impl Refusal {
    const fn status(self) -> StatusCode {
        match self {
            Self::NotConfigured => StatusCode::NOT_FOUND,
            Self::ProviderAway | Self::Busy | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotBegun | Self::NotGranted | Self::BadToken => StatusCode::BAD_REQUEST,
            _ => StatusCode::FORBIDDEN,
        }
    }

    /// Whether trying again may help.
    const fn may_try_again(self) -> bool {
        !matches!(self, Self::NotConfigured | Self::Forged)
    }

    /// Its name, in the log.
    pub(super) fn name(self) -> String {
        format!("{self:?}")
    }

    /// The page.
    pub(super) fn page(self, headers: &HeaderMap) -> Response {
        let language = Language::requested(headers).unwrap_or_default();
        let Text { title, body } = texts::refusal(self, language);
        let mut content = format!("<p>{body}</p>");
        if self.may_try_again() {
            content.push_str(&format!("<p><a href=\"/auth/oidc/start\">{}</a></p>", texts::again(language)));
        }
        let mut response = page(self.status(), language, title, &content);
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_S.into());
        }
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            // Two browsers of one person at once: one of them made the account.
            StoreError::Unavailable | StoreError::Busy | StoreError::Taken(_) => Self::Unavailable,
            error => {
                tracing::error!(%error, "a sign-in failed");
                Self::Unavailable
            }
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        match problem.code() {
            Code::ForgeryProtection => Self::Forged,
            _ => Self::Unavailable,
        }
    }
}

/// A page of ours. All of it is written here or in `texts`.
pub(super) fn page(status: StatusCode, language: Language, title: &str, content: &str) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n</head>\n\
         <body>\n<main>\n<h1>{title}</h1>\n{content}\n</main>\n</body>\n</html>\n",
        language.as_str()
    );
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-store");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}
