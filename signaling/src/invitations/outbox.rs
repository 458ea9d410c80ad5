// SPDX-License-Identifier: EUPL-1.2
//! Mails on their way: `scribe` makes them of what became of meetings, `postman` hands them to the mail server. Both may
//! run in several processes at once, and end at any moment.

mod postman;
mod scribe;
pub(crate) mod server;
mod table;

use std::sync::Arc;

use crate::app::App;

pub(crate) use self::table::{Mail, of_meeting};

/// Works until somebody ends it. Without a mail server nothing is sent, and changes are not kept for later.
pub(crate) async fn run(app: Arc<App>) {
    tokio::join!(scribe::run(&app), postman::run(&app));
}
