-- SPDX-License-Identifier: EUPL-1.2
-- Room tokens that are not honoured any more although they have not expired: those of people who were removed. A token cannot
-- be taken back, so it is written down since when somebody's must have been issued. Bounded, and forgotten when no such token
-- lives any more.
CREATE TABLE token_revocations (
    room TEXT NOT NULL,
    identity TEXT NOT NULL,
    -- Tokens issued up to this second, since 1970, are refused.
    issued_until BIGINT NOT NULL,
    forget_at BIGINT NOT NULL,
    -- Other processes look for what has changed.
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (room, identity)
);

CREATE INDEX token_revocations_forget ON token_revocations (forget_at);
CREATE INDEX token_revocations_changed ON token_revocations (changed_at);
