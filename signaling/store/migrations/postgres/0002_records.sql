-- SPDX-License-Identifier: EUPL-1.2
-- What was done, by whom, and which answers were given already.

-- Append-only. Each tenant's events form a chain: every hash covers the one before it. The installation's own events
-- have the chain of the empty tenant.
CREATE TABLE audit_events (
    tenant_id TEXT NOT NULL,
    -- 1, 2, 3 … without gaps.
    number BIGINT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    occurred_at BIGINT NOT NULL,
    -- user, api_token, oauth_client, participant, guest or system.
    actor_type TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    -- Such as meeting.update.
    action TEXT NOT NULL,
    target_type TEXT NOT NULL,
    target_id TEXT NOT NULL,
    -- success or denied.
    result TEXT NOT NULL,
    request_id TEXT,
    -- JSON: which fields changed. Never contents that people wrote.
    details TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (tenant_id, number)
);

CREATE INDEX audit_events_time ON audit_events (tenant_id, occurred_at, number);
CREATE INDEX audit_events_target ON audit_events (tenant_id, target_id, number);
CREATE INDEX audit_events_actor ON audit_events (tenant_id, actor_id, number);
CREATE INDEX audit_events_action ON audit_events (tenant_id, action, number);

-- Nobody changes what was written down. (Retention deletes, and says so in the chain's head.)
CREATE FUNCTION audit_events_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are final';
END;
$$;

CREATE TRIGGER audit_events_are_final BEFORE UPDATE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_are_final();

-- The end of each chain.
CREATE TABLE audit_heads (
    tenant_id TEXT PRIMARY KEY,
    number BIGINT NOT NULL,
    hash TEXT NOT NULL,
    -- Retention removes the oldest events: the first one left has this number, and follows this hash.
    first_number BIGINT NOT NULL,
    first_previous_hash TEXT NOT NULL
);

-- Answers to requests with an Idempotency-Key, for a day.
CREATE TABLE idempotency_keys (
    -- Who asked: keys of one caller mean nothing to another.
    caller TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    -- SHA-256 of method, path and body.
    request_hash TEXT NOT NULL,
    status BIGINT NOT NULL,
    -- JSON: names and values of the head that matter, such as Location.
    headers TEXT NOT NULL,
    body TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (caller, idempotency_key)
);

CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
