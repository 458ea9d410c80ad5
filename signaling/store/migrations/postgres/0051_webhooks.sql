-- SPDX-License-Identifier: EUPL-1.2
-- Addresses that are told what happens, and what they were told.

CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    -- JSON: a list of the events that it is told.
    events TEXT NOT NULL,
    is_active BOOLEAN NOT NULL,
    -- What messages are signed with is derived from the installation's secret; grows when another is wanted.
    secret_generation BIGINT NOT NULL,
    -- Since when nothing arrives, and how often that was tried. When it is time for another try.
    failing_since BIGINT,
    failures BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    -- One process delivers at a time.
    claimed_until BIGINT NOT NULL,
    -- When Saal gave up on it.
    disabled_at BIGINT,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX webhooks_page ON webhooks (tenant_id, created_at, id);

-- Messages: those that wait, in the order of their ids, and what became of the others.
CREATE TABLE webhook_deliveries (
    id TEXT PRIMARY KEY,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    tenant_id TEXT NOT NULL,
    -- Such as meeting.created.
    event_type TEXT NOT NULL,
    -- JSON: what is sent.
    payload TEXT NOT NULL,
    -- pending, delivered or failed.
    status TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    -- The last answer's status, or what went wrong before there was one.
    last_status BIGINT,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);

CREATE INDEX webhook_deliveries_page ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook_id, id) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (tenant_id, created_at);
