// SPDX-License-Identifier: EUPL-1.2
//! One offer of all that a client publishes, for protocols in which nothing is announced apart from it.

use anyhow::{Result, bail};

use super::{Plan, publish_if_taken, remote_of, sends_of};
use crate::driver::ClientTransport;
use crate::peer::Content;
use crate::sdp::{Description, Section, Sends, write_offer};

/// An offer whose answer is still to come.
pub(super) struct PublishingOffer<'a> {
    /// What to send to the server.
    pub(super) sdp: String,
    tracks: Vec<(Sends, &'a Content)>,
}

impl<'a> PublishingOffer<'a> {
    /// Offers what `plan` publishes on `transport`.
    pub(super) fn new(plan: &'a Plan, transport: &ClientTransport) -> Self {
        let tracks: Vec<_> = plan
            .publish
            .iter()
            .enumerate()
            .map(|(place, content)| (sends_of(content, format!("{}-{place}", plan.identity)), content))
            .collect();
        let section =
            |(sends, content): &(Sends, &Content)| Section { kind: content.kind(), sends: Some(sends.clone()) };
        let sections: Vec<_> = tracks.iter().map(section).collect();
        Self { sdp: write_offer(1, &sections, &transport.local), tracks }
    }

    /// Connects and sends by the server's answer.
    ///
    /// # Errors
    ///
    /// When the server takes less than was offered, or names no address that can be reached.
    pub(super) fn accept(self, transport: &ClientTransport, answer: &Description) -> Result<()> {
        transport.set_remote(remote_of(answer, &[], transport.local.candidate)?);
        for (mid, (sends, content)) in self.tracks.iter().enumerate() {
            if !publish_if_taken(transport, answer, &mid.to_string(), sends, content) {
                bail!("the server does not take what we publish");
            }
        }
        Ok(())
    }
}
