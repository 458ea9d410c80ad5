// SPDX-License-Identifier: EUPL-1.2
//! What operations are asked about, and with which bodies.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::{Matrix, NOTHING};

/// A number that nothing has yet.
pub(super) fn number() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

impl Matrix {
    /// The path with things of that tenant in it, which are made for it.
    pub(crate) async fn filled(&self, template: &str, tenant: &str) -> String {
        let (mut filled, mut name_before) = (String::new(), "");
        for part in template.split('/').skip(1) {
            let id = match part.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                None => part.to_owned(),
                Some(name) => {
                    let id = self.thing(name, name_before, &filled, tenant).await;
                    name_before = name;
                    id
                }
            };
            filled = format!("{filled}/{id}");
        }
        // What asks for a time or a whole calendar has to say which.
        match template {
            "/availability" => filled + "?from=2030-03-04T08:00:00Z&to=2030-03-04T09:00:00Z",
            "/occurrences" => filled + "?starts_after=2030-03-04T08:00:00Z&starts_before=2030-03-05T08:00:00Z",
            _ => filled,
        }
    }

    /// The id of something that a path names, made in that tenant. `path` is what stands before it.
    async fn thing(&self, name: &str, before: &str, path: &str, tenant: &str) -> String {
        let made =
            async |what: &str, schema: &str| id(&self.made(what, tenant, &self.body(schema, tenant).await).await);
        let listed = async |what: &str| {
            let list = self.saal.get(&self.saal.root(), &format!("{what}?tenant_id={tenant}")).await.json();
            list["items"][0].clone()
        };
        match (name, before) {
            ("tenant_id", _) => tenant.to_owned(),
            ("meeting_id", _) => made("/meetings", "MeetingInput").await,
            ("invitee_id", "meeting_id") => id(&listed(path).await),
            ("recurrence_id", "meeting_id") => {
                listed(path).await["recurrence_id"].as_str().expect("an occurrence").to_owned()
            }
            ("phone_pin_id", _) => {
                let meeting = made("/meetings", "MeetingInput").await;
                id(&listed(&format!("/meetings/{meeting}/phone_pins")).await)
            }
            ("session_id", _) => {
                let meeting = made("/meetings", "MeetingInput").await;
                id(&self.made(&format!("/meetings/{meeting}/sessions"), tenant, &Value::Null).await)
            }
            ("external_id", _) => format!("external-{}", number()),
            ("policy_id", _) => made("/policies", "PolicyInput").await,
            ("room_id", _) => made("/rooms", "RoomInput").await,
            ("user_id", _) => made("/users", "UserInput").await,
            ("webhook_id", _) => made("/webhooks", "WebhookInput").await,
            ("delivery_id", "webhook_id") => {
                let webhook = path.trim_end_matches("/deliveries");
                id(&self.made(&format!("{webhook}/test"), tenant, &Value::Null).await)
            }
            ("api_token_id", _) => made("/api_tokens", "ApiTokenInput").await,
            ("oauth_client_id", _) => made("/oauth_clients", "OauthClientInput").await,
            ("export_id", _) => made("/exports", "ExportInput").await,
            ("code", _) => {
                let body = self.body("MeetingInput", tenant).await;
                let link = self.made("/meetings", tenant, &body).await["join_url"].as_str().expect("a link").to_owned();
                link.rsplit('/').next().unwrap_or_default().to_owned()
            }
            ("trunk_id", _) => made("/phone/trunks", "PhoneTrunkInput").await,
            ("number_id", _) => made("/phone/numbers", "PhoneNumberInput").await,
            // Somebody has to call first; that is tested with calls.
            ("call_id", _) => NOTHING.to_owned(),
            // Who waits has to come first; that is tested with the lobby.
            ("entry_id", _) => NOTHING.to_owned(),
            _ => panic!("the matrix does not know how to make what {path}/{{{name}}} names"),
        }
    }

    async fn made(&self, what: &str, tenant: &str, body: &Value) -> Value {
        let body = (!body.is_null()).then_some(body);
        let path = format!("POST {what}?tenant_id={tenant}");
        let answer = self.saal.ask(&self.saal.root(), &path, &[], body).await;
        assert!([200, 201, 202].contains(&answer.status), "{what}: {} {}", answer.status, answer.text());
        answer.json()
    }

    /// A good body of that schema: the document's example, with things that are there.
    pub(crate) async fn body(&self, schema: &str, tenant: &str) -> Value {
        let mut body = self.examples.get(schema).unwrap_or_else(|| panic!("{schema} has no example")).clone();
        let number = number();
        match schema {
            "UserInput" => body["email"] = json!(format!("somebody{number}@example.org")),
            "InviteeInput" | "InviteePatch" => body["name"] = json!(format!("Somebody {number}")),
            "PolicyInput" => body["name"] = json!(format!("Public hearing {number}")),
            "TenantInput" => body["slug"] = json!(format!("tenant-{number}")),
            "RoomInput" => {
                body["slug"] = json!(format!("room-{number}"));
                body["owner_id"] = self.own_person(tenant).await.into();
            }
            "PhoneNumberInput" => {
                body["number"] = json!(format!("+4930{number:06}"));
                body["tenants"] = json!([tenant]);
            }
            "ExportInput" | "ErasureInput" => {
                body = json!({ "user_id": self.own_person(tenant).await });
                if schema == "ErasureInput" {
                    body["meetings"] = "cancel".into();
                }
            }
            // Everybody, since nobody is there.
            "MuteRequest" | "PeopleRequest" | "LobbyRequest" => body = json!({}),
            _ => {}
        }
        body
    }

    /// Somebody new with an account there.
    async fn own_person(&self, tenant: &str) -> String {
        let body =
            json!({ "email": format!("person{}@example.org", number()), "name": "Somebody", "role": "organizer" });
        id(&self.made("/users", tenant, &body).await)
    }
}

fn id(thing: &Value) -> String {
    thing["id"].as_str().unwrap_or_else(|| panic!("no id: {thing}")).to_owned()
}
