// SPDX-License-Identifier: EUPL-1.2
//! A call that we make, until whoever is called comes in: it rings, somebody answers, presses a key, or does not. From then on it
//! is the attendant's.

use std::sync::Arc;

use bus::phone::{DialProgress, OutgoingEnd, PhoneNotice, PhoneRequest};
use chrono::Utc;
use tokio::sync::watch;
use tracing::debug;

use super::allowance::Due;
use super::meter::Metered;
use super::records::{DialledCallEnd, OwnRecord};
use crate::app::App;
use crate::phone::attendant::Attendant;
use crate::phone::caller::Caller;
use crate::rooms::directory::RoomHandle;

/// A call that is being made.
pub(super) struct Ringing {
    pub(super) app: Arc<App>,
    pub(super) line: OutgoingEnd,
    pub(super) caller: Caller,
    pub(super) dialled: Metered,
    /// The live room of the meeting.
    pub(super) room: RoomHandle,
    /// Whether nobody looks after calls any more.
    pub(super) is_over: watch::Receiver<bool>,
}

/// What happens next in such a call.
enum Next {
    Request(Option<PhoneRequest>),
    Due,
    /// Nobody wants it any more.
    GiveUp(DialledCallEnd),
}

/// What has come of a call.
enum Rang {
    /// Somebody comes in, who asks this first.
    ComesIn(PhoneRequest),
    /// Nothing follows.
    Over,
}

/// Looks after a call until it is over.
pub(super) async fn attend(mut ringing: Ringing) {
    let rang = ringing.ring().await;
    match rang {
        Rang::ComesIn(first) => {
            let Ringing { app, line, caller, dialled, room: _, is_over } = ringing;
            let OutgoingEnd { requests, notices } = line;
            let attendant = Attendant::new(app, caller, (requests, notices), is_over);
            // Most calls that ring come to nothing, and need no room for it.
            Box::pin(attendant.run_dialled(dialled, first)).await;
        }
        Rang::Over => {
            let Ringing { app, line, dialled, .. } = ringing;
            // First, so that nobody is called any more whom nobody waits for.
            drop(line);
            dialled.settle(&app).await;
        }
    }
}

impl Ringing {
    async fn ring(&mut self) -> Rang {
        loop {
            match self.next().await {
                Next::Request(None) => {
                    // A bridge says why a call came to nothing; one that has ended does not.
                    self.dialled.record.ends(end_of_silent(&self.dialled.record));
                    return Rang::Over;
                }
                Next::Request(Some(PhoneRequest::Progress(progress))) => {
                    if let DialProgress::Answered { bridge } = progress {
                        self.caller.bridge = bridge;
                        self.dialled.is_answered();
                    }
                    if note(&self.dialled.record, progress) {
                        return Rang::Over;
                    }
                }
                Next::Request(Some(first @ PhoneRequest::CheckRoom { .. })) => return Rang::ComesIn(first),
                Next::Request(Some(_)) => debug!("a bridge asks for what nobody can want who has not come in"),
                Next::Due => {
                    if self.dialled.poll(&self.app).await == Some(Due::TimeUp) {
                        return self.give_up(DialledCallEnd::TimeUp);
                    }
                }
                Next::GiveUp(because) => return self.give_up(because),
            }
        }
    }

    async fn next(&mut self) -> Next {
        let hang_up = self.caller.entry.ended_by_somebody();
        tokio::select! {
            biased;
            _ = self.is_over.wait_for(|is_over| *is_over) => Next::GiveUp(DialledCallEnd::GivenUp),
            () = hang_up.notified() => Next::GiveUp(DialledCallEnd::GivenUp),
            () = self.room.ended() => Next::GiveUp(DialledCallEnd::MeetingEnded),
            () = self.dialled.waits() => Next::Due,
            request = self.line.requests.recv() => Next::Request(request),
        }
    }

    fn give_up(&self, because: DialledCallEnd) -> Rang {
        self.dialled.record.ends(because);
        give_up(&self.line);
        Rang::Over
    }
}

/// Tells the bridge that a call is not wanted any more.
pub(super) fn give_up(line: &OutgoingEnd) {
    // Dropping the line says the same to a bridge that is so far behind that this does not fit.
    let _ = line.notices.try_send(PhoneNotice::GiveUp);
}

/// Notes how far a call is. Returns whether it is over.
pub(super) fn note(record: &OwnRecord, progress: DialProgress) -> bool {
    match progress {
        DialProgress::Ringing => record.rings(),
        DialProgress::Answered { .. } => record.is_answered(Utc::now()),
        DialProgress::NotReached(why) => {
            record.answers(why.status);
            record.ends(why.reason.into());
        }
        DialProgress::Tested => record.ends(DialledCallEnd::Tested),
    }
    matches!(progress, DialProgress::NotReached(_) | DialProgress::Tested)
}

/// Why a call is over of which the bridge has said nothing: before the answer that is a fault, after it they have hung up.
pub(super) fn end_of_silent(record: &OwnRecord) -> DialledCallEnd {
    let is_answered = record.shown().is_some_and(|call| call.answered_at.is_some());
    if is_answered { DialledCallEnd::HungUp } else { DialledCallEnd::Failed }
}
