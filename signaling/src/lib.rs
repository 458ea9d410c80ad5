// SPDX-License-Identifier: EUPL-1.2
//! Signaling: rooms, tokens, LiveKit's client protocol and the HTTP surface.
//!
//! `api` is the REST API, whose subjects are `identity` (who may ask) and `records` (what was done). Clients connect by LiveKit's websocket (`session`), administrators call its RoomService (`twirp`). Behind them are
//! the rooms, which know neither, and `media`, which speaks to the SFU nodes over the bus. Media itself never comes here.

mod accept;
mod api;
mod app;
pub mod auth;
mod background;
pub mod commands;
mod config;
mod dev;
mod forgetting;
mod health;
mod identity;
mod invitations;
mod joining;
mod livekit_webhooks;
mod lobby;
mod media;
mod meeting_sessions;
mod meetings;
mod metrics;
mod outgoing;
mod phone;
mod records;
mod rooms;
mod session;
mod stats;
mod tasks;
mod twirp;
mod web_client;
mod webhooks;

use std::io;
use std::sync::Arc;

use axum::Router;
use bus::Bus;
use bus::phone::{CallEnd, Dialer, PhoneDesk, TrunkAdministration, TrunkList};
use prometheus::Registry;
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

pub use crate::auth::secret::{ApiKey, Secret};
pub use crate::config::{Config, LivekitWebhooks, MailConfig, Oidc, RoomDefaults};
pub use crate::identity::is_role;

use crate::app::App;

/// The ways to a bridge for telephones.
#[derive(Debug)]
pub struct TelephoneEnds {
    /// By which it is told which trunks there are, as soon as the service serves.
    pub trunks: TrunkAdministration,
    /// Where calls are ordered.
    pub dialer: Dialer,
}

/// A service that is ready to serve.
pub struct Service {
    app: Arc<App>,
    phone_desk: PhoneDesk,
    calls: mpsc::Receiver<CallEnd>,
    trunks: Option<watch::Sender<TrunkList>>,
}

impl Service {
    /// Reads what it needs from the database, and puts there what must be there before anybody asks. A database that is
    /// away is waited for, for a minute. `telephones` are the ways to a bridge for telephones, where there is one.
    ///
    /// # Errors
    ///
    /// Fails when the configuration cannot be used, or the database stays away.
    pub async fn new(
        config: Config,
        store: Store,
        bus: Bus,
        registry: Registry,
        telephones: Option<TelephoneEnds>,
    ) -> Result<Self, io::Error> {
        let (phone_desk, calls) = bus::phone::desk();
        let app = App::new(config, store, bus, registry).await?;
        let trunks = telephones.map(|TelephoneEnds { trunks: TrunkAdministration { list, states }, dialer }| {
            app.phone.trunks.told_by(states);
            app.phone.dial_out.by(dialer);
            list
        });
        Ok(Self { app: Arc::new(app), phone_desk, calls, trunks })
    }

    /// Where bridges hand in the calls that reach them. They are taken up while the service serves.
    #[must_use]
    pub fn phone_desk(&self) -> PhoneDesk {
        self.phone_desk.clone()
    }

    /// What says that this process will end, while it still serves: whoever asks whether it is ready is told that it is not, and
    /// whoever comes all the same is let in.
    pub fn leaver(&self) -> impl Fn() + Send + Sync + use<> {
        let app = self.app.clone();
        move || app.directory.leave()
    }

    /// Serves until `shutdown` completes. Then everybody is told to come back later, and it returns within three seconds.
    ///
    /// # Errors
    ///
    /// Fails when work in the background cannot go on.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), io::Error> {
        let mut background = background::start(&self.app, self.calls, self.trunks);
        tokio::select! {
            () = accept::serve(self.app, listener, shutdown) => Ok(()),
            error = background.failed() => Err(error),
        }
    }
}

/// All routes, for whoever brings a server of its own. Rooms live as long as the process.
///
/// # Errors
///
/// Fails when the configuration cannot be used, or the database is away.
pub async fn router(config: Config, store: Store, bus: Bus, registry: Registry) -> Result<Router, io::Error> {
    Ok(app::router(&Arc::new(App::new(config, store, bus, registry).await?)))
}
