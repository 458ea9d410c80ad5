// SPDX-License-Identifier: EUPL-1.2
//! One call: whoever is at the telephone keys in codes or was called, waits, and comes in. What each of that means is decided
//! elsewhere; here it is asked for and told, at the right time. How a call begins is in [`super::incoming`] and in
//! [`super::dial_out`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::phone::{CheckToken, DialProgress, MeetingEvent, PhoneNotice, PhoneRequest, Refusal, Verdict};
use chrono::Utc;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep_until, timeout};
use tracing::{debug, warn};

use super::caller::{Caller, Code};
use super::dial_out::allowance::Due;
use super::dial_out::meter::Metered;
use super::dial_out::records::DialledCallEnd;
use super::gathering::Gathered;
use super::in_progress::{EndedBy, PhoneCallStage};
use super::seat::{Seat, SeatEvent};
use super::transfer::{TransferEnd, TransferOrder};
use super::{Known, Who, verdicts};
use crate::api::ids::LobbyEntryId;
use crate::api::problem::Problem;
use crate::app::App;
use crate::joining::by_phone::{Admitted, Standing, Visit, Waiting};
use crate::joining::caller::PhoneCaller;
use crate::lobby::LOOK_INTERVAL;
use crate::rooms::caller_rule::CallerFacts;

/// How long a call is kept in which nothing can follow: the caller still hears why.
const LAST_WORDS: Duration = Duration::from_secs(120);

/// How often in a row somebody is let in again whom the room has not taken. The door judges otherwise than the room only while
/// something changes.
const MOST_TURNED_AWAY: usize = 3;

/// Where a caller is.
pub(super) enum Stage {
    /// They key in codes, or come in without.
    Keying,
    Waiting(Box<Wait>),
    /// They may come in.
    Admitted(Box<Entry>),
    InRoom(Box<Seat>),
    /// They hear why it is over. Nothing follows.
    Leaving,
}

impl Stage {
    /// As others see it.
    const fn shown(&self) -> PhoneCallStage {
        match self {
            Self::Keying => PhoneCallStage::EnteringCode,
            Self::Waiting(_) => PhoneCallStage::Waiting,
            Self::Admitted(_) | Self::InRoom(_) => PhoneCallStage::InMeeting,
            Self::Leaving => PhoneCallStage::Leaving,
        }
    }
}

/// Somebody who may come in.
pub(super) struct Entry {
    pub(super) visit: Arc<Visit>,
    /// With it the room is entered.
    pub(super) token: String,
    /// What is known of them, of which the room shows what the meeting wants.
    pub(super) caller: CallerFacts,
    /// Their place in the queue, which is kept until they are in.
    pub(super) place: Option<LobbyEntryId>,
}

/// Somebody who waits.
pub(super) struct Wait {
    visit: Arc<Visit>,
    changes: watch::Receiver<()>,
    /// What they were told.
    told: Waiting,
}

pub(super) struct Attendant {
    pub(super) app: Arc<App>,
    pub(super) caller: Caller,
    requests: mpsc::Receiver<PhoneRequest>,
    notices: mpsc::Sender<PhoneNotice>,
    is_over: watch::Receiver<bool>,
    pub(super) stage: Stage,
    last_check: CheckToken,
    /// How often in a row the room has not taken them whom the door had let in.
    times_turned_away: usize,
    /// Since they were let in: where the callers of the room are, of whom they are one.
    pub(super) gathered: Option<Gathered>,
    /// Of a call that we made.
    dialled: Option<Metered>,
    /// Who waits for what comes of connecting the caller elsewhere.
    pub(super) transfer: Option<oneshot::Sender<TransferEnd>>,
}

/// What happens next in a call.
enum Next {
    Request(Option<PhoneRequest>),
    /// Something may have changed for who waits.
    Look,
    /// What the seat says; nothing follows the last.
    Seat(Option<SeatEvent>),
    /// Somebody who may ends the call.
    HangUp,
    /// Somebody who may wants the caller connected elsewhere.
    Transfer(TransferOrder),
    /// Something is due in a call that we made.
    Due,
    /// Nobody looks after calls any more.
    End,
}

/// Whether a call goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goes {
    On,
    Over,
}

impl Attendant {
    /// Looks after a call from its first request on, until it is over.
    pub(super) fn new(
        app: Arc<App>,
        caller: Caller,
        (requests, notices): (mpsc::Receiver<PhoneRequest>, mpsc::Sender<PhoneNotice>),
        is_over: watch::Receiver<bool>,
    ) -> Self {
        let (stage, last_check) = (Stage::Keying, CheckToken(0));
        Self {
            app,
            caller,
            requests,
            notices,
            is_over,
            stage,
            last_check,
            times_turned_away: 0,
            gathered: None,
            dialled: None,
            transfer: None,
        }
    }

    /// The same for a call that we made, which somebody answered who asks this first.
    pub(super) async fn run_dialled(mut self, dialled: Metered, first: PhoneRequest) {
        self.dialled = Some(dialled);
        let goes = Box::pin(self.obey(first)).await;
        self.run_on(goes).await;
    }

    pub(super) async fn run(self) {
        self.run_on(Goes::On).await;
    }

    async fn run_on(mut self, mut goes: Goes) {
        while goes == Goes::On {
            self.show();
            goes = match self.next().await {
                // What obeying takes in memory, a call would else take for as long as it goes on.
                Next::Request(Some(request)) => Box::pin(self.obey(request)).await,
                Next::Request(None) => Goes::Over,
                Next::Look => self.look_again().await,
                Next::Seat(event) => self.seat_says(event).await,
                Next::HangUp => self.hang_up().await,
                Next::Transfer(order) => self.begin_transfer(order),
                Next::Due => self.look_at_meter().await,
                Next::End => {
                    self.ends(DialledCallEnd::GivenUp);
                    // Whoever cannot be told any more has hung up.
                    let _: Goes = self.tell(PhoneNotice::Failed);
                    Goes::Over
                }
            };
        }
        self.leave_lobby().await;
        // Whoever is in the room leaves it before that takes its time.
        self.stage = Stage::Leaving;
        if let Some(dialled) = self.dialled.take() {
            dialled.settle(&self.app).await;
        }
    }

    /// Says how far it is to those who look.
    fn show(&self) {
        self.caller.entry.is_at(self.stage.shown());
        self.caller.entry.is_in(match &self.stage {
            Stage::InRoom(seat) => Some(seat.whereabouts()),
            _ => None,
        });
        if let (Some(dialled), Stage::InRoom(_)) = (&self.dialled, &self.stage) {
            dialled.record.is_in_meeting(&self.caller.identity());
        }
    }

    /// Why a call that we made is about to be over. The first word counts.
    pub(super) fn ends(&self, because: DialledCallEnd) {
        if let Some(dialled) = &self.dialled {
            dialled.record.ends(because);
        }
    }

    async fn next(&mut self) -> Next {
        let is_over = async { drop(self.is_over.wait_for(|is_over| *is_over).await) };
        let news = async {
            match &mut self.stage {
                // Whether somebody has nudged or time has passed: one looks again.
                Stage::Waiting(wait) => drop(timeout(LOOK_INTERVAL, wait.changes.changed()).await),
                Stage::InRoom(seat) => return Next::Seat(seat.next().await),
                // The bridge hangs up before that, as soon as the caller has heard why.
                Stage::Leaving => tokio::time::sleep(LAST_WORDS).await,
                Stage::Keying | Stage::Admitted(_) => std::future::pending().await,
            }
            Next::Look
        };
        let due = async {
            match &self.dialled {
                Some(dialled) => dialled.waits().await,
                None => std::future::pending().await,
            }
        };
        let hang_up = self.caller.entry.ended_by_somebody();
        tokio::select! {
            biased;
            () = is_over => Next::End,
            () = hang_up.notified() => Next::HangUp,
            // The sender is in the entry itself, so there is always one.
            Some(order) = self.caller.entry.transfers.recv() => Next::Transfer(order),
            () = due => Next::Due,
            request = self.requests.recv() => Next::Request(request),
            news = news => news,
        }
    }

    async fn obey(&mut self, request: PhoneRequest) -> Goes {
        match request {
            PhoneRequest::CheckRoom { check } => self.check(check, Code::Room).await,
            PhoneRequest::CheckId { check, digits } => self.check(check, Code::Id(digits)).await,
            PhoneRequest::CheckPin { check, digits } => self.check(check, Code::Pin(digits)).await,
            PhoneRequest::SoundIsAt { bridge } => {
                self.caller.bridge = bridge;
                Goes::On
            }
            PhoneRequest::SetHold(is_on_hold) => self.set_hold(is_on_hold).await,
            PhoneRequest::Join => self.join().await,
            PhoneRequest::SetMuted(_)
            | PhoneRequest::SetHand(_)
            | PhoneRequest::AskCount
            | PhoneRequest::Consent(_) => self.ask_seat(request).await,
            PhoneRequest::Progress(DialProgress::NotReached(why)) => {
                self.ends(why.reason.into());
                Goes::Over
            }
            PhoneRequest::TransferEnded(result) => self.transfer_ended(result),
            // What went before is known.
            PhoneRequest::Progress(_) => Goes::On,
        }
    }

    /// Does what is due in a call that we made.
    async fn look_at_meter(&mut self) -> Goes {
        let Some(dialled) = &mut self.dialled else { return Goes::On };
        match (dialled.poll(&self.app).await, &self.stage) {
            (Some(Due::OneMinuteLeft), Stage::InRoom(_)) => self.tell(PhoneNotice::Event(MeetingEvent::OneMinuteLeft)),
            (Some(Due::TimeUp), stage) => {
                let is_in = matches!(stage, Stage::Admitted(_) | Stage::InRoom(_));
                self.ends(DialledCallEnd::TimeUp);
                if is_in { self.last(MeetingEvent::TimeUp).await } else { self.give_up() }
            }
            _ => Goes::On,
        }
    }

    /// A call that we made is not wanted any more. Nothing follows.
    fn give_up(&self) -> Goes {
        // Whoever is so far behind that it does not fit loses the call as well.
        let _: Goes = self.tell(PhoneNotice::GiveUp);
        Goes::Over
    }

    /// Has a code checked and answers when it is time, unless the caller has hung up by then.
    async fn check(&mut self, check: CheckToken, code: Code) -> Goes {
        let asked_at = Instant::now();
        // Who is in, or hears why not, keys in no codes.
        if matches!(self.stage, Stage::InRoom(_) | Stage::Leaving) {
            return Goes::On;
        }
        self.leave_lobby().await;
        self.gathered = None;
        self.caller.entry.is_for(None);
        (self.stage, self.last_check) = (Stage::Keying, check);
        let is_as_of_one_person = code.is_as_of_one_person();
        let answer = match self.caller.answer(&self.app, code).await {
            Ok(answer) => answer,
            Err(error) => {
                warn!(%error, "a code cannot be checked");
                return self.fail().await;
            }
        };
        // However long it took: the time of an answer says nothing of what is right.
        let due = sleep_until((asked_at + answer.after).into());
        let mut is_over = self.is_over.clone();
        let is_over = async move { drop(is_over.wait_for(|is_over| *is_over).await) };
        tokio::select! {
            biased;
            () = self.notices.closed() => return Goes::Over,
            () = is_over => return Goes::On,
            () = due => {}
        }
        match verdicts::of_code(answer.step) {
            Ok(known) => self.visit(known, is_as_of_one_person).await,
            Err(verdict) => self.tell_verdict(verdict).await,
        }
    }

    /// Comes to the meeting that was found, by a PIN that may be one person's.
    async fn visit(&mut self, known: Known, is_as_of_one_person: bool) -> Goes {
        self.caller.entry.is_for(Some(known.place));
        if self.tell_tenant(known.place).await == Goes::Over {
            return Goes::Over;
        }
        let Caller { number, mark, call, source, .. } = &self.caller;
        let caller = PhoneCaller {
            is_unproven: is_as_of_one_person && known.who == Who::Room,
            known,
            number: number.clone(),
            mark: mark.clone(),
            call: call.clone(),
            remembered: self.caller.remembered().cloned(),
        };
        let visit = Arc::new(Visit::new(self.app.clone(), caller, source.clone()));
        self.times_turned_away = 0;
        self.look(visit).await
    }

    /// Looks how it stands for who comes.
    async fn look(&mut self, visit: Arc<Visit>) -> Goes {
        // Before it is looked, so that nothing is missed in between.
        let changes = visit.changes();
        match visit.look().await {
            Ok(Standing::Waiting(waiting)) => {
                self.times_turned_away = 0;
                self.stage = Stage::Waiting(Box::new(Wait { visit, changes, told: waiting }));
                self.tell_standing(&Standing::Waiting(waiting)).await
            }
            // A place may have come free just then, but not each time.
            Ok(Standing::Admitted(_)) if self.times_turned_away > MOST_TURNED_AWAY => {
                self.tell_verdict(Verdict::Refused(Refusal::Full)).await
            }
            Ok(Standing::Admitted(admitted)) => self.admit(visit, admitted).await,
            Ok(standing) => self.tell_standing(&standing).await,
            Err(problem) => self.refuse(&problem).await,
        }
    }

    /// Looks how it stands for who waits, and tells what is new. Whoever has had their last words has had the time for them.
    async fn look_again(&mut self) -> Goes {
        let Stage::Waiting(wait) = &mut self.stage else { return Goes::Over };
        wait.changes.mark_unchanged();
        match wait.visit.look().await {
            Ok(Standing::Waiting(waiting)) => {
                // How long it takes to the start changes by itself, and the bridge knows the clock.
                let is_new = waiting != wait.told;
                wait.told = waiting;
                if is_new { self.tell_standing(&Standing::Waiting(waiting)).await } else { Goes::On }
            }
            Ok(Standing::Admitted(admitted)) => {
                let visit = wait.visit.clone();
                self.admit(visit, admitted).await
            }
            Ok(standing) => self.tell_standing(&standing).await,
            Err(problem) if verdicts::refusal(problem.code()).is_some() => self.refuse(&problem).await,
            Err(problem) => {
                // They keep their place for as long as others do, and the database may be back by then.
                debug!(code = problem.code().as_str(), "how it stands for a caller cannot be seen");
                Goes::On
            }
        }
    }

    async fn admit(&mut self, visit: Arc<Visit>, admitted: Admitted) -> Goes {
        let Admitted { token, caller, room, entry } = admitted;
        self.stage = Stage::Admitted(Box::new(Entry { visit, token, caller, place: entry }));
        let gathered = self.app.phone.calls.gatherings.come(room, self.caller.bridge);
        let bridge = gathered.bridge();
        self.gathered = Some(gathered);
        // First, so that the sound is there before they ask to come in.
        if bridge != self.caller.bridge && self.tell(PhoneNotice::RoomIsAt { bridge }) == Goes::Over {
            return Goes::Over;
        }
        self.tell_verdict(Verdict::Admitted).await
    }

    async fn refuse(&mut self, problem: &Problem) -> Goes {
        match verdicts::refusal(problem.code()) {
            Some(refusal) => self.tell_verdict(Verdict::Refused(refusal)).await,
            None => {
                warn!(code = problem.code().as_str(), "a caller cannot be let in");
                self.fail().await
            }
        }
    }

    /// The room has become full since they were let in, or was locked. The door knows which.
    pub(super) async fn turned_away(&mut self, visit: Arc<Visit>) -> Goes {
        self.gathered = None;
        self.times_turned_away += 1;
        self.look(visit).await
    }

    /// Ends the call, which the caller hears wherever they are, and leaves the hanging up to the bridge.
    async fn hang_up(&mut self) -> Goes {
        match self.stage {
            Stage::Leaving => return Goes::On,
            Stage::Keying if self.dialled.is_some() => {
                self.ends(DialledCallEnd::GivenUp);
                return self.give_up();
            }
            // A moderator wanted them in, and does not any more.
            Stage::Admitted(_) | Stage::InRoom(_) if self.caller.entry.ended_by() == Some(EndedBy::Moderator) => {
                return self.last(MeetingEvent::Removed).await;
            }
            Stage::Keying | Stage::Waiting(_) | Stage::Admitted(_) | Stage::InRoom(_) => {}
        }
        self.ends(DialledCallEnd::Removed);
        self.leave_lobby().await;
        self.stage = Stage::Leaving;
        self.tell(PhoneNotice::EndedByOperator)
    }

    /// It cannot go on. The caller hears that, and the bridge hangs up.
    pub(super) async fn fail(&mut self) -> Goes {
        self.ends(DialledCallEnd::Failed);
        self.leave_lobby().await;
        self.stage = Stage::Leaving;
        self.tell(PhoneNotice::Failed)
    }

    async fn tell_standing(&mut self, standing: &Standing) -> Goes {
        match verdicts::of_standing(standing, Utc::now()) {
            Some(verdict) => self.tell_verdict(verdict).await,
            None => self.fail().await,
        }
    }

    async fn tell_verdict(&mut self, verdict: Verdict) -> Goes {
        if matches!(verdict, Verdict::Refused(_)) {
            self.ends(DialledCallEnd::NotAdmitted);
            self.leave_lobby().await;
            self.stage = Stage::Leaving;
        }
        self.tell(PhoneNotice::Verdict { check: self.last_check, verdict })
    }

    /// Nobody shall see somebody in the lobby who does not wait any more, or wait behind somebody who will not come.
    pub(super) async fn leave_lobby(&mut self) {
        let visit = match &self.stage {
            Stage::Waiting(wait) => &wait.visit,
            Stage::Admitted(entry) => &entry.visit,
            Stage::Keying | Stage::InRoom(_) | Stage::Leaving => return,
        };
        if let Err(error) = visit.leave().await {
            warn!(%error, "a caller who has gone is in the lobby for a while");
        }
    }

    /// Tells the bridge. One that is so far behind that it does not fit has lost the call.
    pub(super) fn tell(&self, notice: PhoneNotice) -> Goes {
        // First, so that nobody who looks is behind the caller.
        self.show();
        if self.notices.try_send(notice).is_ok() { Goes::On } else { Goes::Over }
    }
}
