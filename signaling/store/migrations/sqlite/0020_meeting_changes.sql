-- SPDX-License-Identifier: EUPL-1.2
-- What became of meetings, written in the transaction that did it. Mails and webhooks are made of it later.

CREATE TABLE meeting_changes (
    -- Sorts by the time.
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    -- No reference: a change outlives its meeting.
    meeting_id TEXT NOT NULL,
    -- created, updated, cancelled, occurrence_changed, invitee_added, invitee_changed or invitee_removed.
    kind TEXT NOT NULL,
    -- JSON: ids and names of fields, never what people wrote.
    details TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- When the mails were made of it, and when the webhooks.
    mailed_at BIGINT,
    published_at BIGINT
);

CREATE INDEX meeting_changes_unmailed ON meeting_changes (id) WHERE mailed_at IS NULL;
CREATE INDEX meeting_changes_unpublished ON meeting_changes (id) WHERE published_at IS NULL;
CREATE INDEX meeting_changes_age ON meeting_changes (created_at);
