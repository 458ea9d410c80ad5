// SPDX-License-Identifier: EUPL-1.2
//! An installation with people in it, and browsers before which they sit.

use serde_json::{Value, json};
use signaling::Config;
use signaling::commands::{NewApiToken, create_api_token};
use store::testing::TestStore;
use tokio::net::TcpListener;

use crate::support::Server;
use crate::support::server::{Answer, config};

/// A password that will do.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A service, with a token for the whole installation.
pub(crate) struct Installation {
    pub(crate) server: Server,
    root: String,
}

/// What somebody shows with a request.
#[derive(Clone, Debug)]
pub(crate) enum Shows {
    /// Nothing.
    Nothing,
    /// A bearer token.
    Token(String),
    /// A token, and whom it acts for.
    TokenFor(String, String),
    /// A cookie, and the proof against forged requests.
    Browser { cookie: String, csrf: String },
}

impl Installation {
    pub(crate) async fn on(database: TestStore) -> Self {
        Self::with(database, config()).await
    }

    /// With other settings.
    pub(crate) async fn with(database: TestStore, config: Config) -> Self {
        let root = root(&database).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self { server: Server::start_behind(listener, database, behind_proxy(config)).await, root }
    }

    /// Behind a port that others know already.
    pub(crate) async fn behind(listener: TcpListener, database: TestStore, config: Config) -> Self {
        let root = root(&database).await;
        Self { server: Server::start_behind(listener, database, behind_proxy(config)).await, root }
    }

    /// The token for the whole installation.
    pub(crate) fn root(&self) -> Shows {
        Shows::Token(self.root.clone())
    }

    pub(crate) async fn ask(
        &self,
        shows: &Shows,
        head: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let (method, path) = head.split_once(' ').expect("a method and a path");
        let mut all: Vec<(String, String)> = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let mut add = |name: &str, value: String| all.push((name.to_owned(), value));
        match shows {
            Shows::Nothing => {}
            Shows::Token(token) => add("authorization", format!("Bearer {token}")),
            Shows::TokenFor(token, person) => {
                add("authorization", format!("Bearer {token}"));
                add("saal-on-behalf-of", person.clone());
            }
            Shows::Browser { cookie, csrf } => {
                add("cookie", cookie.clone());
                add("x-csrf-token", csrf.clone());
            }
        }
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            add("content-type", "application/json".to_owned());
        }
        let headers: Vec<_> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let body = body.map(Value::to_string).unwrap_or_default();
        self.server.request(&format!("{method} /api/v1{path}"), &headers, body.as_bytes()).await
    }

    pub(crate) async fn get(&self, shows: &Shows, path: &str) -> Answer {
        self.ask(shows, &format!("GET {path}"), &[], None).await
    }

    /// A merge patch of what is there now.
    pub(crate) async fn patch(&self, shows: &Shows, path: &str, body: &Value) -> Answer {
        self.ask(shows, &format!("PATCH {path}"), &[("if-match", "*")], Some(body)).await
    }

    /// Makes something, and returns it.
    pub(crate) async fn made(&self, shows: &Shows, path: &str, body: &Value) -> Value {
        let answer = self.ask(shows, &format!("POST {path}"), &[], Some(body)).await;
        assert_eq!(answer.status, 201, "{path}: {}", answer.text());
        answer.json()
    }

    /// A tenant of that name, and its id.
    pub(crate) async fn tenant(&self, slug: &str) -> String {
        let tenant = self.made(&self.root(), "/tenants", &json!({ "name": slug, "slug": slug })).await;
        tenant["id"].as_str().expect("an id").to_owned()
    }

    /// The tenant of a new installation.
    pub(crate) async fn first_tenant(&self) -> String {
        let tenants = self.get(&self.root(), "/tenants").await.json();
        tenants["items"][0]["id"].as_str().expect("an id").to_owned()
    }

    /// An account with the usual password, and its id.
    pub(crate) async fn user(&self, tenant: &str, email: &str, role: &str) -> String {
        let input = json!({ "email": email, "name": email, "role": role });
        let user = self.made(&self.root(), &format!("/users?tenant_id={tenant}"), &input).await;
        let id = user["id"].as_str().expect("an id").to_owned();
        let body = json!({ "password": PASSWORD });
        let answer = self.ask(&self.root(), &format!("PUT /users/{id}/password"), &[], Some(&body)).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        id
    }

    /// Tries to sign in.
    pub(crate) async fn try_sign_in(&self, email: &str, password: &str, headers: &[(&str, &str)]) -> Answer {
        let body = json!({ "email": email, "password": password });
        self.ask(&Shows::Nothing, "POST /session", headers, Some(&body)).await
    }

    /// Signs in with the usual password.
    pub(crate) async fn signed_in(&self, email: &str) -> Shows {
        let answer = self.try_sign_in(email, PASSWORD, &[]).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        browser(&answer)
    }

    /// The browser of somebody new with that role.
    pub(crate) async fn browser(&self, tenant: &str, email: &str, role: &str) -> Shows {
        self.user(tenant, email, role).await;
        self.signed_in(email).await
    }

    /// Events of the audit log: action, target and result.
    pub(crate) async fn events(&self) -> Vec<(String, String, String)> {
        struct Event(String, String, String);
        impl store::FromRow for Event {
            fn from_row(row: &store::Row) -> Result<Self, store::StoreError> {
                Ok(Self(row.get("action")?, row.get("target_id")?, row.get("result")?))
            }
        }
        let mut tx = self.server.database.store.read().await.expect("a transaction");
        let select = store::sql("SELECT action, target_id, result FROM audit_events ORDER BY occurred_at, id");
        let events: Vec<Event> = tx.all(select).await.expect("rows");
        events.into_iter().map(|Event(action, target, result)| (action, target, result)).collect()
    }
}

/// A token for the whole installation, with all scopes.
async fn root(database: &TestStore) -> String {
    let scopes = signaling::commands::ALL_SCOPES.join(",");
    let wanted = NewApiToken { name: "root", scopes: &scopes, tenant: None, is_for_installation: true, days: 1 };
    create_api_token(&database.store, &wanted).await.expect("a token")
}

/// Requests come through a proxy, so that tests can be at many addresses.
fn behind_proxy(config: Config) -> Config {
    Config { trusted_proxies: vec!["127.0.0.1/32".parse().expect("a network")], ..config }
}

/// The browser that got this answer to a sign-in.
pub(crate) fn browser(answer: &Answer) -> Shows {
    let csrf = answer.json()["csrf_token"].as_str().expect("a token").to_owned();
    Shows::Browser { cookie: cookie(answer, "saal_session").expect("a cookie"), csrf }
}

/// A cookie that an answer sets, as it is sent back.
pub(crate) fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let set = answer.cookies.iter().find(|cookie| cookie.contains(&format!("{name}=")))?;
    set.split(';').next().map(str::to_owned)
}
