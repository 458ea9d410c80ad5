// SPDX-License-Identifier: EUPL-1.2
//! Who may do what: every operation of the OpenAPI document, asked by every role, by software without the scope, by
//! software of another tenant, by somebody in a room and by a stranger, in their own tenant and in another. An operation
//! that `OPERATIONS` does not know fails the test, and so does one whose document says something else.

mod operations;
mod things;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use signaling::Config;
use signaling::commands::ALL_SCOPES;
use store::testing::TestStore;

use self::operations::{May, OPERATIONS, SOMETHING};
use self::things::number;
use super::installation::{Installation, Shows};
use crate::support::Token;
use crate::support::server::{Answer, config};

/// The id of nothing.
pub(super) const NOTHING: &str = "0190f3a0-0000-7000-8000-000000000000";

const ROLES: [&str; 4] = ["system_admin", "tenant_admin", "organizer", "participant"];

/// What is asked for, and how.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    may: May,
    /// What it answers who may.
    status: u16,
    pub(crate) content_type: Option<String>,
    /// The name of its body's schema.
    pub(crate) schema: Option<String>,
    /// Whether it takes If-Match, and must have it.
    pub(crate) if_match: Option<bool>,
}

impl Operation {
    /// What software needs for it, if not everybody may.
    pub(super) fn scope(&self) -> Option<&'static str> {
        match self.may {
            May::Scope(scope) => Some(scope),
            _ => None,
        }
    }

    /// Whether no software may do it.
    pub(crate) fn is_for_browsers_alone(&self) -> bool {
        self.may == May::Browser
    }
}

/// An installation with two tenants, and all that can be asked of it.
pub(crate) struct Matrix {
    pub(crate) saal: Installation,
    /// Bodies, by the names of their schemas.
    examples: Map<String, Value>,
    pub(crate) operations: Vec<Operation>,
    /// A tenant.
    pub(crate) own: String,
    other: String,
}

/// An operation's body, as the document tells it: the type, the schema's name, and the example.
fn body_of(said: &Value) -> Option<(String, String, Value)> {
    let (content_type, content) = said["requestBody"]["content"].as_object()?.iter().next()?;
    let schema = content["schema"]["$ref"].as_str()?.rsplit('/').next()?;
    Some((content_type.clone(), schema.to_owned(), content["example"].clone()))
}

/// Who may do it, as the document tells it.
fn may_of(said: &Value) -> (Vec<String>, Vec<String>, BTreeSet<String>) {
    let ways = said["security"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names = ways.iter().filter_map(Value::as_object).flat_map(|way| way.keys().cloned()).collect();
    let of = |name: &str| {
        let list = ways.iter().find_map(|way| way[name].as_array()).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    (of("api_token"), of("browser"), names)
}

impl Matrix {
    pub(crate) async fn new() -> Self {
        let config = Config { api_requests_per_second: 100_000, ..config() };
        let saal = Installation::with(TestStore::sqlite().await, config).await;
        let (own, other) = (saal.first_tenant().await, saal.tenant("other").await);
        let document = saal.server.get("/api/v1/openapi.json").await.json();
        let mut documented = BTreeMap::new();
        for (path, methods) in document["paths"].as_object().expect("paths") {
            for (method, said) in methods.as_object().expect("methods") {
                documented.insert(format!("{} {path}", method.to_uppercase()), said.clone());
            }
        }
        let mut examples = Map::new();
        let mut operations = Vec::new();
        for (name, may, status) in OPERATIONS {
            let said = documented.remove(*name).unwrap_or_else(|| panic!("the document does not know {name}"));
            check_document(name, *may, &said);
            let body = body_of(&said);
            let (method, path) = name.split_once(' ').expect("a method and a path");
            let (content_type, schema) = body.as_ref().map(|(kind, schema, _)| (kind.clone(), schema.clone())).unzip();
            examples.extend(body.map(|(_, schema, example)| (schema, example)));
            let parameters = said["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
            let if_match = parameters.iter().find(|parameter| parameter["name"] == "If-Match");
            let if_match = if_match.map(|parameter| parameter["required"] == true);
            operations.push(Operation {
                name,
                method,
                path,
                may: *may,
                status: *status,
                content_type,
                schema,
                if_match,
            });
        }
        let unknown: Vec<_> = documented.keys().collect();
        assert!(unknown.is_empty(), "OPERATIONS does not say who may do {unknown:?}");
        Self { saal, examples, operations, own, other }
    }

    pub(super) async fn ask(&self, operation: &Operation, shows: &Shows, path: &str, tenant: &str) -> Answer {
        // Each from an address of its own: strangers who ask often would be told to wait.
        let [_, high, middle, low] = number().to_be_bytes();
        let address = format!("10.{high}.{middle}.{low}");
        let mut headers = vec![("if-match", "*"), ("x-forwarded-for", &address)];
        if operation.path.contains("by_external_id") {
            headers.retain(|(name, _)| *name != "if-match");
        }
        if let Some(content_type) = &operation.content_type {
            headers.push(("content-type", content_type));
        }
        let body = match &operation.schema {
            Some(schema) => Some(self.body_for(schema, operation, tenant).await),
            None => None,
        };
        self.saal.ask(shows, &format!("{} {path}", operation.method), &headers, body.as_ref()).await
    }

    /// Nobody gives rights that they have not, and what a tenant may use is decided by others.
    async fn body_for(&self, schema: &str, operation: &Operation, tenant: &str) -> Value {
        let mut body = self.body(schema, tenant).await;
        if operation.path == "/tenants/{tenant_id}" {
            let kept = self.saal.get(&self.saal.root(), &format!("/tenants/{tenant}")).await.json();
            for name in ["slug", "limits", "oidc_claim_value"] {
                if let Some(value) = body.get_mut(name) {
                    *value = kept[name].clone();
                }
            }
        }
        if let (Some(scopes), May::Scope(scope)) = (body.get_mut("scopes"), operation.may) {
            *scopes = json!([scope]);
        }
        body
    }

    /// A token of a tenant.
    async fn token(&self, tenant: &str, scopes: &[&str]) -> Shows {
        let body = json!({ "name": "of the matrix", "scopes": scopes });
        let made = self.saal.made(&self.saal.root(), &format!("/api_tokens?tenant_id={tenant}"), &body).await;
        Shows::Token(made["token"].as_str().expect("a token").to_owned())
    }
}

/// What the document says of an operation must be what is known of it.
fn check_document(name: &str, may: May, said: &Value) {
    let (scopes, roles, ways) = may_of(said);
    let expected = match may {
        May::Scope(scope) => (vec![scope], vec![]),
        _ => (vec![], vec![]),
    };
    assert_eq!((scopes, roles), (owned(&expected.0), owned(&expected.1)), "{name}: the document says otherwise");
    let has = |way: &str| ways.contains(way);
    let is_right = match may {
        May::Scope(_) | May::Known => has("api_token") && has("browser"),
        May::Browser => !has("api_token") && has("browser"),
        May::Waiting => ways == BTreeSet::from(["lobby_ticket".to_owned()]),
        May::Everybody => ways.is_empty(),
    };
    assert!(is_right, "{name}: the document says {ways:?}");
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn nobody_does_what_the_document_does_not_let_them_do() {
    let matrix = Matrix::new().await;
    let mut people = Vec::new();
    for role in ROLES {
        let browser = matrix.saal.browser(&matrix.own, &format!("{role}@example.org"), role).await;
        let scopes = matrix.saal.get(&browser, "/session").await.json()["scopes"].clone();
        let scopes: BTreeSet<String> = serde_json::from_value(scopes).expect("scopes");
        people.push((role, browser, scopes));
    }
    let room = Shows::Token(Token::join("a room of nobody", "ann").granting("roomAdmin", json!(true)).sign());
    let foreign_software = matrix.token(&matrix.other, ALL_SCOPES).await;
    let mut wrong = Vec::new();
    for operation in matrix.operations.iter().filter(|operation| operation.may != May::Everybody) {
        let name = operation.name;
        let (own, other) =
            (matrix.filled(operation.path, &matrix.own).await, matrix.filled(operation.path, &matrix.other).await);
        let mut check = |who: &str, answer: &Answer, expected: &[u16]| {
            if !expected.contains(&answer.status) {
                wrong.push(format!("{name} by {who}: {} instead of {expected:?}: {}", answer.status, answer.text()));
            }
        };
        let ask = async |shows: &Shows, path: &str| matrix.ask(operation, shows, path, &matrix.own).await;
        check("a stranger", &ask(&Shows::Nothing, &own).await, &[401]);
        check("somebody with a wrong token", &ask(&Shows::Token("x.y.z".into()), &own).await, &[401]);
        check("somebody in another room", &ask(&room, &own).await, &[401, 403, 404]);
        let May::Scope(scope) = operation.may else { continue };
        let others: Vec<_> = ALL_SCOPES.iter().copied().filter(|known| *known != scope).collect();
        check("software without the scope", &ask(&matrix.token(&matrix.own, &others).await, &own).await, &[403]);
        // A path that names something of another tenant, or the other tenant itself.
        let separator = if own.contains('?') { '&' } else { '?' };
        let is_about_one = operation.path.contains('{') && !operation.path.contains("{external_id}");
        let foreign = |path: &str, tenant: &str| {
            if is_about_one { path.to_owned() } else { format!("{path}{separator}tenant_id={tenant}") }
        };
        let is_own = operation.path.contains("/users/me");
        if !is_own {
            let path = foreign(&own, &matrix.own);
            check("software of another tenant", &ask(&foreign_software, &path).await, &[403, 404]);
        }
        for (role, browser, scopes) in &people {
            let has_scope = scopes.contains(scope);
            if !has_scope {
                check(role, &ask(browser, &own).await, &[403]);
            }
            // Who looks after the installation sees all tenants; but no more of any than their scopes say.
            if is_own || (*role == "system_admin" && has_scope) {
                continue;
            }
            let path = if is_about_one { other.clone() } else { foreign(&own, &matrix.other) };
            check(&format!("a foreign {role}"), &ask(browser, &path).await, &[403, 404]);
            // Of the meetings in their own tenant that are others', neither sees any.
            if operation.path.starts_with("/meetings/{") && ["organizer", "participant"].contains(role) {
                check(&format!("{role} who is not concerned"), &ask(browser, &own).await, &[403, 404]);
            }
        }
    }
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn who_has_the_scope_does_what_it_is_for() {
    let matrix = Matrix::new().await;
    let mut wrong = Vec::new();
    for operation in &matrix.operations {
        let shows = match operation.may {
            // Whoever looks after accounts may do what those people may.
            May::Scope("users:write") => {
                let address = format!("admin-{}@example.org", number());
                let browser = matrix.saal.browser(&matrix.own, &address, "tenant_admin").await;
                let scopes = matrix.saal.get(&browser, "/session").await.json()["scopes"].clone();
                let scopes: Vec<String> = serde_json::from_value(scopes).expect("scopes");
                let scopes: Vec<_> = scopes.iter().map(String::as_str).collect();
                matrix.token(&matrix.own, &scopes).await
            }
            May::Scope(scope) => matrix.token(&matrix.own, &[scope]).await,
            May::Known | May::Browser => matrix.token(&matrix.own, ALL_SCOPES).await,
            // They are nobody's secret, and have tests of their own.
            May::Waiting | May::Everybody => continue,
        };
        let path = matrix.filled(operation.path, &matrix.own).await;
        let answer = matrix.ask(operation, &shows, &path, &matrix.own).await;
        let is_something = ![401, 403, 404].contains(&answer.status) && answer.status < 500;
        if answer.status != operation.status && !(operation.status == SOMETHING && is_something) {
            let expected = operation.status;
            wrong.push(format!("{}: {} instead of {expected}: {}", operation.name, answer.status, answer.text()));
        }
    }
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
