// SPDX-License-Identifier: EUPL-1.2
//! What the parts share, and the router that leads to them.

use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::http::uri::{PathAndQuery, Uri};
use axum::middleware::map_request;
use axum::routing::{get, head};
use bus::Bus;
use chrono::Utc;
use prometheus::Registry;
use store::{Store, StoreError};
use tower_http::cors::{Any, CorsLayer};
use tracing::warn;
use uuid::Uuid;

use crate::api::{self, Api};
use crate::auth::revocation::Revocations;
use crate::auth::room_token::{RoomToken, TokenKeys};
use crate::config::Config;
use crate::identity::keys::Keys;
use crate::identity::oidc;
use crate::identity::passwords::Passwords;
use crate::identity::tenants;
use crate::identity::throttle::Throttle;
use crate::invitations::outbox::server::MailServer;
use crate::livekit_webhooks::Notifier;
use crate::lobby::Lobby;
use crate::meeting_sessions::live;
use crate::meeting_sessions::model::session_of_room;
use crate::meeting_sessions::rules::ChangedRules;
use crate::metrics::{self, Metrics};
use crate::outgoing::reach::Reach;
use crate::phone::Phone;
use crate::rooms::directory::Directory;
use crate::rooms::keeper::DataCodec;
use crate::rooms::output::Follower;
use crate::session::data_packets;
use crate::tasks::Tasks;
use crate::webhooks::deliver::Deliverer;
use crate::{dev, health, invitations, session, twirp, web_client};

/// Secrets shorter than this can be guessed from one token.
const MIN_SECRET_BYTES: usize = 32;

/// How long a browser remembers what CORS allows. LiveKit's figure.
const CORS_MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// What the parts share, behind a pointer that does not say to what.
///
/// The web framework asks the compiler thousands of times whether this may go to another thread. With the fields in sight,
/// each answer means to look through everything that they are made of, an eighth of the time that this crate takes to compile.
pub(crate) struct App(Box<dyn Whole>);

/// Something that has all of it.
trait Whole: Send + Sync {
    fn parts(&self) -> &Parts;
}

impl Whole for Parts {
    fn parts(&self) -> &Parts {
        self
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        self.0.parts()
    }
}

/// What the parts share.
pub(crate) struct Parts {
    pub(crate) config: Config,
    /// What this process is called where several share a database: by it they know whose rooms are whose.
    pub(crate) process: String,
    /// What room tokens are signed with.
    pub(crate) keys: TokenKeys,
    pub(crate) store: Store,
    /// What links, cookies and PINs are derived from.
    pub(crate) installation: Keys,
    /// Who vouches for people, where somebody does.
    pub(crate) oidc: Option<oidc::Provider>,
    pub(crate) passwords: Passwords,
    pub(crate) throttle: Throttle,
    pub(crate) api: Api,
    pub(crate) revocations: Revocations,
    /// Tells other software what happens.
    pub(crate) webhooks: Arc<Deliverer>,
    /// Tells other software what happens in rooms, as LiveKit does.
    pub(crate) notifier: Option<Arc<Notifier>>,
    pub(crate) directory: Directory,
    /// Which meetings may be under other rules than before.
    pub(crate) changed_rules: ChangedRules,
    /// Who waits to be let into a meeting.
    pub(crate) lobby: Lobby,
    /// Who calls by telephone, and which codes were wrong.
    pub(crate) phone: Phone,
    pub(crate) metrics: Metrics,
    pub(crate) registry: Registry,
    pub(crate) mail_server: Option<MailServer>,
    /// Changes that are asked for and under way.
    pub(crate) changes: Tasks,
    /// The websockets, and the seats of callers.
    pub(crate) sessions: Tasks,
    /// Those who write down what happens in meetings.
    pub(crate) watches: Tasks,
}

impl App {
    pub(crate) async fn new(config: Config, store: Store, bus: Bus, registry: Registry) -> Result<Self, io::Error> {
        let keys = TokenKeys::new(&config.api_keys);
        let keys = keys.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        if !config.dev && config.api_keys.iter().any(|key| key.secret.expose().len() < MIN_SECRET_BYTES) {
            warn!("the secret of an API key is shorter than {MIN_SECRET_BYTES} bytes");
        }
        let installation = store::patiently(async || prepare(&store).await).await.map_err(io::Error::other)?;
        let oidc = config.oidc.as_ref().map(oidc::Provider::new).transpose()?;
        let mail_server = config.mail.as_ref().map(MailServer::new).transpose()?;
        let metrics = Metrics::new(&registry).map_err(io::Error::other)?;
        let codec = DataCodec { open: data_packets::open, seal: data_packets::seal, notice: data_packets::notice };
        let reach = Reach::new(&config.webhook_networks, config.dev);
        let notifier = Notifier::new(&config.livekit_webhooks, &config.api_keys, &reach, &metrics)?;
        let follower = notifier.clone().map(|notifier| notifier as Arc<dyn Follower>);
        let directory = Directory::new(bus, config.rooms.settings(), codec, metrics.clone(), follower);
        let revocations = Revocations::default();
        store::patiently(async || revocations.load(&store).await).await.map_err(io::Error::other)?;
        let webhooks = Arc::new(Deliverer::new(store.clone(), installation.clone(), reach));
        let phone = Phone::new(Instant::now(), config.dev, &registry).map_err(io::Error::other)?;
        Ok(Self(Box::new(Parts {
            oidc,
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            api: Api::new(config.api_requests_per_second),
            config,
            process: Uuid::now_v7().to_string(),
            keys,
            store,
            installation,
            revocations,
            webhooks,
            notifier,
            directory,
            changed_rules: ChangedRules::default(),
            lobby: Lobby::default(),
            phone,
            metrics,
            registry,
            mail_server,
            changes: Tasks::default(),
            sessions: Tasks::default(),
            watches: Tasks::default(),
        })))
    }

    /// Whether somebody who comes to a room that is not there makes it.
    pub(crate) fn may_create_room(&self, token: &RoomToken) -> bool {
        // A meeting's room is opened when somebody is let in, with what its policy says.
        let is_meeting = session_of_room(&token.grants.room).is_some();
        (self.config.rooms.auto_create || token.grants.room_create) && !is_meeting
    }

    /// Tells everybody to leave and waits until they are gone.
    pub(crate) async fn shut_down(&self) {
        self.phone.calls.shut_down().await;
        self.directory.shut_down().await;
        self.sessions.all_ended().await;
        self.watches.all_ended().await;
        live::let_go(self).await;
        if let Some(notifier) = &self.notifier {
            notifier.shut_down().await;
        }
    }
}

/// What must be in the database before anybody asks.
async fn prepare(store: &Store) -> Result<Keys, StoreError> {
    let keys = Keys::load(store).await?;
    let mut tx = store.write().await?;
    tenants::ensure_one(&mut tx).await?;
    if !store.is_shared() {
        // A file is used by one process at a time, so whoever held something is dead.
        live::let_all_go(&mut tx, Utc::now()).await?;
    }
    tx.commit().await?;
    Ok(keys)
}

/// All routes.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let registry = app.registry.clone();
    let livekit = Router::new()
        // Clients look here whether the server can be reached. What `GET /` shows is not their business.
        .route("/", head(|| async {}))
        .merge(session::routes())
        .merge(twirp::routes())
        .layer(cors());
    let inner = Router::new()
        .merge(livekit)
        .merge(api::routes(app))
        .merge(oidc::routes::routes())
        .merge(dev::routes(app.config.dev))
        .merge(health::routes())
        .merge(invitations::routes(app))
        .merge(web_client::routes())
        .route("/metrics", get(async move || metrics::render(&registry)))
        .with_state(app.clone());
    // Paths must be tidied before they are looked up, so the lookup is inside.
    Router::new().fallback_service(inner).layer(map_request(tidy_path))
}

/// LiveKit's paths may be used from the pages of any site: the token decides.
fn cors() -> CorsLayer {
    let methods = [Method::OPTIONS, Method::HEAD, Method::GET, Method::POST, Method::PATCH, Method::DELETE];
    CorsLayer::new().allow_origin(Any).allow_methods(methods).allow_headers(Any).max_age(CORS_MAX_AGE)
}

/// Makes one slash of several: clients append their paths to whatever base they were given.
async fn tidy_path(mut request: Request) -> Request {
    let uri = request.uri();
    if uri.path().contains("//") {
        let mut path = String::with_capacity(uri.path().len());
        for character in uri.path().chars() {
            if !(character == '/' && path.ends_with('/')) {
                path.push(character);
            }
        }
        if let Some(query) = uri.query() {
            path.push('?');
            path.push_str(query);
        }
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = PathAndQuery::try_from(path).ok();
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}
