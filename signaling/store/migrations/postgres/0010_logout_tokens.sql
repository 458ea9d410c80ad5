-- SPDX-License-Identifier: EUPL-1.2

-- Logout tokens of the identity provider that were used, until they expire: none is taken twice.
CREATE TABLE oidc_logout_tokens (
    -- SHA-256 of the token's id (jti).
    jti_hash TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

CREATE INDEX oidc_logout_tokens_expiry ON oidc_logout_tokens (expires_at);
