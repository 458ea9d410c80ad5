// SPDX-License-Identifier: EUPL-1.2
//! A real identity provider (npm's oidc-provider, which the OpenID Foundation has certified) in a process of the test's own,
//! and a browser that goes between it and Saal.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::server::{Answer, request_over};
use super::soon;

/// What Saal is there.
pub(crate) const CLIENT: &str = "saal";

/// Its secret, which has to be encoded to get into a head.
pub(crate) const SECRET: &str = "a secret+with % characters of thirty-two bytes";

/// The provider.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    process: Child,
}

impl Provider {
    /// Starts one that knows the Saal at that address.
    pub(crate) async fn start(saal: SocketAddr) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc-provider");
        assert!(
            folder.join("node_modules/oidc-provider").exists(),
            "the identity provider of the tests is not installed: run `npm ci` in signaling/tests/oidc-provider"
        );
        let mut command = Command::new("node");
        command.arg(folder.join("server.mjs")).arg(json!({ "saal": format!("http://{saal}") }).to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut process = command.spawn().expect("Node is there: install Node 20.19 or newer");
        let mut output = BufReader::new(process.stdout.take().expect("an output")).lines();
        let issuer = loop {
            let line = soon(output.next_line()).await.expect("an output").expect("the provider starts");
            if line.starts_with("http://") {
                break line;
            }
        };
        // Nobody reads what else it says, but it would end if nobody took it.
        tokio::spawn(async move { while let Ok(Some(_)) = output.next_line().await {} });
        Self { issuer, process }
    }

    /// Tells it something beside its protocol.
    pub(crate) async fn control(&self, what: &str, argument: Value) -> Value {
        let url = format!("{}/control/{what}", self.issuer);
        fetch("POST", &url, &[], argument.to_string().as_bytes()).await.json()
    }

    /// Somebody who can sign in there.
    pub(crate) async fn account(&self, id: &str, claims: Value) {
        let mut account = json!({ "id": id, "name": id, "email": format!("{id}@example.org"), "email_verified": true });
        for (name, value) in claims.as_object().expect("claims") {
            account[name] = value.clone();
        }
        self.control("account", account).await;
    }

    /// A token that it signs in some way.
    pub(crate) async fn sign(&self, claims: &Value, way: &str, typ: Option<&str>) -> String {
        let token = self.control("sign", json!({ "claims": claims, "way": way, "typ": typ })).await;
        token.as_str().expect("a token").to_owned()
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) {
        self.process.kill().await.expect("it ends");
    }
}

/// A browser, with its cookies of Saal and of the provider.
#[derive(Default)]
pub(crate) struct Browser {
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

impl Browser {
    /// Asks for a page, with the cookies of its host, and keeps those that it sets.
    pub(crate) async fn ask(&mut self, method: &str, url: &str, form: &[(&str, &str)]) -> Answer {
        let host = host(url);
        let jar = self.cookies.entry(host.to_owned()).or_default();
        let cookies = jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut headers = vec![("cookie", cookies.as_str())];
        if method == "POST" {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let answer = fetch(method, url, &headers, body.as_bytes()).await;
        for cookie in &answer.cookies {
            let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            if value.is_empty() {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// A cookie of that host.
    pub(crate) fn cookie(&self, url: &str, name: &str) -> Option<String> {
        self.cookies.get(host(url))?.get(name).cloned()
    }

    /// Puts a cookie in its place.
    pub(crate) fn set_cookie(&mut self, url: &str, name: &str, value: &str) {
        self.cookies.entry(host(url).to_owned()).or_default().insert(name.to_owned(), value.to_owned());
    }

    /// Begins at `start`, signs in at the provider, and stops before the address that leads back to Saal.
    pub(crate) async fn sign_in_at_provider(&mut self, start: &str, form: &[(&str, &str)]) -> String {
        let saal = host(start).to_owned();
        let mut answer = self.ask("GET", start, &[]).await;
        let mut at = start.to_owned();
        for _ in 0..8 {
            let Some(location) = answer.location.clone() else {
                assert!(
                    at.contains("/interaction/") && answer.status == 200,
                    "{at}: {} {}",
                    answer.status,
                    answer.text()
                );
                answer = self.ask("POST", &at, form).await;
                continue;
            };
            at = if location.starts_with('/') { format!("http://{}{location}", host(&at)) } else { location };
            if host(&at) == saal {
                return at;
            }
            answer = self.ask("GET", &at, &[]).await;
        }
        panic!("it leads nowhere: {at}")
    }
}

/// Host and port of an address.
fn host(url: &str) -> &str {
    url.trim_start_matches("http://").split(['/', '?']).next().expect("a host")
}

/// Asks whoever is at that address.
pub(crate) async fn fetch(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let host = host(url);
    let path = &url["http://".len() + host.len()..];
    let stream = TcpStream::connect(host).await.expect("connected");
    let headers = [&[("host", host)], headers].concat();
    request_over(stream, &format!("{method} {path}"), &headers, body).await
}
