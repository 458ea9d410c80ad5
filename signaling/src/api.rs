// SPDX-License-Identifier: EUPL-1.2
//! The REST API at `/api/v1`: how requests come in, how answers and problems look, and the OpenAPI document. What the
//! requests are about is in the folders of their subjects.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod client_address;
pub(crate) mod context;
pub(crate) mod docs;
pub(crate) mod etag;
mod failures;
mod front;
pub(crate) mod idempotency;
pub(crate) mod ids;
pub(crate) mod language;
mod messages;
pub(crate) mod openapi;
pub(crate) mod paging;
mod parameters;
pub(crate) mod path;
pub(crate) mod problem;
mod rate_limit;
pub(crate) mod schema;
pub(crate) mod visitor;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;

use crate::api::failures::Failures;
pub(crate) use crate::api::failures::Proof;
use crate::api::parameters::Parameters;
use crate::api::problem::{Code, Problem};
use crate::api::rate_limit::RateLimits;
use crate::api::schema::Schemas;
use crate::app::App;

/// What the API keeps between requests.
pub(crate) struct Api {
    pub(crate) description: &'static Description,
    limits: RateLimits,
    failures: Failures,
}

/// What the functions say of themselves: the same for each service.
pub(crate) struct Description {
    pub(crate) schemas: Schemas,
    parameters: Parameters,
    /// The OpenAPI document, as it is served.
    pub(crate) document: String,
}

static DESCRIPTION: LazyLock<Description> = LazyLock::new(|| {
    let document = openapi::document();
    let (schemas, parameters) = (Schemas::of(&document), Parameters::of(&document));
    Description { schemas, parameters, document: document.to_string() }
});

impl Api {
    /// Prepares it.
    pub(crate) fn new(requests_per_second: u32) -> Self {
        Self { description: &DESCRIPTION, limits: RateLimits::new(requests_per_second), failures: Failures::default() }
    }

    /// Counts a visit by a link that is its own proof, from wherever it comes.
    pub(crate) fn check_link(&self, link: &str) -> Result<(), Problem> {
        self.limits.check_link(link)
    }
}

/// Its paths.
pub(crate) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let (routes, _) = openapi::routes().split_for_parts();
    let not_found = || async { Problem::new(Code::NotFound) };
    let api = Router::new()
        .nest("/api/v1", routes.fallback(not_found))
        .method_not_allowed_fallback(|| async { Problem::new(Code::MethodNotAllowed) })
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(app.clone(), front::handle));
    api.merge(docs::routes())
}
