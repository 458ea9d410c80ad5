// SPDX-License-Identifier: EUPL-1.2
//! The bridge's way to a node: attaches itself, and again when the link is lost. While there is none, calls are declined, and
//! trunks stay as they were told last, so that we stay registered with them.

use std::sync::Arc;
use std::time::Instant;

use bus::phone::{CallEnd, Dialer, TrunkAdministration};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::bridge_session::{Access, Over, Phone, decline};
use crate::connection::LinkError;
use crate::messages::VERSION;
use crate::remote_end::{EndQueues, RemoteEnd};
use crate::secret::Secret;
use crate::tls::connector;

/// The rest of the bridge, as signaling would have it in the same process.
pub struct BridgePhone {
    /// The calls that it hands in.
    pub calls: mpsc::Receiver<CallEnd>,
    /// Where it is told of trunks, and says how they are.
    pub trunks: TrunkAdministration,
    /// Where it takes orders to dial, if it does.
    pub dialer: Option<Dialer>,
}

/// Attaches the bridge to a node while it is there. Dropping it ends the link.
pub struct BridgeLink {
    attached: watch::Receiver<bool>,
    task: JoinHandle<Option<LinkError>>,
}

impl BridgeLink {
    /// Begins to attach itself to a node (a name or an address, with a port), on the runtime that this is called on. The ends are
    /// for so many threads that make sound.
    ///
    /// # Errors
    ///
    /// TLS could not be set up.
    pub fn start(
        node: String,
        secret: Secret,
        threads: u16,
        phone: BridgePhone,
    ) -> Result<(Self, Vec<RemoteEnd>), LinkError> {
        Self::start_with_version(node, secret, threads, phone, VERSION)
    }

    pub(crate) fn start_with_version(
        node: String,
        secret: Secret,
        threads: u16,
        phone: BridgePhone,
        version: u16,
    ) -> Result<(Self, Vec<RemoteEnd>), LinkError> {
        let tls = connector().map_err(std::io::Error::other)?;
        let (queues, ends): (Vec<Arc<EndQueues>>, Vec<_>) = (0..threads).map(RemoteEnd::new).unzip();
        let BridgePhone { calls, trunks, dialer } = phone;
        let (is_attached, attached) = watch::channel(false);
        let runner = Runner {
            access: Access { node, secret, tls, version },
            phone: Phone { calls, trunks, dialer, ends: queues },
            backoff: Backoff::default(),
            is_attached,
        };
        Ok((Self { attached, task: tokio::spawn(runner.run()) }, ends))
    }

    /// Whether it is attached, now and later.
    #[must_use]
    pub fn attached(&self) -> watch::Receiver<bool> {
        self.attached.clone()
    }

    /// Waits until it is of no use to try on, and tells why; `None` when the bridge has ended.
    pub async fn ended(&mut self) -> Option<LinkError> {
        match (&mut self.task).await {
            Ok(reason) => reason,
            Err(error) => {
                if error.is_panic() {
                    tracing::error!("the link to the node has panicked");
                }
                None
            }
        }
    }
}

impl Drop for BridgeLink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Runner {
    access: Access,
    phone: Phone,
    backoff: Backoff,
    is_attached: watch::Sender<bool>,
}

impl Runner {
    async fn run(mut self) -> Option<LinkError> {
        loop {
            let attaching = self.access.attach(self.phone.ends.len());
            let attachment = tokio::select! {
                attachment = attaching => attachment,
                () = decline_all(&mut self.phone.calls) => return None,
            };
            let mut is_stranger = false;
            match attachment {
                Ok(attachment) => {
                    tracing::info!("attached to the node");
                    self.is_attached.send_replace(true);
                    let since = Instant::now();
                    let over = attachment.carry(&mut self.phone).await;
                    self.is_attached.send_replace(false);
                    self.phone.ends.iter().for_each(|end| end.begin_anew());
                    match over {
                        Over::Lost(reason) => {
                            tracing::warn!(%reason, "the link to the node is lost, and its calls end")
                        }
                        Over::BridgeEnded => return None,
                    }
                    self.backoff.note_link(since.elapsed());
                }
                Err(error) if error.is_final() => return Some(error),
                Err(error) if error.is_about_the_secret() => {
                    tracing::error!(%error, "the node does not take this bridge; calls are declined");
                    is_stranger = true;
                }
                Err(error) => tracing::warn!(%error, "the node cannot be reached; calls are declined"),
            }
            let random = rand::random();
            let pause = if is_stranger { self.backoff.next_after_stranger(random) } else { self.backoff.next(random) };
            tokio::select! {
                () = sleep(pause) => {}
                () = decline_all(&mut self.phone.calls) => return None,
            }
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.phone.ends.iter().for_each(|end| end.close());
    }
}

/// Declines calls, until the bridge has ended.
async fn decline_all(calls: &mut mpsc::Receiver<CallEnd>) {
    while let Some(end) = calls.recv().await {
        decline(&end);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::messages::Refusal;
    use crate::node::{NodeLink, NodePhone};

    /// For what is certain to come.
    const LONG: std::time::Duration = std::time::Duration::from_secs(30);

    #[tokio::test]
    async fn a_bridge_of_another_version_is_told_and_gives_up() {
        let secret = || Secret::new(&[b'x'; 32]).unwrap();
        let (desk, _node_calls) = bus::phone::desk();
        let (_node_trunks, trunks) = bus::phone::trunks();
        let phone = NodePhone { desk, trunks, dials: None, ends: Vec::new(), first_bridge: 0 };
        let node = NodeLink::start(&["127.0.0.1:0".parse().unwrap()], secret(), phone).await.unwrap();
        let address = node.local_addresses()[0].to_string();
        let (_desk, calls) = bus::phone::desk();
        let (trunks, _operation) = bus::phone::trunks();
        let phone = BridgePhone { calls, trunks, dialer: None };
        let (mut link, _ends) = BridgeLink::start_with_version(address, secret(), 1, phone, VERSION + 1).unwrap();
        let reason = timeout(LONG, link.ended()).await.unwrap();
        let expected = Refusal::Version { node: VERSION, bridge: VERSION + 1 };
        assert!(matches!(reason, Some(LinkError::Refused(refusal)) if refusal == expected), "{reason:?}");
    }
}
