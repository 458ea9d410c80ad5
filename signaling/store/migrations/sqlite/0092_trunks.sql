-- SPDX-License-Identifier: EUPL-1.2
-- Whose calls come to meetings, and which numbers can be called. Both belong to the installation.

CREATE TABLE phone_trunks (
    -- Chosen by an administrator, and never changed.
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    is_enabled BOOLEAN NOT NULL,
    -- JSON: a list of networks.
    networks TEXT NOT NULL,
    -- What its calls must prove to know. Passwords are sealed with AES-256-GCM under the installation's secret.
    caller_username TEXT,
    caller_password BLOB,
    trusts_caller_ids BOOLEAN NOT NULL,
    -- JSON: how it writes numbers.
    dial_plan TEXT NOT NULL,
    -- JSON: a list of hosts with ports and transports.
    destinations TEXT NOT NULL,
    -- What we prove to know.
    username TEXT,
    password BLOB,
    -- JSON: domain, user and time.
    registration TEXT,
    keep_alive_seconds BIGINT,
    max_calls BIGINT,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE phone_numbers (
    id TEXT PRIMARY KEY,
    -- As in E.164, or as a trunk says it.
    number TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    -- The only trunk by which it can be called, if it is not any.
    trunk_id TEXT REFERENCES phone_trunks (id),
    -- Whether all tenants' meetings are reached by it. Else those of phone_number_tenants are.
    is_for_all BOOLEAN NOT NULL,
    -- JSON: a list of languages.
    languages TEXT NOT NULL,
    -- The conference number of the only meeting or room that it leads to.
    direct TEXT,
    -- Whether invitations show it.
    is_shown BOOLEAN NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX phone_numbers_number ON phone_numbers (number, COALESCE(trunk_id, ''));
CREATE INDEX phone_numbers_trunk ON phone_numbers (trunk_id);

CREATE TABLE phone_number_tenants (
    number_id TEXT NOT NULL REFERENCES phone_numbers (id) ON DELETE CASCADE,
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    PRIMARY KEY (number_id, tenant_id)
);

CREATE INDEX phone_number_tenants_tenant ON phone_number_tenants (tenant_id);
