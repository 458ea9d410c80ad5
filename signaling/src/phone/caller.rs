// SPDX-License-Identifier: EUPL-1.2
//! Who is at a telephone, and what their codes say, whether they called us or we called them.

use std::time::{Duration, Instant};

use bus::phone::Digits;
use chrono::Utc;
use store::StoreError;

use super::caller_number::{CallerNumber, E164};
use super::id_and_pin::Closed;
use super::in_progress::OwnCall;
use super::{Answer, Call, Known, Moment, Step};
use crate::app::App;
use crate::joining::by_phone::WaitsFrom;
use crate::joining::caller::identity;
use crate::meetings::phone_pins::model::PinKind;

/// Who is at the telephone.
pub(super) struct Caller {
    /// Which of the node's bridges has their sound.
    pub(super) bridge: u16,
    /// Our number: what they called, as the trunk gave it, or what they were shown.
    pub(super) own_number: Option<String>,
    /// The trunk, by its id.
    pub(super) trunk: String,
    /// The slug of the tenant as which the bridge speaks to them, as far as it was told.
    pub(super) tenant: Option<String>,
    pub(super) way: Way,
    pub(super) number: CallerNumber,
    /// See [`PhoneCaller::mark`](crate::joining::caller::PhoneCaller::mark).
    pub(super) mark: String,
    /// By what those are counted who wait.
    pub(super) source: WaitsFrom,
    /// Our own id of this call, by which they are known in the meeting, too. SIP's may have an address in it.
    pub(super) call: String,
    /// Their telephone holds the call.
    pub(super) is_on_hold: bool,
    /// How far it is, for others to see.
    pub(super) entry: OwnCall,
}

/// How somebody came to the telephone.
pub(super) enum Way {
    /// They called us.
    In {
        call: Box<Call>,
        /// The conference number of the one meeting or room that the number that they called belongs to.
        direct: Option<String>,
    },
    /// We called them, for that meeting.
    Out(Box<Known>),
}

/// What is to be checked.
pub(super) enum Code {
    /// The room that the number belongs to, or for which they were called.
    Room,
    Id(Digits),
    Pin(Option<Digits>),
}

impl Code {
    /// Whether it is as long as the PINs that are one person's, who is invited or hosts.
    pub(super) fn is_as_of_one_person(&self) -> bool {
        matches!(self, Self::Pin(Some(digits)) if digits.as_str().len() == PinKind::Personal.digits())
    }
}

impl Caller {
    /// What a code is good for.
    pub(super) async fn answer(&mut self, app: &App, code: Code) -> Result<Answer, StoreError> {
        let at_once = |step| Ok(Answer { step, after: Duration::ZERO });
        match (code, &mut self.way) {
            (Code::Id(digits), Way::In { call, .. }) => call.id(app, now(), digits.as_str()).await,
            (Code::Pin(digits), Way::In { call, .. }) => {
                call.pin(app, now(), digits.unwrap_or_default().as_str()).await
            }
            (Code::Room, Way::In { call, direct: Some(id) }) => call.direct(app, now(), id).await,
            (Code::Room, Way::Out(known)) => at_once(Step::Known(known.as_ref().clone())),
            // The number belongs to no room, so there is none to be asked for; and whom we call is asked for nothing.
            (Code::Room, Way::In { direct: None, .. }) | (Code::Id(_) | Code::Pin(_), Way::Out(_)) => {
                at_once(Step::Closed(Closed::Nowhere))
            }
        }
    }

    /// The number that is known for a while once they are in. That somebody was called proves nothing of whoever calls from
    /// there.
    pub(super) fn remembered(&self) -> Option<&E164> {
        match &self.way {
            Way::In { call, .. } => call.remembered(),
            Way::Out(_) => None,
        }
    }

    /// Who they are in the meeting, if it is not an invitation that says so.
    pub(super) fn identity(&self) -> String {
        identity(&self.call)
    }
}

/// This moment.
pub(super) fn now() -> Moment {
    Moment { instant: Instant::now(), utc: Utc::now() }
}
