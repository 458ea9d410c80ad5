// SPDX-License-Identifier: EUPL-1.2
//! A day in an organisation, with all that has something to hide: people sign in, schedule, are invited by mail, answer, wait
//! in the lobby, talk, are removed, and are erased. What is private says so: `private` is in it, or the number below.

use std::collections::BTreeSet;

use bus::{DataChannel, SfuEvent};
use livekit_protocol as proto;
use livekit_protocol::data_packet::Value as Data;
use livekit_protocol::signal_request::Message as Request;
use prost::Message as _;
use serde_json::{Value, json};
use signaling::commands::{ALL_SCOPES, NewApiToken, create_api_token, take_mail};
use signaling::{Config, MailConfig};
use store::testing::TestStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::collect;
use crate::support::client::{join_request, path};
use crate::support::mail::MailServer;
use crate::support::server::{Answer, config};
use crate::support::{Client, Server, sfu, soon};

const PHONE: &str = "+49305554443332";
const PASSWORD: &str = "private battery staple";
const ORGANIZER: &str = "private.olga@example.org";

/// Who asks: a bearer token, or a browser with its cookies and its proof.
#[derive(Clone, Default)]
struct Shows {
    bearer: Option<String>,
    cookie: Option<String>,
    csrf: Option<String>,
}

impl Shows {
    fn bearer(token: &Value) -> Self {
        Self { bearer: Some(token.as_str().expect("a token").to_owned()), ..Self::default() }
    }
}

/// The day, and what is to be kept secret of it.
pub(crate) struct Day {
    server: Server,
    mails: MailServer,
    mail: MailConfig,
    root: Shows,
    tenant: String,
    secrets: BTreeSet<String>,
}

impl Day {
    pub(crate) async fn begin() -> Self {
        let database = TestStore::sqlite().await;
        let scopes = ALL_SCOPES.join(",");
        let wanted =
            NewApiToken { name: "Private Token", scopes: &scopes, tenant: None, is_for_installation: true, days: 1 };
        let token = create_api_token(&database.store, &wanted).await.expect("a token");
        let mails = MailServer::start().await;
        let url = format!("smtp://127.0.0.1:{}", mails.port);
        let mut mail = MailConfig::new(url.as_str().into(), "private-sender@example.org".into());
        mail.replies = Some("private+{token}@example.org".to_owned());
        mail.fold = chrono::Duration::zero();
        mail.poll = std::time::Duration::from_millis(20);
        let config = Config {
            dev: true,
            api_requests_per_second: 100_000,
            mail: Some(mail.clone()),
            public_url: "https://private.example.org".to_owned(),
            trusted_proxies: vec!["127.0.0.1/32".parse().expect("a network")],
            ..config()
        };
        let server = Server::start_on(database, config).await;
        let root = Shows { bearer: Some(token.clone()), ..Shows::default() };
        let mut day = Self { server, mails, mail, root: root.clone(), tenant: String::new(), secrets: [token].into() };
        let tenants = day.ask(&root, "GET /tenants", Value::Null).await.json();
        day.tenant = tenants["items"][0]["id"].as_str().expect("a tenant").to_owned();
        day
    }

    /// All of it.
    pub(crate) async fn live_through(&mut self) {
        let browser = self.sign_in().await;
        let software = self.machines(&browser).await;
        self.webhooks(&software).await;
        let meeting = self.schedule(&browser).await;
        self.mails(&browser, &meeting).await;
        self.meet(&browser, &meeting).await;
        self.nonsense(&software).await;
        self.end_of_day(&browser, &software).await;
    }

    /// Returns the secrets that were shown.
    pub(crate) async fn end(self) -> BTreeSet<String> {
        self.server.stop().await;
        self.secrets
    }

    /// Sends a request by way of a proxy, and remembers the secrets in its answer.
    async fn ask(&mut self, shows: &Shows, head: &str, body: Value) -> Answer {
        let (method, path) = head.split_once(' ').expect("a method and a path");
        let path = if path.starts_with("/r/") || path.starts_with("/calendar/") {
            path.to_owned()
        } else {
            format!("/api/v1{path}")
        };
        let mut headers = vec![("x-forwarded-for", "203.0.113.77".to_owned()), ("if-match", "*".to_owned())];
        headers.push(("user-agent", "Private Browser".to_owned()));
        headers.extend(shows.bearer.iter().map(|token| ("authorization", format!("Bearer {token}"))));
        headers.extend(shows.cookie.iter().map(|cookie| ("cookie", cookie.clone())));
        headers.extend(shows.csrf.iter().map(|csrf| ("x-csrf-token", csrf.clone())));
        let is_form = body.is_string();
        let kind = if is_form { "application/x-www-form-urlencoded" } else { "application/json" };
        let body = match body {
            Value::Null => String::new(),
            Value::String(form) => form,
            body => body.to_string(),
        };
        if !body.is_empty() {
            headers.push(("content-type", kind.to_owned()));
        }
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = self.server.request(&format!("{method} {path}"), &headers, body.as_bytes()).await;
        if let Ok(json) = serde_json::from_slice(&answer.body) {
            collect(&json, &mut self.secrets);
        }
        for cookie in &answer.cookies {
            let value = cookie.split(';').next().and_then(|cookie| cookie.split_once('=')).map(|(_, value)| value);
            self.secrets.extend(value.filter(|value| value.len() > 8).map(str::to_owned));
        }
        answer
    }

    /// The same, which works. With much else to do for the machine's disk the database may be too slow: then it is asked for
    /// again.
    async fn done(&mut self, shows: &Shows, head: &str, body: Value) -> Answer {
        let mut answer = self.ask(shows, head, body.clone()).await;
        for _ in 0..5 {
            if answer.status != 503 {
                break;
            }
            answer = self.ask(shows, head, body.clone()).await;
        }
        assert!((200..400).contains(&answer.status), "{head}: {} {}", answer.status, answer.text());
        answer
    }

    async fn sign_in(&mut self) -> Shows {
        let root = self.root.clone();
        let user = json!({ "email": ORGANIZER, "name": "Private Olga", "role": "tenant_admin",
            "phone_e164": PHONE });
        let made = self.done(&root, &format!("POST /users?tenant_id={}", self.tenant), user).await.json();
        let path = format!("PUT /users/{}/password", made["id"].as_str().expect("an id"));
        self.done(&root, &path, json!({ "password": PASSWORD })).await;
        let nobody = Shows::default();
        for (email, password) in [(ORGANIZER, "private guess"), ("private.nobody@example.org", "private guess")] {
            let refused = self.ask(&nobody, "POST /session", json!({ "email": email, "password": password })).await;
            assert_eq!(refused.status, 401);
        }
        let answer = self.done(&nobody, "POST /session", json!({ "email": ORGANIZER, "password": PASSWORD })).await;
        let cookie = answer.cookies.first().and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned();
        let csrf = answer.json()["csrf_token"].as_str().expect("a token").to_owned();
        let browser = Shows { cookie: Some(cookie), csrf: Some(csrf), bearer: None };
        self.done(&browser, "GET /users/me", Value::Null).await;
        let forged = Shows { csrf: Some("private-forged".to_owned()), ..browser.clone() };
        assert_eq!(self.ask(&forged, "POST /policies", json!({})).await.status, 403);
        let feed = self.done(&browser, "GET /users/me/calendar_feed", Value::Null).await.json();
        let url = feed["url"].as_str().expect("a link");
        let feed = url.split_once("example.org").expect("a path").1.to_owned();
        self.done(&nobody, &format!("GET {feed}"), Value::Null).await;
        browser
    }

    /// Tokens and clients of OAuth, used and misused.
    async fn machines(&mut self, browser: &Shows) -> Shows {
        let wanted = json!({ "name": "Private Calendar", "scopes": ["tokens:admin", "webhooks:read", "webhooks:write",
            "privacy:admin", "audit:read", "meetings:read"] });
        let made = self.done(browser, "POST /api_tokens", wanted).await.json();
        let software = Shows::bearer(&made["token"]);
        self.done(&software, "GET /meetings?limit=1", Value::Null).await;
        let wrong = Shows { bearer: Some("saal_private-forged".to_owned()), ..Shows::default() };
        assert_eq!(self.ask(&wrong, "GET /api_tokens?cursor=private", Value::Null).await.status, 401);
        let client = json!({ "name": "Private Client", "scopes": ["meetings:read"] });
        let client = self.done(browser, "POST /oauth_clients", client).await.json();
        let text = |name: &str| client[name].as_str().expect("a text").to_owned();
        let form = |secret: &str| {
            let form = [("grant_type", "client_credentials"), ("client_id", &text("id")), ("client_secret", secret)];
            form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
        };
        let (right, wrong) = (form(&text("client_secret")), form("private-wrong"));
        let given = self.done(&Shows::default(), "POST /oauth/token", json!(right)).await.json();
        self.done(&Shows::bearer(&given["access_token"]), "GET /meetings", Value::Null).await;
        assert_eq!(self.ask(&Shows::default(), "POST /oauth/token", json!(wrong)).await.status, 401);
        software
    }

    /// One that arrives, one that does not, and one whose receiver is gone for good.
    async fn webhooks(&mut self, software: &Shows) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let is_gone = String::from_utf8_lossy(&request[..length]).contains("private-gone");
                let answer = if is_gone { "410 Gone" } else { "204 No Content" };
                let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                drop(stream.write_all(answer.as_bytes()).await);
            }
        });
        let events = json!(["meeting.created", "invitee.responded", "session.started", "participant.joined"]);
        let mut paths = Vec::new();
        for url in [
            format!("http://{address}/private-path?key=private"),
            "http://127.0.0.1:9/private-path?key=private".to_owned(),
            format!("http://{address}/private-gone"),
        ] {
            let webhook = json!({ "url": url, "description": "Private", "events": events });
            let made = self.done(software, "POST /webhooks", webhook).await.json();
            let path = format!("/webhooks/{}", made["id"].as_str().expect("an id"));
            self.done(software, &format!("POST {path}/test"), Value::Null).await;
            paths.push(path);
        }
        for path in &paths {
            soon(async {
                while self.done(software, &format!("GET {path}/deliveries"), Value::Null).await.json()["items"][0]["attempts"]
                    == 0
                {}
            })
            .await;
        }
        self.done(software, &format!("POST {}/rotate_secret", paths[0]), Value::Null).await;
        let refused = json!({ "url": "https://10.0.0.1/private", "events": events });
        assert_eq!(self.ask(software, "POST /webhooks", refused).await.status, 422);
    }

    async fn schedule(&mut self, browser: &Shows) -> Value {
        let starts_at = chrono::Utc::now() + chrono::Duration::minutes(1);
        let body = json!({
            "title": "Private Budget", "description": "Private plans", "starts_at": starts_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            "duration_minutes": 60, "policy_overrides": { "guests": "link", "keep_chat": true },
            "invitees": [{ "email": "private.iris@example.org", "name": "Private Iris" },
                { "email": "private.refused@example.org" }, { "phone_e164": PHONE, "name": "Private Paul" }],
        });
        let meeting = self.done(browser, "POST /meetings", body).await.json();
        let path = format!("/meetings/{}", meeting["id"].as_str().expect("an id"));
        self.done(browser, &format!("GET {path}?expand=invitees,occurrences"), Value::Null).await;
        self.done(browser, &format!("GET {path}/phone_pins"), Value::Null).await;
        self.done(browser, &format!("GET {path}/invitation.ics"), Value::Null).await;
        self.done(browser, &format!("PATCH {path}"), json!({ "title": "Private Budget II" })).await;
        meeting
    }

    /// Invitations arrive, one is rejected, one is answered on its page and one by mail.
    async fn mails(&mut self, browser: &Shows, meeting: &Value) {
        let mails = self.mails.mails(2).await;
        let text = mails[0]["text"].as_str().expect("a text");
        let token = text.split_once("/r/").and_then(|(_, rest)| rest.split_once('?')).expect("a link").0.to_owned();
        self.secrets.insert(token.clone());
        self.done(&Shows::default(), &format!("GET /r/{token}?answer=declined"), Value::Null).await;
        self.done(&Shows::default(), &format!("POST /r/{token}"), json!("answer=accepted")).await;
        self.ask(&Shows::default(), "GET /r/private-forged", Value::Null).await;
        let reply =
            "From: <private.iris@example.org>\r\nTo: <private+forged@example.org>\r\nSubject: Private\r\n\r\nPrivate";
        let store = self.server.database.store.clone();
        drop(take_mail(&store, &self.mail, reply.as_bytes()).await);
        self.mails.answer("550 private.refused@example.org is not here").await;
        let path = format!("/meetings/{}", meeting["id"].as_str().expect("an id"));
        let late = json!({ "email": "private.late@example.org" });
        self.done(browser, &format!("POST {path}/invitees"), late).await;
        soon(async {
            loop {
                let deliveries = self.done(browser, &format!("GET {path}/deliveries"), Value::Null).await.json();
                let mut items = deliveries["items"].as_array().into_iter().flatten();
                if items.any(|delivery| delivery["status"] == "failed") {
                    return;
                }
            }
        })
        .await;
    }

    async fn meet(&mut self, browser: &Shows, meeting: &Value) {
        let link = meeting["join_url"].as_str().expect("a link");
        let code = link.rsplit('/').next().expect("a code").to_owned();
        let join = format!("POST /join/{code}");
        self.done(&Shows::default(), &format!("GET /join/{code}"), Value::Null).await;
        let waiting = self.done(&Shows::default(), &join, json!({ "name": "Private Gus" })).await.json();
        let host = self.done(browser, &join, json!({})).await.json();
        let (mut host_client, host_sid) = self.enter(&host).await;
        let session = format!("/meeting_sessions/{}", host["session_id"].as_str().expect("a session"));
        let ticket = Shows::bearer(&waiting["ticket"]);
        let entry = waiting["entry_id"].as_str().expect("an entry").to_owned();
        self.done(browser, &format!("GET {session}/lobby"), Value::Null).await;
        self.done(browser, &format!("POST {session}/admit"), json!({ "entry_id": entry })).await;
        let guest = self.done(&ticket, &format!("GET /lobby/{entry}?known=private"), Value::Null).await.json();
        assert!(guest["token"].is_string(), "{guest}");
        let (_guest_client, guest_sid) = self.enter(&guest).await;
        self.chat(&guest_sid).await;
        let raise = proto::UpdateParticipantMetadata {
            name: "Private Host".to_owned(),
            attributes: [("saal.hand".to_owned(), "1".to_owned())].into(),
            ..Default::default()
        };
        host_client.send(Request::UpdateMetadata(raise)).await;
        let shown = self.done(browser, &format!("GET {session}"), Value::Null).await.json();
        let people = shown["participants"].as_array().expect("people").clone();
        let guest =
            people.iter().find(|person| person["name"] == "Private Gus").expect("the guest")["identity"].clone();
        for (action, body) in [
            ("mute", json!({ "identity": guest })),
            ("rename", json!({ "identity": guest, "name": "Private Gustav" })),
            ("lock", Value::Null),
            ("remove", json!({ "identity": guest, "ban": true })),
        ] {
            self.done(browser, &format!("POST {session}/{action}"), body).await;
        }
        assert_eq!(self.ask(&Shows::default(), &join, json!({ "name": "Private Gus" })).await.status, 403);
        self.done(browser, &format!("GET {session}/chat"), Value::Null).await;
        assert!(!host_sid.is_empty());
        self.done(browser, &format!("POST {session}/end"), Value::Null).await;
        host_client.leave().await;
    }

    async fn enter(&mut self, admitted: &Value) -> (Client, String) {
        let token = admitted["token"].as_str().expect("a token").to_owned();
        let mut client = Client::connect(&self.server, &path(&token, &join_request())).await.expect("let in");
        let sid = client.joined().await.participant.expect("a participant").sid;
        client.negotiate(1, &sfu::sdp(3, 3, &[])).await;
        self.server.sfu.connect(&sid).await;
        (client, sid)
    }

    async fn chat(&self, sender: &str) {
        let transport = self.server.sfu.transport_of(sender).await;
        let message = proto::ChatMessage { id: "m1".into(), message: "Private words".into(), ..Default::default() };
        let packet = proto::DataPacket { value: Some(Data::ChatMessage(message)), ..Default::default() };
        let payload = packet.encode_to_vec();
        self.server.sfu.report(SfuEvent::Data { transport, channel: DataChannel::Reliable, payload });
    }

    /// What is refused.
    async fn nonsense(&mut self, software: &Shows) {
        for (head, body) in [
            ("POST /api_tokens", json!({ "name": "Private", "private": true })),
            ("POST /oauth/token", json!("private=private&client_id=private")),
            ("GET /private/private.iris@example.org", Value::Null),
            ("GET /meetings?organizer=private.iris@example.org&status=private", Value::Null),
            ("POST /exports", json!({ "email": "private", "phone_e164": "+49private" })),
        ] {
            let refused = self.ask(software, head, body).await;
            assert!((400..500).contains(&refused.status), "{head}: {}", refused.status);
        }
    }

    /// Exports, erasures, and a database that is away.
    async fn end_of_day(&mut self, browser: &Shows, software: &Shows) {
        for known_by in [json!({ "email": "private.iris@example.org" }), json!({ "phone_e164": PHONE })] {
            let export = self.done(software, "POST /exports", known_by.clone()).await.json();
            let path = format!("/exports/{}", export["id"].as_str().expect("an id"));
            soon(async {
                while self.done(software, &format!("GET {path}"), Value::Null).await.json()["status"] != "ready" {}
            })
            .await;
            self.done(software, &format!("GET {path}/download"), Value::Null).await;
            let mut erasure = known_by;
            erasure["meetings"] = json!("cancel");
            self.done(software, "POST /erasures", erasure).await;
        }
        self.done(software, "GET /audit_events?limit=200", Value::Null).await;
        self.done(browser, "DELETE /session", Value::Null).await;
        self.server.database.store.close().await;
        assert_eq!(self.ask(software, "GET /meetings", Value::Null).await.status, 503);
    }
}
