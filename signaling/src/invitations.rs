// SPDX-License-Identifier: EUPL-1.2
//! Invitations: what people who are invited are told, by mail and as iCalendar, and what they answer.
//!
//! [`invitation::Invitation`] is the seam: all that a mail and an .ics say to one person. `compose` puts it together from
//! a meeting; `ical` and `mail` write it in the `words` of a language; `outbox` sends it.

mod answers;
mod compose;
mod ical;
mod invitation;
mod mail;
pub(crate) mod outbox;
#[cfg(test)]
mod samples;
mod words;
