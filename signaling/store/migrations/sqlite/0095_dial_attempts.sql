-- SPDX-License-Identifier: EUPL-1.2
-- How often telephones are called, so that none rings all night.

CREATE TABLE dial_attempts (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    -- The number as an HMAC, as in phone_callers.
    caller TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX dial_attempts_caller ON dial_attempts (tenant_id, caller, created_at);
CREATE INDEX dial_attempts_tenant ON dial_attempts (tenant_id, created_at);
CREATE INDEX dial_attempts_created_at ON dial_attempts (created_at);
