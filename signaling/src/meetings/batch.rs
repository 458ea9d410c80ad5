// SPDX-License-Identifier: EUPL-1.2
//! Scheduling many meetings by one request. Each has a result of its own, and what is wrong with one keeps none of the
//! others from being made.

use std::sync::Arc;

use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::input::MeetingInput;
use super::rights::Viewer;
use super::routes::{Force, own_tenant, writer};
use super::view::{self, MeetingView};
use crate::api::answer::Answer;
use crate::api::body::{self, Body};
use crate::api::context::Context;
use crate::api::ids::MeetingId;
use crate::api::path::Query;
use crate::api::problem::{Code, Problem, ProblemDocument};
use crate::app::App;
use crate::identity::scopes::Scope;
use crate::records::audit::Event;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(create))
}

/// Many meetings.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BatchInput {
    /// The meetings, each as for `POST /meetings`.
    #[schema(min_items = 1, max_items = 100)]
    meetings: Vec<Value>,
}

/// What became of one of them.
#[derive(Debug, Serialize, ToSchema)]
struct BatchResult {
    /// The HTTP status that it would have alone.
    status: u16,
    /// The meeting, when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    meeting: Option<MeetingView>,
    /// Why not, when it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ProblemDocument>)]
    problem: Option<Value>,
}

/// What became of them.
#[derive(Debug, Serialize, ToSchema)]
struct BatchResults {
    /// In the order of the request.
    results: Vec<BatchResult>,
}

/// Schedules many meetings
///
/// At most a hundred. Each has a result of its own; those that are wrong are named, the others are made.
#[utoipa::path(post, path = "/meetings/batch", tag = "Meetings", request_body = BatchInput,
    params(Force, ("tenant_id" = Option<String>, Query, format = Uuid)),
    security(("api_token" = ["meetings:write"])), responses((status = 200, body = BatchResults)))]
async fn create(
    context: Context,
    Query(force): Query<Force>,
    Body(input): Body<BatchInput>,
) -> Result<Response, Problem> {
    context.require(Scope::MeetingsWrite)?;
    let read: Vec<_> = input.meetings.into_iter().map(|one| body::read::<MeetingInput>(&context.app, one)).collect();
    let mut tx = context.write().await?;
    let viewer = Viewer::of(&context, &mut tx).await?;
    let tenant = own_tenant(&context, &mut tx).await?;
    let writer = writer(&context, &viewer, &tenant, &force)?;
    let (mut results, mut events) = (Vec::new(), Vec::new());
    for one in read {
        let written = match one {
            Ok(one) => writer.create(&mut tx, MeetingId::new(), &one).await,
            Err(problem) => Err(problem),
        };
        results.push(match written {
            Ok(written) => {
                events.push(Event::new("meeting.create", written.meeting.id));
                let shown = view::one(&context.app, &mut tx, &written.meeting, writer.now).await?;
                BatchResult { status: 201, meeting: Some(shown), problem: None }
            }
            // These are found before anything of the meeting is written. Others leave nothing of the whole batch.
            Err(problem) if matches!(problem.code(), Code::Invalid | Code::Taken | Code::CapacityExhausted) => {
                let (_, status) = problem.code().parts();
                BatchResult {
                    status: status.as_u16(),
                    meeting: None,
                    problem: Some(problem.document(context.language)),
                }
            }
            Err(problem) => return Err(problem),
        });
    }
    let mut results = BatchResults { results };
    let answer = Answer::ok(&results)?;
    for meeting in results.results.iter_mut().filter_map(|result| result.meeting.as_mut()) {
        *meeting = meeting.without_pin();
    }
    let answer = answer.kept_as(&results)?;
    context.commit_all(tx, Some(tenant.id), &events, answer).await
}
