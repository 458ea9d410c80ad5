-- SPDX-License-Identifier: EUPL-1.2
-- What calendars are told.

-- The times that they must know of. Most are as the rule says.
CREATE INDEX occurrences_differing ON occurrences (meeting_id, recurrence_id)
    WHERE is_exception = TRUE OR status = 'cancelled';

-- In which language they are written to (de or en); NULL is the meeting's. An account of theirs may say another.
ALTER TABLE invitees ADD COLUMN language TEXT;

-- What SEQUENCE in their calendar is ahead of the meeting's. It grows when they are removed, and when they are invited again:
-- calendars do not take a message for a new one whose number they know.
ALTER TABLE invitees ADD COLUMN own_sequence BIGINT NOT NULL DEFAULT 0;
