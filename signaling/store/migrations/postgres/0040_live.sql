-- SPDX-License-Identifier: EUPL-1.2
-- Meetings that are going on: their runs, who was let in, who waits, and who may not come.

-- One run of a meeting or of a permanent room, from the first who is let in to the last who leaves. The live room has the
-- name `meeting-{id}`.
CREATE TABLE meeting_sessions (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    -- One of the two.
    meeting_id TEXT REFERENCES meetings (id) ON DELETE CASCADE,
    room_id TEXT REFERENCES rooms (id) ON DELETE CASCADE,
    -- That one, while it runs: nothing runs twice at a time. Null afterwards.
    running_id TEXT,
    -- The occurrence whose time it was.
    recurrence_id BIGINT,
    is_locked BOOLEAN NOT NULL,
    started_at BIGINT NOT NULL,
    -- When it ends at the latest.
    ends_at BIGINT,
    ended_at BIGINT,
    -- idle, moderator, time_limit or lost (the server went away, and nobody came back).
    end_reason TEXT,
    -- How many were there at once, and how many different people were let in; of these, how many guests.
    peak_participants BIGINT NOT NULL,
    total_participants BIGINT NOT NULL,
    guest_participants BIGINT NOT NULL
);

CREATE INDEX meeting_sessions_page ON meeting_sessions (tenant_id, started_at, id);
CREATE INDEX meeting_sessions_meeting ON meeting_sessions (meeting_id, started_at);
CREATE INDEX meeting_sessions_room ON meeting_sessions (room_id, started_at);
-- Of those that run only: it stays as small as what goes on, whatever the database makes of it.
CREATE UNIQUE INDEX meeting_sessions_running_id ON meeting_sessions (running_id) WHERE running_id IS NOT NULL;
CREATE INDEX meeting_sessions_running ON meeting_sessions (started_at, id) WHERE running_id IS NOT NULL;

-- Who was let in, while the session runs. Deleted at its end, unless the tenant keeps lists of attendance.
CREATE TABLE session_people (
    session_id TEXT NOT NULL REFERENCES meeting_sessions (id) ON DELETE CASCADE,
    -- LiveKit's identity.
    identity TEXT NOT NULL,
    -- What is known of the person. A guest is known by the browser: an HMAC of its cookie's secret.
    user_id TEXT,
    invitee_id TEXT,
    browser TEXT,
    name TEXT NOT NULL,
    -- host, presenter, attendee, listener, interpreter, captioner or guest.
    role TEXT NOT NULL,
    admitted_at BIGINT NOT NULL,
    -- When they were removed. Room tokens from before are not honoured.
    removed_at BIGINT,
    PRIMARY KEY (session_id, identity)
);

-- Who may not come to a meeting any more. By person, not by name: any of the marks is enough.
CREATE TABLE meeting_bans (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    meeting_id TEXT REFERENCES meetings (id) ON DELETE CASCADE,
    room_id TEXT REFERENCES rooms (id) ON DELETE CASCADE,
    -- The meeting's or the room's id.
    venue_id TEXT NOT NULL,
    user_id TEXT,
    invitee_id TEXT,
    browser TEXT,
    -- So that moderators know whom they let in again.
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX meeting_bans_venue ON meeting_bans (venue_id, created_at);
CREATE INDEX meeting_bans_meeting ON meeting_bans (meeting_id);
CREATE INDEX meeting_bans_room ON meeting_bans (room_id);

-- The queue before the door, in the order of `created_at` and `id`.
CREATE TABLE lobby_entries (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    meeting_id TEXT REFERENCES meetings (id) ON DELETE CASCADE,
    room_id TEXT REFERENCES rooms (id) ON DELETE CASCADE,
    venue_id TEXT NOT NULL,
    identity TEXT NOT NULL,
    -- SHA-256 of the secret by which a browser asks how it stands.
    ticket_hash TEXT NOT NULL,
    user_id TEXT,
    invitee_id TEXT,
    browser TEXT,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    lobby_bypass BOOLEAN NOT NULL,
    -- How strongly they proved who they are (acr).
    acr TEXT,
    -- admission, host or start.
    waits_for TEXT NOT NULL,
    -- waiting, admitted, denied or left.
    status TEXT NOT NULL,
    -- An HMAC of the address, to bound how many come from one.
    address_mark TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    decided_at BIGINT,
    UNIQUE (venue_id, identity)
);

CREATE INDEX lobby_entries_queue ON lobby_entries (venue_id, status, created_at, id);
CREATE INDEX lobby_entries_meeting ON lobby_entries (meeting_id);
CREATE INDEX lobby_entries_room ON lobby_entries (room_id);

-- What was written to everybody, where the policy keeps it.
CREATE TABLE session_messages (
    session_id TEXT NOT NULL REFERENCES meeting_sessions (id) ON DELETE CASCADE,
    -- The sender's client chose it.
    message_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    content TEXT NOT NULL,
    sent_at BIGINT NOT NULL,
    PRIMARY KEY (session_id, message_id)
);
