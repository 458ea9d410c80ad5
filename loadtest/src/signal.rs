// SPDX-License-Identifier: EUPL-1.2
//! How clients come into a meeting: the same plan, told to each kind of server in its own protocol.

pub(crate) mod http;
mod janus;
mod livekit;
mod offer_post;
mod publishing_offer;
mod token;
mod transports;

use std::net::SocketAddr;

use anyhow::{Result, bail};

use crate::driver::{ClientTransport, Driver};
use crate::ear::Ear;
use crate::peer::{Announced, Content, Progress, Remote};
use crate::sdp::{Description, Kind, OutgoingStream, Sends};

/// A server under load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// LiveKit's client protocol with one peer connection, at an address of `ws` or `wss`.
    LiveKit { url: String, api_key: String, api_secret: String },
    /// Janus with its VideoRoom plugin, at the address of its HTTP API.
    Janus { url: String },
    /// Offers and answers posted over HTTP.
    OfferPost { url: String },
}

/// What a client does in a meeting.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) room: String,
    /// Unique in the room.
    pub(crate) identity: String,
    pub(crate) publish: Vec<Content>,
    pub(crate) receive_audio: Wanted,
    pub(crate) receive_video: Wanted,
    /// How many audio and video streams there will be to receive when everybody is there. Where a client has to say
    /// what it wants, it waits for so many and asks for them at once.
    pub(crate) streams: [usize; 2],
    /// Who listens to the sound that it receives.
    pub(crate) ear: Option<Ear>,
}

/// Which tracks of one kind a client receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    None,
    All,
    /// As many as are visible at a time.
    UpTo(usize),
}

impl Wanted {
    /// Sections to offer before it is known what there is.
    const fn at_first(self) -> usize {
        match self {
            Self::None => 0,
            Self::All => 1,
            Self::UpTo(count) => count,
        }
    }

    const fn takes(self, already: usize) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::UpTo(count) => already < count,
        }
    }
}

impl Plan {
    const fn wanted(&self, kind: Kind) -> Wanted {
        match kind {
            Kind::Audio => self.receive_audio,
            Kind::Video => self.receive_video,
        }
    }

    const fn streams(&self, kind: Kind) -> usize {
        let [audio, video] = self.streams;
        match kind {
            Kind::Audio => audio,
            Kind::Video => video,
        }
    }
}

/// A client in a meeting. It vanishes when this is dropped, and says good-bye by [`Client::leave`].
pub(crate) struct Client(Session);

enum Session {
    LiveKit(livekit::Session),
    Janus(janus::Session),
    OfferPost(offer_post::Session),
}

impl Server {
    /// Whether its protocol has a word for choosing a layer.
    pub(crate) const fn lets_choose_layers(&self) -> bool {
        matches!(self, Self::LiveKit { .. })
    }

    /// Lets a client join; returns when the server has answered, before media flows.
    pub(crate) async fn join(&self, driver: &Driver, plan: Plan) -> Result<Client> {
        match self {
            Self::LiveKit { url, api_key, api_secret } => {
                let token = token::mint(api_key, api_secret, &plan)?;
                Ok(Client(Session::LiveKit(livekit::join(url, &token, driver, plan).await?)))
            }
            Self::Janus { url } => Ok(Client(Session::Janus(janus::join(url, driver, &plan).await?))),
            Self::OfferPost { url } => Ok(Client(Session::OfferPost(offer_post::join(url, driver, &plan).await?))),
        }
    }
}

impl Client {
    /// Joins by LiveKit's protocol with a room token that somebody else has made.
    pub(crate) async fn join_with_token(url: &str, token: &str, driver: &Driver, plan: Plan) -> Result<Self> {
        Ok(Self(Session::LiveKit(livekit::join(url, token, driver, plan).await?)))
    }

    /// Waits until `is_reached` or failure.
    pub(crate) async fn wait_for(&mut self, is_reached: impl Fn(&Progress) -> bool) -> Result<Progress> {
        match &mut self.0 {
            Session::LiveKit(session) => session.wait_for(is_reached).await,
            Session::Janus(session) => session.wait_for(is_reached).await,
            Session::OfferPost(session) => session.wait_for(is_reached).await,
        }
    }

    /// What it has reached so far.
    pub(crate) fn progress(&self) -> Progress {
        match &self.0 {
            Session::LiveKit(session) => session.progress(),
            Session::Janus(session) => session.progress(),
            Session::OfferPost(session) => session.progress(),
        }
    }

    /// Asks for a layer of all videos, 0 for the smallest.
    ///
    /// # Errors
    ///
    /// When the server's protocol has no word for it.
    pub(crate) async fn choose_layer(&self, layer: u8) -> Result<()> {
        match &self.0 {
            Session::LiveKit(session) => session.choose_layer(layer).await,
            Session::Janus(_) | Session::OfferPost(_) => bail!("layers are chosen by LiveKit's protocol only"),
        }
    }

    /// Says good-bye.
    pub(crate) async fn leave(self) {
        match self.0 {
            Session::LiveKit(session) => session.leave().await,
            Session::Janus(session) => session.leave().await,
            Session::OfferPost(session) => session.leave().await,
        }
    }
}

/// What a transport needs to know of the server's description; `trickled` are candidates that came apart from it.
fn remote_of(description: &Description, trickled: &[SocketAddr], local: SocketAddr) -> Result<Remote> {
    let mut candidates = description.candidates.iter().chain(trickled).filter(|at| at.is_ipv4() == local.is_ipv4());
    // From a loopback address only loopback addresses can be reached, and the other way round.
    let reachable = candidates.clone().find(|at| at.ip().is_loopback() == local.ip().is_loopback());
    let Some(candidate) = reachable.or_else(|| candidates.next()).copied() else {
        bail!("the server names no UDP address that can be reached from {}", local.ip());
    };
    let announced = |section: &crate::sdp::RemoteSection| {
        let (kind, ssrc) = (section.kind?, section.ssrc?);
        section.sends.then_some(Announced { kind, ssrc, rtx_ssrc: section.rtx_ssrc })
    };
    Ok(Remote {
        credentials: description.credentials.clone(),
        candidate,
        extensions: description.extensions(),
        streams: description.sections.iter().filter_map(announced).collect(),
    })
}

/// The RTP streams of a track, with SSRCs that nobody else has.
fn sends_of(content: &Content, cid: String) -> Sends {
    let stream = |rid| OutgoingStream { rid, ssrc: rand::random(), rtx_ssrc: rand::random() };
    let streams = match content {
        Content::Video(layers) if layers.len() > 1 => layers.iter().map(|layer| stream(Some(layer.rid))).collect(),
        _ => vec![stream(None)],
    };
    Sends { cid, streams }
}

/// Sends a track once the server has taken the section.
fn publish_if_taken(
    transport: &ClientTransport,
    description: &Description,
    mid: &str,
    sends: &Sends,
    content: &Content,
) -> bool {
    let is_taken = description.section(mid).is_some_and(|section| section.receives);
    if is_taken {
        transport.publish(mid.to_owned(), sends.clone(), content.clone());
    }
    is_taken
}
