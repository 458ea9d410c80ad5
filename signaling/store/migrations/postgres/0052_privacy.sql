-- SPDX-License-Identifier: EUPL-1.2
-- What is kept of a person, put together for them. Erasures leave nothing but their audit event.

CREATE TABLE exports (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    -- Who it is about: an account, or somebody who has none by their address, in lower case.
    user_id TEXT,
    email TEXT,
    -- pending, ready or failed.
    status TEXT NOT NULL,
    -- One process puts it together.
    claimed_until BIGINT NOT NULL,
    -- JSON, when it is ready.
    content TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);

CREATE INDEX exports_page ON exports (tenant_id, created_at, id);
CREATE INDEX exports_pending ON exports (created_at) WHERE status = 'pending';
