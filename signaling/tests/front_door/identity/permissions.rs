// SPDX-License-Identifier: EUPL-1.2
//! Who may do what: every operation of the OpenAPI document, asked by every role, by software without the scope, by somebody
//! in a room and by a stranger, in their own tenant and in another. What the document says of an operation is what is
//! expected of it, so new operations are covered without a word here. Only things that cannot be made by the first body that
//! their schema allows need one.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Map, Value, json};
use signaling::Config;
use signaling::commands::ALL_SCOPES;
use store::testing::TestStore;

use super::installation::{Installation, Shows};
use crate::support::Token;
use crate::support::server::{Answer, config};

/// The id of nothing.
pub(super) const NOTHING: &str = "0190f3a0-0000-7000-8000-000000000000";

/// Numbers what must be unique.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// How to make what its schema alone does not tell: the path of the collection, and the body.
fn body_of(collection: &str) -> Option<Value> {
    match collection {
        "/meetings" => Some(json!({ "title": "x", "starts_at": "2030-01-01T10:00:00Z", "duration_minutes": 30,
            "time_zone": "Europe/Berlin" })),
        "/webhooks" => Some(json!({ "url": "https://example.org/hook", "events": ["meeting.created"] })),
        _ => None,
    }
}

/// What an operation is, and what the document says about who may do it.
pub(super) struct Operation {
    method: String,
    pub(super) path: String,
    pub(super) scope: Option<String>,
    /// Roles that may do it without the scope, where it is their own.
    roles: Vec<String>,
    content_type: Option<String>,
    body: Option<Value>,
}

impl Operation {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

pub(super) struct Matrix {
    pub(super) saal: Installation,
    document: Value,
    pub(super) own: String,
    other: String,
}

impl Matrix {
    pub(super) async fn new() -> Self {
        let config = Config { api_requests_per_second: 100_000, ..config() };
        let saal = Installation::with(TestStore::sqlite().await, config).await;
        let (own, other) = (saal.first_tenant().await, saal.tenant("other").await);
        let document = saal.server.get("/api/v1/openapi.json").await.json();
        Self { saal, document, own, other }
    }

    /// All operations that are not for everybody.
    pub(super) fn operations(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        for (path, methods) in self.document["paths"].as_object().expect("paths") {
            for method in ["get", "post", "put", "patch", "delete"] {
                let operation = &methods[method];
                let ways = operation["security"].as_array().map(Vec::as_slice).unwrap_or_default();
                if !operation.is_object() || ways.iter().any(|way| way.as_object().is_some_and(Map::is_empty)) {
                    continue;
                }
                let way = |name: &str| ways.iter().find_map(|way| way[name].as_array());
                let texts = |list: &Vec<Value>| list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                let scopes: Vec<String> = way("api_token").map(texts).unwrap_or_default();
                let content = operation["requestBody"]["content"].as_object().and_then(|content| content.iter().next());
                operations.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    scope: scopes.into_iter().next(),
                    roles: way("browser").map(texts).unwrap_or_default(),
                    content_type: content.map(|(name, _)| name.clone()),
                    body: content.map(|(_, media)| self.body(path, method, &media["schema"])),
                });
            }
        }
        operations
    }

    fn body(&self, path: &str, method: &str, schema: &Value) -> Value {
        let collection =
            if path.ends_with('}') { path.rsplit_once('/').map_or(path, |(before, _)| before) } else { path };
        let known = if method == "patch" { None } else { body_of(collection) };
        known.unwrap_or_else(|| self.example(schema, ""))
    }

    /// The first value that a schema allows.
    fn example(&self, schema: &Value, name: &str) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let schema = self.document.pointer(reference.trim_start_matches('#')).expect("a schema");
            return self.example(schema, name);
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        match name {
            "email" => return json!(format!("somebody{number}@example.org")),
            "slug" => return json!(format!("thing-{number}")),
            "password" | "new_password" => return json!("correct horse battery"),
            _ => {}
        }
        for given in ["example", "default", "const"] {
            if !schema[given].is_null() {
                return schema[given].clone();
            }
        }
        for several in ["examples", "enum"] {
            if let Some(first) = schema[several].get(0) {
                return first.clone();
            }
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let mut all = Map::new();
            for part in parts {
                all.extend(self.example(part, name).as_object().cloned().unwrap_or_default());
            }
            return all.into();
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(first) = schema[choice].as_array().and_then(|all| all.iter().find(|one| one["type"] != "null"))
            {
                return self.example(first, name);
            }
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or("object");
        match (kind, schema["format"].as_str()) {
            ("string", Some("date-time")) => json!("2030-01-01T10:00:00Z"),
            ("string", Some("date")) => json!("2030-01-01"),
            ("string", Some("uuid")) => json!(NOTHING),
            ("string", Some("uri" | "url")) => json!("https://example.org/"),
            ("string", _) => json!("x".repeat(schema["minLength"].as_u64().unwrap_or(1) as usize)),
            ("integer" | "number", _) => json!(schema["minimum"].as_i64().unwrap_or(1)),
            ("boolean", _) => json!(false),
            ("array", _) => {
                let count = schema["minItems"].as_u64().unwrap_or(0);
                (0..count).map(|_| self.example(&schema["items"], "")).collect()
            }
            _ => {
                let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
                let names = required.iter().filter_map(Value::as_str);
                names.map(|name| (name.to_owned(), self.example(&schema["properties"][name], name))).collect()
            }
        }
    }

    /// The path with things of that tenant in it, which are made for it.
    async fn filled(&self, template: &str, tenant: &str) -> String {
        let (mut known, mut filled) = (String::new(), String::new());
        for part in template.split('/').skip(1) {
            let (name, verb) = part.split_once('}').unwrap_or((part, ""));
            let id = match name.strip_prefix('{') {
                None => part.to_owned(),
                Some(_) if known == "/tenants" => tenant.to_owned(),
                Some(_) => self.made(&known, &filled, tenant).await + verb,
            };
            known = format!("{known}/{part}");
            filled = format!("{filled}/{id}");
        }
        filled
    }

    /// A thing of that tenant, by what makes such things; or none.
    async fn made(&self, template: &str, collection: &str, tenant: &str) -> String {
        let create = &self.document["paths"][template]["post"];
        let content = create["requestBody"]["content"].as_object().and_then(|content| content.values().next());
        let Some(media) = content else { return NOTHING.to_owned() };
        let body = self.body(template, "post", &media["schema"]);
        let path = format!("POST {collection}?tenant_id={tenant}");
        let answer = self.saal.ask(&self.saal.root(), &path, &[], Some(&body)).await;
        assert_eq!(answer.status, 201, "{template} needs a body in `body_of`: {body} is answered {}", answer.text());
        answer.json()["id"].as_str().unwrap_or(NOTHING).to_owned()
    }

    pub(super) async fn ask(&self, operation: &Operation, shows: &Shows, path: &str) -> Answer {
        // Each from an address of its own: strangers who ask often would be told to wait.
        let [_, high, middle, low] = NUMBER.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let address = format!("10.{high}.{middle}.{low}");
        let mut headers = vec![("if-match", "*"), ("x-forwarded-for", &address)];
        if let Some(content_type) = &operation.content_type {
            headers.push(("content-type", content_type));
        }
        self.saal.ask(shows, &format!("{} {path}", operation.method), &headers, operation.body.as_ref()).await
    }

    async fn token_without(&self, scope: &str) -> Shows {
        let scopes: Vec<_> = ALL_SCOPES.iter().filter(|known| **known != scope).collect();
        let body = json!({ "name": "all but one", "scopes": scopes });
        let path = format!("/api_tokens?tenant_id={}", self.own);
        let made = self.saal.made(&self.saal.root(), &path, &body).await;
        Shows::Token(made["token"].as_str().expect("a token").to_owned())
    }
}

#[tokio::test]
async fn nobody_does_what_the_document_does_not_let_them_do() {
    let matrix = Matrix::new().await;
    let mut people = Vec::new();
    for role in ["system_admin", "tenant_admin", "organizer", "participant"] {
        let browser = matrix.saal.browser(&matrix.own, &format!("{role}@example.org"), role).await;
        let scopes = matrix.saal.get(&browser, "/session").await.json()["scopes"].clone();
        let scopes: BTreeSet<String> = serde_json::from_value(scopes).expect("scopes");
        people.push((role, browser, scopes));
    }
    let room = Shows::Token(Token::join("a room of nobody", "ann").granting("roomAdmin", json!(true)).sign());
    let operations = matrix.operations();
    assert!(operations.len() > 20, "the document is nearly empty");
    let mut wrong = Vec::new();
    for operation in &operations {
        let name = operation.name();
        let (own, other) =
            (matrix.filled(&operation.path, &matrix.own).await, matrix.filled(&operation.path, &matrix.other).await);
        let mut check = |who: &str, answer: &Answer, expected: &[u16]| {
            if !expected.contains(&answer.status) {
                wrong.push(format!("{name} by {who}: {} instead of {expected:?}: {}", answer.status, answer.text()));
            }
        };
        check("a stranger", &matrix.ask(operation, &Shows::Nothing, &own).await, &[401]);
        check("somebody with a wrong token", &matrix.ask(operation, &Shows::Token("x.y.z".into()), &own).await, &[401]);
        check("somebody in another room", &matrix.ask(operation, &room, &own).await, &[401, 403, 404]);
        let Some(scope) = &operation.scope else { continue };
        let software = matrix.token_without(scope).await;
        check("software without the scope", &matrix.ask(operation, &software, &own).await, &[403]);
        for (role, browser, scopes) in &people {
            let has_scope = scopes.contains(scope);
            if !has_scope && !operation.roles.iter().any(|known| known == role) {
                check(role, &matrix.ask(operation, browser, &own).await, &[403]);
            }
            // Who looks after the installation sees all tenants; but no more of any than their scopes say.
            if *role == "system_admin" && has_scope {
                continue;
            }
            // A path that names something of another tenant, or the other tenant itself.
            let foreign =
                if operation.path.contains('{') { other.clone() } else { format!("{own}?tenant_id={}", matrix.other) };
            check(&format!("a foreign {role}"), &matrix.ask(operation, browser, &foreign).await, &[403, 404]);
        }
    }
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn who_has_the_scope_is_not_told_otherwise() {
    let matrix = Matrix::new().await;
    let mut wrong = Vec::new();
    for operation in matrix.operations() {
        let Some(scope) = &operation.scope else { continue };
        let body = json!({ "name": "just this", "scopes": [scope] });
        let path = format!("/api_tokens?tenant_id={}", matrix.own);
        let made = matrix.saal.made(&matrix.saal.root(), &path, &body).await;
        let software = Shows::Token(made["token"].as_str().expect("a token").to_owned());
        let path = matrix.filled(&operation.path, &matrix.own).await;
        let answer = matrix.ask(&operation, &software, &path).await;
        let is_refused = answer.status == 401 || answer.text().contains("insufficient-scope");
        if is_refused || answer.status >= 500 {
            wrong.push(format!("{} with {scope}: {} {}", operation.name(), answer.status, answer.text()));
        }
    }
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
