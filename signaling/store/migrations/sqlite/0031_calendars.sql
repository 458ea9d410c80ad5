-- SPDX-License-Identifier: EUPL-1.2
-- What calendars are told.

-- The times that they must know of. Most are as the rule says.
CREATE INDEX occurrences_differing ON occurrences (meeting_id, recurrence_id)
    WHERE is_exception = TRUE OR status = 'cancelled';
