-- SPDX-License-Identifier: EUPL-1.2
-- What is done from time to time, by one process of several.

CREATE TABLE jobs (
    name TEXT PRIMARY KEY,
    -- The process that does it, and until when the others leave it to that one.
    holder TEXT NOT NULL,
    held_until BIGINT NOT NULL,
    -- When it is to be done next.
    due_at BIGINT NOT NULL
);

-- Retention looks for those that nobody can use any more.
CREATE INDEX api_tokens_expiry ON api_tokens (expires_at);
