// SPDX-License-Identifier: EUPL-1.2
//! One websocket, from the upgrade to its end: between a client and its room.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use livekit_protocol::{SignalResponse, signal_response};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite::Error as WebSocketError;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tracing::{Instrument as _, debug, debug_span};

use super::admission::Admitted;
use super::entry::{self, Entry, NoEntry, Stay};
use super::frames::Encoding;
use super::ping::Silence;
use super::requests::Task;
use super::{limits, ping, refresh_token, requests, responses};
use crate::app::App;
use crate::rooms::info::DisconnectReason;
use crate::rooms::input::{Request, SessionId};
use crate::rooms::keeper::now;
use crate::rooms::output::{AfterLeave, Notice};

/// Longest wait for the client to close its end, so that it reads what it was told last.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The websocket works no more.
#[derive(Debug)]
struct Broken;

/// Serves a client until it leaves or loses its connection.
pub(super) async fn run(app: Arc<App>, socket: WebSocket, admitted: Admitted) {
    let guard = app.sessions.enter();
    app.metrics.sessions.inc();
    let id = app.directory.new_session();
    let session = Session {
        writer: Writer { socket, encoding: Encoding::default() },
        budget: limits::MessageBudget::new(Instant::now().into_std()),
        malformed: 0,
        was_told_to_leave: false,
        id,
        app: app.clone(),
        admitted,
    };
    Box::pin(session.run()).instrument(debug_span!("session", id = id.0)).await;
    app.metrics.sessions.dec();
    drop(guard);
}

/// Tells a client of the older generation that it cannot join.
pub(super) async fn refuse_generation(socket: WebSocket) {
    let mut writer = Writer { socket, encoding: Encoding::default() };
    let leave = responses::leave(DisconnectReason::JoinFailure, AfterLeave::Disconnect);
    if writer.send(leave).await.is_ok() {
        writer.close(close_code::POLICY, "this server speaks /rtc/v1 only").await;
    }
}

struct Session {
    app: Arc<App>,
    id: SessionId,
    admitted: Admitted,
    writer: Writer,
    budget: limits::MessageBudget,
    malformed: u32,
    was_told_to_leave: bool,
}

impl Session {
    async fn run(mut self) {
        let Entry { stay, mut notices, first } = match entry::enter(&self.app, self.id, &self.admitted).await {
            Ok(entry) => entry,
            Err(NoEntry::Over) => return self.turn_away(DisconnectReason::StateMismatch).await,
            Err(NoEntry::TimedOut) => return self.turn_away(DisconnectReason::JoinFailure).await,
        };
        let ended = match self.tell(first).await {
            Ok(()) => self.relay(&stay, &mut notices).await,
            Err(broken) => Err(broken),
        };
        stay.end().await;
        if let Ok((code, reason)) = ended {
            self.writer.close(code, reason).await;
        }
    }

    async fn turn_away(mut self, reason: DisconnectReason) {
        if self.writer.send(responses::leave(reason, AfterLeave::Reconnect)).await.is_ok() {
            self.writer.close(close_code::NORMAL, "").await;
        }
    }

    /// Carries messages to and fro until one side has enough. Returns how to close the websocket.
    async fn relay(
        &mut self,
        stay: &Stay,
        notices: &mut mpsc::Receiver<Notice>,
    ) -> Result<(u16, &'static str), Broken> {
        let mut pings = interval_at(Instant::now() + ping::WEBSOCKET_PING_INTERVAL, ping::WEBSOCKET_PING_INTERVAL);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_heard = Instant::now();
        let mut is_heard = true;
        loop {
            tokio::select! {
                notice = notices.recv() => match notice {
                    Some(notice) => self.tell(notice).await?,
                    None if self.was_told_to_leave || !is_heard => return Ok((close_code::NORMAL, "")),
                    // The client left, another websocket took over, or this one does not read.
                    None => return Ok((close_code::POLICY, "the session has ended")),
                },
                frame = self.writer.socket.recv(), if is_heard => {
                    last_heard = Instant::now();
                    match frame {
                        Some(Ok(frame)) => is_heard = self.hear(stay, &frame).await?,
                        Some(Err(error)) => return self.unreadable(error),
                        None => return Err(Broken),
                    }
                },
                _ = pings.tick() => match ping::judge(Instant::now().into_std(), last_heard.into_std()) {
                    Silence::Short if is_heard => {}
                    Silence::TooLong if is_heard => {
                        debug!("nothing was heard for too long");
                        return Err(Broken);
                    }
                    _ => self.writer.send_frame(Message::Ping(Vec::new().into())).await?,
                },
            }
        }
    }

    /// Deals with a frame. Returns whether the client is to be heard any longer.
    async fn hear(&mut self, stay: &Stay, frame: &Message) -> Result<bool, Broken> {
        let length = match frame {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
            Message::Close(_) => return Ok(true),
        };
        if !self.budget.take(Instant::now().into_std(), length) {
            self.app.metrics.rejected_frames.with_label_values(&["too_many"]).inc();
            return Ok(self.expel(stay, "too many messages").await);
        }
        let Ok(request) = self.writer.encoding.read(frame) else {
            self.malformed += 1;
            self.app.metrics.rejected_frames.with_label_values(&["malformed"]).inc();
            if self.malformed > limits::MAX_MALFORMED_FRAMES {
                return Ok(self.expel(stay, "too much nonsense").await);
            }
            return Ok(true);
        };
        // Without a message it is one that only newer servers know.
        let Some(message) = request.and_then(|request| request.message) else { return Ok(true) };
        let (kind, task) = requests::parse(message, now().unix);
        self.app.metrics.requests.with_label_values(&[kind]).inc();
        match task {
            Task::Room(request) => stay.ask(request).await,
            Task::Answer(answer) => self.writer.send(*answer).await?,
            Task::Nothing => {}
        }
        Ok(true)
    }

    /// Sends a client away that does not behave. The room lives on without it.
    async fn expel(&mut self, stay: &Stay, why: &'static str) -> bool {
        debug!(why, "a client is sent away");
        stay.ask(Request::Leave(DisconnectReason::ParticipantRemoved)).await;
        false
    }

    /// What the client sent is no websocket traffic, or too much of it at once.
    fn unreadable(&self, error: axum::Error) -> Result<(u16, &'static str), Broken> {
        let error = error.into_inner();
        let (reason, code, text) = match error.downcast_ref::<WebSocketError>() {
            Some(WebSocketError::Capacity(_)) => ("too_large", close_code::SIZE, "the message is too large"),
            Some(WebSocketError::Utf8(_)) => ("no_text", close_code::INVALID, "the text is no UTF-8"),
            // Who hangs up without a farewell breaks the protocol too, but sent nothing that was rejected.
            Some(WebSocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => return Err(Broken),
            Some(WebSocketError::Protocol(_)) => ("protocol", close_code::PROTOCOL, ""),
            _ => return Err(Broken),
        };
        self.app.metrics.rejected_frames.with_label_values(&[reason]).inc();
        Ok((code, text))
    }

    /// Passes on what the room says.
    async fn tell(&mut self, notice: Notice) -> Result<(), Broken> {
        if let Notice::RenewToken(content) = notice {
            let token = refresh_token::renew(&self.app.keys, &self.admitted.token, *content, SystemTime::now());
            return match token {
                Some(token) => self.writer.send(signal_response::Message::RefreshToken(token)).await,
                None => Ok(()),
            };
        }
        if let Notice::Moved(to, content) = notice {
            let (keys, token) = (&self.app.keys, &self.admitted.token);
            return match refresh_token::for_move(keys, token, to, *content, SystemTime::now()) {
                Some(token) => self.writer.send(signal_response::Message::RefreshToken(token)).await,
                None => Ok(()),
            };
        }
        self.was_told_to_leave |= matches!(notice, Notice::Leave { .. });
        match responses::message(notice) {
            Some(message) => self.writer.send(message).await,
            None => Ok(()),
        }
    }
}

/// Writes to the websocket, never for long.
struct Writer {
    socket: WebSocket,
    encoding: Encoding,
}

impl Writer {
    async fn send(&mut self, message: signal_response::Message) -> Result<(), Broken> {
        match self.encoding.write(&SignalResponse { message: Some(message) }) {
            Some(frame) => self.send_frame(frame).await,
            None => Ok(()),
        }
    }

    async fn send_frame(&mut self, frame: Message) -> Result<(), Broken> {
        match timeout(limits::WRITE_TIMEOUT, self.socket.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Broken),
        }
    }

    /// Says goodbye and waits a moment for the other side to do so. Hanging up while it still sends could take from it
    /// what it was told last.
    async fn close(mut self, code: u16, reason: &'static str) {
        let farewell = async {
            let frame = CloseFrame { code, reason: reason.into() };
            if self.socket.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = self.socket.recv().await {}
            }
        };
        if timeout(CLOSE_TIMEOUT, farewell).await.is_err() {
            debug!("a client did not close its end");
        }
    }
}
