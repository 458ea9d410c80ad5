// SPDX-License-Identifier: EUPL-1.2
//! A client asks for trouble, to see how it copes. It only ever gets itself into it.

use livekit_protocol::{SimulateScenario, simulate_scenario};

use super::Task;
use crate::rooms::input::{Request, Scenario};

pub(super) fn parse(scenario: SimulateScenario) -> Task {
    match scenario.scenario {
        Some(simulate_scenario::Scenario::ServerLeave(true)) => Task::Room(Request::Simulate(Scenario::ServerLeave)),
        Some(
            simulate_scenario::Scenario::NodeFailure(true)
            | simulate_scenario::Scenario::LeaveRequestFullReconnect(true),
        ) => Task::Room(Request::Simulate(Scenario::FullReconnect)),
        _ => Task::Nothing,
    }
}
