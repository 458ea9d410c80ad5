// SPDX-License-Identifier: EUPL-1.2
//! Answers that come by mail: iMIP's REPLY and COUNTER (RFC 6047).
//!
//! An answer counts when it came to the person's own address of ours, which has their token: anybody can write any sender
//! into a mail. Only where the mail server knows no such addresses, and the settings have no `{token}`, the sender counts;
//! whether that one is made up is then the mail server's business: see `docs/operations/mail.md`.

use chrono::Utc;
use mail_parser::{Message, MessageParser, MimeHeaders as _, PartType};
use store::{Store, StoreError, Tx, sql};

use super::Way;
use crate::api::ids::MailId;
use crate::config::MailConfig;
use crate::identity::keys::Keys;
use crate::invitations::ical::read::{self, Answer};
use crate::invitations::invitation::Person;
use crate::invitations::mail::message::{self, Forwarded, Headers};
use crate::invitations::outbox;
use crate::invitations::token::TOKEN_CHARS;
use crate::meetings::model::{Invitee, Meeting, MeetingStatus, ResponseStatus};
use crate::meetings::table as meetings;
use crate::meetings::words::words;

/// Longest mail that is looked at. Calendars send a few thousand bytes.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// Most places at which a part of a mail could begin, also within lines: a part costs a hundred times its length.
const MAX_BOUNDARIES: usize = 5000;

/// Most parts of a mail that are looked at.
const MAX_PARTS: usize = 64;

/// Most tenants in which a UID and an address may both be known.
const MAX_CANDIDATES: i64 = 10;

words! {
    /// What became of a mail.
    Reception {
        /// The answer is kept.
        Kept = "kept",
        /// The proposal is passed on to the organizer.
        Forwarded = "forwarded",
        /// Several proposals of theirs wait to be passed on already.
        TooMany = "too_many",
        /// It answers an invitation that is not the newest.
        Outdated = "outdated",
        /// It is no answer, or to nothing of ours.
        NotForUs = "not_for_us",
    }
}

/// Takes a mail.
pub(crate) async fn receive(
    store: &Store,
    keys: &Keys,
    config: &MailConfig,
    raw: &[u8],
) -> Result<Reception, StoreError> {
    let parsed = is_harmless(raw).then(|| MessageParser::default().parse(raw)).flatten();
    let Some(mail) = parsed else { return Ok(Reception::NotForUs) };
    let Some((calendar, answer)) = answer_in(&mail) else { return Ok(Reception::NotForUs) };
    let mut tx = store.read().await?;
    let Some((invitee, meeting)) = sender(&mut tx, keys, config, &mail, &answer).await? else {
        return Ok(Reception::NotForUs);
    };
    drop(tx);
    let is_open = meeting.status == MeetingStatus::Scheduled && invitee.revoked_at.is_none();
    if !is_open || answer.sequence < invitee.sequence(&meeting) {
        return Ok(Reception::Outdated);
    }
    match answer.method.as_str() {
        // What holds for one time of a series says nothing of the others.
        "REPLY" if !answer.is_about_one_time => {
            let Some(response) = response(&answer, &invitee) else { return Ok(Reception::NotForUs) };
            super::record(store, &invitee, response, meeting.sequence, Way::Mail).await?;
            Ok(Reception::Kept)
        }
        "REPLY" | "COUNTER" => {
            let kind = if answer.method == "REPLY" { Forwarded::AnswerToOneTime } else { Forwarded::Proposal };
            forward(store, config, &meeting, &invitee, kind, &calendar).await
        }
        _ => Ok(Reception::NotForUs),
    }
}

/// Whether reading it costs little.
fn is_harmless(raw: &[u8]) -> bool {
    raw.len() <= MAX_BYTES && raw.windows(2).filter(|pair| *pair == b"--").count() <= MAX_BOUNDARIES
}

/// The calendar in a mail.
fn answer_in(mail: &Message<'_>) -> Option<(String, Answer)> {
    let parts = mail.parts.iter().take(MAX_PARTS);
    let calendars = parts.filter(|part| {
        let kind = part.content_type().map(|kind| (kind.ctype(), kind.subtype().unwrap_or_default()));
        kind.is_some_and(|(main, sub)| {
            (main.eq_ignore_ascii_case("text") && sub.eq_ignore_ascii_case("calendar"))
                || (main.eq_ignore_ascii_case("application") && sub.eq_ignore_ascii_case("ics"))
        })
    });
    let mut texts = calendars.filter_map(|part| match &part.body {
        PartType::Text(text) => Some(text.clone().into_owned()),
        PartType::Binary(bytes) => String::from_utf8(bytes.to_vec()).ok(),
        _ => None,
    });
    texts.find_map(|text| Some((read::answer(&text)?, text))).map(|(answer, text)| (text, answer))
}

/// Whose answer it is, and to which meeting.
async fn sender(
    tx: &mut Tx,
    keys: &Keys,
    config: &MailConfig,
    mail: &Message<'_>,
    answer: &Answer,
) -> Result<Option<(Invitee, Meeting)>, StoreError> {
    for token in tokens(config, mail) {
        let Some(invitee) = super::by_token(tx, keys, &token).await? else { continue };
        let meeting = meetings::find(tx, Some(invitee.tenant_id), invitee.meeting_id).await?;
        let meeting = meeting.filter(|meeting| meeting.ical_uid == answer.uid);
        return Ok(meeting.map(|meeting| (invitee, meeting)));
    }
    if config.replies.as_deref().is_some_and(|pattern| pattern.contains("{token}")) {
        return Ok(None);
    }
    let Some(from) = mail.from().and_then(|from| from.first()?.address()).map(str::to_lowercase) else {
        return Ok(None);
    };
    if !answer.attendees.iter().any(|(address, _)| *address == from) {
        return Ok(None);
    }
    let select = sql("SELECT i.* FROM invitees i JOIN meetings m ON m.id = i.meeting_id
         WHERE m.ical_uid = $1 AND i.email = $2 AND i.revoked_at IS NULL LIMIT $3");
    let found: Vec<Invitee> = tx.all(select.bind(&answer.uid).bind(&from).bind(MAX_CANDIDATES)).await?;
    // Two tenants that invite the same person by the same UID: we cannot tell whom they answer.
    let Ok([invitee]) = <[Invitee; 1]>::try_from(found) else { return Ok(None) };
    let meeting = meetings::find(tx, Some(invitee.tenant_id), invitee.meeting_id).await?;
    Ok(meeting.map(|meeting| (invitee, meeting)))
}

/// What stands at the token's place in the addresses that the mail came to.
fn tokens(config: &MailConfig, mail: &Message<'_>) -> Vec<String> {
    let Some((before, after)) = config.replies.as_deref().and_then(|pattern| pattern.split_once("{token}")) else {
        return Vec::new();
    };
    let delivered = ["Delivered-To", "X-Original-To", "Envelope-To"];
    let delivered = delivered.into_iter().filter_map(|name| mail.header_raw(name)).map(str::to_owned);
    let lists = [mail.to(), mail.cc()].into_iter().flatten().flat_map(|list| list.iter());
    let addresses = delivered.chain(lists.filter_map(|address| address.address().map(str::to_owned)));
    let token = |address: String| {
        let address = address.trim().trim_matches(['<', '>']).to_lowercase();
        let token = address.strip_prefix(&before.to_lowercase())?.strip_suffix(&after.to_lowercase())?.to_owned();
        (token.len() == TOKEN_CHARS).then_some(token)
    };
    addresses.take(MAX_PARTS).filter_map(token).collect()
}

/// What they say of themselves; by their own token also when their calendar knows them by another address.
fn response(answer: &Answer, invitee: &Invitee) -> Option<ResponseStatus> {
    let own = answer.attendees.iter().find(|(address, _)| Some(address) == invitee.email.as_ref());
    let only = if answer.attendees.len() == 1 { answer.attendees.first() } else { None };
    own.or(only).map(|(_, response)| *response)
}

/// Passes on to the organizer what only they can decide.
async fn forward(
    store: &Store,
    config: &MailConfig,
    meeting: &Meeting,
    invitee: &Invitee,
    kind: Forwarded,
    calendar: &str,
) -> Result<Reception, StoreError> {
    let now = Utc::now();
    let id = MailId::new();
    let organizer = Person { name: meeting.organizer_name.clone(), email: meeting.organizer_email.clone() };
    let email = invitee.email.clone().unwrap_or_default();
    let proposer = Person { name: invitee.name.clone(), email };
    let host = message::host(&config.from);
    let headers = Headers {
        from: &config.from,
        message_id: &format!("<{id}@{host}>"),
        thread_id: &format!("<{}@{host}>", meeting.id),
        date: now,
    };
    let language = meeting.invitation_language;
    let written = message::write_forwarded(kind, &proposer, &organizer, &meeting.title, language, calendar, &headers);
    let Ok(written) = written else { return Ok(Reception::NotForUs) };
    let is_added = outbox::add_counter(store, id, invitee, &organizer.email, written.formatted(), now).await?;
    Ok(if is_added { Reception::Forwarded } else { Reception::TooMany })
}
