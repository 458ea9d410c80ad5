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
    -- invited, changed, cancelled, removed, or counter: to the organizer, what somebody's calendar proposes.
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
    -- The time in it, which becomes one of told_times when it is sent. None when it names none.
    told_starts_at BIGINT,
    told_ends_at BIGINT,
    told_time_zone TEXT,
    -- Why the last try failed: unreachable, interrupted, not_allowed, refused, rejected or impossible.
    problem TEXT,
    given_up_at BIGINT
);

-- The tenants take turns, so that what one has to tell thousands makes no other wait.
CREATE INDEX mails_due ON mails (tenant_id, due_at, id) WHERE given_up_at IS NULL;
CREATE INDEX mails_meeting ON mails (meeting_id, invitee_id, id);
CREATE INDEX mails_given_up ON mails (given_up_at) WHERE given_up_at IS NOT NULL;

-- When a meeting takes place as far as an invited person knows: what the last mail to them said. A mail about another time
-- names it, so that they see what no longer holds.
CREATE TABLE told_times (
    invitee_id TEXT PRIMARY KEY REFERENCES invitees (id) ON DELETE CASCADE,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    -- The zone by whose clock it was said.
    time_zone TEXT NOT NULL
);
