// SPDX-License-Identifier: EUPL-1.2
//! What waits to be told at one address: for each room one event after the other. One that does not arrive is tried again,
//! and the room's later ones wait behind it; other rooms do not.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::http::header;
use bus::RoomSid;
use livekit_protocol::WebhookEvent;
use reqwest::{Client, Url};
use tokio::sync::{Notify, Semaphore};
use tracing::{debug, error};

use super::sign::Signer;
use crate::metrics::Metrics;
use crate::tasks::Tasks;

/// Events of one room that wait. When there are more, the oldest is dropped and counted; the next one says how many were.
pub(super) const MAX_WAITING: usize = 200;

/// Rooms for which something waits. When there are more, the new ones' events are dropped and counted: nobody has listened
/// for long.
const MAX_ROOMS: usize = 10_000;

/// Requests at a time.
const MAX_AT_ONCE: usize = 32;

/// How long an event is tried. Then it is dropped and counted: whoever did not listen for so long asks what there is.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// The pause after the first failure; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long the end of the process waits for what is still to be told.
const FAREWELL: Duration = Duration::from_millis(800);

/// The type of the body, in LiveKit's words.
const CONTENT_TYPE: &str = "application/webhook+json";

/// An address, and what waits for it.
pub(super) struct Receiver {
    url: Url,
    client: Client,
    signer: Arc<Signer>,
    metrics: Metrics,
    rooms: Mutex<HashMap<RoomSid, Queue>>,
    slots: Semaphore,
    workers: Tasks,
    /// Nothing is tried again any more.
    is_ending: AtomicBool,
    end: Notify,
}

/// What waits of one room. While it is in the table there is somebody who sends it.
#[derive(Default)]
struct Queue {
    events: VecDeque<WebhookEvent>,
    num_dropped: i32,
}

impl Queue {
    /// Takes something in. Returns how many had to go for it.
    fn push(&mut self, event: WebhookEvent) -> u64 {
        let is_full = self.events.len() >= MAX_WAITING;
        if is_full {
            self.events.pop_front();
            self.num_dropped = self.num_dropped.saturating_add(1);
        }
        self.events.push_back(event);
        u64::from(is_full)
    }

    /// The next one, which says how many were dropped before it.
    #[expect(deprecated, reason = "receivers of every age read it")]
    fn pop(&mut self) -> Option<WebhookEvent> {
        let event = self.events.pop_front()?;
        Some(WebhookEvent { num_dropped: std::mem::take(&mut self.num_dropped), ..event })
    }

    /// One did not arrive at all.
    #[expect(deprecated, reason = "receivers of every age read it")]
    fn give_up(&mut self, event: &WebhookEvent) {
        self.num_dropped = self.num_dropped.saturating_add(event.num_dropped).saturating_add(1);
    }
}

impl Receiver {
    pub(super) fn new(url: Url, client: Client, signer: Arc<Signer>, metrics: Metrics) -> Self {
        Self {
            url,
            client,
            signer,
            metrics,
            rooms: Mutex::default(),
            slots: Semaphore::new(MAX_AT_ONCE),
            workers: Tasks::default(),
            is_ending: AtomicBool::new(false),
            end: Notify::new(),
        }
    }

    /// Has an event of a room sent, behind those before it.
    pub(super) fn tell(self: &Arc<Self>, room: &RoomSid, event: WebhookEvent) {
        let mut rooms = self.rooms();
        if let Some(queue) = rooms.get_mut(room) {
            self.dropped(queue.push(event));
            return;
        }
        if rooms.len() >= MAX_ROOMS {
            return self.dropped(1);
        }
        rooms.entry(room.clone()).or_default().push(event);
        drop(rooms);
        let (own, room, guard) = (self.clone(), room.clone(), self.workers.enter());
        tokio::spawn(async move {
            own.send_all(&room).await;
            drop(guard);
        });
    }

    /// Sends what waits of a room until nothing does.
    async fn send_all(&self, room: &RoomSid) {
        while let Some(event) = self.next(room) {
            if !self.deliver(&event).await {
                self.dropped(1);
                if let Some(queue) = self.rooms().get_mut(room) {
                    queue.give_up(&event);
                }
            }
        }
    }

    /// The next event of a room. A room without any is forgotten.
    fn next(&self, room: &RoomSid) -> Option<WebhookEvent> {
        let mut rooms = self.rooms();
        let event = rooms.get_mut(room).and_then(Queue::pop);
        if event.is_none() {
            rooms.remove(room);
        }
        event
    }

    /// Sends an event until it arrives. Returns whether it did.
    async fn deliver(&self, event: &WebhookEvent) -> bool {
        let body = match serde_json::to_vec(event) {
            Ok(body) => body,
            Err(error) => {
                error!(%error, "an event cannot be written");
                return false;
            }
        };
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            if self.try_once(&body).await {
                self.metrics.livekit_webhooks.with_label_values(&["delivered"]).inc();
                return true;
            }
            self.metrics.livekit_webhooks.with_label_values(&["failed"]).inc();
            // The end may have been announced before anybody listened for it.
            let ended = self.end.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.is_ending.load(Ordering::Relaxed) || began.elapsed() + pause > PATIENCE {
                return false;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = ended => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn try_once(&self, body: &[u8]) -> bool {
        // Only while it is sent: who waits to try again keeps nobody else waiting.
        let Ok(_slot) = self.slots.acquire().await else { return false };
        let token = match self.signer.token(body, SystemTime::now()) {
            Ok(token) => token,
            Err(error) => {
                error!(%error, "an event cannot be signed");
                return false;
            }
        };
        let request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, CONTENT_TYPE)
            .header(header::AUTHORIZATION, token)
            .body(body.to_vec());
        match request.send().await {
            Ok(response) if response.status().is_success() => true,
            Ok(response) => {
                debug!(status = response.status().as_u16(), "an event of a room was not taken");
                false
            }
            Err(error) => {
                debug!(%error, "an event of a room did not arrive");
                false
            }
        }
    }

    /// The process ends: what is waiting is tried once more, and no longer than a moment.
    pub(super) fn finish(&self) {
        self.is_ending.store(true, Ordering::Relaxed);
        self.end.notify_waiters();
    }

    /// Waits for that moment at most.
    pub(super) async fn finished(&self) {
        if tokio::time::timeout(FAREWELL, self.workers.all_ended()).await.is_err() {
            debug!("not all events of rooms could be told before the end");
        }
    }

    fn dropped(&self, number: u64) {
        self.metrics.livekit_webhooks.with_label_values(&["dropped"]).inc_by(number);
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomSid, Queue>> {
        // A panic elsewhere leaves the table whole: it is changed by single steps.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: usize) -> WebhookEvent {
        WebhookEvent { id: id.to_string(), ..WebhookEvent::default() }
    }

    #[test]
    #[expect(deprecated, reason = "it is what is tested")]
    fn when_too_much_waits_the_oldest_go_and_the_next_one_says_how_many() {
        let mut queue = Queue::default();
        let dropped: u64 = (0..MAX_WAITING + 3).map(|id| queue.push(event(id))).sum();
        assert_eq!((dropped, queue.events.len()), (3, MAX_WAITING));
        let first = queue.pop().expect("an event");
        assert_eq!((first.id.as_str(), first.num_dropped), ("3", 3));
        let second = queue.pop().expect("an event");
        assert_eq!((second.id.as_str(), second.num_dropped), ("4", 0));
        queue.give_up(&first);
        assert_eq!(queue.pop().map(|event| event.num_dropped), Some(4), "what it would have told is told by the next");
    }
}
