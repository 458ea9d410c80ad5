// SPDX-License-Identifier: EUPL-1.2
//! Mails: what stands in them, as text and as HTML, and how they are put together (RFC 6047).

pub(super) mod address;
pub(super) mod html;
pub(super) mod letter;
pub(super) mod message;
pub(super) mod text;

#[cfg(test)]
mod tests;
