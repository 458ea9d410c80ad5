// SPDX-License-Identifier: EUPL-1.2
//! iCalendar: what we write into people's calendars (RFC 5545, 5546, 7986), and what their calendars answer.

pub(super) mod calendar;
mod line;
pub(super) mod read;
mod time_zone;
