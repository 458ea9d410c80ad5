// SPDX-License-Identifier: EUPL-1.2
//! The OpenAPI 3.1 document, made of the functions that answer the requests. What all of them share (problems, how
//! callers prove who they are, merge patches) is added here.

use std::sync::Arc;

use serde_json::{Value, json};
use utoipa::openapi::OpenApi;
use utoipa::{OpenApi as _, ToSchema as _};
use utoipa_axum::router::OpenApiRouter;

use super::problem::{Code, FieldProblem, ProblemDocument};
use crate::app::App;
use crate::identity::scopes::Scope;

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
        .merge(crate::records::routes())
        .merge(crate::stats::routes())
        .merge(crate::webhooks::routes::routes())
}

/// The document.
///
/// # Panics
///
/// When what is added makes it invalid, which a test would see.
pub(super) fn document() -> OpenApi {
    let document = routes().split_for_parts().1;
    let mut document = serde_json::to_value(&document).expect("a document made by us can be written");
    document["components"]["securitySchemes"] = security_schemes();
    add_patch_schemas(&mut document["components"]["schemas"]);
    if let Some(paths) = document["paths"].as_object_mut() {
        let operations = paths.values_mut().filter_map(Value::as_object_mut).flat_map(|path| path.iter_mut());
        operations.filter(|(method, _)| is_method(method)).for_each(|(method, operation)| complete(method, operation));
    }
    serde_json::from_value(document).expect("what was added is valid")
}

fn is_method(name: &str) -> bool {
    ["get", "put", "post", "delete", "patch"].contains(&name)
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
        "browser": {
            "type": "apiKey", "in": "cookie", "name": "saal_session",
            "description": "Signed in in a browser. Changes need X-CSRF-Token, which `GET /session` tells.",
        },
    })
}

/// Adds what every operation can answer, and what it may be sent.
fn complete(method: &str, operation: &mut Value) {
    add_ways_of_people(operation);
    let has_body = operation.get("requestBody").is_some();
    let is_public = operation.get("security").is_some_and(|security| *security == json!([{}]));
    let mut statuses = vec![Code::Malformed, Code::NotFound, Code::Invalid, Code::RateLimited, Code::Unavailable];
    statuses.extend([Code::Unauthenticated, Code::Forbidden]);
    if method != "get" {
        statuses.extend([Code::Conflict, Code::BodyTooLarge]);
        operation_parameter(
            operation,
            method == "post" && !is_public,
            &json!({
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "Makes it safe to repeat the request: the same key gets the same answer for 24 hours.",
                "schema": { "type": "string", "maxLength": 255, "pattern": "^[!-~]{1,255}$" },
            }),
        );
    }
    if has_body {
        statuses.push(Code::UnsupportedMediaType);
    }
    if names_parameter(operation, "If-Match") {
        statuses.extend([Code::EtagMismatch, Code::PreconditionRequired]);
    }
    for code in statuses {
        let (_, status) = code.parts();
        let response = &mut operation["responses"][status.as_str()];
        if response.is_null() {
            *response = json!({
                "description": status.canonical_reason().unwrap_or_default(),
                "content": { "application/problem+json": {
                    "schema": { "$ref": format!("#/components/schemas/{}", ProblemDocument::name()) },
                } },
            });
        }
    }
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

fn operation_parameter(operation: &mut Value, is_wanted: bool, parameter: &Value) {
    if is_wanted {
        match operation["parameters"].as_array_mut() {
            Some(parameters) => parameters.push(parameter.clone()),
            None => operation["parameters"] = json!([parameter]),
        }
    }
}

fn names_parameter(operation: &Value, name: &str) -> bool {
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    parameters.iter().any(|parameter| parameter["name"] == name)
}

/// For each `ThingInput` a `ThingPatch`, in which everything may be left out and what may be left out there may be null.
fn add_patch_schemas(schemas: &mut Value) {
    let Some(schemas) = schemas.as_object_mut() else { return };
    let patches: Vec<_> = schemas
        .iter()
        .filter_map(|(name, schema)| Some((format!("{}Patch", name.strip_suffix("Input")?), patch_of(schema))))
        .collect();
    schemas.extend(patches);
}

fn patch_of(schema: &Value) -> Value {
    let mut patch = schema.clone();
    let Some(members) = patch.as_object_mut() else { return patch };
    let required = members.remove("required").unwrap_or_default();
    let is_required = |name: &String| required.as_array().is_some_and(|names| names.iter().any(|known| known == name));
    members.insert("description".to_owned(), "Changes (RFC 7396): what is left out stays, null takes it away.".into());
    if let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) {
        for (_, property) in properties.iter_mut().filter(|(name, _)| !is_required(name)) {
            *property = json!({ "anyOf": [{ "type": "null" }, property.take()] });
        }
    }
    patch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_says_how_it_fails_and_who_may_ask() {
        let document = serde_json::to_value(document()).expect("a document");
        assert_eq!(document["openapi"], "3.1.0");
        for (path, operations) in document["paths"].as_object().expect("paths") {
            for (method, operation) in operations.as_object().expect("operations") {
                let name = format!("{method} {path}");
                assert!(operation["security"].is_array(), "{name} says not who may ask");
                assert!(operation["responses"]["503"].is_object(), "{name} says not how it fails");
                assert!(operation["summary"].is_string(), "{name} says not what it does");
            }
        }
    }

    #[test]
    fn a_patch_may_leave_out_everything_and_take_away_what_is_optional() {
        let input = json!({
            "type": "object", "required": ["a"], "additionalProperties": false,
            "properties": { "a": { "type": "string" }, "b": { "type": "integer" } },
        });
        let mut schemas = json!({ "ThingInput": input, "Other": {} });
        add_patch_schemas(&mut schemas);
        let patch = &schemas["ThingPatch"];
        assert!(patch["required"].is_null() && patch["additionalProperties"] == false);
        assert_eq!(patch["properties"]["a"], json!({ "type": "string" }));
        assert_eq!(patch["properties"]["b"], json!({ "anyOf": [{ "type": "null" }, { "type": "integer" }] }));
        assert!(schemas["OtherPatch"].is_null());
    }
}
