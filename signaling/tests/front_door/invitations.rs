// SPDX-License-Identifier: EUPL-1.2
//! Invitations: from what became of a meeting to the mail in somebody's mailbox, and back with their answer.

mod answering;
mod course;
mod scene;
mod sending;
