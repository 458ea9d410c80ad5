-- SPDX-License-Identifier: EUPL-1.2
-- Calls that moderators make: by which trunks, and for how many minutes.

-- JSON: how calls are made by it. Null: none are.
ALTER TABLE phone_trunks ADD COLUMN outgoing TEXT;

-- Whom a call was to is not kept.
CREATE TABLE dialled_calls (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    -- The day on which it began where the tenant is, such as 2026-11-23.
    day TEXT NOT NULL,
    -- Reserved while it goes on, used once it is over.
    minutes BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX dialled_calls_day ON dialled_calls (tenant_id, day);
CREATE INDEX dialled_calls_created_at ON dialled_calls (created_at);
