-- SPDX-License-Identifier: EUPL-1.2
-- Who calls by telephone.

-- Numbers that got in without a wrong code: they are served as always while somebody guesses codes. Forgotten after a month.
CREATE TABLE phone_callers (
    -- HMAC-SHA-256 of the number, in hexadecimal.
    caller TEXT PRIMARY KEY,
    last_seen_at BIGINT NOT NULL
);

CREATE INDEX phone_callers_seen ON phone_callers (last_seen_at);

-- Callers are looked for by their number, whatever tenant has invited them.
CREATE INDEX invitees_caller ON invitees (phone_e164) WHERE phone_e164 IS NOT NULL;
