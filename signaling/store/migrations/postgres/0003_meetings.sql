-- SPDX-License-Identifier: EUPL-1.2
-- What is scheduled: policies, permanent rooms, meetings, when they happen, and who is invited.

CREATE TABLE policies (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- JSON: what the meetings under it allow.
    rules TEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name)
);

CREATE TABLE rooms (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    owner_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    policy_id TEXT REFERENCES policies (id) ON DELETE SET NULL,
    -- In the link /m/{code}; and for the keypad.
    code TEXT NOT NULL UNIQUE,
    conference_id TEXT NOT NULL UNIQUE,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (tenant_id, slug)
);

CREATE INDEX rooms_owner ON rooms (owner_id, slug);
CREATE INDEX rooms_policy ON rooms (policy_id);

CREATE TABLE meetings (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    -- Takes place in this permanent room, or in one of its own.
    room_id TEXT REFERENCES rooms (id) ON DELETE SET NULL,
    -- In the link /m/{code}; and for the keypad.
    code TEXT NOT NULL UNIQUE,
    conference_id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    agenda TEXT NOT NULL,
    -- scheduled, recurring, ad_hoc or permanent.
    type TEXT NOT NULL,
    -- draft, scheduled or cancelled. Whether one is in progress or has ended follows from its times and sessions.
    status TEXT NOT NULL,
    -- Of the first occurrence. What is not at a time (ad_hoc, permanent) starts when it was made and never ends.
    starts_at BIGINT NOT NULL,
    ends_at BIGINT,
    time_zone TEXT NOT NULL,
    -- RRULE's value (RFC 5545 §3.3.10), and JSON: a list of starts that do not happen.
    recurrence_rule TEXT,
    excluded_dates TEXT NOT NULL,
    -- Up to when the occurrences of a rule are written down; NULL when all of them are.
    expanded_until BIGINT,
    -- When it is over: the end of the last occurrence. The end of the year 9999 while there is no last one.
    over_at BIGINT NOT NULL DEFAULT 253402300799000,
    organizer_id TEXT REFERENCES users (id) ON DELETE SET NULL,
    organizer_email TEXT NOT NULL,
    organizer_name TEXT NOT NULL,
    policy_id TEXT REFERENCES policies (id) ON DELETE SET NULL,
    -- JSON: rules that differ from the policy's.
    policy_overrides TEXT NOT NULL,
    -- JSON: how many are expected by browser, video and phone.
    expected_participants TEXT NOT NULL,
    -- iCalendar's UID and SEQUENCE.
    ical_uid TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    -- mail, ics_only or none; de or en; a personal line.
    invitation_delivery TEXT NOT NULL,
    invitation_language TEXT NOT NULL,
    invitation_message TEXT NOT NULL,
    external_id TEXT,
    -- JSON: names and values that other software keeps here.
    tags TEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (tenant_id, external_id),
    -- In this order, as answers by mail name the UID and no tenant.
    UNIQUE (ical_uid, tenant_id)
);

CREATE INDEX meetings_page ON meetings (tenant_id, starts_at, id);
CREATE INDEX meetings_updated ON meetings (tenant_id, updated_at, id);
CREATE INDEX meetings_type ON meetings (tenant_id, type, starts_at, id);
CREATE INDEX meetings_status ON meetings (tenant_id, status, over_at, id);
CREATE INDEX meetings_organizer ON meetings (organizer_id, starts_at, id);
CREATE INDEX meetings_organizer_email ON meetings (organizer_email, starts_at, id);
CREATE INDEX meetings_room ON meetings (room_id);
CREATE INDEX meetings_policy ON meetings (policy_id);
CREATE INDEX meetings_expansion ON meetings (expanded_until);

-- When meetings happen, one row each time, up to `expanded_until`.
CREATE TABLE occurrences (
    meeting_id TEXT NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
    -- The start that the rule says, also where this one was moved (RFC 5545 §3.8.4.4).
    recurrence_id BIGINT NOT NULL,
    tenant_id TEXT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    -- scheduled or cancelled.
    status TEXT NOT NULL,
    -- Whether it differs from what the rule says.
    is_exception BOOLEAN NOT NULL,
    title TEXT,
    -- JSON: rules that differ for this time.
    policy_overrides TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    -- How many are expected, and how many of them by telephone: repeated from the meeting, to be added up.
    expected_total BIGINT NOT NULL DEFAULT 0,
    expected_phone BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (meeting_id, recurrence_id)
);

CREATE INDEX occurrences_calendar ON occurrences (tenant_id, starts_at, meeting_id, recurrence_id);

CREATE TABLE invitees (
    id TEXT PRIMARY KEY,
    meeting_id TEXT NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
    tenant_id TEXT NOT NULL,
    -- At least one of the three. The address is in lower case, the number as in E.164.
    email TEXT,
    user_id TEXT REFERENCES users (id) ON DELETE SET NULL,
    phone_e164 TEXT,
    name TEXT NOT NULL,
    -- co_host, presenter, attendee, listener, interpreter or captioner.
    role TEXT NOT NULL,
    -- internal, external, phone or room_system.
    type TEXT NOT NULL,
    -- needs_action, accepted, declined or tentative; and to which SEQUENCE that was said.
    response_status TEXT NOT NULL,
    response_sequence BIGINT NOT NULL,
    lobby_bypass BOOLEAN NOT NULL,
    -- Grows when their personal link is to change.
    link_generation BIGINT NOT NULL,
    revoked_at BIGINT,
    -- The SEQUENCE of the invitation that they got last; -1 before the first.
    last_notified_sequence BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (meeting_id, email),
    UNIQUE (meeting_id, user_id)
);

CREATE INDEX invitees_user ON invitees (user_id);
CREATE INDEX invitees_email ON invitees (tenant_id, email);

-- PINs are derived from the installation's secret, so none is stored: only which one is valid, and how to recognise it.
CREATE TABLE phone_pins (
    id TEXT PRIMARY KEY,
    -- What it lets into: one of the two, and its id once more for those who look for either.
    meeting_id TEXT REFERENCES meetings (id) ON DELETE CASCADE,
    room_id TEXT REFERENCES rooms (id) ON DELETE CASCADE,
    place_id TEXT NOT NULL,
    -- room, personal or host.
    kind TEXT NOT NULL,
    invitee_id TEXT REFERENCES invitees (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL,
    -- HMAC-SHA-256 of the digits, in hexadecimal.
    lookup TEXT NOT NULL,
    expires_at BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE (place_id, lookup)
);

CREATE INDEX phone_pins_meeting ON phone_pins (meeting_id);
CREATE INDEX phone_pins_room ON phone_pins (room_id);
CREATE INDEX phone_pins_invitee ON phone_pins (invitee_id);
