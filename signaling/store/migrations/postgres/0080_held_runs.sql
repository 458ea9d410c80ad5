-- SPDX-License-Identifier: EUPL-1.2
-- Which process keeps the live room of a run, and from which run somebody was sent.

-- The process, by an id of its own, and until when it holds the run without saying so again. When it dies, another one may
-- open the room anew.
ALTER TABLE meeting_sessions ADD COLUMN holder TEXT NOT NULL DEFAULT '';
ALTER TABLE meeting_sessions ADD COLUMN held_until BIGINT NOT NULL DEFAULT 0;

-- The run from which they were sent to this one: whoever is banned here is banned there as well.
ALTER TABLE session_people ADD COLUMN moved_from TEXT;
