-- SPDX-License-Identifier: EUPL-1.2
-- Mails that are to be sent, one row for each until it is sent or given up. The meeting's changes say which; a mail is
-- written when it is sent first, so that changes within a short time become one.

CREATE TABLE mails (
    -- Sorts by the time; the Message-ID is made of it.
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    -- No references: a mail that says that something is gone outlives it.
    meeting_id TEXT NOT NULL,
    invitee_id TEXT NOT NULL,
    -- invited, changed, cancelled or removed.
    news TEXT NOT NULL,
    -- JSON: what has changed, as kinds and times.
    changes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- When it is tried next.
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    -- Some process is sending it until then.
    leased_until BIGINT,
    -- The mail as it was sent first, with its address: the next try sends the same.
    recipient TEXT,
    message BYTEA,
    -- iCalendar's SEQUENCE in it.
    sequence BIGINT,
    -- Why the last try failed: unreachable, refused, rejected or impossible.
    problem TEXT,
    given_up_at BIGINT
);

CREATE INDEX mails_due ON mails (due_at) WHERE given_up_at IS NULL;
CREATE INDEX mails_meeting ON mails (meeting_id, invitee_id, id);
CREATE INDEX mails_given_up ON mails (given_up_at) WHERE given_up_at IS NOT NULL;
