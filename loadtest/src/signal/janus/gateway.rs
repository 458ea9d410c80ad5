// SPDX-License-Identifier: EUPL-1.2
//! A session with Janus over its HTTP API: requests go out as POST, and what comes of them is fetched by long polls.

use std::collections::VecDeque;
use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use hyper::Method;
use serde_json::{Value, json};

use crate::signal::http::{Base, Http};

const JSON: &str = "application/json";

/// Events that one poll may bring.
const EVENTS_PER_POLL: usize = 10;

/// A plugin handle of a session: one peer connection at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle(u64);

/// A session. Janus ends it when nobody has polled for a minute.
pub(super) struct Gateway {
    /// For requests; while a poll waits, its connection can carry nothing else.
    requests: Http,
    polls: Http,
    session: u64,
    transactions: u64,
    /// Events that have been fetched and not been looked at.
    events: VecDeque<Value>,
}

/// What a plugin said.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) data: Value,
    /// A description that came along.
    pub(super) sdp: Option<String>,
}

/// An error of the plugin, with its number.
#[derive(Debug, thiserror::Error)]
#[error("the server refuses: {reason} ({code})")]
pub(super) struct Refusal {
    pub(super) code: i64,
    reason: String,
}

impl Gateway {
    /// Opens a session.
    pub(super) async fn open(base: Base) -> Result<Self> {
        let (requests, polls) = (Http::new(base.clone()), Http::new(base));
        let mut gateway = Self { requests, polls, session: 0, transactions: 0, events: VecDeque::new() };
        let reply = gateway.post("", json!({ "janus": "create" })).await?;
        gateway.session = id_of(&reply)?;
        Ok(gateway)
    }

    /// Where Janus is.
    pub(super) const fn address(&self) -> SocketAddr {
        self.requests.address()
    }

    /// A handle of the plugin.
    pub(super) async fn attach(&mut self, plugin: &str) -> Result<Handle> {
        let reply = self.post(&self.path(), json!({ "janus": "attach", "plugin": plugin })).await?;
        Ok(Handle(id_of(&reply)?))
    }

    /// Asks the plugin for something, and waits for what it says.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] when the plugin does not do it.
    pub(super) async fn ask(&mut self, handle: Handle, body: Value, jsep: Option<Value>) -> Result<Reply> {
        let mut message = json!({ "janus": "message", "body": body });
        if let Some(jsep) = jsep {
            message["jsep"] = jsep;
        }
        let path = format!("/{}/{}", self.session, handle.0);
        let reply = self.post(&path, message).await?;
        if reply["janus"] != "ack" {
            return reply_of(&reply);
        }
        let transaction = reply["transaction"].clone();
        loop {
            // Events of others are kept for who waits for them.
            if let Some(place) = self.events.iter().position(|event| event["transaction"] == transaction)
                && let Some(event) = self.events.remove(place)
            {
                return reply_of(&event);
            }
            self.poll().await?;
        }
    }

    /// The next event that nobody asked for.
    pub(super) async fn next_event(&mut self) -> Result<Value> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            self.poll().await?;
        }
    }

    /// The session's address behind the base.
    pub(super) fn path(&self) -> String {
        format!("/{}", self.session)
    }

    /// Waits for events, half a minute at most; that also keeps the session alive.
    async fn poll(&mut self) -> Result<()> {
        let path = format!("/{}?maxev={EVENTS_PER_POLL}", self.session);
        let (status, body) = self.polls.request(Method::GET, &path, JSON, String::new()).await?;
        if !status.is_success() {
            bail!("the server answers {status}");
        }
        match serde_json::from_slice(&body).context("an event that cannot be read")? {
            Value::Array(events) => self.events.extend(events),
            event => self.events.push_back(event),
        }
        // Only what plugins say is of interest: not keep-alives, nor the state of transports, which we see ourselves.
        self.events.retain(|event| event["janus"] == "event" || event["janus"] == "error");
        Ok(())
    }

    async fn post(&mut self, path: &str, mut message: Value) -> Result<Value> {
        self.transactions += 1;
        message["transaction"] = self.transactions.to_string().into();
        let (status, body) = self.requests.request(Method::POST, path, JSON, message.to_string()).await?;
        if !status.is_success() {
            bail!("the server answers {status}");
        }
        let reply: Value = serde_json::from_slice(&body).context("a reply that cannot be read")?;
        refuse_errors(&reply["error"], "code", "reason")?;
        Ok(reply)
    }
}

fn id_of(reply: &Value) -> Result<u64> {
    reply["data"]["id"].as_u64().context("a reply without an id")
}

/// The plugin's part of a reply or an event.
fn reply_of(message: &Value) -> Result<Reply> {
    refuse_errors(&message["error"], "code", "reason")?;
    let data = message["plugindata"]["data"].clone();
    refuse_errors(&data, "error_code", "error")?;
    Ok(Reply { data, sdp: message["jsep"]["sdp"].as_str().map(str::to_owned) })
}

fn refuse_errors(holder: &Value, code: &str, reason: &str) -> Result<()> {
    match holder[code].as_i64() {
        Some(code) => Err(Refusal { code, reason: holder[reason].as_str().unwrap_or("no reason").to_owned() }.into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_carry_what_the_plugin_says() {
        let event = json!({
            "janus": "event", "transaction": "4", "jsep": { "type": "answer", "sdp": "v=0" },
            "plugindata": { "plugin": "x", "data": { "videoroom": "event", "configured": "ok" } },
        });
        let reply = reply_of(&event).unwrap();
        assert_eq!((reply.data["configured"].as_str(), reply.sdp.as_deref()), (Some("ok"), Some("v=0")));
    }

    #[test]
    fn errors_of_the_plugin_keep_their_number() {
        let event = json!({ "plugindata": { "data": { "error_code": 426, "error": "No such room" } } });
        let error = reply_of(&event).unwrap_err();
        assert_eq!(error.downcast_ref::<Refusal>().unwrap().code, 426);
        let reply = json!({ "janus": "error", "error": { "code": 458, "reason": "No such session" } });
        assert!(reply_of(&reply).unwrap_err().to_string().contains("No such session"));
    }
}
