-- SPDX-License-Identifier: EUPL-1.2
-- Callers are known in meetings by their number: an HMAC of it, or of the call where nobody vouches for a number.

ALTER TABLE session_people ADD COLUMN caller TEXT;
ALTER TABLE meeting_bans ADD COLUMN caller TEXT;
ALTER TABLE lobby_entries ADD COLUMN caller TEXT;
