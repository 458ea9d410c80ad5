// SPDX-License-Identifier: EUPL-1.2
//! Offer and answer (RFC 3264, RFC 8829) with one client: from its offer and from what it publishes and subscribes to,
//! the answer in SDP and the [`Session`] for the packet path.
//!
//! The client always offers and we always answer. A subscription is shown on an m-line that the client has offered
//! to receive on, so it becomes visible in an answer only; when an m-line is missing or the client has no reason to
//! offer, [`Negotiation::poll_sections_needed`] says what to ask the client for.
//!
//! This is a state machine on the node's control, not on the packet path: no clock, no sockets, and randomness from
//! the generator that it was made with. An offer that is refused changes nothing. The client's candidates are not even
//! looked at: as an ICE-lite agent (RFC 8445 §2.5) we send only to where valid checks came from.

mod answer;
mod attributes;
mod candidates;
mod codecs;
mod error;
mod extensions;
mod limits;
mod msid;
mod offer;
mod publications;
mod roles;
mod sections;
mod simulcast;
mod sources;
mod subscriptions;
#[cfg(test)]
mod tests;
mod transport_parameters;

use std::net::SocketAddr;
use std::sync::Arc;

use rand::distr::{Alphanumeric, SampleString};
use rand::rngs::StdRng;
use rand::{Rng, RngCore};
use tracing::debug;

pub use self::error::NegotiationError;
pub use self::limits::{MAX_DATA_MESSAGE_BYTES, MAX_LINE_BYTES, MAX_LINES, MAX_SDP_BYTES, MAX_SECTIONS};
pub use self::msid::Msid;
use self::offer::Offer;
pub use self::publications::Publication;
use self::publications::Publications;
use self::subscriptions::Subscriptions;
pub use self::subscriptions::{SectionsNeeded, SubscriptionRequest};
use crate::ids::{TrackId, TransportId};
use crate::session::{Fingerprint, IceCredentials, Mid, Session, TransportSetup};

/// 95 bits of chance, so that no two transports of a node ever share one.
const UFRAG_CHARACTERS: usize = 16;

/// 190 bits of chance; RFC 8445 §5.3 asks for 128.
const PASSWORD_CHARACTERS: usize = 32;

/// Offers in a row that may leave a request for m-lines unanswered before the client is taken not to understand it. A
/// few are normal: an offer that the client had already sent crosses the request.
const MAX_FRUITLESS_REQUESTS: u8 = 3;

/// What all transports of a node have in common.
#[derive(Clone, Debug)]
pub struct NegotiationConfig {
    /// Of the certificate that our DTLS shows.
    pub fingerprint: Fingerprint,
    /// Addresses at which clients reach the media port over UDP, the preferred one first.
    pub candidates: Vec<SocketAddr>,
}

/// The negotiation with one client, for the life of its transport.
pub struct Negotiation {
    transport: TransportId,
    config: Arc<NegotiationConfig>,
    rng: StdRng,
    /// Origin of our descriptions (RFC 8829 §5.3.1).
    session_id: u64,
    answers: u64,
    local: IceCredentials,
    remote: Option<Remote>,
    publications: Publications,
    subscriptions: Subscriptions,
    /// An offer that we asked for and that has not come.
    request: Option<Request>,
    fruitless_requests: u8,
}

/// What the last accepted offer said of the client's side of the transport.
struct Remote {
    ice: IceCredentials,
    fingerprint: Fingerprint,
}

/// What was still to do, and with how many m-lines, when an offer was asked for.
struct Request {
    outstanding: usize,
    sections: usize,
}

/// An offer that was taken, and all that follows from it.
#[derive(Debug)]
pub struct Accepted {
    /// The answer to send to the client.
    pub answer: String,
    /// Which track the client will receive on which m-line, in the order of the m-lines.
    pub tracks_by_mid: Vec<(Mid, TrackId)>,
    /// The media agreed on now.
    pub session: Session,
    /// The client's side of ICE.
    pub remote: IceCredentials,
    /// The certificate that the client will show.
    pub remote_fingerprint: Fingerprint,
    /// What happened to ICE.
    pub ice: IceChange,
}

/// What an offer does to ICE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IceChange {
    /// It starts.
    First,
    /// It goes on as it was.
    Same,
    /// It starts anew (RFC 8445 §2.4) with other credentials on both sides.
    Restarted {
        /// Our new side, which the answer carries.
        local: IceCredentials,
    },
}

impl Negotiation {
    /// A negotiation that waits for its first offer. `rng` must come from the operating system's entropy outside of
    /// simulations, because the ICE password is drawn from it.
    #[must_use]
    pub fn new(transport: TransportId, config: Arc<NegotiationConfig>, mut rng: StdRng) -> Self {
        let local = ice_credentials(&mut rng);
        // RFC 8829 §5.2.1: the highest bit is zero.
        let session_id = rng.next_u64() >> 1;
        Self {
            transport,
            config,
            rng,
            session_id,
            answers: 0,
            local,
            remote: None,
            publications: Publications::default(),
            subscriptions: Subscriptions::default(),
            request: None,
            fruitless_requests: 0,
        }
    }

    /// Our side of ICE.
    #[must_use]
    pub fn local(&self) -> &IceCredentials {
        &self.local
    }

    /// Lets the client send a track. It is bound to an m-line by an offer that comes later; if one has come already
    /// with a track of that name, another one is asked for.
    pub fn publish(&mut self, publication: Publication) {
        self.fruitless_requests = 0;
        self.publications.add(publication);
    }

    /// Takes no more of a track: the next answer refuses its m-line.
    pub fn unpublish(&mut self, track: TrackId) {
        self.publications.remove(track);
    }

    /// Wants a track shown to the client. A second request for the same track is ignored.
    pub fn subscribe(&mut self, request: SubscriptionRequest) {
        self.fruitless_requests = 0;
        self.subscriptions.add(request, &mut self.rng);
    }

    /// Wants a track shown no more: the next answer frees its m-line.
    pub fn unsubscribe(&mut self, track: TrackId) {
        self.fruitless_requests = 0;
        self.subscriptions.remove(track);
    }

    /// The subscriptions that the client cannot be shown, oldest first: by its last offer it has m-lines to receive that
    /// kind of media on (`recvonly`, in the BUNDLE group), and on none of them the codec that we forward, which is Opus
    /// for sound and VP8 for pictures. So it is all subscriptions of a kind or none of them.
    ///
    /// They have no m-line, and none is asked for. The list is whole each time: a track that is not in it any more was
    /// unsubscribed, or the client has offered the codec since. A track that is subscribed to later is in it at once,
    /// because no offer will be asked for on its account. A client that has offered no m-line of the kind at all may still
    /// have the codec, so its tracks are not in the list.
    #[must_use]
    pub fn unreceivable(&self) -> Vec<TrackId> {
        self.subscriptions.unreceivable()
    }

    /// Answers an offer. After an error everything is as it was before, and the client may offer again.
    ///
    /// # Errors
    /// See [`NegotiationError`].
    pub fn accept_offer(&mut self, sdp: &str) -> Result<Accepted, NegotiationError> {
        let offer = Offer::parse(sdp)?;
        let restart = match &self.remote {
            None => None,
            Some(remote) if remote.fingerprint != offer.fingerprint => {
                return Err(NegotiationError::FingerprintChanged);
            }
            Some(remote) => Some(remote.ice != offer.ice),
        };
        // Nothing below fails.
        let ice = match restart {
            None => IceChange::First,
            Some(false) => IceChange::Same,
            Some(true) => {
                self.local = ice_credentials(&mut self.rng);
                IceChange::Restarted { local: self.local.clone() }
            }
        };
        self.remote = Some(Remote { ice: offer.ice.clone(), fingerprint: offer.fingerprint });
        self.publications.bind(&offer.sections);
        self.subscriptions.assign(&offer.sections);
        self.judge_request();
        self.answers += 1;

        let extensions = extensions::agree(&offer.sections);
        let roles = roles::of(&offer.sections, &self.publications, &self.subscriptions, extensions);
        let session = roles::session(&offer.sections, &roles, extensions);
        let answer = answer::write(&answer::Answer {
            offer: &offer,
            roles: &roles,
            extensions: session.extensions,
            local: &self.local,
            config: &self.config,
            session_id: self.session_id,
            version: self.answers,
        });
        debug!(
            transport = %self.transport,
            sections = offer.sections.len(),
            uplinks = session.uplinks.len(),
            downlinks = session.downlinks.len(),
            restart = matches!(ice, IceChange::Restarted { .. }),
            "answering an offer"
        );
        Ok(Accepted {
            answer,
            tracks_by_mid: session.downlinks.iter().map(|d| (d.mid.clone(), d.track)).collect(),
            session,
            remote: offer.ice,
            remote_fingerprint: offer.fingerprint,
            ice,
        })
    }

    /// What the client must do so that everything wanted is reflected: `Some` when it must offer again, with that many
    /// more m-lines to receive on; `None` when nothing is to be done, or an offer was already asked for and has not
    /// come. Many changes that come together cost the client one round when this is called a little after them.
    pub fn poll_sections_needed(&mut self) -> Option<SectionsNeeded> {
        // The first offer comes unasked.
        self.remote.as_ref()?;
        if self.request.is_some() || self.fruitless_requests >= MAX_FRUITLESS_REQUESTS {
            return None;
        }
        let needed = self
            .subscriptions
            .sections_needed()
            .or_else(|| self.publications.awaits_offer().then(SectionsNeeded::default))?;
        self.request = Some(Request { outstanding: self.outstanding(), sections: self.subscriptions.sections() });
        debug!(transport = %self.transport, ?needed, "asking for an offer");
        Some(needed)
    }

    /// What a shard needs to build the transport when it first hears the client.
    #[must_use]
    pub fn transport_setup(&self, accepted: &Accepted) -> TransportSetup {
        TransportSetup {
            id: self.transport,
            local: self.local.clone(),
            remote: accepted.remote.clone(),
            remote_fingerprint: accepted.remote_fingerprint,
            session: accepted.session.clone(),
        }
    }

    /// An offer has come: did it bring what was asked for? A client that keeps offering without is not asked for ever.
    fn judge_request(&mut self) {
        let Some(request) = self.request.take() else { return };
        if self.outstanding() < request.outstanding || self.subscriptions.sections() > request.sections {
            self.fruitless_requests = 0;
        } else {
            self.fruitless_requests += 1;
        }
    }

    fn outstanding(&self) -> usize {
        self.subscriptions.outstanding() + usize::from(self.publications.awaits_offer())
    }
}

fn ice_credentials(rng: &mut impl Rng) -> IceCredentials {
    IceCredentials {
        ufrag: Alphanumeric.sample_string(rng, UFRAG_CHARACTERS).into(),
        password: Alphanumeric.sample_string(rng, PASSWORD_CHARACTERS).into(),
    }
}
