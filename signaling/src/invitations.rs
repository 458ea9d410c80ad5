// SPDX-License-Identifier: EUPL-1.2
//! Invitations: what people who are invited are told, by mail and as iCalendar, and what they answer.
//!
//! [`invitation::Invitation`] is the seam: all that a mail and an .ics say to one person. It is put together from a
//! meeting; `ical` and `mail` write it in the `words` of a language.

mod ical;
mod invitation;
mod mail;
#[cfg(test)]
mod samples;
mod words;
