// SPDX-License-Identifier: EUPL-1.2
//! The audit log over the API: pages, a stream of all of it, and whether it is intact.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::Deserialize;
use store::{Store, StoreError};
use tokio::sync::Semaphore;
use tracing::warn;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::head::AuditHead;
use super::model::{AuditEvent, AuditVerification};
use super::{Filter, Order, verify};
use crate::api::answer::Answer;
use crate::api::context::Context;
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::Query;
use crate::api::problem::{Code, Invalid, Problem};
use crate::app::App;
use crate::identity::scopes::Scope;

/// Events that are read at once for a stream.
const STREAM_PAGE: i64 = 500;

/// What a stream is called.
const JSON_LINES: &str = "application/x-ndjson";

/// Looking through a chain reads all of it, so it is done for one caller at a time. Others wait, and after this long they
/// are told to come later.
const VERIFYING_PATIENCE: Duration = Duration::from_secs(5);

/// Whoever looks through a chain holds it.
static VERIFYING: Semaphore = Semaphore::const_new(1);

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(verify_chain))
}

/// How events are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// A page.
    Json,
    /// All of them, one on each line.
    Jsonl,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Shape {
    /// Which events come first: `asc`, the oldest, also without it; `desc`, the newest.
    #[param(inline)]
    order: Option<Order>,
    /// `json` is a page, `jsonl` all events, one on each line. Without it `Accept` decides.
    #[param(inline)]
    format: Option<Format>,
}

/// Lists audit events
///
/// Those of a tenant's chain; for the installation, its own chain unless the query names a tenant. `format=jsonl`, or
/// `Accept: application/x-ndjson`, streams all of them, one on each line. A stream that breaks off is not complete.
#[utoipa::path(get, path = "/audit_events", tag = "Audit log", params(Filter, Shape, PageRequest),
    security(("api_token" = ["audit:read"])),
    responses((status = 200, content((PageOf<AuditEvent> = "application/json"), (String = "application/x-ndjson")))))]
async fn list(
    context: Context,
    Query(filter): Query<Filter>,
    Query(shape): Query<Shape>,
    page: Page<i64>,
) -> Result<Response, Problem> {
    context.require(Scope::AuditRead)?;
    let tenant = chain(&context)?;
    let order = shape.order.unwrap_or_default();
    let wants_lines = match shape.format {
        Some(format) => format == Format::Jsonl,
        None => accepts_lines(&context.headers),
    };
    if wants_lines {
        return Ok(lines(Lines { store: context.app.store.clone(), tenant, filter, order, after: page.after }));
    }
    let found = filter.page(&mut context.read().await?, &tenant, order, page.after, page.probe()).await?;
    let events: Vec<AuditEvent> = found.into_iter().map(AuditEvent::from).collect();
    PageOf::new(events, page.limit, |event| event.number)?.answer(&context.uri)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Expected {
    /// A signed head of earlier: whether the chain still leads through it is looked at, too.
    #[param(max_length = 400)]
    expect_head: Option<String>,
}

/// Looks whether the audit log is intact
///
/// Reads all of the chain. One caller at a time; others are told to come again.
#[utoipa::path(get, path = "/audit_events/verify", tag = "Audit log", params(Expected),
    security(("api_token" = ["audit:read"])), responses((status = 200, body = AuditVerification)))]
async fn verify_chain(context: Context, Query(expected): Query<Expected>) -> Result<Response, Problem> {
    context.require(Scope::AuditRead)?;
    let tenant = chain(&context)?;
    let mut invalid = Invalid::default();
    let known = expected.expect_head.map(|line| AuditHead::verified(&line, &context.app.installation));
    if known.as_ref().is_some_and(|head| head.as_ref().is_none_or(|head| head.tenant != tenant)) {
        invalid.add("query/expect_head", "invalid");
    }
    invalid.finish()?;
    let known: Vec<_> = known.flatten().into_iter().collect();
    let permit = tokio::time::timeout(VERIFYING_PATIENCE, VERIFYING.acquire()).await.map_err(|_| Code::Unavailable)?;
    let mut tx = context.read().await?;
    let report = verify::verify(&mut tx, &tenant, &known).await?;
    let head = AuditHead::of(&mut tx, &tenant).await?.filter(|_| report.is_intact());
    drop((tx, permit));
    let head = head.map(|head| head.sign(&context.app.installation));
    Ok(Answer::ok(&AuditVerification::of(report, head))?.into_response())
}

/// The chain that a request is about.
fn chain(context: &Context) -> Result<String, Problem> {
    Ok(context.tenant_filter()?.map(|tenant| tenant.to_string()).unwrap_or_default())
}

fn accepts_lines(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == JSON_LINES))
}

/// What is left to stream.
struct Lines {
    store: Store,
    tenant: String,
    filter: Filter,
    order: Order,
    after: Option<i64>,
}

/// All events as they are read, a page at a time, so that neither memory nor a connection to the database is held for
/// as long as the reader takes.
fn lines(lines: Lines) -> Response {
    let pages = stream::try_unfold(lines, |mut lines| async move {
        let page = lines.next().await.inspect_err(|error| warn!(%error, "a stream of audit events breaks off"))?;
        Ok::<_, StoreError>(page.map(|page| (page, lines)))
    });
    let mut response = Body::from_stream(pages).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON_LINES));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

impl Lines {
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        let mut tx = self.store.read().await?;
        let page = self.filter.page(&mut tx, &self.tenant, self.order, self.after, STREAM_PAGE).await?;
        drop(tx);
        let Some(last) = page.last() else { return Ok(None) };
        self.after = Some(last.number);
        write_lines(page).map(Some)
    }
}

/// Events as lines of JSON.
fn write_lines(links: Vec<super::Link>) -> Result<Bytes, StoreError> {
    let mut text = Vec::new();
    for link in links {
        serde_json::to_writer(&mut text, &AuditEvent::from(link))
            .map_err(|_| StoreError::Senseless("an audit event".to_owned()))?;
        text.push(b'\n');
    }
    Ok(text.into())
}

/// The next events of a chain behind the number `after`, as lines of JSON and with the number of the last one.
pub(crate) async fn next_lines(store: &Store, tenant: &str, after: i64) -> Result<Option<(Bytes, i64)>, StoreError> {
    let filter = Filter::default();
    let mut lines =
        Lines { store: store.clone(), tenant: tenant.to_owned(), filter, order: Order::Asc, after: Some(after) };
    let page = lines.next().await?;
    Ok(page.map(|page| (page, lines.after.unwrap_or(after))))
}
