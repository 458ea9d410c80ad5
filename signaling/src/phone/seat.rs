// SPDX-License-Identifier: EUPL-1.2
//! A call's place in a live room: what a websocket is for a browser. Who came in by [`Seat::take`] is a participant as any
//! other; what happens around them comes as [`SeatEvent`]s, in words for somebody who only listens. Whoever is sent to another
//! room goes there by themselves.
//!
//! A seat that is dropped is left at once: a caller who has hung up does not come back by themselves.

mod news;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::http::StatusCode;
use bus::TransportSid;
use bus::phone::{Destination, MeetingEvent, RoomStatus};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tracing::debug;

use self::news::{Ending, News, Told};
use super::bucket::{Bucket, Limit};
use crate::app::App;
use crate::auth::room_token::RoomToken;
use crate::rooms::caller_rule::CallerFacts;
use crate::rooms::details::{DetailsChange, HAND, HOLD};
use crate::rooms::input::Request;
use crate::rooms::output::Notice;
use crate::session::{self, Entry, NoEntry, Refusal, Stay, refresh_token, telephone};
use crate::tasks::TaskGuard;

/// How often a caller can agree to being recorded. Each time is an event of the audit log, and nobody makes up their mind more
/// often than that.
const CONSENTS: Limit = Limit { at_once: 10, every: Duration::from_secs(30) };

/// Who takes a seat.
#[derive(Clone)]
pub(crate) struct SeatRequest {
    /// The room token of somebody who was let in: it says who they are, what they are called and what they may do.
    pub(crate) token: String,
    /// Which bridge of the SFU node has their sound.
    pub(crate) bridge: u16,
    /// What LiveKit's clients look for in somebody who calls, such as `sip.callID`.
    pub(crate) attributes: BTreeMap<String, String>,
    /// What is known of them. As much of it as the meeting wants the room shows, also as their number.
    pub(crate) caller: CallerFacts,
}

/// Why there is no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeatRefused {
    /// The token is not honoured: it is too old by now, or they were removed since they were let in.
    NotAllowed,
    /// The room is over.
    Ended,
    /// The room is full, or has been locked meanwhile.
    TurnedAway,
    /// Something of ours is away or too busy.
    Unavailable,
}

/// What becomes of a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SeatEvent {
    /// Something happened to the caller or around them. Nothing follows [`MeetingEvent::Ended`] and [`MeetingEvent::Removed`].
    Meeting(MeetingEvent),
    /// From now on the caller's sound is that of this leg: they were sent to another room. [`MeetingEvent::Moved`] follows.
    Leg(TransportSid),
    /// The seat is lost, and the caller is not to blame: the bridge or the node has ended, this server ends, or somebody else
    /// came as the same person. Nothing follows.
    Failed,
}

/// A place in a room.
pub(crate) struct Seat {
    app: Arc<App>,
    request: SeatRequest,
    /// The room that they came into first.
    home: String,
    place: Place,
    /// The way to the next room, when they are sent there.
    moving: Option<BoxFuture<'static, Result<Place, SeatRefused>>>,
    /// What is to be told. It is asked for before anything else happens, so it is never more than one notice says.
    events: VecDeque<SeatEvent>,
    /// How often they can still agree to being recorded.
    consents: Bucket,
    is_over: bool,
    /// The end of the server waits for it.
    _guard: TaskGuard,
}

/// What changes when somebody is sent to another room.
struct Place {
    stay: Stay,
    notices: mpsc::Receiver<Notice>,
    token: RoomToken,
    leg: TransportSid,
    news: News,
}

impl Seat {
    /// Takes a place in the room that the token is for. The leg is opened; that it is connected is nothing to wait for.
    ///
    /// # Errors
    ///
    /// Fails when the room lets them in no more.
    pub(crate) async fn take(app: &Arc<App>, request: SeatRequest) -> Result<Self, SeatRefused> {
        let guard = app.sessions.enter();
        let place = enter(app.clone(), request.clone()).await?;
        let mut seat = Self {
            app: app.clone(),
            request,
            home: place.token.grants.room.clone(),
            place,
            moving: None,
            events: VecDeque::new(),
            consents: Bucket::full(Instant::now(), CONSENTS),
            is_over: false,
            _guard: guard,
        };
        seat.take_news();
        Ok(seat)
    }

    /// Where the caller's sound comes and goes.
    pub(crate) const fn leg(&self) -> &TransportSid {
        &self.place.leg
    }

    /// The room that they are in, and as whom.
    pub(crate) fn whereabouts(&self) -> (&str, &str) {
        (&self.place.token.grants.room, self.place.token.identity())
    }

    /// How it stands in the room.
    pub(crate) fn status(&self) -> RoomStatus {
        self.place.news.status()
    }

    /// How many are in the room, the caller among them.
    pub(crate) fn count(&self) -> u16 {
        self.place.news.count()
    }

    /// Turns the caller's microphone off or on. Where that is allowed, an event says that it is so.
    pub(crate) async fn set_muted(&mut self, is_muted: bool) {
        if let Some(track) = self.place.news.microphone().cloned() {
            self.place.stay.ask(Request::Mute { track, is_muted }).await;
        }
    }

    /// Raises the caller's hand or lowers it. An event says that it is so.
    pub(crate) async fn set_hand(&mut self, is_raised: bool) {
        self.place.news.wants_hand(is_raised);
        let value = if is_raised { "1" } else { "" };
        let attributes = [(HAND.to_owned(), value.to_owned())].into();
        let change = DetailsChange { attributes, ..DetailsChange::default() };
        self.place.stay.ask(Request::ChangeDetails { request_id: 0, change }).await;
    }

    /// Shows the others that the caller holds the call, or does not any more; also in the rooms that they are sent to.
    pub(crate) async fn set_hold(&mut self, is_on_hold: bool) {
        if is_on_hold {
            self.request.attributes.insert(HOLD.to_owned(), "true".to_owned());
        } else {
            self.request.attributes.remove(HOLD);
        }
        self.place.stay.ask(Request::SetHold(is_on_hold)).await;
    }

    /// Shows the others that the caller agrees to being recorded, or does not any more. An event says that it is noted, while a
    /// recording goes on.
    pub(crate) async fn set_consent(&mut self, is_given: bool) {
        // It can be taken back at any time, which is no more often than it was given.
        if !is_given || self.consents.take(Instant::now()) {
            self.place.stay.ask(Request::Consent(is_given)).await;
        }
    }

    /// What happens next; `None` after the last. Whoever stops waiting misses nothing.
    pub(crate) async fn next(&mut self) -> Option<SeatEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.is_over {
                return None;
            }
            if let Some(moving) = &mut self.moving {
                let arrived = moving.await;
                self.moving = None;
                self.arrive(arrived);
                continue;
            }
            match self.place.notices.recv().await {
                Some(notice) => self.tell(notice),
                // The room has given up on somebody who does not listen, or is gone without a word.
                None => self.end(SeatEvent::Failed),
            }
        }
    }

    fn tell(&mut self, notice: Notice) {
        self.place.news.handle(notice);
        self.take_news();
    }

    /// Takes what there is to tell of the room.
    fn take_news(&mut self) {
        while let Some(told) = self.place.news.poll() {
            match told {
                Told::Event(event) => self.events.push_back(SeatEvent::Meeting(event)),
                Told::Moved(to, content) => {
                    // A moderator may have called them otherwise.
                    self.request.caller = content.caller.clone().unwrap_or_default();
                    let (keys, token) = (&self.app.keys, &self.place.token);
                    match refresh_token::for_move(keys, token, to, *content, SystemTime::now()) {
                        Some(token) => {
                            let request = SeatRequest { token, ..self.request.clone() };
                            self.moving = Some(enter(self.app.clone(), request).boxed());
                        }
                        None => self.end(SeatEvent::Failed),
                    }
                }
                Told::Gone(Ending::Ended) => self.end(SeatEvent::Meeting(MeetingEvent::Ended)),
                Told::Gone(Ending::Removed) => self.end(SeatEvent::Meeting(MeetingEvent::Removed)),
                Told::Gone(Ending::Failed) => self.end(SeatEvent::Failed),
            }
        }
    }

    /// They are in the next room, or nowhere.
    fn arrive(&mut self, arrived: Result<Place, SeatRefused>) {
        match arrived {
            Ok(place) => {
                self.place = place;
                let is_home = self.place.token.grants.room == self.home;
                let to = if is_home { Destination::MainRoom } else { Destination::OtherRoom };
                self.events.push_back(SeatEvent::Leg(self.place.leg.clone()));
                self.events.push_back(SeatEvent::Meeting(MeetingEvent::Moved(to, self.place.news.status())));
                self.take_news();
            }
            Err(SeatRefused::Ended) => self.end(SeatEvent::Meeting(MeetingEvent::Ended)),
            Err(SeatRefused::NotAllowed) => self.end(SeatEvent::Meeting(MeetingEvent::Removed)),
            Err(SeatRefused::TurnedAway | SeatRefused::Unavailable) => self.end(SeatEvent::Failed),
        }
    }

    fn end(&mut self, last: SeatEvent) {
        self.events.push_back(last);
        self.is_over = true;
    }
}

/// Goes into the room that a token is for.
async fn enter(app: Arc<App>, request: SeatRequest) -> Result<Place, SeatRefused> {
    let SeatRequest { token, bridge, attributes, caller } = request;
    let admitted = telephone::admit(&app, &token, bridge, &attributes, &caller).await.map_err(|refusal| {
        debug!(status = %refusal.status, "a caller with a token was refused");
        SeatRefused::from(&refusal)
    })?;
    let entered = session::enter(&app, app.directory.new_session(), &admitted).await;
    let Entry { stay, notices, first } = entered.map_err(|error| match error {
        NoEntry::Over => SeatRefused::Ended,
        NoEntry::TimedOut => SeatRefused::Unavailable,
    })?;
    let Notice::Joined(joined) = first else { return Err(SeatRefused::TurnedAway) };
    let leg = joined.transport.clone();
    Ok(Place { stay, notices, token: admitted.token, leg, news: News::new(&joined) })
}

impl From<&Refusal> for SeatRefused {
    fn from(refusal: &Refusal) -> Self {
        match refusal.status {
            _ if refusal.lacks_room.is_some() => Self::Ended,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            _ => Self::NotAllowed,
        }
    }
}
