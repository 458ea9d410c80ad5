// SPDX-License-Identifier: EUPL-1.2
//! For whom a request of ours was sent, which is who gets the answer.

use super::event::{CallId, OptionsId, Purpose, RegistrationId};

/// One dialog of a call. A call that we make may have several until one of them is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LegId(pub(super) u32);

/// What a call wanted with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// The first INVITE.
    Invite,
    Cancel,
    Bye,
    Reinvite,
    Update,
    Prack(LegId),
    Info,
    Refer,
    Notify,
}

/// Who.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Call(CallId, Job),
    Registration(RegistrationId),
    Options(OptionsId),
    /// Nobody waits for the answer.
    Nobody,
}

impl Owner {
    /// As the layer above sees it.
    pub(super) fn purpose(self) -> Option<Purpose> {
        match self {
            Self::Call(call, _) => Some(Purpose::Call(call)),
            Self::Registration(registration) => Some(Purpose::Registration(registration)),
            Self::Options(options) => Some(Purpose::Options(options)),
            Self::Nobody => None,
        }
    }
}
