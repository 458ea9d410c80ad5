-- SPDX-License-Identifier: EUPL-1.2
-- A client that was made with a token ends with it.

-- Null: it has no end.
ALTER TABLE oauth_clients ADD COLUMN expires_at BIGINT;
