// SPDX-License-Identifier: EUPL-1.2
//! Trunks: providers and exchanges whose calls come to meetings, and by which meetings call. They belong to the installation;
//! whoever looks after it makes and changes them ([`routes`]), and bridges are told of them at once ([`mod@follow`]).

pub(crate) mod by_operator;
mod changes;
mod check;
mod follow;
mod model;
pub(crate) mod overview;
pub(crate) mod routes;
mod sealed;
mod status;
mod table;
pub(super) mod ways_out;

use std::sync::{Arc, OnceLock};

use bus::phone::TrunkStates;
use tokio::sync::{Notify, watch};

pub(crate) use self::check::in_one_form;
pub(crate) use self::follow::follow;
pub(super) use self::table::{calling, is_there};

/// What the process knows of trunks beside the database.
#[derive(Default)]
pub(crate) struct Trunks {
    /// They may have changed.
    changed: Notify,
    /// How they are, as the bridge says. Empty: this process has no bridge.
    states: OnceLock<watch::Receiver<TrunkStates>>,
}

impl Trunks {
    /// Where a bridge says how they are. The first one counts; a process has one.
    pub(crate) fn told_by(&self, states: watch::Receiver<TrunkStates>) {
        let _ = self.states.set(states);
    }

    pub(super) fn states(&self) -> TrunkStates {
        self.states.get().map_or_else(TrunkStates::default, |states| Arc::clone(&states.borrow()))
    }
}
