// SPDX-License-Identifier: EUPL-1.2
//! One call, from its beginning to its end: whoever calls keys in codes, waits, and comes in. What each of that means is
//! decided elsewhere; here it is asked for and told, at the right time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bus::phone::{CallEnd, CallTerms, CheckToken, Decline, Digits, IncomingCall, PhoneNotice, PhoneRequest, Verdict};
use chrono::Utc;
use store::StoreError;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep_until, timeout};
use tracing::{debug, warn};

use super::caller_number::{CallerNumber, Said};
use super::in_progress::{OwnCall, PhoneCallStage};
use super::lines::Called;
use super::seat::{Seat, SeatEvent};
use super::{Answer, Begun, Call, Incoming, Known, Moment, Step, known_callers, verdicts};
use crate::api::client_address::network;
use crate::api::problem::Problem;
use crate::app::App;
use crate::identity::keys::Purpose;
use crate::joining::by_phone::{Admitted, Standing, Visit, Waiting};
use crate::joining::caller::PhoneCaller;
use crate::lobby::LOOK_INTERVAL;

/// How long a call is kept in which nothing can follow: the caller still hears why.
const LAST_WORDS: Duration = Duration::from_secs(120);

/// Bytes of what a call is called: 22 characters.
const TOKEN_BYTES: usize = 16;

/// Looks after a call until it is over.
pub(super) async fn attend(app: Arc<App>, call: CallEnd, is_over: watch::Receiver<bool>) {
    let CallEnd { call, requests, notices } = call;
    // SIP's own name for it may have an address in it.
    debug!(call_id = call.call_id, trunk = call.trunk, "a call");
    let begun = begin(&app, &call).await;
    let first = match &begun {
        Ok(Ok(caller)) => PhoneNotice::Begun(CallTerms {
            languages: caller.called.languages.clone(),
            is_direct: caller.called.direct.is_some(),
        }),
        Ok(Err(decline)) => PhoneNotice::Declined(*decline),
        Err(error) => {
            warn!(%error, "a call cannot be answered");
            PhoneNotice::Declined(Decline::Unavailable)
        }
    };
    // It fits, being the first; where nobody takes it, the caller has hung up.
    if notices.try_send(first).is_err() {
        return;
    }
    if let Ok(Ok(caller)) = begun {
        let (stage, last_check) = (Stage::Keying, CheckToken(0));
        Attendant { app, caller, requests, notices, is_over, stage, last_check }.run().await;
    }
}

/// Finds out what is called, and by whom.
async fn begin(app: &App, incoming: &IncomingCall) -> Result<Result<Caller, Decline>, StoreError> {
    let mut tx = app.store.read().await?;
    let Some(called) = app.phone.lines.find(&mut tx, &incoming.trunk, &incoming.called).await? else {
        return Ok(Err(Decline::UnknownNumber));
    };
    drop(tx);
    // The bridge has read what SIP says of privacy; `id` is what hides the number (RFC 3325 §9.3).
    let privacy = if incoming.is_withheld { "id" } else { "" };
    let said = Said { user: incoming.caller.as_deref().unwrap_or_default(), host: "", privacy };
    let number = CallerNumber::read(said, &called.trunk.dial_plan);
    let (trunk, peer, serves) = (&called.trunk, incoming.peer, called.serves.clone());
    let call = match Call::begin(app, now(), Incoming { trunk, peer, number: number.clone(), serves }).await? {
        Begun::Call(call) => call,
        Begun::Blocked(wait) => return Ok(Err(Decline::Blocked(wait))),
    };
    let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; TOKEN_BYTES]>());
    let vouched = number.number().filter(|_| trunk.trusts_caller_ids);
    let known = vouched.map(|number| known_callers::mark(&app.installation, number.as_str()));
    let source = known.clone().unwrap_or_else(|| network(peer).to_string());
    let parts: [&[u8]; 3] = [b"waiting", trunk.id.as_bytes(), source.as_bytes()];
    let source = app.installation.derive_text(Purpose::PhoneCaller, &parts);
    let mark = known.unwrap_or_else(|| token.clone());
    let (bridge, dialled) = (incoming.bridge, incoming.called.clone());
    let entry = app.phone.calls.in_progress.enter(trunk.id.clone(), number.last_digits(), Utc::now());
    Ok(Ok(Caller { bridge, dialled, called, call, number, mark, source, token, entry }))
}

/// Who calls, and what they call.
pub(super) struct Caller {
    /// Which of the node's bridges has their sound.
    pub(super) bridge: u16,
    /// The number that they called, as the trunk gave it.
    pub(super) dialled: String,
    pub(super) called: Called,
    call: Box<Call>,
    pub(super) number: CallerNumber,
    /// See [`PhoneCaller::mark`].
    mark: String,
    /// By what those are counted who wait.
    source: String,
    /// Of this call alone.
    pub(super) token: String,
    /// How far it is, for others to see.
    entry: OwnCall,
}

/// Where a caller is.
pub(super) enum Stage {
    /// They key in codes.
    Keying,
    Waiting(Box<Wait>),
    /// They may come in, by this token.
    Admitted(String),
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

/// Somebody who waits.
pub(super) struct Wait {
    visit: Visit,
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
}

/// What happens next in a call.
enum Next {
    Request(Option<PhoneRequest>),
    /// Something may have changed for who waits.
    Look,
    /// What the seat says; nothing follows the last.
    Seat(Option<SeatEvent>),
    /// Whoever looks after the installation ends the call.
    HangUp,
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
    async fn run(mut self) {
        loop {
            self.caller.entry.is_at(self.stage.shown());
            let goes = match self.next().await {
                Next::Request(Some(request)) => self.obey(request).await,
                Next::Request(None) => Goes::Over,
                Next::Look => self.look_again().await,
                Next::Seat(event) => self.seat_says(event).await,
                Next::HangUp => self.hang_up().await,
                Next::End => {
                    // Whoever cannot be told any more has hung up.
                    let _: Goes = self.tell(PhoneNotice::Failed);
                    Goes::Over
                }
            };
            if goes == Goes::Over {
                break;
            }
        }
        self.leave_lobby().await;
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
        let hang_up = self.caller.entry.ended_by_somebody();
        tokio::select! {
            biased;
            () = is_over => Next::End,
            () = hang_up.notified() => Next::HangUp,
            request = self.requests.recv() => Next::Request(request),
            news = news => news,
        }
    }

    async fn obey(&mut self, request: PhoneRequest) -> Goes {
        match request {
            PhoneRequest::CheckRoom { check } => self.check(check, Code::Room).await,
            PhoneRequest::CheckId { check, digits } => self.check(check, Code::Id(digits)).await,
            PhoneRequest::CheckPin { check, digits } => self.check(check, Code::Pin(digits)).await,
            PhoneRequest::Join => self.join().await,
            PhoneRequest::SetMuted(_)
            | PhoneRequest::SetHand(_)
            | PhoneRequest::AskCount
            | PhoneRequest::Consent(_) => self.ask_seat(request).await,
        }
    }

    /// Has a code checked and answers when it is time, unless the caller has hung up by then.
    async fn check(&mut self, check: CheckToken, code: Code) -> Goes {
        let asked_at = Instant::now();
        // Who is in, or hears why not, keys in no codes.
        if matches!(self.stage, Stage::InRoom(_) | Stage::Leaving) {
            return Goes::On;
        }
        self.leave_lobby().await;
        self.caller.entry.is_for(None);
        (self.stage, self.last_check) = (Stage::Keying, check);
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
            Ok(known) => self.visit(known).await,
            Err(verdict) => self.tell_verdict(verdict).await,
        }
    }

    /// Comes to the meeting that was found.
    async fn visit(&mut self, known: Known) -> Goes {
        self.caller.entry.is_for(Some(known.place));
        let Caller { number, mark, token, source, .. } = &self.caller;
        let caller = PhoneCaller { known, number: number.clone(), mark: mark.clone(), call: token.clone() };
        let visit = Visit::new(self.app.clone(), caller, source.clone());
        // Before it is looked, so that nothing is missed in between.
        let changes = visit.changes();
        match visit.look().await {
            Ok(Standing::Waiting(waiting)) => {
                self.stage = Stage::Waiting(Box::new(Wait { visit, changes, told: waiting }));
                self.tell_standing(&Standing::Waiting(waiting)).await
            }
            Ok(Standing::Admitted(admitted)) => self.admit(admitted).await,
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
            Ok(Standing::Admitted(admitted)) => self.admit(admitted).await,
            Ok(standing) => self.tell_standing(&standing).await,
            Err(problem) if verdicts::refusal(problem.code()).is_some() => self.refuse(&problem).await,
            Err(problem) => {
                // They keep their place for as long as others do, and the database may be back by then.
                debug!(code = problem.code().as_str(), "how it stands for a caller cannot be seen");
                Goes::On
            }
        }
    }

    async fn admit(&mut self, admitted: Admitted) -> Goes {
        if let Err(error) = self.caller.call.came_in(&self.app, now()).await {
            warn!(%error, "a number that came in is not known from now on");
        }
        let verdict = Verdict::Admitted(verdicts::status(&admitted));
        self.stage = Stage::Admitted(admitted.token);
        self.tell_verdict(verdict).await
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

    /// Ends the call, which the caller hears wherever they are, and leaves the hanging up to the bridge.
    async fn hang_up(&mut self) -> Goes {
        if matches!(self.stage, Stage::Leaving) {
            return Goes::On;
        }
        self.leave_lobby().await;
        self.stage = Stage::Leaving;
        self.tell(PhoneNotice::EndedByOperator)
    }

    /// It cannot go on. The caller hears that, and the bridge hangs up.
    pub(super) async fn fail(&mut self) -> Goes {
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
            self.leave_lobby().await;
            self.stage = Stage::Leaving;
        }
        self.tell(PhoneNotice::Verdict { check: self.last_check, verdict })
    }

    /// Nobody shall see somebody in the lobby who does not wait any more.
    async fn leave_lobby(&mut self) {
        if let Stage::Waiting(wait) = &self.stage
            && let Err(error) = wait.visit.leave().await
        {
            warn!(%error, "a caller who has gone is in the lobby for a while");
        }
    }

    /// Tells the bridge. One that is so far behind that it does not fit has lost the call.
    pub(super) fn tell(&self, notice: PhoneNotice) -> Goes {
        // First, so that nobody who looks is behind the caller.
        self.caller.entry.is_at(self.stage.shown());
        if self.notices.try_send(notice).is_ok() { Goes::On } else { Goes::Over }
    }
}

/// What is to be checked.
enum Code {
    /// The room that the number belongs to.
    Room,
    Id(Digits),
    Pin(Option<Digits>),
}

impl Caller {
    async fn answer(&mut self, app: &App, code: Code) -> Result<Answer, StoreError> {
        match (code, &self.called.direct) {
            (Code::Id(digits), _) => self.call.id(app, now(), digits.as_str()).await,
            (Code::Pin(digits), _) => self.call.pin(app, now(), digits.unwrap_or_default().as_str()).await,
            (Code::Room, Some(id)) => self.call.direct(app, now(), id).await,
            // The number belongs to no room, so there is none to be asked for.
            (Code::Room, None) => Ok(Answer { step: Step::Closed, after: Duration::ZERO }),
        }
    }
}

fn now() -> Moment {
    Moment { instant: Instant::now(), utc: Utc::now() }
}
