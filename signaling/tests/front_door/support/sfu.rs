// SPDX-License-Identifier: EUPL-1.2
//! The test's own SFU: the other half of the bus. It forwards nothing, but it answers offers as a real one would, keeps
//! what it was told and reports what the test wants reported.
//!
//! Instead of SDP it reads lines: `audios N`, `videos N` (receiving m-lines) and `publish CID`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bus::{
    Answer, Bus, MediaKind, ParticipantSid, Publication, RoomSid, SectionsNeeded, SfuCommand, SfuEvent, SfuRefusal,
    SfuReply, Subscription, TransportSid,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::soon;

/// Bridges for callers that it has.
const BRIDGES: u16 = 2;

/// An SFU node in a test.
pub(crate) struct TestSfu {
    state: Arc<Mutex<State>>,
    changed: watch::Receiver<usize>,
    events: mpsc::UnboundedSender<(RoomSid, SfuEvent)>,
    gate: Arc<tokio::sync::Mutex<()>>,
    waiting: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl Drop for TestSfu {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Default)]
struct State {
    log: Vec<SfuCommand>,
    transports: HashMap<TransportSid, Transport>,
}

struct Transport {
    room: RoomSid,
    /// Whose it is; nobody's if it is a bridge's leg, which makes no offers and needs no m-lines.
    participant: Option<ParticipantSid>,
    publications: Vec<Publication>,
    subscriptions: Vec<Subscription>,
    /// Receiving m-lines of the last offer.
    audios: usize,
    videos: usize,
}

/// An offer as the test's SFU reads it.
pub(crate) fn sdp(audios: usize, videos: usize, cids: &[&str]) -> String {
    let publications: String = cids.iter().map(|cid| format!("publish {cid}\n")).collect();
    format!("audios {audios}\nvideos {videos}\n{publications}")
}

impl TestSfu {
    /// Serves as the node `name` until it is dropped.
    pub(crate) fn serve(bus: &Bus, name: &str) -> Self {
        let mut endpoint = bus.serve_sfu(name.into());
        let state = Arc::<Mutex<State>>::default();
        let (change, changed) = watch::channel(0);
        let (events, mut to_report) = mpsc::unbounded_channel();
        let (gate, (wait, waiting)) = (Arc::<tokio::sync::Mutex<()>>::default(), watch::channel(false));
        let (shared, entrance) = (state.clone(), gate.clone());
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    request = endpoint.next() => {
                        let Some(request) = request else { break };
                        wait.send_replace(true);
                        drop(entrance.lock().await);
                        wait.send_replace(false);
                        let (command, reply) = request.into_parts();
                        let (answer, events) = shared.lock().expect("unpoisoned").handle(command);
                        reply(answer);
                        for (room, event) in events {
                            endpoint.report(&room, event);
                        }
                        change.send_modify(|count| *count += 1);
                    }
                    Some((room, event)) = to_report.recv() => {
                        endpoint.report(&room, event);
                    }
                }
            }
        });
        Self { state, changed, events, gate, waiting, task }
    }

    /// Answers nothing until what this returns is dropped.
    pub(crate) async fn hold(&self) -> tokio::sync::OwnedMutexGuard<()> {
        self.gate.clone().lock_owned().await
    }

    /// Waits until something waits for an answer.
    pub(crate) async fn is_asked(&self) {
        soon(self.waiting.clone().wait_for(|is_waiting| *is_waiting)).await.expect("the SFU runs");
    }

    /// The node dies.
    pub(crate) async fn stop(&mut self) {
        self.task.abort();
        // Its end of the bus is gone when the task is.
        drop((&mut self.task).await);
    }

    /// Waits for a command and says what `wanted` makes of it.
    pub(crate) async fn wait_for<T>(&self, wanted: impl Fn(&SfuCommand) -> Option<T>) -> T {
        let mut changed = self.changed.clone();
        soon(async {
            loop {
                changed.borrow_and_update();
                if let Some(found) = self.state.lock().expect("unpoisoned").log.iter().find_map(&wanted) {
                    return found;
                }
                changed.changed().await.expect("the SFU runs");
            }
        })
        .await
    }

    /// The commands so far.
    pub(crate) fn log(&self) -> Vec<SfuCommand> {
        self.state.lock().expect("unpoisoned").log.clone()
    }

    /// Forgets the commands so far.
    pub(crate) fn forget(&self) {
        self.state.lock().expect("unpoisoned").log.clear();
    }

    /// The transport of a participant.
    pub(crate) async fn transport_of(&self, participant: &str) -> TransportSid {
        let participant = ParticipantSid::from(participant);
        self.wait_for(|command| match command {
            SfuCommand::OpenTransport { transport, participant: of, .. } if *of == participant => {
                Some(transport.clone())
            }
            _ => None,
        })
        .await
    }

    /// Has media connected for a participant.
    pub(crate) async fn connect(&self, participant: &str) -> TransportSid {
        let transport = self.transport_of(participant).await;
        self.report(SfuEvent::Connected { transport: transport.clone() });
        transport
    }

    /// Reports an event of a transport's room.
    pub(crate) fn report(&self, event: SfuEvent) {
        let transport = match &event {
            SfuEvent::Connected { transport }
            | SfuEvent::Failed { transport, .. }
            | SfuEvent::SectionsNeeded { transport, .. }
            | SfuEvent::Unreceivable { transport, .. }
            | SfuEvent::Data { transport, .. } => Some(transport),
            SfuEvent::TrackStarted { .. } | SfuEvent::Speakers { .. } => None,
        };
        let state = self.state.lock().expect("unpoisoned");
        let room = match transport {
            Some(transport) => state.transports[transport].room.clone(),
            None => state.transports.values().next().expect("a transport").room.clone(),
        };
        drop(state);
        self.events.send((room, event)).expect("the SFU runs");
    }
}

type Events = Vec<(RoomSid, SfuEvent)>;

impl State {
    fn handle(&mut self, command: SfuCommand) -> (Result<SfuReply, SfuRefusal>, Events) {
        self.log.push(command.clone());
        let mut events = Vec::new();
        let outcome = self.obey(command, &mut events);
        (outcome, events)
    }

    fn obey(&mut self, command: SfuCommand, events: &mut Events) -> Result<SfuReply, SfuRefusal> {
        match command {
            SfuCommand::OpenBridgeLeg { bridge, .. } if bridge >= BRIDGES => return Err(SfuRefusal::NoSuchBridge),
            SfuCommand::OpenBridgeLeg { transport, room, .. } => {
                events.push((room.clone(), SfuEvent::Connected { transport: transport.clone() }));
                self.transports.insert(transport, Transport::new(room, None));
            }
            SfuCommand::OpenTransport { transport, room, participant } => {
                self.transports.insert(transport, Transport::new(room, Some(participant)));
            }
            SfuCommand::Offer { transport, sdp } => {
                let opened = self.transports.get_mut(&transport).ok_or(SfuRefusal::UnknownTransport)?;
                let answer = opened.answer(&sdp)?;
                if opened.is_short() {
                    events.extend(opened.needs(&transport));
                }
                return Ok(SfuReply::Answer(answer));
            }
            SfuCommand::Publish { transport, publication } => {
                let opened = self.transports.get_mut(&transport).ok_or(SfuRefusal::UnknownTransport)?;
                opened.publications.retain(|other| other.track != publication.track);
                opened.publications.push(publication);
            }
            SfuCommand::Unpublish { transport, track } => {
                let opened = self.transports.get_mut(&transport).ok_or(SfuRefusal::UnknownTransport)?;
                opened.publications.retain(|publication| publication.track != track);
            }
            SfuCommand::Subscribe { transport, subscriptions } => {
                let opened = self.transports.get_mut(&transport).ok_or(SfuRefusal::UnknownTransport)?;
                opened.subscriptions.extend(subscriptions);
                events.extend(opened.needs(&transport));
            }
            SfuCommand::Unsubscribe { transport, tracks } => {
                let opened = self.transports.get_mut(&transport).ok_or(SfuRefusal::UnknownTransport)?;
                opened.subscriptions.retain(|subscription| !tracks.contains(&subscription.track));
                events.extend(opened.needs(&transport));
            }
            SfuCommand::CloseTransport { transport } => drop(self.transports.remove(&transport)),
            SfuCommand::Mute { .. }
            | SfuCommand::ConfigureSubscription { .. }
            | SfuCommand::SendData { .. }
            | SfuCommand::DataTaken { .. } => {}
        }
        Ok(SfuReply::Done)
    }
}

impl Transport {
    fn new(room: RoomSid, participant: Option<ParticipantSid>) -> Self {
        Self { room, participant, publications: Vec::new(), subscriptions: Vec::new(), audios: 0, videos: 0 }
    }

    fn answer(&mut self, sdp: &str) -> Result<Answer, SfuRefusal> {
        let participant = self.participant.clone().ok_or(SfuRefusal::NotOnABridge)?;
        let mut tracks_by_mid = Vec::new();
        for line in sdp.lines() {
            match line.split_once(' ') {
                Some(("audios", number)) => self.audios = number.parse().map_err(bad_offer)?,
                Some(("videos", number)) => self.videos = number.parse().map_err(bad_offer)?,
                Some(("publish", cid)) => {
                    let published = self.publications.iter().find(|publication| publication.cid == cid);
                    tracks_by_mid.extend(published.map(|publication| (format!("p{cid}"), publication.track.clone())));
                }
                _ => return Err(bad_offer("nonsense")),
            }
        }
        for (kind, capacity, letter) in [(MediaKind::Audio, self.audios, "a"), (MediaKind::Video, self.videos, "v")] {
            let received = self.subscriptions.iter().filter(|subscription| subscription.kind == kind);
            let received = received.take(capacity).enumerate();
            tracks_by_mid
                .extend(received.map(|(index, subscription)| (format!("{letter}{index}"), subscription.track.clone())));
        }
        Ok(Answer { sdp: format!("answer to {participant}"), tracks_by_mid })
    }

    fn missing(&self) -> SectionsNeeded {
        let count = |kind| self.subscriptions.iter().filter(|subscription| subscription.kind == kind).count();
        let missing = |kind, there: usize| u32::try_from(count(kind).saturating_sub(there)).expect("few");
        SectionsNeeded {
            audios: missing(MediaKind::Audio, self.audios),
            videos: missing(MediaKind::Video, self.videos),
        }
    }

    fn is_short(&self) -> bool {
        self.missing() != SectionsNeeded::default()
    }

    fn needs(&self, transport: &TransportSid) -> Option<(RoomSid, SfuEvent)> {
        self.participant.as_ref()?;
        let event = SfuEvent::SectionsNeeded { transport: transport.clone(), sections: self.missing() };
        Some((self.room.clone(), event))
    }
}

fn bad_offer(error: impl ToString) -> SfuRefusal {
    SfuRefusal::BadOffer(error.to_string())
}
