// SPDX-License-Identifier: EUPL-1.2
//! LiveKit's client protocol, with one peer connection and the first offer in the join request.

mod messages;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use futures_util::{SinkExt, StreamExt};
use livekit_protocol as proto;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use prost::Message as _;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{Plan, Wanted, publish_if_taken, remote_of, sends_of};
use crate::driver::{ClientTransport, Driver};
use crate::peer::{Content, Progress, local_ip_towards};
use crate::sdp::{Description, Kind, Section, Sends, write_offer};

/// How long a server may take to answer the first message.
const ANSWER_PATIENCE: Duration = Duration::from_secs(15);

/// Where the server does not say how often.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// Requests that may wait for the session's task.
const REQUESTS: usize = 8;

/// A client's session; its task ends when this is dropped.
pub(super) struct Session {
    requests: mpsc::Sender<ToSession>,
    progress: watch::Receiver<Progress>,
    task: JoinHandle<()>,
}

enum ToSession {
    ChooseLayer(u8, oneshot::Sender<Result<()>>),
    Leave(oneshot::Sender<()>),
}

impl Session {
    pub(super) async fn wait_for(&mut self, is_reached: impl Fn(&Progress) -> bool) -> Result<Progress> {
        let progress = self.progress.wait_for(|progress| is_reached(progress) || progress.failed.is_some()).await;
        let progress = progress.context("the session has ended")?.clone();
        progress.failed.clone().map_or(Ok(progress), |reason| Err(anyhow!(reason)))
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    pub(super) async fn choose_layer(&self, layer: u8) -> Result<()> {
        let (reply, done) = oneshot::channel();
        self.requests.send(ToSession::ChooseLayer(layer, reply)).await.context("the session has ended")?;
        done.await.context("the session has ended")?
    }

    pub(super) async fn leave(self) {
        let (reply, done) = oneshot::channel();
        if self.requests.send(ToSession::Leave(reply)).await.is_ok() {
            let _ = done.await;
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What the session's task works with.
struct Conversation {
    socket: Socket,
    transport: ClientTransport,
    plan: Plan,
    sections: Vec<Section>,
    /// Tracks to publish, with what they send, and whether they flow.
    publications: Vec<Publication>,
    /// Number of the last offer, and whether it is unanswered.
    offer: u32,
    is_offer_pending: bool,
    needs_offer: bool,
    /// Candidates that came apart from answers.
    trickled: Vec<SocketAddr>,
    /// Tracks of others that we receive.
    received: HashMap<String, Kind>,
    layer: Option<u8>,
}

struct Publication {
    content: Content,
    sends: Sends,
    /// The server has taken note of it.
    is_announced: bool,
    mid: Option<String>,
    flows: bool,
}

/// Joins; returns when the server has answered the first offer.
pub(super) async fn join(url: &str, token: &str, driver: &Driver, plan: Plan) -> Result<Session> {
    let server = messages::address_of(url).await?;
    let transport = driver.add(local_ip_towards(server)?, true).await?;
    if let Some(ear) = &plan.ear {
        transport.listen(ear.clone());
    }
    let sections: Vec<Section> = Kind::ALL
        .into_iter()
        .flat_map(|kind| std::iter::repeat_n(Section { kind, sends: None }, plan.wanted(kind).at_first()))
        .collect();
    // A publisher that receives nothing makes its first offer with what it sends.
    let first_offer = (!sections.is_empty()).then(|| write_offer(1, &sections, &transport.local));
    let subscribes_to_all = plan.receive_audio == Wanted::All && plan.receive_video == Wanted::All;
    let request = messages::join_request(first_offer.clone(), subscribes_to_all);
    let socket = messages::open(url, token, &request).await?;
    let publications = plan
        .publish
        .iter()
        .enumerate()
        .map(|(place, content)| Publication {
            sends: sends_of(content, format!("{}-{place}", plan.identity)),
            content: content.clone(),
            is_announced: false,
            mid: None,
            flows: false,
        })
        .collect();
    let mut conversation = Conversation {
        socket,
        transport,
        plan,
        sections,
        publications,
        offer: u32::from(first_offer.is_some()),
        is_offer_pending: first_offer.is_some(),
        needs_offer: false,
        trickled: Vec::new(),
        received: HashMap::new(),
        layer: None,
    };
    let ping_interval = tokio::time::timeout(ANSWER_PATIENCE, conversation.begin())
        .await
        .context("the server does not answer the join request")??;
    let progress = conversation.transport.progress.clone();
    let (requests, received) = mpsc::channel(REQUESTS);
    let task = tokio::spawn(async move {
        if let Err(error) = conversation.go_on(received, ping_interval).await {
            tracing::warn!(identity = conversation.plan.identity, "a session ended: {error:#}");
        }
    });
    Ok(Session { requests, progress, task })
}

impl Conversation {
    /// From the join response to the first answer. Gives the interval of pings.
    async fn begin(&mut self) -> Result<Duration> {
        let Some(Response::Join(join)) = self.receive().await? else { bail!("the server does not let us in") };
        let ping_interval = match u64::try_from(join.ping_interval) {
            Ok(seconds @ 1..) => Duration::from_secs(seconds),
            _ => PING_INTERVAL,
        };
        self.take_note_of(&join.other_participants).await?;
        for place in 0..self.publications.len() {
            let publication = &self.publications[place];
            let request = messages::add_track(&publication.sends, &publication.content);
            self.send(Request::AddTrack(request)).await?;
        }
        while self.is_offer_pending || !self.publications.iter().all(|publication| publication.flows) {
            let response = self.receive().await?;
            self.handle(response).await?;
        }
        Ok(ping_interval)
    }

    async fn go_on(&mut self, mut requests: mpsc::Receiver<ToSession>, ping_interval: Duration) -> Result<()> {
        let mut pings = tokio::time::interval(ping_interval);
        loop {
            tokio::select! {
                message = self.socket.next() => {
                    let message = message.context("the server hung up")?.context("the connection broke")?;
                    let response = messages::decode(&message)?;
                    self.handle(response).await?;
                }
                _ = pings.tick() => self.send(Request::PingReq(messages::ping())).await?,
                request = requests.recv() => match request {
                    Some(ToSession::ChooseLayer(layer, reply)) => {
                        self.layer = Some(layer);
                        let sids = self.received_sids(Kind::Video);
                        let result = self.send(Request::TrackSetting(messages::choose_layer(sids, layer))).await;
                        let _ = reply.send(result);
                    }
                    Some(ToSession::Leave(reply)) => {
                        self.send(Request::Leave(messages::leave())).await?;
                        let _ = self.socket.close(None).await;
                        let _ = reply.send(());
                        return Ok(());
                    }
                    None => return Ok(()),
                },
            }
        }
    }

    fn received_sids(&self, wanted: Kind) -> Vec<String> {
        self.received.iter().filter(|(_, kind)| **kind == wanted).map(|(sid, _)| sid.clone()).collect()
    }

    async fn receive(&mut self) -> Result<Option<Response>> {
        let message = self.socket.next().await.context("the server hung up")?.context("the connection broke")?;
        messages::decode(&message)
    }

    async fn send(&mut self, message: Request) -> Result<()> {
        let request = proto::SignalRequest { message: Some(message) };
        self.socket.send(Message::binary(request.encode_to_vec())).await.context("the connection broke")
    }

    async fn handle(&mut self, response: Option<Response>) -> Result<()> {
        match response {
            Some(Response::Answer(answer)) => self.accept(&answer)?,
            Some(Response::TrackPublished(published)) => self.announce(&published.cid),
            Some(Response::Trickle(trickle)) => self.trickled.extend(messages::candidate(&trickle)),
            Some(Response::MediaSectionsRequirement(needed)) => {
                for (kind, count) in [(Kind::Audio, needed.num_audios), (Kind::Video, needed.num_videos)] {
                    let section = Section { kind, sends: None };
                    self.sections.extend(std::iter::repeat_n(section, count.min(1_000) as usize));
                }
                self.needs_offer = true;
            }
            Some(Response::Update(update)) => self.take_note_of(&update.participants).await?,
            Some(Response::RequestResponse(reply)) if reply.reason() != proto::request_response::Reason::Ok => {
                bail!("the server refuses a request: {:?} {}", reply.reason(), reply.message)
            }
            Some(Response::Leave(leave)) => bail!("the server sends us away: {:?}", leave.reason()),
            _ => {}
        }
        self.offer_if_needed().await
    }

    /// The server knows a track of ours: it goes into the next offer.
    fn announce(&mut self, cid: &str) {
        let Some(publication) = self.publications.iter_mut().find(|publication| publication.sends.cid == cid) else {
            return;
        };
        publication.is_announced = true;
        publication.mid = Some(self.sections.len().to_string());
        let (kind, sends) = (publication.content.kind(), publication.sends.clone());
        self.sections.push(Section { kind, sends: Some(sends) });
        self.needs_offer = true;
    }

    async fn offer_if_needed(&mut self) -> Result<()> {
        // One offer for all tracks that are published together.
        let is_complete = self.publications.iter().all(|publication| publication.is_announced);
        if !self.needs_offer || self.is_offer_pending || !is_complete {
            return Ok(());
        }
        self.offer += 1;
        (self.needs_offer, self.is_offer_pending) = (false, true);
        let sdp = write_offer(self.offer, &self.sections, &self.transport.local);
        let offer = proto::SessionDescription { r#type: "offer".to_owned(), sdp, id: self.offer, ..Default::default() };
        self.send(Request::Offer(offer)).await
    }

    fn accept(&mut self, answer: &proto::SessionDescription) -> Result<()> {
        if answer.id != 0 && answer.id != self.offer {
            return Ok(());
        }
        self.is_offer_pending = false;
        let description = Description::read(&answer.sdp)?;
        self.transport.set_remote(remote_of(&description, &self.trickled, self.transport.local.candidate)?);
        for publication in self.publications.iter_mut().filter(|publication| !publication.flows) {
            let Some(mid) = &publication.mid else { continue };
            publication.flows =
                publish_if_taken(&self.transport, &description, mid, &publication.sends, &publication.content);
        }
        Ok(())
    }

    /// Subscribes to tracks of others, as far as the plan wants them and the server does not do it by itself.
    async fn take_note_of(&mut self, participants: &[proto::ParticipantInfo]) -> Result<()> {
        let mut wanted = Vec::new();
        let others = participants.iter().filter(|participant| participant.identity != self.plan.identity);
        for track in others.flat_map(|participant| &participant.tracks) {
            let kind = match track.r#type() {
                proto::TrackType::Audio => Kind::Audio,
                proto::TrackType::Video => Kind::Video,
                proto::TrackType::Data => continue,
            };
            let already = self.received.values().filter(|received| **received == kind).count();
            if !self.received.contains_key(&track.sid) && self.plan.wanted(kind).takes(already) {
                self.received.insert(track.sid.clone(), kind);
                wanted.push((track.sid.clone(), kind));
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let sids = wanted.iter().map(|(sid, _)| sid.clone()).collect();
        if self.plan.receive_audio != Wanted::All || self.plan.receive_video != Wanted::All {
            self.send(Request::Subscription(messages::subscribe(sids))).await?;
        }
        if let Some(layer) = self.layer {
            let videos = wanted.into_iter().filter(|(_, kind)| *kind == Kind::Video).map(|(sid, _)| sid).collect();
            self.send(Request::TrackSetting(messages::choose_layer(videos, layer))).await?;
        }
        Ok(())
    }
}
