-- SPDX-License-Identifier: EUPL-1.2
-- Tenants, the people and machines that belong to them, and how these prove who they are.
-- Times are milliseconds since 1970 in UTC. `revision` grows with each change and is the resource's ETag.

CREATE TABLE tenants (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- Which people the identity provider sends here.
    oidc_claim_value TEXT UNIQUE,
    -- Language of mails and pages for those who have not chosen: de or en.
    locale TEXT NOT NULL,
    default_policy_id TEXT,
    -- JSON: branding, legal, limits, retention.
    settings TEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    -- In lower case.
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    -- system_admin, tenant_admin, organizer or participant.
    role TEXT NOT NULL,
    language TEXT,
    -- Who vouches for them, and under which name: OpenID Connect's iss and sub.
    oidc_issuer TEXT,
    oidc_subject TEXT,
    -- Argon2id, in PHC's format. Only local accounts have one.
    password_hash TEXT,
    -- Grows when the address of their calendar feed is to change.
    feed_generation BIGINT NOT NULL,
    disabled_at BIGINT,
    last_sign_in_at BIGINT,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (tenant_id, email),
    UNIQUE (oidc_issuer, oidc_subject)
);

CREATE INDEX users_email ON users (email);
CREATE INDEX users_page ON users (tenant_id, created_at, id);
CREATE INDEX users_page_of_all ON users (created_at, id);
CREATE INDEX users_role ON users (role);

-- Browsers that are signed in.
CREATE TABLE user_sessions (
    -- SHA-256 of the cookie's secret.
    token_hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The identity provider's name for its session (sid), which back-channel logout names.
    oidc_session TEXT,
    -- How strongly they proved who they are, in the provider's words (acr).
    acr TEXT,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX user_sessions_user ON user_sessions (user_id);
CREATE INDEX user_sessions_oidc ON user_sessions (oidc_session);
CREATE INDEX user_sessions_expiry ON user_sessions (expires_at);

-- What machines prove who they are with. Both kinds belong to a tenant, or to the whole installation without one.
CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY,
    tenant_id TEXT REFERENCES tenants (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- The first characters, by which people recognise it.
    prefix TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    -- JSON: a list of scopes, and one of networks it may be used from.
    scopes TEXT NOT NULL,
    allowed_networks TEXT NOT NULL,
    created_by TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT
);

CREATE INDEX api_tokens_tenant ON api_tokens (tenant_id, created_at, id);

-- OAuth 2.0 clients (RFC 6749 §4.4); the id is the client_id.
CREATE TABLE oauth_clients (
    id TEXT PRIMARY KEY,
    tenant_id TEXT REFERENCES tenants (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    allowed_networks TEXT NOT NULL,
    created_by TEXT,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT
);

CREATE INDEX oauth_clients_tenant ON oauth_clients (tenant_id, created_at, id);

-- Secrets of the installation, such as the one that links and PINs are derived from.
CREATE TABLE installation_secrets (
    name TEXT PRIMARY KEY,
    secret TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
