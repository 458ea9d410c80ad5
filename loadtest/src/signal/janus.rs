// SPDX-License-Identifier: EUPL-1.2
//! Janus with its VideoRoom plugin. A client has one peer connection to send and another to receive, each with a
//! plugin handle of its own; who only watches has the second alone, as small a client as Janus allows.

mod feeds;
mod gateway;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::http::{Base, Http};
use super::publishing_offer::PublishingOffer;
use super::transports::Transports;
use super::{Plan, remote_of};
use crate::driver::{ClientTransport, Driver};
use crate::peer::{Progress, local_ip_towards};
use crate::sdp::{Description, Kind, write_answer};
use feeds::Feeds;
use gateway::{Gateway, Handle, Refusal};

const PLUGIN: &str = "janus.plugin.videoroom";

/// `JANUS_VIDEOROOM_ERROR_NO_SUCH_ROOM` and `JANUS_VIDEOROOM_ERROR_ROOM_EXISTS`.
const NO_SUCH_ROOM: i64 = 426;
const ROOM_EXISTS: i64 = 427;

/// More publishers than any load has: a room that is not told allows three.
const MAX_PUBLISHERS: u32 = 10_000;

/// How often one who only watches asks who publishes, until there is enough.
const LIST_INTERVAL: Duration = Duration::from_millis(200);

/// A client's session; it polls until this is dropped.
pub(super) struct Session {
    transports: Transports,
    polling: JoinHandle<()>,
    /// To say good-bye by.
    base: Base,
    session: String,
}

impl Session {
    pub(super) async fn wait_for(&mut self, is_reached: impl Fn(&Progress) -> bool) -> Result<Progress> {
        self.transports.wait_for(is_reached).await
    }

    pub(super) fn progress(&self) -> Progress {
        self.transports.progress().unwrap_or_default()
    }

    pub(super) async fn leave(self) {
        let destroy = json!({ "janus": "destroy", "transaction": "bye" }).to_string();
        // The server may be gone, and then there is nothing left to end.
        let _ = Http::new(self.base.clone()).request(Method::POST, &self.session, "application/json", destroy).await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.polling.abort();
    }
}

/// Joins; returns when both peer connections are negotiated.
pub(super) async fn join(url: &str, driver: &Driver, plan: &Plan) -> Result<Session> {
    let base = Base::of(url).await?;
    let mut client = Joining {
        gateway: Gateway::open(base.clone()).await?,
        room: number_of(&plan.room),
        driver,
        plan,
        feeds: Feeds::default(),
        transports: Transports::default(),
    };
    client.join().await?;
    let Joining { mut gateway, transports, .. } = client;
    let session = gateway.path();
    let polling = tokio::spawn(async move {
        // Janus forgets a session that nobody polls. What it tells is not needed any more.
        while gateway.next_event().await.is_ok() {}
    });
    Ok(Session { transports, polling, base, session })
}

/// Janus knows rooms by numbers. They have to fit into a double (RFC 8259 §6).
fn number_of(room: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    room.hash(&mut hasher);
    hasher.finish() >> 12
}

struct Joining<'a> {
    gateway: Gateway,
    room: u64,
    driver: &'a Driver,
    plan: &'a Plan,
    feeds: Feeds,
    transports: Transports,
}

impl Joining<'_> {
    async fn join(&mut self) -> Result<()> {
        let handle = self.gateway.attach(PLUGIN).await?;
        let receives = Kind::ALL.into_iter().any(|kind| self.plan.streams(kind) > 0);
        if self.plan.publish.is_empty() {
            let streams = self.list_until_enough(handle).await?;
            return self.subscribe(handle, streams).await;
        }
        self.publish(handle).await?;
        if receives {
            let streams = self.wait_until_enough().await?;
            let handle = self.gateway.attach(PLUGIN).await?;
            self.subscribe(handle, streams).await?;
        }
        Ok(())
    }

    async fn transport(&self, offers: bool) -> Result<ClientTransport> {
        self.driver.add(local_ip_towards(self.gateway.address())?, offers).await
    }

    /// Joins the room, which is made when it is not there, and publishes.
    async fn publish(&mut self, handle: Handle) -> Result<()> {
        let join = json!({ "request": "join", "ptype": "publisher", "room": self.room, "display": self.plan.identity });
        let joined = match self.gateway.ask(handle, join.clone(), None).await {
            Err(error) if is_refusal(&error, NO_SUCH_ROOM) => {
                self.create(handle).await?;
                self.gateway.ask(handle, join, None).await?
            }
            joined => joined?,
        };
        self.feeds.take_note_of(&joined.data);
        let transport = self.transport(true).await?;
        let offer = PublishingOffer::new(self.plan, &transport);
        let jsep = jsep("offer", offer.sdp.clone());
        let configured = self.gateway.ask(handle, json!({ "request": "publish" }), Some(jsep)).await?;
        let answer = Description::read(&configured.sdp.context("the server does not answer what we publish")?)?;
        offer.accept(&transport, &answer)?;
        self.transports.add(transport);
        Ok(())
    }

    async fn create(&mut self, handle: Handle) -> Result<()> {
        let create = json!({
            "request": "create",
            "room": self.room,
            "publishers": MAX_PUBLISHERS,
            "audiocodec": "opus",
            "videocodec": "vp8",
        });
        match self.gateway.ask(handle, create, None).await {
            // Somebody else was faster.
            Err(error) if is_refusal(&error, ROOM_EXISTS) => Ok(()),
            created => created.map(drop),
        }
    }

    /// Who publishes is told of other publishers.
    async fn wait_until_enough(&mut self) -> Result<Vec<Value>> {
        loop {
            if let Some(streams) = self.feeds.subscription(|kind| self.plan.streams(kind)) {
                return Ok(streams);
            }
            let event = self.gateway.next_event().await?;
            self.feeds.take_note_of(&event["plugindata"]["data"]);
        }
    }

    /// Who only watches has to ask. The list names publishers but not their streams, and a subscription without them
    /// is one to all.
    async fn list_until_enough(&mut self, handle: Handle) -> Result<Vec<Value>> {
        let list = json!({ "request": "listparticipants", "room": self.room });
        // Each publisher has one track of a kind at most.
        let wanted = Kind::ALL.into_iter().map(|kind| self.plan.streams(kind)).max().unwrap_or(0).max(1);
        loop {
            match self.gateway.ask(handle, list.clone(), None).await {
                Err(error) if is_refusal(&error, NO_SUCH_ROOM) => {}
                listed => {
                    let publishers = publishing_feeds(&listed?.data);
                    if publishers.len() >= wanted {
                        return Ok(publishers.into_iter().take(wanted).map(|feed| json!({ "feed": feed })).collect());
                    }
                }
            }
            tokio::time::sleep(LIST_INTERVAL).await;
        }
    }

    /// Subscribes to all streams at once, by one peer connection, which the server offers.
    async fn subscribe(&mut self, handle: Handle, streams: Vec<Value>) -> Result<()> {
        let join = json!({ "request": "join", "ptype": "subscriber", "room": self.room, "streams": streams });
        let attached = self.gateway.ask(handle, join, None).await?;
        let offer = Description::read(&attached.sdp.context("the server does not offer what we want")?)?;
        let transport = self.transport(false).await?;
        let answer = jsep("answer", write_answer(&offer, &transport.local));
        transport.set_remote(remote_of(&offer, &[], transport.local.candidate)?);
        self.transports.add(transport);
        self.gateway.ask(handle, json!({ "request": "start" }), Some(answer)).await.map(drop)
    }
}

fn jsep(kind: &str, sdp: String) -> Value {
    json!({ "type": kind, "sdp": sdp })
}

fn is_refusal(error: &anyhow::Error, code: i64) -> bool {
    error.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.code == code)
}

/// Feeds of those in a list of participants who publish.
fn publishing_feeds(data: &Value) -> Vec<u64> {
    let participants = data["participants"].as_array().into_iter().flatten();
    participants.filter(|one| one["publisher"] == true).filter_map(|one| one["id"].as_u64()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_numbers_are_exact_in_json() {
        let number = number_of("load-1-0");
        assert_eq!(number, number_of("load-1-0"));
        assert!(number < 1 << 53 && number != number_of("load-1-1"));
    }

    #[test]
    fn only_publishers_are_subscribed_to() {
        let data = json!({ "participants": [{ "id": 1, "publisher": true }, { "id": 2, "publisher": false }] });
        assert_eq!(publishing_feeds(&data), [1]);
    }
}
