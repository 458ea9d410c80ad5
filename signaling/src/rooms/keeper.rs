// SPDX-License-Identifier: EUPL-1.2
//! Runs one room: hands it what happens, one thing after the other, and does what it wants done.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus::{DataChannel, RoomEvents, SfuCommand, SfuEvent};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};
use tracing::{debug, info};

use crate::media::transports::{NodeLost, Transports};
use crate::metrics::Metrics;
use crate::rooms::info::RoomInfo;
use crate::rooms::input::{Control, ControlId, DataPacket, IncomingData, Input, Now, SessionId};
use crate::rooms::output::{ControlError, ControlReply, Follower, Milestone, Notice, OutgoingData, Output, Report};
use crate::rooms::room::Room;

/// How often the room's SFU node is looked for.
const NODE_CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// What is sent to a room.
pub(crate) enum Letter {
    /// A session comes in, or back. Closing its end of `notices` is the last that it hears.
    Enter { session: SessionId, notices: mpsc::Sender<Notice>, input: Input },
    /// Something happened.
    Input(Input),
    /// An administrator wants something.
    Control { control: Control, reply: oneshot::Sender<Result<ControlReply, ControlError>> },
}

/// How data packets are read and written: the room does not know.
#[derive(Clone, Copy)]
pub(crate) struct DataCodec {
    pub(crate) open: fn(&[u8]) -> Option<DataPacket>,
    pub(crate) seal: fn(&OutgoingData) -> Vec<u8>,
    /// Writes words of the server's own, under a topic.
    pub(crate) notice: fn(&str, &str) -> Vec<u8>,
}

/// All that one room needs to live.
pub(crate) struct Keeper {
    pub(crate) room: Room,
    pub(crate) letters: mpsc::Receiver<Letter>,
    pub(crate) events: RoomEvents,
    pub(crate) transports: Transports,
    pub(crate) codec: DataCodec,
    pub(crate) metrics: Metrics,
    pub(crate) info: watch::Sender<RoomInfo>,
    pub(crate) sessions: HashMap<SessionId, mpsc::Sender<Notice>>,
    pub(crate) replies: HashMap<ControlId, oneshot::Sender<Result<ControlReply, ControlError>>>,
    pub(crate) next_control: u64,
    /// Who opened the room for a meeting.
    pub(crate) reports: Option<mpsc::Sender<Report>>,
    /// Who follows all rooms.
    pub(crate) follower: Option<Arc<dyn Follower>>,
}

impl Keeper {
    /// Runs the room until it is over. `gone` is called before the first letter is left unread.
    pub(crate) async fn run(mut self, gone: impl FnOnce()) {
        info!(room = %self.room.sid(), "room opened");
        self.metrics.rooms.inc();
        self.tell_follower(&Milestone::Started);
        let mut node_check = interval(NODE_CHECK_INTERVAL);
        node_check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let input = self.next_input(&mut node_check).await;
            if self.step(input).await {
                break;
            }
        }
        self.metrics.rooms.dec();
        info!(room = %self.room.sid(), "room closed");
        gone();
        self.letters.close();
        while let Some(letter) = self.letters.recv().await {
            // A session that came too late hears nothing, and asks for a new room.
            if let Letter::Control { reply, .. } = letter {
                drop(reply.send(Err(ControlError::RoomClosed)));
            }
        }
    }

    /// Waits for the next thing to happen.
    async fn next_input(&mut self, node_check: &mut Interval) -> Input {
        loop {
            let timeout = self.room.poll_timeout().map(Instant::from_std);
            let timeout = async move {
                match timeout {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                letter = self.letters.recv() => match letter {
                    Some(letter) => return self.read(letter),
                    // The directory forgot the room, which only an ended process does.
                    None => return Input::Close(crate::rooms::info::DisconnectReason::ServerShutdown),
                },
                event = self.events.next() => match event {
                    Some(event) => return self.open_data(event),
                    None => return Input::NodeLost,
                },
                input = self.transports.next() => return input,
                () = timeout => return Input::Timeout,
                _ = node_check.tick() => if self.transports.check_node().is_err() {
                    return Input::NodeLost;
                },
            }
        }
    }

    fn read(&mut self, letter: Letter) -> Input {
        match letter {
            Letter::Enter { session, notices, input } => {
                self.sessions.insert(session, notices);
                input
            }
            Letter::Input(input) => input,
            Letter::Control { control, reply } => {
                let id = ControlId(self.next_control);
                self.next_control += 1;
                self.replies.insert(id, reply);
                Input::Control { id, control }
            }
        }
    }

    fn open_data(&self, event: SfuEvent) -> Input {
        let SfuEvent::Data { transport, channel, payload } = event else { return Input::Sfu(event) };
        let label = match channel {
            DataChannel::Reliable => "reliable",
            DataChannel::Lossy => "lossy",
        };
        self.metrics.data_messages.with_label_values(&[label]).inc();
        self.metrics.data_bytes.with_label_values(&[label]).inc_by(payload.len() as u64);
        let packet = (self.codec.open)(&payload);
        Input::Data(IncomingData { transport, channel, bytes: payload.len(), packet })
    }

    /// Hands in `input` and does what the room wants, and what follows from that. Returns whether the room is over.
    async fn step(&mut self, input: Input) -> bool {
        let mut inputs = VecDeque::from([input]);
        let mut is_over = false;
        while let Some(input) = inputs.pop_front() {
            self.room.handle(now(), input);
            // Before anybody is told or answered: whoever looks then must not see what was true before.
            if let Some(info) = self.room.take_changed_info() {
                self.info.send_replace(info);
            }
            while let Some(output) = self.room.poll_output() {
                is_over |= matches!(output, Output::Closed);
                inputs.extend(self.perform(output).await);
            }
        }
        is_over
    }

    /// Does one thing. What goes wrong is news for the room.
    async fn perform(&mut self, output: Output) -> Option<Input> {
        match output {
            Output::Notify { session, notice } => self.tell(session, notice),
            Output::EndSession { session } => {
                self.sessions.remove(&session);
                None
            }
            Output::Sfu(command) => lost_node(self.transports.order(command).await),
            Output::Offer { transport, offer, sdp } => lost_node(self.transports.offer(transport, offer, sdp).await),
            Output::SendData { transports, channel, message } => {
                let payload = (self.codec.seal)(&message);
                lost_node(self.transports.order(SfuCommand::SendData { transports, channel, payload }).await)
            }
            Output::SendNotice { transports, topic, payload } => {
                let (channel, payload) = (DataChannel::Reliable, (self.codec.notice)(topic, &payload));
                lost_node(self.transports.order(SfuCommand::SendData { transports, channel, payload }).await)
            }
            Output::Report(report) => {
                self.report(report).await;
                None
            }
            Output::Milestone(milestone) => {
                self.tell_follower(&milestone);
                None
            }
            Output::Reply { id, reply } => {
                if let Some(asked) = self.replies.remove(&id) {
                    // Whoever asked may have gone.
                    drop(asked.send(reply));
                }
                None
            }
            Output::Left(reason) => {
                self.metrics.participants.dec();
                self.metrics.leaves.with_label_values(&[reason.as_str()]).inc();
                None
            }
            Output::OfferRefused => {
                self.metrics.refused_offers.inc();
                None
            }
            Output::DataDropped(reason) => {
                self.metrics.dropped_data_messages.with_label_values(&[reason.as_str()]).inc();
                None
            }
            Output::Closed => None,
        }
    }

    /// Tells whoever opened the room. When they do not keep up, they miss what happened, and it is counted; only the end
    /// waits for them.
    async fn report(&mut self, report: Report) {
        let Some(reports) = &self.reports else { return };
        if matches!(report, Report::Closed(_)) {
            drop(reports.send(report).await);
        } else if let Err(TrySendError::Full(_)) = reports.try_send(report) {
            self.metrics.missed_reports.inc();
        }
    }

    fn tell_follower(&self, milestone: &Milestone) {
        if let Some(follower) = &self.follower {
            follower.happened(&self.room.info(), milestone);
        }
    }

    fn tell(&mut self, session: SessionId, notice: Notice) -> Option<Input> {
        if matches!(notice, Notice::Joined(_)) {
            self.metrics.participants.inc();
        }
        match self.sessions.get(&session)?.try_send(notice) {
            Ok(()) => None,
            Err(TrySendError::Full(_)) => {
                // Overflow: the websocket is closed, and its client resumes when it reads again.
                debug!("a session does not read what it is told");
                self.metrics.slow_sessions.inc();
                self.sessions.remove(&session);
                Some(Input::SessionEnded { session })
            }
            Err(TrySendError::Closed(_)) => {
                self.sessions.remove(&session);
                Some(Input::SessionEnded { session })
            }
        }
    }
}

fn lost_node(outcome: Result<(), NodeLost>) -> Option<Input> {
    outcome.err().map(|NodeLost| Input::NodeLost)
}

/// The time, for timers and for people.
pub(crate) fn now() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { instant: Instant::now().into_std(), unix }
}
