// SPDX-License-Identifier: EUPL-1.2
//! How a trunk is, in the API's words. The bridge knows.

use bus::phone::{DestinationState, RegistrationState, TrunkState};
use serde::Serialize;
use utoipa::ToSchema;

/// How a trunk is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct PhoneTrunkStatus {
    /// How the registration is. Null where there is none.
    registration: Option<PhoneRegistrationStatus>,
    /// How each of `destinations` is, in their order.
    destinations: Vec<PhoneDestinationState>,
    /// Calls that go on.
    calls: u32,
}

/// How a registration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
struct PhoneRegistrationStatus {
    /// How far it is.
    state: PhoneRegistrationState,
    /// What the registrar answered when it failed: a status of SIP. Null where it answered nothing.
    answer: Option<u16>,
}

/// How far a registration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PhoneRegistrationState {
    /// The first answer is waited for.
    Trying,
    /// We are registered.
    Registered,
    /// We are not, and it will be tried again.
    Failed,
}

/// How a destination is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PhoneDestinationState {
    /// Nobody has asked.
    Unknown,
    /// It answers.
    Reachable,
    /// It does not.
    Unreachable,
    /// No address is known for its name.
    NotFound,
}

impl From<&TrunkState> for PhoneTrunkStatus {
    fn from(state: &TrunkState) -> Self {
        Self {
            registration: state.registration.map(PhoneRegistrationStatus::from),
            destinations: state.destinations.iter().copied().map(PhoneDestinationState::from).collect(),
            calls: state.calls,
        }
    }
}

impl From<RegistrationState> for PhoneRegistrationStatus {
    fn from(state: RegistrationState) -> Self {
        match state {
            RegistrationState::Trying => Self { state: PhoneRegistrationState::Trying, answer: None },
            RegistrationState::Registered => Self { state: PhoneRegistrationState::Registered, answer: None },
            RegistrationState::Failed { status } => Self { state: PhoneRegistrationState::Failed, answer: status },
        }
    }
}

impl From<DestinationState> for PhoneDestinationState {
    fn from(state: DestinationState) -> Self {
        match state {
            DestinationState::Unknown => Self::Unknown,
            DestinationState::Reachable => Self::Reachable,
            DestinationState::Unreachable => Self::Unreachable,
            DestinationState::NotFound => Self::NotFound,
        }
    }
}
