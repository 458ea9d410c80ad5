-- SPDX-License-Identifier: EUPL-1.2
-- The words of meetings' titles, so that a search looks at those that begin alike and at no others.

CREATE TABLE meeting_words (
    meeting_id TEXT NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
    -- In small letters. Sorted by their bytes.
    word TEXT NOT NULL,
    -- The meeting's, repeated.
    tenant_id TEXT NOT NULL,
    PRIMARY KEY (meeting_id, word)
);

CREATE INDEX meeting_words_search ON meeting_words (tenant_id, word, meeting_id);
