// SPDX-License-Identifier: EUPL-1.2
//! The OpenAPI 3.1 document, made of the functions that answer the requests. What all of them share (problems, how
//! callers prove who they are, merge patches) is added here.

mod answers;
#[cfg(test)]
mod outline;
mod schemas;

use std::sync::Arc;

use serde_json::{Value, json};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use super::problem::{FieldProblem, ProblemDocument};
use crate::app::App;
use crate::identity::scopes::Scope;

/// Where schemas are.
const REFERENCE: &str = "#/components/schemas/";

/// The type of problem documents.
const PROBLEM: &str = "application/problem+json";

/// What bodies look like, by the name of their schema.
const EXAMPLES: &str = include_str!("openapi/examples.json");

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Saal",
        description = "Schedules and moderates conferences. See the guide for administrators in `docs/api/`.",
        license(name = "EUPL-1.2", identifier = "EUPL-1.2"),
    ),
    servers((url = "/api/v1")),
    components(schemas(ProblemDocument, FieldProblem)),
)]
struct Document;

/// All functions of the API with what the document says about them.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(crate::identity::routes())
        .merge(crate::invitations::api_routes())
        .merge(crate::meetings::routes())
        .merge(crate::joining::routes())
        .merge(crate::lobby::routes())
        .merge(crate::meeting_sessions::routes())
        .merge(crate::phone::routes())
        .merge(crate::records::routes())
        .merge(crate::stats::routes())
        .merge(crate::webhooks::routes::routes())
}

/// The document.
///
/// # Panics
///
/// When it cannot be written, which a test would see.
pub(super) fn document() -> Value {
    let document = routes().split_for_parts().1;
    let mut document = serde_json::to_value(&document).expect("a document made by us can be written");
    document["components"]["securitySchemes"] = security_schemes();
    document["components"]["responses"] = answers::components();
    schemas::add_patches(&mut document["components"]["schemas"]);
    schemas::join_parts(&mut document["components"]["schemas"]);
    let examples: Value = serde_json::from_str(EXAMPLES).expect("examples that a test has read");
    for (path, methods) in document["paths"].as_object_mut().into_iter().flatten() {
        let Some(methods) = methods.as_object_mut() else { continue };
        methods.retain(|method, _| is_method(method));
        let has_revision = methods.values().any(|operation| names_parameter(operation, "If-Match"));
        methods.iter_mut().for_each(|(method, said)| complete(path, method, has_revision, said, &examples));
    }
    schemas::remove_unused_patches(&mut document);
    document
}

fn is_method(name: &str) -> bool {
    ["get", "put", "post", "delete", "patch"].contains(&name)
}

/// What is known of an operation by what its function says.
struct Operation<'a> {
    path: &'a str,
    method: &'a str,
    has_body: bool,
    takes_if_match: bool,
    /// Whether what the path names has revisions.
    has_revision: bool,
}

/// Adds to an operation what no function says of its own.
fn complete(path: &str, method: &str, has_revision: bool, said: &mut Value, examples: &Value) {
    let (has_body, takes_if_match) = (said["requestBody"].is_object(), names_parameter(said, "If-Match"));
    let operation = Operation { path, method, has_body, takes_if_match, has_revision };
    add_ways_of_people(said);
    complete_parameters(&operation, said);
    answers::complete(&operation, said);
    // Functions of several subjects have the same name.
    let subject = said["tags"][0].as_str().unwrap_or_default().to_lowercase().replace(' ', "_");
    said["operationId"] = format!("{subject}_{}", said["operationId"].as_str().unwrap_or_default()).into();
    if has_body {
        said["requestBody"]["required"] = true.into();
        for content in
            said["requestBody"]["content"].as_object_mut().into_iter().flat_map(|content| content.values_mut())
        {
            let name = content["schema"]["$ref"].as_str().and_then(|reference| reference.strip_prefix(REFERENCE));
            if let Some(example) = name.and_then(|name| examples.get(name)) {
                content["example"] = example.clone();
            }
        }
    }
}

/// Adds the parameters that all operations of a kind take, and makes those plain that may be left out: null is no text.
fn complete_parameters(operation: &Operation<'_>, said: &mut Value) {
    let mut parameters = said["parameters"].as_array().cloned().unwrap_or_default();
    for parameter in &mut parameters {
        let schema = &mut parameter["schema"];
        if let Some(kinds) = schema["type"].as_array() {
            schema["type"] = kinds.iter().find(|kind| *kind != "null").cloned().unwrap_or_default();
        }
        let other =
            schema["oneOf"].as_array().and_then(|kinds| kinds.iter().find(|kind| kind["type"] != "null")).cloned();
        if let Some(other) = other {
            *schema = other;
        }
    }
    let ways = said["security"].as_array().map(Vec::as_slice).unwrap_or_default();
    let has_way = |name: &str| ways.iter().any(|way| way.get(name).is_some());
    let mut add = |is_taken: bool, parameter: Value| {
        if is_taken && !parameters.iter().any(|known| known["name"] == parameter["name"]) {
            parameters.push(parameter);
        }
    };
    add(
        has_way("api_token"),
        json!({
            "name": "tenant_id", "in": "query", "required": false,
            "description": "For those who look after the whole installation: the tenant that it is about.",
            "schema": { "type": "string", "format": "uuid" },
        }),
    );
    add(
        operation.method == "post" && (has_way("api_token") || has_way("browser")),
        json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Makes it safe to repeat the request: the same key gets the same answer for 24 hours.",
            "schema": { "type": "string", "maxLength": 255, "pattern": "^[!-~]{1,255}$" },
        }),
    );
    add(
        operation.method == "get" && operation.has_revision,
        json!({
            "name": "If-None-Match", "in": "header", "required": false,
            "description": "The ETag that is known already.", "schema": { "type": "string" },
        }),
    );
    if !parameters.is_empty() {
        said["parameters"] = parameters.into();
    }
}

/// How callers prove who they are.
fn security_schemes() -> Value {
    let scopes: serde_json::Map<_, _> =
        Scope::ALL.iter().map(|scope| (scope.as_str().to_owned(), scope.description().trim().into())).collect();
    json!({
        "api_token": { "type": "http", "scheme": "bearer", "description": "An API token, or an access token of a client." },
        "oauth": {
            "type": "oauth2",
            "flows": { "clientCredentials": { "tokenUrl": "/api/v1/oauth/token", "scopes": scopes } },
        },
        "room_token": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "The token that let somebody into a room. It opens that room's session alone.",
        },
        "lobby_ticket": {
            "type": "http", "scheme": "bearer",
            "description": "The ticket of somebody who waits in the lobby, from the answer of `POST /join/{code}`.",
        },
        "browser": {
            "type": "apiKey", "in": "cookie", "name": "saal_session",
            "description": "Signed in in a browser. Changes need X-CSRF-Token, which `GET /session` tells.",
        },
    })
}

/// What a token may be used for, a client of OAuth and somebody in a browser may do as well, if they have the scope.
fn add_ways_of_people(operation: &mut Value) {
    let Some(ways) = operation["security"].as_array_mut() else { return };
    let scopes = ways.iter().find_map(|way| way.get("api_token")).cloned();
    if let Some(scopes) = scopes {
        let has_browser = ways.iter().any(|way| way.get("browser").is_some());
        ways.push(json!({ "oauth": scopes }));
        if !has_browser {
            ways.push(json!({ "browser": [] }));
        }
    }
}

fn names_parameter(operation: &Value, name: &str) -> bool {
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    parameters.iter().any(|parameter| parameter["name"] == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::schema::Schemas;

    /// Path, method and what is said of each operation.
    fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
        let paths = document["paths"].as_object().expect("paths");
        paths.iter().flat_map(|(path, methods)| {
            methods.as_object().expect("methods").iter().map(move |(method, said)| (path, method, said))
        })
    }

    #[test]
    fn every_operation_says_all_about_itself() {
        let document = document();
        assert_eq!(document["openapi"], "3.1.0");
        let mut ids = BTreeSet::new();
        for (path, method, said) in operations(&document) {
            let name = format!("{method} {path}");
            let ways = said["security"].as_array().unwrap_or_else(|| panic!("{name} says not who may ask"));
            assert!(!ways.is_empty(), "{name} says not who may ask");
            assert!(said["summary"].is_string(), "{name} says not what it does");
            assert!(said["tags"][0].is_string(), "{name} says not what it belongs to");
            let id = said["operationId"].as_str().unwrap_or_else(|| panic!("{name} has no id"));
            assert!(ids.insert(id.to_owned()), "{name} has the id of another: {id}");
            let responses = said["responses"].as_object().expect("answers");
            assert!(responses.keys().any(|status| status.starts_with('2')), "{name} says not how it succeeds");
            for status in ["400", "401", "429", "503"] {
                assert!(responses.contains_key(status), "{name} says not how it fails with {status}");
            }
            for (status, response) in responses {
                let is_told = response["$ref"].is_string()
                    || response["description"].as_str().is_some_and(|text| !text.is_empty());
                assert!(is_told, "{name} says not what {status} is");
            }
        }
        assert!(ids.len() > 100, "the document is nearly empty");
    }

    #[test]
    fn every_body_has_an_example_that_is_good() {
        let document = document();
        let schemas = Schemas::of(&document);
        let examples: Value = serde_json::from_str(EXAMPLES).expect("examples");
        let mut used = BTreeSet::new();
        for (path, method, said) in operations(&document) {
            for content in said["requestBody"]["content"].as_object().into_iter().flat_map(|content| content.values()) {
                let reference =
                    content["schema"]["$ref"].as_str().unwrap_or_else(|| panic!("{method} {path} has no schema"));
                let name = reference.trim_start_matches(REFERENCE);
                let example = examples.get(name).unwrap_or_else(|| panic!("{name} of {method} {path} has no example"));
                schemas.check(name, example).unwrap_or_else(|problem| panic!("the example of {name}: {problem:?}"));
                used.insert(name);
            }
        }
        let known: BTreeSet<_> = examples.as_object().expect("examples").keys().map(String::as_str).collect();
        assert_eq!(known, used, "examples of nothing");
    }
}
