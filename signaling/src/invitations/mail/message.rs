// SPDX-License-Identifier: EUPL-1.2
//! A mail as it is sent (RFC 5322, 6047): text and HTML, the calendar as a third way to read it, and once more as a file.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment, Body, Mailbox, MultiPart, SinglePart};
use thiserror::Error;

use super::address::address;
use super::letter::{Letter, one_line};
use super::{html, text};
use crate::api::language::Language;
use crate::invitations::ical::calendar;
use crate::invitations::invitation::{Invitation, Person};
use crate::invitations::words::{self, Words};

/// Why there can be no such mail.
#[derive(Debug, Error)]
pub(in crate::invitations) enum MessageError {
    /// The address is none.
    #[error("an address is none")]
    Address,
    /// It cannot be put together.
    #[error(transparent)]
    Build(#[from] lettre::error::Error),
    /// A type that we name is none.
    #[error("a type of content is none")]
    Type,
}

/// What is on the envelope, so to speak.
#[derive(Clone, Debug)]
pub(in crate::invitations) struct Headers<'a> {
    /// The address that sends.
    pub(in crate::invitations) from: &'a str,
    /// Fixed for a mail, however often it is tried.
    pub(in crate::invitations) message_id: &'a str,
    /// What all mails about a meeting refer to.
    pub(in crate::invitations) thread_id: &'a str,
    /// When it was written.
    pub(in crate::invitations) date: DateTime<Utc>,
}

/// The file's name.
const FILE_NAME: &str = "invite.ics";

/// An invitation as a mail.
pub(in crate::invitations) fn write(invitation: &Invitation, headers: &Headers<'_>) -> Result<Message, MessageError> {
    let letter = Letter::of(invitation);
    let calendar = calendar::write(invitation);
    let method = invitation.method.as_str();
    let as_calendar = content_type(&format!("text/calendar; method={method}; charset=utf-8"))?;
    // As base64, because mail servers break long lines and some calendars do not understand quoted-printable.
    let encoded =
        || Body::new_with_encoding(calendar.clone(), ContentTransferEncoding::Base64).map_err(|_| MessageError::Type);
    let ways_to_read = MultiPart::alternative()
        .singlepart(SinglePart::plain(text::write(&letter)))
        .singlepart(SinglePart::html(html::write(&letter)));
    let message = headed(headers, &invitation.organizer, &invitation.recipient.person, &letter.subject)?;
    if invitation.schedule.is_none() {
        return Ok(message.multipart(ways_to_read)?);
    }
    let ways_to_read = ways_to_read.singlepart(SinglePart::builder().header(as_calendar).body(encoded()?));
    let file = Attachment::new(FILE_NAME.to_owned()).body(encoded()?, content_type("application/ics")?);
    Ok(message.multipart(MultiPart::mixed().multipart(ways_to_read).singlepart(file))?)
}

/// What the organizer is told of an answer that only they can deal with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::invitations) enum Forwarded {
    /// Another time is proposed.
    Proposal,
    /// It is about one time of a series.
    AnswerToOneTime,
}

/// A mail to the organizer that has what somebody's calendar says.
pub(in crate::invitations) fn write_forwarded(
    kind: Forwarded,
    proposer: &Person,
    organizer: &Person,
    title: &str,
    language: Language,
    calendar: &str,
    headers: &Headers<'_>,
) -> Result<Message, MessageError> {
    let words = words::of(language);
    let (subject, lead) = match kind {
        Forwarded::Proposal => (words.counter_subject, words.counter_lead),
        Forwarded::AnswerToOneTime => (words.one_time_subject, words.one_time_lead),
    };
    let subject = Words::fill(subject, &one_line(title));
    let text = Words::fill(lead, &one_line(proposer.shown())) + "\n";
    let file = Body::new_with_encoding(calendar.to_owned(), ContentTransferEncoding::Base64);
    let file = file.map_err(|_| MessageError::Type)?;
    let file = Attachment::new(FILE_NAME.to_owned()).body(file, content_type("application/ics")?);
    let message = headed(headers, proposer, organizer, &subject)?;
    Ok(message.multipart(MultiPart::mixed().singlepart(SinglePart::plain(text)).singlepart(file))?)
}

/// What stands behind the @ of the ids that are made for an address.
pub(in crate::invitations) fn host(from: &str) -> String {
    let host = address(from).map(|address| address.domain().to_owned());
    host.unwrap_or_else(|| "localhost".to_owned())
}

/// The head of a mail that Saal sends for somebody.
fn headed(
    headers: &Headers<'_>,
    organizer: &Person,
    recipient: &Person,
    subject: &str,
) -> Result<lettre::message::MessageBuilder, MessageError> {
    let sender = Mailbox::new(Some(shown(organizer)), address(headers.from).ok_or(MessageError::Address)?);
    let name = (!recipient.name.is_empty()).then(|| shown(recipient));
    let to = Mailbox::new(name, address(&recipient.email).ok_or(MessageError::Address)?);
    let mut message = Message::builder().from(sender).to(to).subject(one_line(subject));
    // People who answer in words answer the one who invites.
    if let Some(organizer_address) = address(&organizer.email) {
        message = message.reply_to(Mailbox::new(Some(shown(organizer)), organizer_address));
    }
    let message = message
        .message_id(Some(headers.message_id.to_owned()))
        .in_reply_to(headers.thread_id.to_owned())
        .references(headers.thread_id.to_owned())
        .date(SystemTime::from(headers.date))
        .header(AutoSubmitted)
        .header(SuppressAutoReplies);
    Ok(message)
}

/// A name in one line, without what header fields give a meaning to.
fn shown(person: &Person) -> String {
    one_line(person.shown()).replace(['<', '>'], "")
}

fn content_type(text: &str) -> Result<ContentType, MessageError> {
    ContentType::parse(text).map_err(|_| MessageError::Type)
}

/// Nobody wrote it by hand (RFC 3834 §5).
#[derive(Clone)]
struct AutoSubmitted;

/// What Exchange reads instead: no notes about absence, please.
#[derive(Clone)]
struct SuppressAutoReplies;

macro_rules! fixed_header {
    ($type:ident, $name:literal, $value:literal) => {
        impl Header for $type {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }

            fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok(Self)
            }

            fn display(&self) -> HeaderValue {
                HeaderValue::new(Self::name(), $value.to_owned())
            }
        }
    };
}

fixed_header!(AutoSubmitted, "Auto-Submitted", "auto-generated");
fixed_header!(SuppressAutoReplies, "X-Auto-ResponseStatus-Suppress", "OOF, AutoReply");
