// SPDX-License-Identifier: EUPL-1.2
//! Orders a room's transports from its SFU node and collects the answers that the room waits for.

use std::time::Duration;

use bus::{Bus, BusError, PendingReply, SfuCommand, SfuRefusal, SfuReply, TransportSid};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tracing::warn;

use super::placement::{Place, Placement};
use crate::rooms::input::{Input, OfferFailure};

/// Longest wait for a place in the node's queue. A node that takes nothing for this long is not well.
const ENQUEUE_TIMEOUT: Duration = Duration::from_secs(5);

/// A room's end of its SFU node.
pub(crate) struct Transports {
    bus: Bus,
    placement: Placement,
    place: Option<Place>,
    answers: FuturesUnordered<BoxFuture<'static, Option<Input>>>,
}

/// The node is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeLost;

impl Transports {
    pub(crate) fn new(bus: Bus, placement: Placement) -> Self {
        Self { bus, placement, place: None, answers: FuturesUnordered::new() }
    }

    /// Gives an order. The first transport of a room chooses the node.
    pub(crate) async fn order(&mut self, command: SfuCommand) -> Result<(), NodeLost> {
        if let SfuCommand::OpenTransport { transport, .. } | SfuCommand::OpenBridgeLeg { transport, .. } = &command {
            let transport = transport.clone();
            return self.open(transport, command).await;
        }
        // Without a node there is nothing left to be ordered about.
        let Some(place) = &self.place else { return Ok(()) };
        let told = tokio::time::timeout(ENQUEUE_TIMEOUT, self.bus.tell(place.node(), command)).await;
        if matches!(told, Ok(Ok(()))) { Ok(()) } else { Err(self.lose_node()) }
    }

    async fn open(&mut self, transport: TransportSid, command: SfuCommand) -> Result<(), NodeLost> {
        if self.place.is_none() {
            self.place = self.placement.place();
        }
        if self.place.is_none() {
            let refused = Input::TransportRefused { transport, is_full: false };
            self.answers.push(std::future::ready(Some(refused)).boxed());
            return Ok(());
        }
        let reply = self.begin(command).await?;
        let answer = async move {
            match reply.answer().await {
                Ok(_) => None,
                Err(error) => {
                    warn!(%error, "a node takes no transport");
                    let is_full = error == BusError::Refused(SfuRefusal::Full);
                    Some(Input::TransportRefused { transport, is_full })
                }
            }
        };
        self.answers.push(answer.boxed());
        Ok(())
    }

    /// Has an offer answered.
    pub(crate) async fn offer(&mut self, transport: TransportSid, offer: u32, sdp: String) -> Result<(), NodeLost> {
        let reply = self.begin(SfuCommand::Offer { transport: transport.clone(), sdp }).await?;
        let answer = async move {
            let outcome = match reply.answer().await {
                Ok(SfuReply::Answer(answer)) => Ok(answer),
                Err(BusError::Refused(SfuRefusal::BadOffer(_))) => Err(OfferFailure::Unacceptable),
                Ok(SfuReply::Done) | Err(_) => Err(OfferFailure::TransportGone),
            };
            Some(Input::Answered { transport, offer, outcome })
        };
        self.answers.push(answer.boxed());
        Ok(())
    }

    async fn begin(&mut self, command: SfuCommand) -> Result<PendingReply, NodeLost> {
        let Some(place) = &self.place else { return Err(NodeLost) };
        let begun = tokio::time::timeout(ENQUEUE_TIMEOUT, self.bus.begin(place.node(), command)).await;
        match begun {
            Ok(Ok(reply)) => Ok(reply),
            _ => Err(self.lose_node()),
        }
    }

    /// Looks whether the node is still there.
    pub(crate) fn check_node(&mut self) -> Result<(), NodeLost> {
        match &self.place {
            Some(place) if !self.bus.sfu_nodes().contains(place.node()) => Err(self.lose_node()),
            _ => Ok(()),
        }
    }

    fn lose_node(&mut self) -> NodeLost {
        if let Some(place) = self.place.take() {
            warn!(node = %place.node(), "lost an SFU node");
        }
        NodeLost
    }

    /// The next answer that the room must hear. Never ends.
    pub(crate) async fn next(&mut self) -> Input {
        loop {
            match self.answers.next().await {
                Some(Some(input)) => return input,
                Some(None) => {}
                None => std::future::pending().await,
            }
        }
    }
}
