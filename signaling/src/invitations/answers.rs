// SPDX-License-Identifier: EUPL-1.2
//! What invited people answer: on a page that their mail leads to, or with their calendar.

pub(super) mod token;
