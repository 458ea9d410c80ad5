// SPDX-License-Identifier: EUPL-1.2

//! `saal mail-reply`: takes what calendars answer, one mail at a time, from a mail server that hands mails to programs.

use std::io::Read as _;

use anyhow::{Context, Result};
use signaling::commands::{MAX_MAIL_BYTES, take_mail};

use crate::config::Settings;
use crate::database::{self, Tables};
use crate::output;

/// Reads a mail and says in a word what became of it. A failure makes the mail server keep the mail and try again.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let mail =
        settings.mail()?.context("mail.smtp_url is not set, so no invitation was sent that this could answer")?;
    // One byte more than is looked at, so that a longer one is seen to be longer.
    let limit = u64::try_from(MAX_MAIL_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut message = Vec::new();
    std::io::stdin().lock().take(limit).read_to_end(&mut message).context("reading the mail")?;
    let became =
        database::with(settings, Tables::UpToDate, async |store| Ok(take_mail(store, &mail, &message).await?))?;
    output::print(became)
}
