// SPDX-License-Identifier: EUPL-1.2
//! Plain offers and answers over HTTP, for servers without a protocol of their own: an offer is posted to `/publish`
//! or `/subscribe`, and the answer comes back. `DELETE` on the same address ends it.
//!
//! Who subscribes says how many tracks of each kind are wanted; the server answers 425 (RFC 8470 §5.2) as long as
//! there are fewer.

use std::time::Duration;

use anyhow::{Result, bail};
use hyper::{Method, StatusCode};

use super::http::{Base, Http};
use super::publishing_offer::PublishingOffer;
use super::transports::Transports;
use super::{Plan, remote_of};
use crate::driver::Driver;
use crate::peer::{Progress, local_ip_towards};
use crate::sdp::{Description, Kind, Section, write_offer};

const SDP: &str = "application/sdp";

/// How often is asked for tracks that are not there yet.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// A client's session. What it has published ends with [`Session::leave`], or when its transports fall silent.
pub(super) struct Session {
    http: Http,
    /// Addresses to delete.
    resources: Vec<String>,
    transports: Transports,
}

impl Session {
    pub(super) async fn wait_for(&mut self, is_reached: impl Fn(&Progress) -> bool) -> Result<Progress> {
        self.transports.wait_for(is_reached).await
    }

    pub(super) fn progress(&self) -> Progress {
        self.transports.progress().unwrap_or_default()
    }

    pub(super) async fn leave(mut self) {
        for resource in std::mem::take(&mut self.resources) {
            // The server may be gone, and then there is nothing left to end.
            let _ = self.http.request(Method::DELETE, &resource, SDP, String::new()).await;
        }
    }

    async fn post(&mut self, resource: &str, offer: &str) -> Result<Description> {
        loop {
            let (status, body) = self.http.request(Method::POST, resource, SDP, offer.to_owned()).await?;
            let body = String::from_utf8_lossy(&body);
            match status {
                StatusCode::TOO_EARLY => tokio::time::sleep(RETRY_INTERVAL).await,
                status if status.is_success() => {
                    self.resources.push(resource.to_owned());
                    return Description::read(&body);
                }
                status => bail!("the server answers {status}: {}", body.trim()),
            }
        }
    }

    async fn publish(&mut self, driver: &Driver, plan: &Plan) -> Result<()> {
        let transport = driver.add(local_ip_towards(self.http.address())?, true).await?;
        let offer = PublishingOffer::new(plan, &transport);
        let answer = self.post(&resource("publish", plan), &offer.sdp).await?;
        offer.accept(&transport, &answer)?;
        self.transports.add(transport);
        Ok(())
    }

    async fn subscribe(&mut self, driver: &Driver, plan: &Plan) -> Result<()> {
        let transport = driver.add(local_ip_towards(self.http.address())?, true).await?;
        let wanted = |kind| std::iter::repeat_n(Section { kind, sends: None }, plan.streams(kind));
        let sections: Vec<_> = Kind::ALL.into_iter().flat_map(wanted).collect();
        let (audio, video) = (plan.streams(Kind::Audio), plan.streams(Kind::Video));
        let resource = format!("{}&audio={audio}&video={video}", resource("subscribe", plan));
        let answer = self.post(&resource, &write_offer(1, &sections, &transport.local)).await?;
        transport.set_remote(remote_of(&answer, &[], transport.local.candidate)?);
        self.transports.add(transport);
        Ok(())
    }
}

/// Rooms and identities of ours have no character that an address would have to escape.
fn resource(verb: &str, plan: &Plan) -> String {
    format!("/{verb}?room={}&id={}", plan.room, plan.identity)
}

/// Joins; returns when the server has answered all offers.
pub(super) async fn join(url: &str, driver: &Driver, plan: &Plan) -> Result<Session> {
    let http = Http::new(Base::of(url).await?);
    let mut session = Session { http, resources: Vec::new(), transports: Transports::default() };
    if !plan.publish.is_empty() {
        session.publish(driver, plan).await?;
    }
    if Kind::ALL.into_iter().any(|kind| plan.streams(kind) > 0) {
        session.subscribe(driver, plan).await?;
    }
    Ok(session)
}
