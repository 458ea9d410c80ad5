-- SPDX-License-Identifier: EUPL-1.2
-- What is borne of wrong codes at telephones, by all servers together and over their restarts.

CREATE TABLE phone_budgets (
    name TEXT PRIMARY KEY,
    -- When all that was used up is there again.
    used_until BIGINT NOT NULL
);
