// SPDX-License-Identifier: EUPL-1.2
//! Where a call goes on as a place in a live room. Rooms take no callers so far, and a bridge that asks for a place hears that.

use super::attendant::{Attendant, Goes};

impl Attendant {
    /// Connects who was admitted with their room.
    pub(super) async fn join(&mut self) -> Goes {
        self.fail().await
    }
}
